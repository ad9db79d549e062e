"""Weights as the objects declare them, against the records that are there."""

from __future__ import annotations

import array
from collections.abc import Iterator

from tsharness.artifact.storages import tensor_of
from tsharness.findings import finding
from tsharness.inspection.subject import Subject
from tsharness.report.model import Finding
from tsharness.report.units import size

_MANY = 3  # records that are named


def weights(subject: Subject) -> Iterator[Finding]:
    """Missing, extra, cut or too long records, and tensors that leave them."""
    sizes = subject.archive.sizes
    declared = {f"{folder}/{storage.key}": storage for folder, storage in subject.storages}
    for name, storage in declared.items():
        if name not in sizes:
            yield finding("TS318", f"there is no record {name} ({size(storage.size)})")
        elif sizes[name] != storage.size:
            seen = f"{name} has {sizes[name]} bytes, the objects say {storage.size}"
            yield finding("TS319", seen)
    if subject.archive.data is not None:
        there = [name for name in sizes if name.startswith(("data/", "constants/"))]
        extra = [name for name in there if name not in declared]
        if extra:
            more = f" and {len(extra) - _MANY} more" if len(extra) > _MANY else ""
            yield finding("TS320", f"no object names {', '.join(extra[:_MANY])}{more}")
    yield from _outside(subject)


def _outside(subject: Subject) -> Iterator[Finding]:
    for tensor in filter(None, map(tensor_of, subject.objects)):
        bad = tensor.offset < 0 or any(number < 0 for number in (*tensor.dims, *tensor.strides))
        if bad or tensor.end > tensor.storage.numel:
            seen = (
                f"a tensor of {list(tensor.dims)} reads up to element {tensor.end} of storage "
                f"{tensor.storage.key}, which has {tensor.storage.numel}"
            )
            yield finding("TS325", seen)


def on_gpu(subject: Subject) -> Iterator[Finding]:
    devices = sorted(
        {storage.device for _, storage in subject.storages if storage.device not in ("cpu", "meta")}
    )
    if devices:
        count = sum(storage.device != "cpu" for _, storage in subject.storages)
        yield finding("TS353", f"{count} of {len(subject.storages)} storages were on {', '.join(devices)}")


def subnormal(subject: Subject) -> Iterator[Finding]:
    """By a sample of each float32 record: bits of exponent all 0, those of the fraction not."""
    seen = found = 0
    for folder, storage in subject.storages:
        sample = subject.weights.get(f"{folder}/{storage.key}", b"")
        if storage.dtype != "float32" or len(sample) < 4:
            continue
        words = array.array("I", sample[: len(sample) // 4 * 4])
        seen += len(words)
        found += sum(1 for word in words if not word & 0x7F800000 and word & 0x007FFFFF)
    if found:
        yield finding(
            "TS350", f"{found} of {seen} sampled float32 weights are subnormal ({found / seen:.2%})"
        )


def doubles(subject: Subject) -> Iterator[Finding]:
    """float64 where the rest is single or less; one that is double as a whole is meant so."""
    floats = {"float64": 0, "float32": 0, "float16": 0, "bfloat16": 0}
    for _, storage in subject.storages:
        if storage.dtype in floats:
            floats[storage.dtype] += storage.numel
    double, others = floats.pop("float64"), sum(floats.values())
    if 0 < double < others:
        yield finding("TS349", f"{double} weights or constants are float64, {others} are not")


def frozen(subject: Subject) -> Iterator[Finding]:
    """No parameter among the objects, and tensors of some size among the constants."""
    data = [storage for folder, storage in subject.storages if folder == "data"]
    constants = [storage for folder, storage in subject.storages if folder == "constants"]
    total = sum(storage.size for storage in constants)
    if not data and total > 1024:
        kinds = sorted({f"{storage.dtype} on {storage.device}" for storage in constants})
        yield finding("TS348", f"{size(total)} of constants ({', '.join(kinds)}), no parameters")
