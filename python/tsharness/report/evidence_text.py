"""What is said where nothing that was compared could have failed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tsharness.report.units import error, many
from tsharness.verdict import Verdict
from tsharness.verification.report import CaseResult, OutputResult


def indecisive_lines(case: CaseResult) -> list[str]:
    """Why a case shows nothing, and what to do."""
    small = [output for output in case.outputs if output.numel]
    if not small:
        return [
            f'INCONCLUSIVE  case "{case.name}": its outputs hold no value, so nothing was compared',
            "      do     give inputs for which the model gives something (--input, --cases)",
        ]
    output = max(small, key=_largest)
    lines = [
        f'INCONCLUSIVE  case "{case.name}": zeros would have passed as well: {output.name} is at most '
        f"{error(_largest(output))}, and {error(_allowed(output))} is allowed"
    ]
    if not output.requirements:
        lines.append(
            "      do     state a tolerance of the outputs' own scale: --atol "
            f"{error(1e-5 * _largest(output))}, or --atol 0 and --rtol alone"
        )
    else:
        lines.append("      do     accept by a figure without a unit: relative_l2, psnr, cosine")
    return lines


def nothing_shown(cases: Sequence[CaseResult]) -> str:
    """In words, which part of a pass is none: cases, and outputs that show nothing in any case."""
    empty = [case.name for case in cases if case.verdict is Verdict.INCONCLUSIVE]
    told = (
        [f"nothing could have failed in {many(len(empty), 'case')}: {', '.join(empty[:3])}"] if empty else []
    )
    outputs = list(_never_decisive(cases))
    if outputs:
        told.append(f"nor by {', '.join(outputs[:3])}" if told else f"no case shows {', '.join(outputs[:3])}")
    return f" ({'; '.join(told)})" if told else ""


def _never_decisive(cases: Sequence[CaseResult]) -> Iterator[str]:
    shown: dict[str, bool] = {}
    for case in cases:
        for output in case.outputs if case.verdict is not Verdict.INCONCLUSIVE else ():
            shown[output.name] = shown.get(output.name, False) or output.decisive
    return (name for name, decisive in shown.items() if not decisive)


def _largest(output: OutputResult) -> float:
    return output.largest_expected or 0.0


def _allowed(output: OutputResult) -> float:
    bounds = [one.value for one in output.requirements]
    return min(bounds) if bounds else output.atol + output.rtol * _largest(output)
