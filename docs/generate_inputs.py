"""Writes docs/inputs.md: for artifacts that plain ``torch.jit`` made, whether ``tsharness verify`` finds
inputs with which they run. Run by ``make networks``."""

from __future__ import annotations

import sys
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "examples"))

import conditional  # noqa: E402
import linear  # noqa: E402
import networks  # noqa: E402
import resnet  # noqa: E402
import script_method  # noqa: E402
import torch  # noqa: E402
import transformer  # noqa: E402

import tsharness  # noqa: E402
from tsharness.errors import TsharnessError  # noqa: E402
from tsharness.exporting import torch_jit  # noqa: E402
from tsharness.exporting.inputs import Inputs, argument_names, examples_of  # noqa: E402

PAGE = ROOT / "docs" / "inputs.md"
EXAMPLES = {
    "linear": linear.make,
    "conditional_on_tensor": conditional.on_tensor,
    "conditional_on_bool": conditional.on_bool,
    "script_method": script_method.make,
    "resnet": resnet.make,
    "transformer": transformer.make,
}

INTRODUCTION = """# Inputs that are found

`tsharness verify model.pt`, with no cases and no `--input`, looks for inputs in this order: PyTorch's bundled
inputs; the example shapes that a trace keeps in its archive; what the operators and parameters that first
consume each argument ask for (channels of a convolution, features of a linear layer, rows of an embedding,
...), tried in the runner until one works. Other sizes of the batch are added if they run. Where nothing works
it says what it tried, with a line to edit.

Here: the examples, and networks of `transformers` and `monai`, each traced and scripted by plain `torch.jit`
and saved without any cases. Once with the shapes that a trace keeps, and once from the operators alone (for
traces, after these shapes were removed). Made by `make networks`.

"""


@dataclass(frozen=True)
class Outcome:
    """What was found for one artifact."""

    name: str
    method: str
    whence: str
    shapes: str
    verdict: str


def subjects() -> Iterator[tuple[str, torch.nn.Module, Inputs]]:
    """Models with inputs to trace them with."""
    for name, make in EXAMPLES.items():
        torch.manual_seed(0)
        model, examples = make()
        yield name, model.eval(), next(iter(examples_of(examples).values()))[0]
    for name in networks.NETWORKS:
        if name != "swin_unetr_of_another_size":
            network = networks.make(name)
            yield name, network.model, next(iter(network.inputs.values()))


def converted(model: torch.nn.Module, inputs: Inputs, method: str) -> torch.jit.ScriptModule | None:
    """As plain ``torch.jit`` makes it; ``None`` if it cannot."""
    try:
        if method == "script":
            return torch_jit.script(model)
        names = argument_names(model, "forward")
        values = [*inputs.args, *(inputs.kwargs[n] for n in names[len(inputs.args) :] if n in inputs.kwargs)]
        with torch_jit.without_deprecation(), torch.no_grad():
            traced = torch.jit.trace(model, tuple(values), check_trace=False)
    except Exception:
        # torch raises anything on what it cannot convert; the page says that it could not.
        return None
    assert isinstance(traced, torch.jit.ScriptModule)
    return traced


def without_traced_shapes(path: Path, target: Path) -> None:
    """A copy of an archive without the record of the example's shapes."""
    import zipfile

    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(target, "w") as copy:
        for info in archive.infolist():
            if "traced_inputs" not in info.filename:
                copy.writestr(info.filename, archive.read(info))


def verified(name: str, method: str, path: Path) -> Outcome:
    """One row of the page."""
    try:
        report = tsharness.verify(path, level="quick")
    except TsharnessError as error:
        return Outcome(name, method, "", "", "**" + str(error).splitlines()[1] + "**")
    whence = report.cases_from.removeprefix("inputs from ").partition(", ")[0]
    names = ", ".join(case.name for case in report.cases)
    return Outcome(name, method, whence, names, report.verdict.value)


def outcomes() -> Iterator[Outcome]:
    """All rows."""
    with tempfile.TemporaryDirectory() as scratch:
        for name, model, inputs in subjects():
            for method in ("trace", "script"):
                module = converted(model, inputs, method)
                if module is None:
                    continue
                path, bare = Path(scratch) / f"{name}.{method}.pt", Path(scratch) / f"{name}.{method}.bare.pt"
                torch_jit.save(module, path)
                yield verified(name, method, path)
                if method == "trace":
                    without_traced_shapes(path, bare)
                    yield verified(name, "trace, shapes removed", bare)


def render(rows: list[Outcome]) -> str:
    """The whole page."""
    good = sum(row.whence != "" for row in rows)
    head = "| artifact | made by | inputs from | cases | verdict |\n|---|---|---|---|---|\n"
    lines = [f"| {r.name} | {r.method} | {r.whence} | {r.shapes} | {r.verdict} |\n" for r in rows]
    return f"{INTRODUCTION}Working inputs for {good} of {len(rows)} artifacts.\n\n{head}{''.join(lines)}"


def main() -> Any:
    warnings.simplefilter("ignore")
    rows = list(outcomes())
    PAGE.write_text(render(rows))
    for row in rows:
        print(row)


if __name__ == "__main__":
    main()
