"""An inspection in plain lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tsharness.inspection.report import Inspection, Module
from tsharness.report.kind_text import kind_facts
from tsharness.report.model import Finding
from tsharness.report.units import amount, many, size
from tsharness.verdict import ExitCode

_WORDS = {ExitCode.PASS: "PASS", ExitCode.REFUSED: "REFUSED"}
_MEANS = {
    ExitCode.FAILED: "do not ship this file",
    ExitCode.CANNOT_RUN: "it will not load or run on the target",
    ExitCode.REFUSED: "verify and bench will not run it",
}
_SEVERITIES = {"error": "error", "warning": "warn ", "note": "note "}
_DEPTH = 2  # levels of the tree of modules that are shown
_OPERATORS = 8  # that are shown


def header_lines(report: Inspection) -> Iterator[tuple[str, str]]:
    """Label and text of what the file is."""
    facts = [report.what, size(report.size)]
    facts += [f"sha256 {report.sha256[:12]}…"] if report.sha256 else []
    yield report.path.rpartition("/")[2], " · ".join(facts)
    if report.facts:
        yield from _other_lines(report)
    if not report.methods or report.facts:
        return
    since = f" (read by PyTorch {report.readable_since} and newer)" if report.readable_since else ""
    oldest = f", operators of LibTorch {report.lowest_libtorch} or newer" if report.lowest_libtorch else ""
    version = f"version {report.format_version}" if report.format_version else "no version"
    yield "format", f"{version}{since}{oldest}"
    for number, method in enumerate(report.methods):
        yield "methods" if number == 0 else "", method.schema
    none = "not read" if report.kind == "lite-flatbuffer" else "none"
    weights = ", ".join(f"{size(count)} {dtype}" for dtype, count in report.weights.items()) or none
    constants = f"; of these {size(report.constants)} are constants" if report.constants else ""
    yield "weights", weights + constants
    yield "operators", _operators(report)
    yield from _asked(report)
    lines = "lines of its source" if report.debug_lines else "no lines of its source"
    cases = "cases for verify" if report.cases else "no cases"
    extra = [name.removeprefix("extra/") for name in report.extra_files]
    yield "holds", f"{lines}, {cases}" + (f"; extra files: {', '.join(extra)}" if extra else "")


def _asked(report: Inspection) -> Iterator[tuple[str, str]]:
    """The LibTorches that somebody has named."""
    named = [one for one in report.asked if one.name]
    told = [f"{one.libtorch} ({one.name})" if one.name != one.libtorch else one.name for one in named]
    if told:
        yield "for", f"LibTorch {', '.join(told)}"


def _other_lines(report: Inspection) -> Iterator[tuple[str, str]]:
    """Of a file that another runtime runs."""
    facts = report.facts
    for number, method in enumerate(report.methods):
        yield "methods" if number == 0 else "", method.schema
    told = list(kind_facts(report.kind, facts)) if report.kind != "onnx" else []
    if "opsets" in facts:
        told += [f"opset {', '.join(f'{name} {version}' for name, version in facts['opsets'].items())}"]
        told += [f"by {facts['producer']}"]
    if told:
        yield "runs", " · ".join(told)
    if "delegated" in facts:
        taken = [f"{name}: {many(count, 'call')}" for name, count in facts["delegated"].items()]
        yield "backends", ", ".join(taken) or "none: ExecuTorch's own kernels do everything"
    if report.operators:
        yield "operators", _operators(report)
    yield "holds", "cases for verify beside it" if report.cases else "no cases beside it"


def _operators(report: Inspection) -> str:
    shown = [f"{one.name.removeprefix('aten::')} {one.calls}" for one in report.operators[:_OPERATORS]]
    more = len(report.operators) - _OPERATORS
    kinds = sorted({one.kind for one in report.operators} - {"pure"})
    rest = f" and {more} more" if more > 0 else ""
    return (", ".join(shown) or "none") + rest + (f"; not pure: {', '.join(kinds)}" if kinds else "")


def module_lines(report: Inspection, verbose: bool) -> Iterator[str]:
    """The tree of modules, with the parameters in and below each; ``verbose``: down to the last."""
    hidden = 0
    for module in report.modules:
        depth = module.path.count(".") + 1 if module.path else 0
        if depth > _DEPTH and not verbose:
            hidden += 1
            continue
        below = [one for one in report.modules if _is_in(one, module)]
        count = sum(one.parameters for one in below)
        weights = sum(sum(one.bytes.values()) for one in below)
        name = module.path.rpartition(".")[2] or "(saved module)"
        detail = f"  {amount(count)} parameters, {size(weights)}" if count else ""
        yield f"{'  ' * depth}{name}: {module.kind}{detail}"
    if hidden:
        yield f"  and {hidden} modules in these (--verbose)"


def _is_in(one: Module, module: Module) -> bool:
    return not module.path or one.path == module.path or one.path.startswith(f"{module.path}.")


def finding_lines(findings: Sequence[Finding], verbose: bool) -> Iterator[str]:
    """What and where; what to do and why once for each code, of notes only if ``verbose``."""
    for number, found in enumerate(findings):
        where = f" ({found.where})" if found.where else ""
        yield f"{_SEVERITIES[found.severity]} {found.code} {found.seen}{where}"
        said = (found.why, found.do)
        again = any((later.why, later.do) == said for later in findings[number + 1 : number + 2])
        if again or (found.severity == "note" and not verbose):
            continue
        yield f"      do     {found.do}"
        yield f"      why    {found.why}"


def verdict_line(report: Inspection) -> str:
    """The closing line."""
    word = _WORDS.get(report.exit_code, "FAIL")
    first = next((one for one in report.findings if one.severity == "error"), None)
    if first is not None:
        return f"{word}  {first.code} {first.seen}; {_MEANS.get(report.exit_code, '')}"
    severities = [one.severity for one in report.findings]
    told = [_count(severities.count(kind), kind) for kind in ("warning", "note") if kind in severities]
    return f"{word}  {', '.join(told) or 'nothing found'}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
