"""One export from model to file: record, convert, check, choose, transform, write."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch.nn.parameter import is_lazy

from tsharness.atomic import folder_beside
from tsharness.cases.dims import Dynamic
from tsharness.errors import ExportError, UsageError
from tsharness.exporting.candidates import Candidate, check_candidate
from tsharness.exporting.choice import choose, without_circles
from tsharness.exporting.collect import Collected, collect, dynamic_of
from tsharness.exporting.convert import convert
from tsharness.exporting.free_dims import batches_fixed
from tsharness.exporting.guard import one_thread, undisturbed
from tsharness.exporting.inputs import Inputs, argument_names, check_arguments
from tsharness.exporting.observe import Observation, observe
from tsharness.exporting.options import ExportOptions
from tsharness.exporting.pitfalls import of_candidate, of_model, version_findings
from tsharness.exporting.placement import Placement
from tsharness.exporting.report import ExportReport, StageResult, refused_stage
from tsharness.exporting.saying import Say, silent
from tsharness.exporting.state import Snapshot, Subject
from tsharness.exporting.transform import transformed
from tsharness.exporting.write import write_artifact
from tsharness.findings import finding
from tsharness.report.model import Finding
from tsharness.runner.find import find_runner
from tsharness.runner.launch import Launcher
from tsharness.verdict import ExitCode, Verdict


def export_model(
    model: torch.nn.Module,
    examples: Mapping[str, list[Inputs]],
    target: Path,
    options: ExportOptions,
    say: Say = silent,
) -> ExportReport:
    """As ``tsharness.export``, but a report comes back whatever the verdict; ``say`` hears of progress."""
    started = time.monotonic()
    lazy = [name for name, tensor in model.named_parameters() if is_lazy(tensor)]
    if lazy:
        raise UsageError(
            f"parameter {lazy[0]} has no shape yet (a lazy module): run the model once, then export"
        )
    check_arguments(model, [call for calls in examples.values() for call in calls])
    launcher = Launcher(find_runner())
    try:
        with folder_beside(target) as folder, undisturbed(model) as before:
            return _Export(model, examples, target, options, folder, launcher, say, started, before).run()
    finally:
        launcher.close()


@dataclass
class _Export:
    model: torch.nn.Module
    examples: Mapping[str, list[Inputs]]
    target: Path
    options: ExportOptions
    folder: Path
    launcher: Launcher
    say: Say
    started: float
    before: Snapshot

    def run(self) -> ExportReport:
        options = self.options
        findings = list(version_findings(sys.version_info[:2]))
        if self.model.training and not options.train and not isinstance(self.model, torch.jit.ScriptModule):
            findings.append(finding("TS106", f"{type(self.model).__name__}.training is True"))
        if not options.train:
            self.model.eval()
        check_dynamic(
            self.model, self.examples, dynamic_of(self.model, self.examples, options), options.fixed
        )
        placement = Placement.of(options.dtype, options.device)
        subject = Subject(self.model, self.before)
        collected = collect(subject, self.examples, options, placement, self.say)
        # LibTorch loads in the runner while Python looks, converts and saves, on one thread each.
        self.launcher.start_ahead()
        placed = _placed(self.model, placement)
        seen = self._observe(placed, placement)
        findings += of_model(placed, seen, collected.recorded[0])
        candidates = self._candidates(placed, seen, collected, placement)
        results = without_circles([candidate.result for candidate in candidates])
        candidates = [replace(one, result=result) for one, result in zip(candidates, results, strict=True)]
        chosen, because = choose(results)
        candidate = next(c for c in candidates if c.result is chosen)
        if any(c.converted.deprecated for c in candidates):
            findings.append(finding("TS161", f"torch {torch.__version__} says so"))
        candidate, stages = transformed(
            placed, candidate, collected.recorded, placement, options, self.folder, self.say
        )
        findings += [*candidate.result.findings, *collected.findings]
        return self._finish(candidates, candidate, because, stages, collected, findings)

    def _observe(self, placed: torch.nn.Module, placement: Placement) -> Observation:
        self.say("looking at one run of the example")
        subject = Subject(placed, self.before if placed is self.model else None)
        calls = [
            (
                _function(subject.model, call),
                placement.moved(placement.inputs(call)),
                argument_names(placed, name),
            )
            for name, call in _first_calls(self.examples).items()
        ]
        try:
            with one_thread():
                return observe(calls)
        except Exception as error:
            raise ExportError(
                f"the model fails in {self.options.dtype or self.options.device}: {error}"
            ) from error
        finally:
            subject.restore()

    def _candidates(
        self, placed: torch.nn.Module, seen: Observation, collected: Collected, placement: Placement
    ) -> list[Candidate]:
        methods = self.options.methods
        if isinstance(placed, torch.jit.ScriptModule):
            methods = ("script",)  # it is one already, however it was made
        examples = {
            name: placement.moved(placement.inputs(call))
            for name, call in _first_calls(self.examples).items()
        }
        found = []
        for method in methods:
            self.say(f"{method}: converting")
            subject = Subject(placed, self.before if placed is self.model else None)
            with one_thread():
                converted = convert(placed, method, examples)
            subject.restore()
            found.append(
                check_candidate(
                    converted,
                    tuple(of_candidate(converted, seen)),
                    collected.recorded,
                    self.folder,
                    self.target.name,
                    self.options,
                    self.say,
                    self.launcher,
                )
            )
        return found

    def _finish(
        self,
        candidates: Sequence[Candidate],
        chosen: Candidate,
        because: str,
        stages: tuple[StageResult, ...],
        collected: Collected,
        findings: list[Finding],
    ) -> ExportReport:
        verdict, exit_code = _verdict(chosen, stages)
        check = chosen.result.check
        if check is not None and check.verdict is not Verdict.PASS and refused_stage(stages) is None:
            bad = [stage.name for stage in stages if stage.verdict is not Verdict.PASS]
            first = f"; first seen at the stage: {bad[0]}" if bad else ""
            findings.append(finding("TS155", chosen.result.reason + first))
        forced = verdict is not Verdict.PASS and self.options.force and chosen.path is not None
        size = 0
        fixed = batches_fixed(self.model, self.examples, self.options, collected.dynamic)
        if verdict is Verdict.PASS or forced:
            self.say("writing")
            size = write_artifact(chosen, self.model, collected.dynamic, fixed, self.target, self.options)
        results = tuple(
            chosen.result if c.converted.method == chosen.converted.method else c.result for c in candidates
        )
        return ExportReport(
            path=str(self.target),
            method=chosen.result.method,
            chosen_because=because,
            candidates=results,
            cases=tuple(case.name for case in chosen.cases),
            dropped=(*collected.failed, *collected.cut),
            free=tuple(one.shown() for one in collected.free),
            fixed=fixed,
            stages=stages,
            findings=tuple(findings),
            verdict=verdict,
            exit_code=exit_code,
            forced=forced,
            size=size,
            seconds=time.monotonic() - self.started,
        )


def _placed(model: torch.nn.Module, placement: Placement) -> torch.nn.Module:
    try:
        return placement.of_model(model)
    except Exception as error:
        # copy.deepcopy and Module.to raise whatever the model's own code does.
        what = placement.dtype or placement.device
        raise ExportError(f"the model cannot be copied and made {what}: {error}") from error


def _function(model: torch.nn.Module, call: Inputs) -> Callable[..., object]:
    return model if call.method == "forward" else getattr(model, call.method)


def _first_calls(examples: Mapping[str, list[Inputs]]) -> dict[str, Inputs]:
    """The first call of every method; forward's comes first, if there is one."""
    found: dict[str, Inputs] = {}
    for call in (call for calls in examples.values() for call in calls):
        found.setdefault(call.method, call)
    return {name: found[name] for name in sorted(found, key=lambda name: name != "forward")}


def _verdict(chosen: Candidate, stages: Sequence[StageResult]) -> tuple[Verdict, ExitCode]:
    check = chosen.result.check
    if check is None or refused_stage(stages) is not None:
        return Verdict.FAIL, ExitCode.FAILED
    runs = any(case.family == "example" and case.verdict is Verdict.PASS for case in check.cases)
    if check.exit_code is ExitCode.CANNOT_RUN and runs:
        # It runs, but not on all that the Python model takes.
        return Verdict.FAIL, ExitCode.FAILED
    if check.verdict is not Verdict.PASS:
        return check.verdict, check.exit_code
    return Verdict.PASS, ExitCode.PASS


def check_dynamic(
    model: torch.nn.Module,
    examples: Mapping[str, list[Inputs]],
    dynamic: Dynamic,
    fixed: Sequence[str] = (),
) -> None:
    """Raises UsageError for a declared dim, or an input declared ``fixed``, that no input has."""
    leaves = {
        name: leaf
        for call in (call for calls in examples.values() for call in calls)
        for name, leaf in call.leaves(argument_names(model, call.method))
    }
    shapes = {name: leaf.shape for name, leaf in leaves.items() if isinstance(leaf, torch.Tensor)}
    unknown = next((name for name in fixed if name not in leaves), None)
    if unknown is not None:
        raise UsageError(f"fixed: no input is named '{unknown}'; there are: {', '.join(leaves) or 'none'}")
    for name, dims in dynamic.items():
        if name not in shapes:
            known = ", ".join(shapes) or "none"
            raise UsageError(f"dynamic: no tensor among the inputs is named '{name}'; there are: {known}")
        for dim, symbol in dims.items():
            if dim >= len(shapes[name]):
                rank = len(shapes[name])
                raise UsageError(f"dynamic: {name} has {rank} dims, so none for {symbol.name} at {dim}")
