"""Options that several commands share, and how their texts become values."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from tsharness.errors import UsageError

Artifacts = Annotated[
    list[Path],
    typer.Argument(metavar="[ARTIFACT...]", help="Saved TorchScript models (.pt); else the suite's."),
]
Suite = Annotated[
    Path | None,
    typer.Option("--suite", metavar="FILE", help="Of artifacts. [default: the nearest tsharness.toml]"),
]
ChangedSince = Annotated[
    str | None,
    typer.Option("--changed-since", metavar="REV", help="Of the suite, only what git says has changed."),
]
Jobs = Annotated[
    int, typer.Option("--jobs", "-j", metavar="N", min=1, help="Artifacts of the suite at once.")
]
Cases = Annotated[
    Path | None,
    typer.Option("--cases", metavar="FILE", help="A case file; wins over the artifact's own."),
]
Only = Annotated[list[str], typer.Option("--case", metavar="NAME", help="Only this case; repeatable.")]
Device = Annotated[str, typer.Option("--device", help="cpu, cuda, cuda:1, ...")]
Threads = Annotated[
    int | None, typer.Option("--threads", min=1, help="Intra-op threads. [default: LibTorch's]")
]
Timeout = Annotated[
    float, typer.Option("--timeout", metavar="SECONDS", min=0.0, help="For the load, and for each case.")
]
MaxTime = Annotated[
    str | None,
    typer.Option(
        "--max-time",
        metavar="TIME",
        help="For cases and checks together, such as 60s or 2m; what is left out is named.",
    ),
]
Json = Annotated[
    str | None,
    typer.Option("--json", metavar="FILE", help="Write the whole report; '-' for standard output."),
]
Junit = Annotated[
    str | None, typer.Option("--junit", metavar="FILE", help="Write JUnit XML, for CI services.")
]
Markdown = Annotated[
    str | None, typer.Option("--markdown", metavar="FILE", help="Write it for a pull request's comment.")
]
Html = Annotated[
    str | None, typer.Option("--html", metavar="FILE", help="Write a page with charts; needs matplotlib.")
]
Sarif = Annotated[
    str | None, typer.Option("--sarif", metavar="FILE", help="Findings for code-hosting sites.")
]
History = Annotated[
    Path | None,
    typer.Option("--history", metavar="DIR", help="Append the figures to a history (tsharness history)."),
]
Runners = Annotated[
    list[str],
    typer.Option(
        "--runner", metavar="NAMES", help="Of `tsharness runner list`, or all. [default: installed]"
    ),
]
HostOption = Annotated[
    str | None,
    typer.Option("--host", metavar="USER@MACHINE", help="Run it there, over ssh; nothing is needed there."),
]
KindOption = Annotated[
    str | None,
    typer.Option("--kind", help="Run it as torchscript, lite, aoti, executorch, onnx. [default: what it is]"),
]
OneRunner = Annotated[str, typer.Option("--runner", metavar="NAME", help="Of `tsharness runner list`.")]
Capability = Annotated[
    str | None,
    typer.Option("--cpu-capability", metavar="NAME", help="default, avx2, avx512. [default: the best]"),
]
Capabilities = Annotated[
    list[str],
    typer.Option("--cpu-capability", metavar="NAMES", help="default, avx2, avx512. [default: the best]"),
]
Specs = Annotated[
    list[str], typer.Option("--input", metavar="SPEC", help="x=float32[N,3,224,224], sr:int=16000, ...")
]
Sizes = Annotated[list[str], typer.Option("--dim", metavar="N=1,4", help="Sizes of a named dim of --input.")]
Rtol = Annotated[list[str], typer.Option("--rtol", metavar="[NAME=]R", help="Relative tolerance.")]
Atol = Annotated[list[str], typer.Option("--atol", metavar="[NAME=]A", help="Absolute tolerance.")]
Exact = Annotated[bool, typer.Option("--exact", help="Every bit must be equal.")]
SaveOutputs = Annotated[
    Path | None,
    typer.Option("--save-outputs", metavar="FILE", help="Keep the runner's outputs as a case file."),
]
Tolerance = Annotated[
    str, typer.Option("--tolerance", metavar="HOW", help="table, or fp64: against a float64 run.")
]
TopK = Annotated[
    int | None, typer.Option("--topk", metavar="K", min=1, help="Of classifiers: decisions must not change.")
]
Accept = Annotated[
    list[str],
    typer.Option(
        "--accept",
        metavar="[NAME:]psnr>=40",
        help="A figure that decides instead of the tolerance; repeatable.",
    ),
]
CompareWith = Annotated[
    str | None,
    typer.Option(
        "--compare-with", metavar="MODULE:NAME", help="A function (actual, expected) that decides instead."
    ),
]
Reduce = Annotated[
    Path | None,
    typer.Option("--reduce", metavar="FILE.pt", help="Save the smallest part that fails alike; localizes."),
]
Repeat = Annotated[
    int, typer.Option("--repeat", metavar="N", min=1, help="Verify N times, and say what is not steady.")
]
MemoryLimit = Annotated[
    str | None, typer.Option("--memory-limit", metavar="SIZE", help="4GB, ... [default: what there is]")
]
Libraries = Annotated[
    list[Path], typer.Option("--load-library", metavar="LIB.so", help="Of custom operators; repeatable.")
]
Method = Annotated[
    str | None, typer.Option("--method", metavar="NAME", help="Of --input. [default: forward]")
]
Reference = Annotated[
    str | None,
    typer.Option("--reference", metavar="WHAT", help="MODULE:FACTORY, other.pt, python, or none."),
]
Localize = Annotated[
    bool, typer.Option("--localize", help="Name the first operator that differs, if a case fails.")
]
Level = Annotated[
    str, typer.Option("--level", metavar="LEVEL", help="quick, standard or full (docs/checks.md).")
]
Select = Annotated[list[str], typer.Option("--select", metavar="CHECK", help="Only this check; repeatable.")]
Ignore = Annotated[list[str], typer.Option("--ignore", metavar="CHECK", help="Not this check; repeatable.")]
LeakLimit = Annotated[
    str, typer.Option("--leak-limit", metavar="SIZE", help="What a call may keep of the heap.")
]
ColdStartLimit = Annotated[
    float, typer.Option("--cold-start-limit", metavar="SECONDS", min=0.0, help="For any call.")
]
Sandboxed = Annotated[
    str, typer.Option("--sandbox", metavar="MODE", help="strict, auto or off (docs/security.md).")
]
AllowOps = Annotated[
    list[str],
    typer.Option("--allow-op", metavar="NAME", help="A dangerous operator that is meant; repeatable."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="One line for each artifact.")]
Verbose = Annotated[bool, typer.Option("--verbose", help="Everything, with reasons.")]
NoColor = Annotated[bool, typer.Option("--no-color", help="Plain text.")]

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kMGT]?)(i?)B?")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h)?")


def parse_size(text: str, option: str = "--memory-limit") -> int:
    """Bytes from "4GB", "512MiB", "1000000". Raises UsageError."""
    match = _SIZE.fullmatch(text)
    if not match:
        raise UsageError(f"{option} '{text}' is not understood; for example 4GB or 512MiB")
    base = 1024 if match[3] else 1000
    return int(float(match[1]) * base ** " kMGT".index(match[2] or " "))


def parse_seconds(text: str, option: str) -> float:
    """Seconds from "90", "60s", "2m", "1h". Raises UsageError."""
    match = _DURATION.fullmatch(text)
    if not match or float(match[1]) <= 0:
        raise UsageError(f"{option} '{text}' is not understood; for example 60s or 2m")
    return float(match[1]) * {"h": 3600, "m": 60}.get(match[2], 1)


def parse_share(option: str, text: str) -> float:
    """0.02 from "2%" or "0.02". Raises UsageError."""
    try:
        return float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        raise UsageError(f"{option} '{text}' is not understood; for example 2% or 0.02") from None


def parse_tolerances(option: str, texts: Sequence[str]) -> dict[str, float] | None:
    """``--rtol 1e-3 --rtol logits=1e-2`` by name, "" for all outputs. Raises UsageError."""
    values = {}
    for text in texts:
        name, _, number = text.rpartition("=")
        try:
            values[name] = float(number)
        except ValueError:
            raise UsageError(f"{option} needs a number, or NAME=number; got '{text}'") from None
    return values or None


def judges_by_float64(tolerance: str) -> bool:
    """Reads ``--tolerance``. Raises UsageError."""
    if tolerance not in ("table", "fp64"):
        raise UsageError(f"--tolerance '{tolerance}': expected table or fp64")
    return tolerance == "fp64"


def path_of(value: str | Path | None) -> Path | None:
    """The value of an option that names a file: until the command is called it is a text."""
    return None if value is None else Path(value)


def use_color(no_color: bool) -> bool:
    return not no_color and "NO_COLOR" not in os.environ
