"""Writes docs/inputs.md: whether ``tsharness verify`` finds inputs for what plain ``torch.jit`` made. Run by
``make networks``; benchmarks/inputs.py measures the same."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

from inputs import NETWORKS, Outcome, outcomes  # noqa: E402

from tsharness.verification.inputs import search  # noqa: E402
from tsharness.verification.inputs.probe import PROBE_SECONDS  # noqa: E402

PAGE = ROOT / "docs" / "inputs.md"

INTRODUCTION = f"""# Inputs that are found

`tsharness verify model.pt`, with no cases and no `--input`, looks for inputs in this order: PyTorch's bundled
inputs; the example shapes that a trace keeps in its archive; what the code and the parameters say. That is:

- the first operators and parameters that consume each argument (channels of a convolution, features of a
  linear layer, rows of an embedding, the state of a recurrent layer), the dims that the code takes apart, the
  keys that it takes out of a dict, the strings and numbers that it compares an argument with;
- the error of each call that failed: the text says which rank, size, dtype or range was asked for, and the
  runner says how far the call came and which operator raised. What follows from the calls that came furthest
  is tried next; nothing is tried twice.

All calls are made by the runner, in its cage. A search makes at most {search.MOST_CALLS} calls in at most
{search.MOST_ROUNDS} rounds, begins no round after {search.MOST_SECONDS:g} seconds, and gives no call more
than {PROBE_SECONDS:g}. Other sizes of the batch are added if they run. The report says that inputs were
found, from what, after how many failed calls, and names them as `--input` takes them. Where nothing works it
says what was tried, with a line to edit.

What runs need not mean anything: found inputs prove that C++ and Python compute the same of these, not that
they are such as the model was made for. State inputs, or export with cases, for more.

Here: the examples, and networks of `transformers` and `monai`, traced and scripted by plain `torch.jit`, with
what people put around them; none keeps the shapes of its example. Made by `make networks`.

"""


def _table(rows: Sequence[Outcome]) -> str:
    head = (
        "| artifact | made | arguments | found | what was proposed | verdict |\n|---|---|---|---|---|---|\n"
    )
    lines = [
        f"| {r.artifact.name} | {r.artifact.source}, {r.artifact.how} | {_cell(r.arguments)} | "
        f"{'yes' if r.found else '**no**'} | {_cell(r.said)} | {r.verdict} |\n"
        for r in rows
    ]
    return head + "".join(lines)


def _cell(text: str) -> str:
    return "`" + text.replace("|", "/").replace("`", "'") + "`" if text else ""


def render(rows: Sequence[Outcome]) -> str:
    """The whole page."""
    networks = [row for row in rows if row.artifact.source in NETWORKS]
    others = [row for row in rows if row.artifact.source not in NETWORKS]
    good = sum(row.found for row in networks)
    besides = f"Besides, services of plain torch:\n\n{_table(others)}" if others else ""
    return f"{INTRODUCTION}Inputs were found for {good} of {len(networks)}.\n\n{_table(networks)}\n{besides}"


def main() -> None:
    warnings.simplefilter("ignore")
    rows = []
    for row in outcomes():
        rows.append(row)
        print(row)
    PAGE.write_text(render(rows))


if __name__ == "__main__":
    main()
