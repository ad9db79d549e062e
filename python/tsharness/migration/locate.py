"""Which operator the finished artifact computes otherwise than the program that it was made of: the same once
more, with every operator's value as an output."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tsharness.errors import TsharnessError
from tsharness.migration.conversion import convert
from tsharness.migration.options import MigrateOptions
from tsharness.migration.stage import Divergence, Stage
from tsharness.runner.cage import parse_sandbox
from tsharness.verdict import Verdict
from tsharness.verification.api import verify_artifact
from tsharness.verification.plan import VerifyOptions
from tsharness.verification.report import VerifyReport

FUSED = "only when operators are fused: with their values kept, none differs"


def located(
    stage: Stage,
    message: Mapping[str, Any],
    folder: Path,
    options: MigrateOptions,
    say: Callable[[str], None],
) -> Stage:
    """The runner's stage with the operator, if it can be found. What keeps it from being found changes no
    verdict."""
    output = folder / "taps" / Path(message["output"]).name
    output.parent.mkdir(exist_ok=True)
    asked = {**message, "output": str(output.absolute()), "tap": stage.failed[0]}
    try:
        found = convert(asked, options.timeout, parse_sandbox(options.sandbox), say)
        if not found.written:
            return stage
        report = verify_artifact(output, _verify(options))
    except TsharnessError:
        return stage
    divergence = _first(report, found.facts)
    if divergence is None:
        return replace(stage, reason=f"{stage.reason}; {FUSED}")
    return replace(stage, divergence=divergence)


def _verify(options: MigrateOptions) -> VerifyOptions:
    return VerifyOptions(
        kind=options.to,
        calls=1,
        select=("load", "structure", "parity"),
        integrity=False,
        sandbox=parse_sandbox(options.sandbox),
        timeout=options.timeout,
    )


def _first(report: VerifyReport, operators: Mapping[str, str]) -> Divergence | None:
    for case in report.cases:
        for number, output in enumerate(case.outputs):
            if output.verdict is not Verdict.PASS:
                name, source = operators[str(number)].split("\n")
                return Divergence(name, source, "", number, len(operators), output.max_abs)
    return None
