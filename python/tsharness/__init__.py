"""tsharness: proves that a TorchScript artifact computes what its Python model computed, in C++.

Importing this package imports nothing heavy; each name loads what it needs when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tsharness.bench.api import benchmark as benchmark
    from tsharness.bench.compare import compare as compare
    from tsharness.bench.compare_options import SideOptions as SideOptions
    from tsharness.bench.compare_report import CompareReport as CompareReport
    from tsharness.bench.report import BenchReport as BenchReport
    from tsharness.bundling.api import Bundle as Bundle
    from tsharness.bundling.api import bundle as bundle
    from tsharness.exporting.api import export as export
    from tsharness.exporting.inputs import Inputs as Inputs
    from tsharness.exporting.report import ExportReport as ExportReport
    from tsharness.inspection.api import inspect as inspect
    from tsharness.inspection.report import Inspection as Inspection
    from tsharness.migration.api import migrate as migrate
    from tsharness.migration.report import MigrateReport as MigrateReport
    from tsharness.packing.api import pack as pack
    from tsharness.packing.api import strip as strip
    from tsharness.packing.report import PackReport as PackReport
    from tsharness.session import Session as Session
    from tsharness.session import load as load
    from tsharness.verification.api import verify as verify
    from tsharness.verification.report import VerifyReport as VerifyReport

__version__ = "0.1.0"

_HOMES = {
    "benchmark": "tsharness.bench.api",
    "BenchReport": "tsharness.bench.report",
    "bundle": "tsharness.bundling.api",
    "Bundle": "tsharness.bundling.api",
    "compare": "tsharness.bench.compare",
    "CompareReport": "tsharness.bench.compare_report",
    "export": "tsharness.exporting.api",
    "Inputs": "tsharness.exporting.inputs",
    "ExportReport": "tsharness.exporting.report",
    "inspect": "tsharness.inspection.api",
    "Inspection": "tsharness.inspection.report",
    "migrate": "tsharness.migration.api",
    "MigrateReport": "tsharness.migration.report",
    "pack": "tsharness.packing.api",
    "PackReport": "tsharness.packing.report",
    "SideOptions": "tsharness.bench.compare_options",
    "Session": "tsharness.session",
    "load": "tsharness.session",
    "strip": "tsharness.packing.api",
    "verify": "tsharness.verification.api",
    "VerifyReport": "tsharness.verification.report",
}

__all__ = ["__version__", *_HOMES]  # noqa: PLE0604


if not TYPE_CHECKING:  # a type checker would take any name for one that there is

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module 'tsharness' has no attribute '{name}'")
        import importlib

        return getattr(importlib.import_module(_HOMES[name]), name)
