"""A suite file for a folder, from what lies in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from glob import escape
from pathlib import Path

from tsharness.artifact.archive import cases_beside, embedded_cases
from tsharness.errors import UsageError
from tsharness.inspection.api import inspect
from tsharness.printable import one_line
from tsharness.report.units import size
from tsharness.suite.read import NAME
from tsharness.suite.toml import toml_text

_SKIPPED = ("node_modules", "build", "dist", "__pycache__", "site-packages")
_EARLIER = ("released", "release", "baseline", "baselines", "base", "golden", "previous", "old")
"""Names of folders that hold what is deployed now."""


@dataclass(frozen=True)
class Found:
    """A file that is a TorchScript artifact."""

    path: Path
    """Relative to the folder."""
    size: int
    cases: bool


def find_artifacts(folder: Path) -> list[Found]:
    """Below the folder, but for hidden folders and those of tools. Other files called .pt are left out."""
    found = []
    for path in sorted(folder.rglob("*.pt")):
        parts = path.relative_to(folder).parts[:-1]
        if any(part.startswith(".") or part in _SKIPPED for part in parts) or not path.is_file():
            continue
        if inspect(path).kind != "torchscript":
            continue
        beside = cases_beside(path).is_file()
        cases = beside or embedded_cases(path) is not None
        found.append(Found(path.relative_to(folder), path.stat().st_size, cases))
    return found


def suite_text(folder: Path) -> str:
    """The file, with comments on what else can be said. Raises UsageError without artifacts."""
    found = find_artifacts(folder)
    if not found:
        raise UsageError(
            f"no TorchScript artifact (.pt) in {folder} or below.\n"
            "Export one with `tsharness export MODULE:FACTORY -o model.pt`, then run init again"
        )
    return "\n".join([*_head(), *_artifacts(found), ""])


def _head() -> Iterator[str]:
    yield from (
        f"# {NAME}: what `tsharness verify`, `bench` and `compare` do without arguments.",
        "# Keys are the options of these commands; `tsharness schema suite` has them all.",
        "",
        "[verify]",
        'level = "standard"          # quick, standard, full',
        "# rtol = { logits = 1e-3 }  # a number for all outputs, or one by name",
        "",
        "[bench]",
        '# budget = { p99 = "20ms", memory = "500MB" }   # exit code 4 beyond',
        "",
        "# [targets.server]           # each artifact runs on each target",
        '# device = "cuda"',
        "# threads = 4",
        "",
    )


def _artifacts(found: Sequence[Found]) -> Iterator[str]:
    earlier = [one for one in found if _is_earlier(one.path)]
    current = [one for one in found if one not in earlier] or list(found)
    for folder in dict.fromkeys(one.path.parent for one in current):
        here = [one for one in current if one.path.parent == folder]
        yield "[[artifacts]]"
        yield f"path = {toml_text((Path(escape(folder.as_posix())) / '*.pt').as_posix())}"
        for one in here:
            note = "" if one.cases else ", no cases: inputs are found, or give it some with `tsharness pack`"
            yield f"#   {one_line(one.path.name)}  {size(one.size)}{note}"
        base = _base(here, earlier)
        if base:
            named = toml_text(base.replace("{", "{{").replace("}", "}}") + "/{name}")
            yield f'compare = {{ base = {named}, max_regression = "5%" }}'
        else:
            yield '# compare = { base = "released/{name}", max_regression = "5%" }   # a pull request\'s gate'
        yield ""


def _is_earlier(path: Path) -> bool:
    return bool(path.parts[:-1]) and path.parts[-2].lower() in _EARLIER


def _base(here: Sequence[Found], earlier: Sequence[Found]) -> str | None:
    """The folder with artifacts of the same names."""
    names = {one.path.name for one in here}
    for folder in dict.fromkeys(one.path.parent for one in earlier):
        if names <= {one.path.name for one in earlier if one.path.parent == folder}:
            return folder.as_posix()
    return None
