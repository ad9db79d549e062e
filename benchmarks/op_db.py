"""PyTorch's own operator database: samples of every operator, traced, saved, and run by the C++ core.

For each sample it is known whether ``torch.jit`` in Python gets it right; the share of these that the core
gets right too is the figure. They run in processes of their own, some hundred in each: some operators crash.

Run by hand (minutes; torch's database needs ``pip install expecttest``): ``python benchmarks/op_db.py``.
With ``--worker`` it is the process that runs a part.
"""

from __future__ import annotations

import argparse
import collections
import itertools
import json
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
from common import Row, machine, print_table

import tsharness
from tsharness.exporting import torch_jit

SEED = 42  # with another one, random operators inside wrappers that are not traced differ
MOST_SAMPLES = 3
PART = 40  # operators of one process
TARGET = 0.999


class Operator(torch.nn.Module):
    """One call of an operator; tensors among its arguments are the inputs."""

    def __init__(self, op: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        super().__init__()
        self.op, self.args, self.kwargs = op, args, kwargs

    def forward(self, *tensors: torch.Tensor) -> Any:
        left = iter(tensors)

        def filled(value: Any) -> Any:
            if isinstance(value, torch.Tensor):
                return next(left)
            if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
                return type(value)(filled(item) for item in value)
            return value

        args = filled(self.args)
        return self.op(*args, **{name: filled(value) for name, value in self.kwargs.items()})


def tensors_in(value: Any) -> Iterator[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from tensors_in(item)
    elif isinstance(value, dict):
        yield from tensors_in(list(value.values()))


def samples(first: int, last: int) -> Iterator[tuple[str, Operator, list[torch.Tensor]]]:
    """Of the operators from ``first`` to ``last`` that take float32 on a CPU, up to three each."""
    from torch.testing._internal.common_methods_invocations import op_db

    for op in op_db[first:last]:
        if not op.supports_dtype(torch.float32, "cpu"):
            continue
        torch.manual_seed(SEED)
        made = op.sample_inputs("cpu", torch.float32)
        for number, sample in enumerate(itertools.islice(made, MOST_SAMPLES)):
            name = f"{op.name}.{op.variant_test_name}" if op.variant_test_name else op.name
            args = (sample.input, *sample.args)
            tensors = [tensor.detach() for tensor in tensors_in([args, sample.kwargs])]
            yield f"{name} #{number}", Operator(op.op, args, sample.kwargs), tensors


def same(left: Any, right: Any) -> bool:
    mine, other = list(tensors_in(left)), list(tensors_in(right))
    if len(mine) != len(other) or not mine:
        return False
    try:
        torch.testing.assert_close(mine, other, equal_nan=True)
    except AssertionError:
        return False
    return True


def depends_on_memory(module: Operator, tensors: list[torch.Tensor], expected: Any) -> bool:
    """Whether what the operator gives is what lay in memory before (``empty``): nothing can be right then."""
    for garbage in (1e30, -3.0):
        poison = [
            torch.full_like(tensor, garbage) for tensor in tensors_in(expected) if tensor.is_floating_point()
        ]
        del poison  # the next tensors of these sizes lie where this lay
        torch.manual_seed(SEED)
        if not same(module(*tensors), expected):
            return True
    return False


def verdict(module: Operator, tensors: list[torch.Tensor], path: Path) -> tuple[str, str]:
    """What became of one sample, and in words why."""
    try:
        torch.manual_seed(SEED)
        expected = module(*tensors)
        if not list(tensors_in(expected)):
            return "not converted", "its output is no tensor, and a trace can return no other"
        if depends_on_memory(module, tensors, expected):
            return "undefined", "its values are what lay in memory"
        with torch_jit.without_deprecation(), torch.no_grad():
            traced = torch.jit.trace(module, tuple(tensors), check_trace=False, strict=False)
            torch.jit.save(traced, str(path))
            loaded = torch.jit.load(str(path))
            torch.manual_seed(SEED)
            in_python = loaded(*[tensor.clone() for tensor in tensors])
    except Exception as error:
        return "not converted", str(error).strip().splitlines()[-1][:100] if str(error).strip() else type(
            error
        ).__name__
    if not same(in_python, expected):
        return "wrong in Python", ""
    try:
        session = tsharness.load(path)
        torch.manual_seed(SEED)
        in_cpp = session(*[tensor.clone() for tensor in tensors])
    except Exception as error:
        return "failed", str(error).strip().splitlines()[-1][:100]
    return ("right", "") if same(in_cpp, expected) else ("wrong", "")


def work(first: int, last: int) -> None:
    """Prints a line before each sample and one after it: what crashed has no second one."""
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as scratch:
        for name, module, tensors in samples(first, last):
            print(json.dumps({"begin": name}), flush=True)
            result, why = verdict(module, tensors, Path(scratch) / "op.pt")
            print(json.dumps({"end": name, "result": result, "why": why}), flush=True)


def part(first: int) -> list[dict[str, str]]:
    """Results of one process; if it dies, its last sample crashed and the operators one by one follow."""
    command = [sys.executable, __file__, "--worker", str(first), str(first + PART)]
    found, died = _run(command)
    if not died:
        return found
    alone = [
        _run([sys.executable, __file__, "--worker", str(i), str(i + 1)]) for i in range(first, first + PART)
    ]
    return [one for results, _ in alone for one in results]


def _run(command: list[str]) -> tuple[list[dict[str, str]], bool]:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"')]
    found = [line for line in lines if "end" in line]
    begun = [line["begin"] for line in lines if "begin" in line]
    if done.returncode != 0 and len(begun) > len(found):
        found.append({"end": begun[-1], "result": "crashed", "why": f"status {done.returncode}"})
    return found, done.returncode != 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--save", action="store_true")
    parser.add_argument("--limit", type=int, default=None, help="operators")
    parser.add_argument("--worker", type=int, nargs=2, default=None)
    arguments = parser.parse_args()
    if arguments.worker is not None:
        work(*arguments.worker)
        return
    from torch.testing._internal.common_methods_invocations import op_db

    count = min(len(op_db), arguments.limit or len(op_db))
    with ThreadPoolExecutor(max_workers=2) as pool:
        results = [one for found in pool.map(part, range(0, count, PART)) for one in found]
    counts = collections.Counter(one["result"] for one in results)
    known = counts["right"] + counts["wrong"] + counts["failed"]
    share = counts["right"] / known if known else 0.0
    exceptions = [one for one in results if one["result"] != "right"]
    label = f"samples that torch.jit in Python gets right, right in the C++ core ({known} of {len(results)})"
    rows = [Row(label, f"{share:.4%}", f"at least {TARGET:.1%}", share >= TARGET)]
    print_table(rows)
    print(dict(counts))
    for one in exceptions:
        print(f"{one['result']:15} {one['end']}: {one['why']}")
    if arguments.save:
        document = {
            **machine(),
            "torch": torch.__version__,
            "rows": [row.__dict__ for row in rows],
            "counts": dict(counts),
            "exceptions": exceptions,
        }
        target = Path(__file__).parent / "results" / "op_db.json"
        target.write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
