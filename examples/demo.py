"""Exports every example, verifies it in the C++ runner, and measures it there: ``make demo``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import conditional
import linear
import resnet
import script_method
import transformer
import voice_activity
from rich.console import Console
from rich.table import Table

import tsharness
from tsharness.report.text import verdict_lines
from tsharness.report.units import seconds
from tsharness.verdict import Verdict

FOLDER = Path("demo")
EXAMPLES = {
    "linear.pt": linear.make,
    "conditional.pt": conditional.on_tensor,
    "conditional_bool.pt": conditional.on_bool,
    "script_method.pt": script_method.make,
    "resnet.pt": resnet.make,
    "transformer.pt": transformer.make,
    "silero_vad.pt": voice_activity.make,
}
MEANT_TO_FAIL = "conditional_traced.pt"


def main() -> int:
    FOLDER.mkdir(exist_ok=True)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 110)
    for name, make in EXAMPLES.items():
        report = tsharness.export(*make(), FOLDER / name)
        console.print(f"exported {name} as {report.method}: {report.chosen_because}", style="dim")
    # What --method auto would not choose: written all the same, to show what verify makes of it.
    tsharness.export(*conditional.on_tensor(), FOLDER / MEANT_TO_FAIL, method="trace", force=True)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("artifact", "method", "cases", "calls", "verdict", "median latency in the C++ runner"):
        table.add_column(column)
    unexpected, failure = [], None
    for artifact in sorted(FOLDER.glob("*.pt")):
        console.print(f"verifying {artifact.name}", style="dim")
        report = tsharness.verify(artifact)
        first = report.cases[0].name
        bench = tsharness.benchmark(artifact, only=(first,), min_seconds=0.5, processes=1)
        artifact.with_suffix(".verify.json").write_text(json.dumps(report.to_dict(), indent=2))
        artifact.with_suffix(".bench.json").write_text(json.dumps(bench.to_dict(), indent=2))
        verdict = "[green]pass" if report.verdict is Verdict.PASS else "[red]fail"
        if artifact.name == MEANT_TO_FAIL:
            verdict, failure = f"{verdict}[/] (as it should)", report
        if (report.verdict is Verdict.PASS) == (artifact.name == MEANT_TO_FAIL):
            unexpected.append(artifact.name)
        measured = bench.latencies[0]
        what = f"{measured.calls} calls" if measured.calls > 1 else "1 call"
        latency = f"{seconds(measured.median)}  ({first}, {what})"
        method = str(report.artifact.method)
        table.add_row(artifact.name, method, str(len(report.cases)), str(report.calls), verdict, latency)
    console.print()
    console.print(table)
    if failure is not None:
        console.print(f"\n{MEANT_TO_FAIL} fails because a trace keeps one branch only:")
        console.print("\n".join(verdict_lines(failure)), markup=False)
    console.print(
        f"\nThe artifacts and their reports (*.verify.json, *.bench.json) lie in {FOLDER.absolute()}"
    )
    console.print(f"Next: .venv/bin/tsharness verify {FOLDER}/{MEANT_TO_FAIL}")
    if unexpected:
        console.print(f"[bold red]UNEXPECTED[/] verdict of: {', '.join(unexpected)}")
    return 1 if unexpected else 0


if __name__ == "__main__":
    sys.exit(main())
