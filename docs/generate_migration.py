"""Writes docs/migration-table.md: what becomes of the examples and of real networks elsewhere. Run by ``make
migration``, on a machine with the extras executorch and onnx, and the runner for ExecuTorch programs."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]

from tsharness.errors import TsharnessError  # noqa: E402
from tsharness.migration.api import migrate_to_many  # noqa: E402
from tsharness.migration.options import SUFFIXES, MigrateOptions  # noqa: E402
from tsharness.migration.report import MigrateReport  # noqa: E402
from tsharness.report.migrate_text import gain_lines, ratio_text, summary_line, verdict_line  # noqa: E402

PAGE = ROOT / "docs" / "migration-table.md"
EXAMPLES = ("linear", "resnet", "transformer", "conditional", "script_method", "voice_activity")
NETWORKS = ("bert", "gpt2", "vit", "whisper_encoder", "unet", "densenet")
FACTORIES = {"conditional": "on_tensor"}
SECONDS = 4.0

INTRODUCTION = """# What becomes of TorchScript models elsewhere

The examples (`voice_activity` is silero-vad as it is shipped, TorchScript with state), four networks of
`transformers` and two of `monai` (`examples/networks.py`), each by `tsharness migrate` to every target, from
the Python model where there is one. Every stage ran all cases, the new file was verified in its own runner,
and its latency compared with that of the TorchScript. Machine code of AOTInductor is right for inputs of the
sample's memory layout alone (TS515), so there contiguous inputs were promised (`--contiguous`).
This page is written by `make migration`; [how to read it](how-to/migrate.md).

"""


def sources() -> Iterator[str]:
    """As the command takes them."""
    for name in EXAMPLES:
        yield f"examples/{name}.py:{FACTORIES.get(name, 'make')}"
    for name in NETWORKS:
        yield f"examples/networks.py:{name}"


def migrated(source: str, folder: Path) -> list[MigrateReport]:
    """To every target."""
    found: list[MigrateReport] = []
    options = [
        MigrateOptions(to, compare_seconds=SECONDS, level="quick", contiguous=to == "aoti") for to in SUFFIXES
    ]
    targets = [(one, folder / f"model{SUFFIXES[one.to]}") for one in options]
    try:
        migrate_to_many(
            source, targets, found.append, lambda text: print(f"{source}: {text}", file=sys.stderr)
        )
    except TsharnessError as error:
        print(f"{source}: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    return found


def render(reports: Sequence[MigrateReport]) -> str:
    """The whole page."""
    heads = "| model | " + " | ".join(SUFFIXES) + " |\n|" + "---|" * (len(SUFFIXES) + 1)
    names = dict.fromkeys(report.source for report in reports)
    rows = []
    for name in names:
        cells = {report.to: _cell(report) for report in reports if report.source == name}
        rows.append(f"| {label(name)} | " + " | ".join(cells[to] for to in SUFFIXES) + " |")
    why = "\n".join(line for report in reports for line in _reasons(report))
    gains = "\n".join(line for report in reports for line in _gains(report))
    return (
        f"{INTRODUCTION}{heads}\n"
        + "\n".join(rows)
        + f"\n\n{summary_line(reports)}. Figures are latency, new of old, "
        "with its interval at 99%; about: of the medians, "
        f"where {SECONDS:g} s gave no interval that says anything.\n\n"
        f"## Why not\n\n{why}\n\n## What it brings\n\n"
        "| model | target | latency | first call | load | memory | size |\n|---|---|---|---|---|---|---|\n"
        f"{gains}\n"
    )


def label(source: str) -> str:
    """ "resnet", or the network's own name."""
    path, _, name = source.partition(":")
    return name if path.endswith("networks.py") else Path(path).stem


def _cell(report: MigrateReport) -> str:
    ratio = ratio_text(report)
    if not ratio and report.comparison and report.comparison.cases:
        case = report.comparison.cases[0]
        ratio = f"about {case.new_seconds / case.base_seconds:.2g}"
    return f"{report.verdict} {ratio}".strip()


def _reasons(report: MigrateReport) -> Iterator[str]:
    if report.verdict == "safe":
        return
    told = verdict_line(report).partition("  ")[2].replace("|", "\\|")
    yield f"- **{label(report.source)}, {report.to}**: {told}"
    for one in report.constructs[:3]:
        if one.where:
            yield f"    - {one.where}: `{one.text}`" if one.text else f"    - {one.where}"
    for note in report.findings:
        if note.code in ("TS511", "TS515"):
            yield f"    - {note.code}: {note.seen}; {note.do}"


def _gains(report: MigrateReport) -> Iterator[str]:
    told = dict(gain_lines(report))
    if told:
        cells = [told["latency"].rpartition(": ")[2].partition(" (")[0]]
        cells += [told[name] for name in ("first call", "load", "memory", "size")]
        yield f"| {label(report.source)} | {report.to} | {' | '.join(cells)} |"


def main() -> None:
    os.chdir(ROOT)
    wanted = sys.argv[1:]
    reports: list[MigrateReport] = []
    for source in sources():
        if wanted and label(source) not in wanted:
            continue
        with tempfile.TemporaryDirectory() as folder:
            reports += migrated(source, Path(folder))
    if not wanted:
        PAGE.write_text(render(reports))
    print(render(reports))


if __name__ == "__main__":
    main()
