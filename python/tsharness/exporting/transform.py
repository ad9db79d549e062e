"""What is done to a chosen candidate (freeze, optimize), and the comparison after every stage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from tsharness.exporting import torch_jit
from tsharness.exporting.candidates import Candidate, check_candidate
from tsharness.exporting.options import ExportOptions
from tsharness.exporting.placement import Placement
from tsharness.exporting.record import Recorded
from tsharness.exporting.report import StageResult, refused_stage
from tsharness.exporting.saying import Say
from tsharness.exporting.source import essence
from tsharness.exporting.stages import (
    RUNNER_STAGE,
    compare_stage,
    failed_stage,
    plain_tuples,
    runner_stage,
)
from tsharness.findings import finding
from tsharness.report.model import Finding
from tsharness.verdict import ExitCode, Verdict
from tsharness.verification.report import VerifyReport

_RELOADED = "saved and reloaded"
_DONE = {"trace": "traced", "script": "scripted"}


def transformed(
    placed: torch.nn.Module,
    candidate: Candidate,
    recorded: Sequence[Recorded],
    placement: Placement,
    options: ExportOptions,
    folder: Path,
    say: Say,
) -> tuple[Candidate, tuple[StageResult, ...]]:
    """The candidate with what was asked for done to it, and the stages that were compared.

    Without a transformation the runner's check says all, unless it failed: then the stages show where."""
    check = candidate.result.check
    transforms = options.freeze or options.optimize_for_inference
    if check is None or check.exit_code is ExitCode.CRASH:
        return candidate, ()
    if not (transforms or placement.is_given or options.stages or check.verdict is not Verdict.PASS):
        return candidate, ()
    run = _Stages(candidate, recorded, placement, options, say)
    if placement.is_given:
        run.compare(_placement_name(placement), placed, _same)
    run.compare(_DONE[candidate.converted.method], run.module)
    if options.freeze:
        run.transform("frozen", torch_jit.freeze)
    if options.optimize_for_inference:
        run.transform("optimised", torch_jit.optimize_for_inference)
    if transforms and run.may_go_on:
        run.check_again(folder / "transformed")
    if run.may_go_on:
        run.reload()
        run.found.append(runner_stage(run.check))
    return run.finished(), tuple(run.found)


def _same(value: Any) -> Any:
    return value


def _placement_name(placement: Placement) -> str:
    parts = [f"cast to {str(placement.dtype).removeprefix('torch.')}"] if placement.dtype else []
    return " and ".join([*parts, *([f"moved to {placement.device}"] if placement.device else [])])


@dataclass
class _Stages:
    candidate: Candidate
    recorded: Sequence[Recorded]
    placement: Placement
    options: ExportOptions
    say: Say

    def __post_init__(self) -> None:
        self.found: list[StageResult] = []

    @property
    def module(self) -> torch.jit.ScriptModule:
        assert self.candidate.converted.module is not None
        return self.candidate.converted.module

    @property
    def check(self) -> VerifyReport:
        assert self.candidate.result.check is not None
        return self.candidate.result.check

    @property
    def first_bad(self) -> StageResult | None:
        return next((stage for stage in self.found if stage.verdict is not Verdict.PASS), None)

    @property
    def may_go_on(self) -> bool:
        """False once a stage cannot be done, or moved the outputs and nobody said that this is all right."""
        if any(stage.verdict is Verdict.ERROR for stage in self.found):
            return False
        # An artifact that failed in the runner is followed to its end: the table shows where it began.
        failed_before = self.candidate.result.check is not None and self.check.verdict is not Verdict.PASS
        return self.first_bad is None or self.options.force or failed_before

    def compare(
        self, name: str, module: torch.nn.Module, expected: Callable[[Any], Any] | None = None
    ) -> None:
        self.say(f"comparing: {name}")
        plain = plain_tuples if self.candidate.converted.method == "trace" else _same
        tolerance = self.options.tolerance
        self.found.append(
            compare_stage(name, module, self.recorded, tolerance, self.placement, expected or plain)
        )

    def transform(
        self, name: str, change: Callable[[torch.jit.ScriptModule, list[str]], torch.jit.ScriptModule]
    ) -> None:
        """Changes the module and compares."""
        if not self.may_go_on:
            return
        methods = list(dict.fromkeys(call.method for one in self.recorded for call in one.calls))
        module = self.module
        try:
            changed = change(module.eval() if module.training else module, methods)
        except Exception as error:
            # Whatever torch raises: this module cannot be treated so.
            self.found.append(failed_stage(name, f"torch cannot do it: {essence(error)}"))
            return
        self.candidate = replace(self.candidate, converted=replace(self.candidate.converted, module=changed))
        self.compare(name, changed)

    def check_again(self, folder: Path) -> None:
        """Saves the changed module, and has the runner verify it."""
        folder.mkdir()
        before = self.candidate
        assert before.path is not None
        name = before.path.name
        self.candidate = check_candidate(
            before.converted, before.result.findings, self.recorded, folder, name, self.options, self.say
        )
        result = self.candidate.result
        if result.check is None or result.check.exit_code in (ExitCode.CANNOT_RUN, ExitCode.CRASH):
            message = f"the {self.found[-1].name} module: {result.reason}"
            self.found.append(failed_stage(_RELOADED, message))

    def reload(self) -> None:
        """Loads the saved module in this process."""
        assert self.candidate.path is not None
        try:
            again = torch_jit.load(self.candidate.path, str(self.placement.device or "cpu"))
        except Exception as error:
            self.found.append(failed_stage(_RELOADED, f"torch.jit.load: {essence(error)}"))
        else:
            self.compare(_RELOADED, again)

    def finished(self) -> Candidate:
        """The candidate, with a finding for the first stage that moved the outputs or could not be done; it
        has no file if it did not get to the end."""
        bad = refused_stage(self.found)
        if bad is None:
            return self.candidate
        result = replace(self.candidate.result, findings=(*self.candidate.result.findings, _finding(bad)))
        path = self.candidate.path if self.found[-1].name == RUNNER_STAGE else None
        return replace(self.candidate, result=result, path=path)


def _finding(stage: StageResult) -> Finding:
    if stage.verdict is Verdict.ERROR or stage.max_abs is None:
        return finding("TS154", f"{stage.name}: {stage.message}")
    return finding("TS153", f"{stage.name}: {stage.worst} {stage.message}, by up to {stage.max_abs:.2g}")
