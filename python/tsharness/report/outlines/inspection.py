"""What an inspection says."""

from __future__ import annotations

from tsharness.inspection.report import Inspection
from tsharness.report.inspect_text import finding_lines, header_lines, verdict_line
from tsharness.report.model import Finding
from tsharness.report.outline import Item, Outline, Table
from tsharness.report.units import amount, size
from tsharness.verdict import Verdict

_NOTHING = Item("check", "inspect", Verdict.PASS, "nothing found")


def outline(report: Inspection) -> Outline:
    (title, what), *facts = header_lines(report)
    modules = tuple(
        (one.path or "(saved module)", one.kind, amount(one.parameters), size(sum(one.bytes.values())))
        for one in report.modules
        if one.parameters
    )
    columns = ("module", "class", "parameters", "weights")
    return Outline(
        kind="inspect",
        title=title,
        path=report.path,
        where="",
        exit_code=report.exit_code,
        lines=(verdict_line(report),),
        facts=(("file", what), *((label or "", text) for label, text in facts)),
        tables=(Table("Modules", columns, modules, ("module", "class")),) if modules else (),
        items=tuple(map(_item, report.findings))
        or (Item("check", "inspect", Verdict.PASS, "nothing found"),),
        findings=report.findings,
        warnings=(),
        seconds=report.seconds,
    )


def _item(found: Finding) -> Item:
    """A warning does not fail an inspection: only an error does."""
    verdict = Verdict.FAIL if found.severity == "error" else Verdict.PASS
    where = f" ({found.where})" if found.where else ""
    return Item("finding", found.code, verdict, f"{found.seen}{where}", tuple(finding_lines([found], True)))
