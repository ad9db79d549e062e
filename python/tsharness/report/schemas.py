"""The published schemas."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tsharness.report.document import Run
from tsharness.report.model import SCHEMA_VERSION
from tsharness.report.schema import schema_of
from tsharness.suite.schema_model import SuiteFile


def report_schema() -> dict[str, Any]:
    """Of what ``--json`` writes."""
    made = schema_of(Run, f"A run of tsharness, schema version {SCHEMA_VERSION}")
    made["properties"]["schema_version"] = {"const": SCHEMA_VERSION}
    return made


def suite_schema() -> dict[str, Any]:
    """Of tsharness.toml, and of tool.tsharness in pyproject.toml."""
    return schema_of(SuiteFile, "A suite of tsharness", closed=True)


SCHEMAS: Mapping[str, Callable[[], dict[str, Any]]] = {"report": report_schema, "suite": suite_schema}
