"""What several runs of one verification agree on, and what not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tsharness.verdict import Verdict
from tsharness.verification.report import VerifyReport

_SHOWN = 5


def steadiness_lines(reports: Sequence[VerifyReport]) -> list[str]:
    """How often the whole, and each check and case that is not the same in all runs, came to what."""
    verdicts = [report.verdict for report in reports]
    what = f"{len(reports)} runs of {reports[0].artifact.path.rpartition('/')[2]}"
    unsteady = [f"      {name}: {_counts(found)}" for name, found in _parts(reports) if len(set(found)) > 1]
    if len(set(verdicts)) == 1 and not unsteady:
        return [f"{verdicts[0].value.upper()}  {what}, all alike"]
    worst = next(
        v for v in (Verdict.ERROR, Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS) if v in verdicts
    )
    return [f"{worst.value.upper()}  {what}, not alike: {_counts(verdicts)}", *unsteady]


def _parts(reports: Sequence[VerifyReport]) -> Iterator[tuple[str, list[Verdict]]]:
    for check in reports[0].checks:
        yield f"check {check.id}", [one.verdict for r in reports for one in r.checks if one.id == check.id]
    for case in reports[0].cases:
        yield (
            f'case "{case.name}"',
            [one.verdict for r in reports for one in r.cases if one.name == case.name],
        )


def _counts(found: Sequence[Verdict]) -> str:
    """ "pass in 18, fail in 2 (runs 7, 12)"."""
    kinds = sorted(set(found), key=found.count, reverse=True)
    rare = [str(number) for number, verdict in enumerate(found, 1) if verdict is not kinds[0]]
    more = ", …" if len(rare) > _SHOWN else ""
    runs = f" (runs {', '.join(rare[:_SHOWN])}{more})" if rare else ""
    return ", ".join(f"{kind.value} in {found.count(kind)}" for kind in kinds) + runs
