"""Cases for an artifact that has none: inputs from ``--input``, outputs from the artifact in Python."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from tsharness.cases.safetensors_file import Location
from tsharness.errors import ArtifactError, InputError, RunnerCrash
from tsharness.verification.plan import Plan, VerifyOptions, plan_cases

T = TypeVar("T")


def with_synthesized_cases(artifact: Path, options: VerifyOptions, run: Callable[[Plan], T]) -> T:
    """Calls ``run`` with a plan whose cases exist as long as it runs.

    Raises ArtifactError or InputError with torch's reason, RunnerCrash if the Python process died."""
    with tempfile.TemporaryDirectory(prefix="tsharness-") as scratch:
        output = Path(scratch) / "reference.cases.safetensors"
        _reference(artifact, options, output, scratch)
        whence = "inputs from --input, reference outputs from torch.jit in Python"
        return run(plan_cases(artifact, Location(output), whence, options.only))


def _reference(artifact: Path, options: VerifyOptions, output: Path, scratch: str) -> None:
    if not artifact.is_file():
        raise ArtifactError(f"{artifact} does not exist; give the path of a saved model")
    request = {
        "artifact": str(artifact.absolute()),
        "output": str(output),
        "cases": [case.to_dict() for case in options.inputs],
    }
    command = [sys.executable, "-m", "tsharness.exporting.reference_process"]
    try:
        done = subprocess.run(
            command,
            input=json.dumps(request),
            capture_output=True,
            text=True,
            timeout=options.timeout,
            cwd=scratch,
            start_new_session=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise RunnerCrash(
            f"{artifact}: the Python reference took longer than {options.timeout:g} s"
        ) from None
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()[-1:] or [f"status {done.returncode}"]
        raise RunnerCrash(f"{artifact}: the Python reference process died: {said[0]}")
    error = json.loads(done.stdout).get("error")
    if error is not None:
        kind = ArtifactError if error["kind"] == "artifact" else InputError
        raise kind(f"{artifact}: torch.jit in Python: {error['message']}")
