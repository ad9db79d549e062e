"""Samples as CSV, for spreadsheets and data frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tsharness.report.csv_text import csv_text

if TYPE_CHECKING:
    from tsharness.bench.scenarios import Rows


def samples_csv(named: Sequence[tuple[Mapping[str, Any], Rows]]) -> bytes:
    """A row a sample, in the order in which they were taken: case, what was varied, process, number, and the
    latency in seconds."""
    parameters = list(dict.fromkeys(name for of, _ in named for name in of["parameters"]))
    rows: list[list[object]] = [["case", *parameters, "process", "sample", "seconds"]]
    for of, seconds in named:
        varied = [of["parameters"].get(name, "") for name in parameters]
        for number, value in enumerate(seconds):
            rows.append([of["case"], *varied, of["process"], number, repr(float(value))])
    return csv_text(rows).encode()
