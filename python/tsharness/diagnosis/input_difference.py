"""How a user's own input differs from a case's: what a wrong preprocessing does, found by undoing it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from tsharness.cases.case_file import Case, CaseDocument
from tsharness.cases.values import Tensor
from tsharness.diagnosis.arrangements import Arrangement, arrangements
from tsharness.diagnosis.dumps import NPY_MAGIC, read_dump
from tsharness.errors import UsageError
from tsharness.exporting.torch_values import from_value
from tsharness.report.model import to_dict
from tsharness.verification.plan import find_cases, no_cases_error

_CLOSE = 1e-4  # of the case's range: what float32 arithmetic in another order leaves
_QUANTISED = 0.51  # of a step: what rounding to integers leaves
_MOST_ARRANGEMENTS = 400


@dataclass(frozen=True)
class Difference:
    """One thing that is not as in the case."""

    kind: str
    """"dtype", "layout", "channel order", "flip", "batch", "padding", "scale", "offset", "normalisation",
    "npy header", "values"."""
    seen: str
    do: str


@dataclass(frozen=True)
class InputComparison:
    """A dumped tensor against the input of a case."""

    file: str
    case: str
    input: str
    differences: tuple[Difference, ...]
    facts: Mapping[str, str]
    """What both are, in words: "mine", "case"."""

    @property
    def exit_code(self) -> int:
        return 1 if self.differences else 0

    def to_dict(self) -> dict[str, Any]:
        return dict(to_dict(self))


def diff_input(
    artifact: Path,
    file: Path,
    case: str | None = None,
    input_name: str | None = None,
    cases: Path | None = None,
) -> InputComparison:
    """Compares a dumped tensor with an input of a case. Raises UsageError for what there is not."""
    found = find_cases(artifact, cases)
    if found is None:
        raise no_cases_error(artifact)
    document = CaseDocument(found[0])
    chosen = document.find(case)
    names = [
        argument["name"]
        for argument in document.signature.get(chosen.calls[0].method, {}).get("arguments", ())
    ]
    name, golden = _input(chosen, names, input_name)
    dump = read_dump(file, golden)
    differences = (
        *(
            Difference("npy header", note, "read it with a .npy reader, or skip the header")
            for note in dump.notes
        ),
        *_differences(dump.tensor, golden),
    )
    facts = {"mine": _facts(dump.tensor), "case": _facts(golden)}
    return InputComparison(str(file), chosen.name, name, differences, facts)


def _input(case: Case, names: list[str], wanted: str | None) -> tuple[str, torch.Tensor]:
    call = case.calls[0]
    named = {names[i] if i < len(names) else f"args[{i}]": value for i, value in enumerate(call.args)}
    tensors = {name: v for name, v in {**named, **call.kwargs}.items() if isinstance(v, Tensor)}
    if not tensors or (wanted is not None and wanted not in tensors):
        there = ", ".join(tensors) or "none"
        raise UsageError(
            f"case '{case.name}' has no tensor '{wanted or ''}'; tensors among its inputs: {there}"
        )
    name = wanted if wanted is not None else next(iter(tensors))
    return name, from_value(tensors[name])


def _facts(tensor: torch.Tensor) -> str:
    dtype = str(tensor.dtype).removeprefix("torch.")
    shape = f"{dtype}[{', '.join(map(str, tensor.shape))}]"
    if tensor.numel() == 0:
        return shape
    values = tensor.double()
    spread = values.std(correction=0).item()
    return f"{shape}, {values.min():.4g} to {values.max():.4g}, mean {values.mean():.4g}, std {spread:.4g}"


def _differences(mine: torch.Tensor, golden: torch.Tensor) -> list[Difference]:
    found = []
    if mine.dtype != golden.dtype:
        have, want = (str(t.dtype).removeprefix("torch.") for t in (mine, golden))
        found.append(
            Difference("dtype", f"{have}, the case is {want}", f"convert it: .to(torch::k{_camel(want)})")
        )
    if _starts_with_npy_header(mine):
        seen = "its first bytes are the header of a .npy file, read as numbers"
        return [*found, Difference("npy header", seen, "skip the header, or read it with a .npy reader")]
    if mine.shape == golden.shape and torch.equal(mine.to(golden.dtype), golden):
        return found
    undone = _undone(mine, golden.double())
    if undone is None:
        return [*found, _other_values(mine, golden)]
    return [*found, *undone]


def _camel(dtype: str) -> str:
    known = {"float32": "Float", "float64": "Double", "float16": "Half", "int64": "Long", "int32": "Int"}
    return known.get(dtype, dtype.capitalize())


def _starts_with_npy_header(mine: torch.Tensor) -> bool:
    flat = mine.contiguous().flatten()[:8]
    return bool(flat.numel()) and bytes(flat.view(torch.uint8).tolist()[:6]) == NPY_MAGIC


def _undone(mine: torch.Tensor, golden: torch.Tensor) -> list[Difference] | None:
    """The differences whose undoing gives the case's values; ``None`` if nothing that is known does."""
    integers = not mine.dtype.is_floating_point
    values = mine.double()
    for number, one in enumerate(arrangements(values, golden.shape)):
        if number > _MOST_ARRANGEMENTS:
            break
        moved = [_told(kind, words) for kind, words in one.steps]
        for numbers in (_same, _scaled, _normalised):
            changed = numbers(one, golden, integers)
            if changed is not None:
                return [*moved, *changed]
    return None


def _told(kind: str, words: str) -> Difference:
    advice = {
        "layout": "permute it: .permute({0, 3, 1, 2}).contiguous() for NHWC pictures",
        "channel order": "swap the channels: cv::COLOR_BGR2RGB, or .flip(1)",
        "flip": "read it top down and left to right, or .flip() that dim",
        "batch": "shape it as the case is",
        "padding": "crop it, or resize as the model's preprocessing does",
    }
    return Difference(kind, words, advice[kind])


def _close(values: torch.Tensor, golden: torch.Tensor, step: float) -> bool:
    """Within a little of the case's range; ``step`` is that of rounded values."""
    if golden.numel() == 0:
        return True
    spread = (golden.max() - golden.min()).item() or 1.0
    allowed = max(_CLOSE * spread, step)
    return bool(((values - golden).abs() <= allowed).all())


def _same(one: Arrangement, golden: torch.Tensor, _: bool) -> list[Difference] | None:
    return [] if _close(one.tensor, golden, 0.0) else None


def _fit(values: torch.Tensor, golden: torch.Tensor) -> tuple[float, float]:
    """Least squares: golden = a * values + b."""
    x, y = values.flatten(), golden.flatten()
    centred = x - x.mean()
    variance = (centred**2).sum()
    a = ((centred * (y - y.mean())).sum() / variance).item() if variance > 0 else 0.0
    return a, (y.mean() - a * x.mean()).item()


def _scaled(one: Arrangement, golden: torch.Tensor, integers: bool) -> list[Difference] | None:
    a, b = _fit(one.tensor, golden)
    if a <= 0 or not _close(a * one.tensor + b, golden, _QUANTISED * a if integers else 0.0):
        return None
    spread = (golden.max() - golden.min()).item() or 1.0
    found = []
    if abs(a - 1) > 1e-3:
        factor = f"divide by {1 / a:.6g}" if a < 1 else f"multiply by {a:.6g}"
        found.append(Difference("scale", f"values are {1 / a:.4g} times the case's", f"{factor}"))
    if abs(b) > 10 * _CLOSE * spread:
        found.append(Difference("offset", f"then {b:+.4g} is missing", f"add {b:.6g} after scaling"))
    return found


def _normalised(one: Arrangement, golden: torch.Tensor, integers: bool) -> list[Difference] | None:
    """Each channel has a scale and an offset of its own: case = (mine / scale - mean) / std."""
    rank = golden.dim()
    channel = max(0, rank - 3)
    if rank < 3 or golden.size(channel) > 4 or golden.size(channel) < 2:
        return None
    parts = zip(one.tensor.unbind(channel), golden.unbind(channel), strict=True)
    fits = []
    for mine, case in parts:
        a, b = _fit(mine, case)
        if a <= 0 or not _close(a * mine + b, case, _QUANTISED * a if integers else 0.0):
            return None
        fits.append((a, b))
    unit = 255.0 if one.tensor.max() > 2 else 1.0
    std = [1 / (a * unit) for a, _ in fits]
    mean = [-b * s for (_, b), s in zip(fits, std, strict=True)]
    shown = f"mean ({', '.join(f'{m:.4g}' for m in mean)}), std ({', '.join(f'{s:.4g}' for s in std)})"
    found = [Difference("normalisation", f"it lacks a normalisation by channel: {shown}", "(x - mean) / std")]
    scale = Difference("scale", "values are 0 to 255, the case's were 0 to 1", "divide by 255 first")
    return [scale, *found] if unit != 1.0 else found


def _other_values(mine: torch.Tensor, golden: torch.Tensor) -> Difference:
    if mine.shape != golden.shape:
        seen = f"shape {list(mine.shape)}, the case has {list(golden.shape)}"
        return Difference("values", seen, "crop, resize or pad as the model's own preprocessing does")
    x, y = mine.double().flatten(), golden.double().flatten()
    both = torch.stack([x, y])
    alike = torch.corrcoef(both)[0, 1].item() if x.numel() > 1 else 0.0
    differing = int((x != y).sum())
    seen = f"other values in {differing} of {x.numel()} elements (correlation {alike:.3f})"
    advice = (
        "of one picture: another resize or decoder; else it is another input"
        if alike > 0.9
        else "it is another input"
    )
    return Difference("values", seen, advice)
