"""Cases for an artifact that has none: inputs from ``--input``, outputs from the artifact in Python."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from tsharness.cases.safetensors_file import Location
from tsharness.verification.plan import Plan, VerifyOptions, plan_cases
from tsharness.verification.reference import ReferenceRequest, record_reference

T = TypeVar("T")


def with_synthesized_cases(artifact: Path, options: VerifyOptions, run: Callable[[Plan], T]) -> T:
    """Calls ``run`` with a plan whose cases exist as long as it runs. Raises as ``record_reference``."""
    with tempfile.TemporaryDirectory(prefix="tsharness-") as scratch:
        output = Path(scratch) / "reference.cases.safetensors"
        record_reference(ReferenceRequest(artifact, options.inputs), output, options.timeout)
        whence = "inputs from --input, reference outputs from torch.jit in Python"
        return run(plan_cases(artifact, Location(output), whence, options.only))
