"""Raw samples: as runners write them, and as users keep them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tsharness.bench.scenarios import Rows

KEY = "tsharness-samples"
"""Of the metadata that says whose samples an entry has."""


def read_rows(path: Path, place: Mapping[str, Any]) -> Rows:
    """What an event says of a runner's file: float64 values, ``rows`` by ``columns`` from ``offset`` on."""
    import numpy as np

    count = place["rows"] * place["columns"]
    values = np.fromfile(path, dtype=np.float64, count=count, offset=8 * place["offset"])
    return values.reshape(place["rows"], place["columns"])


def keep_samples(path: Path, named: Sequence[tuple[Mapping[str, Any], Rows]]) -> None:
    """Writes them as a safetensors file: float64 entries, each with what it is of (docs/latency.md).
    Raises UsageError if it cannot be written."""
    from tsharness.atomic import atomic_write
    from tsharness.cases.safetensors_file import SafetensorsWriter

    writer = SafetensorsWriter()
    names = {
        writer.add("F64", (rows.shape[0], rows.shape[1]), rows.astype("<f8").tobytes()): dict(of)
        for of, rows in named
    }
    atomic_write(path, writer.to_bytes({KEY: json.dumps(names)}))
