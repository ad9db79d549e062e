"""What is migrated: a TorchScript file, or a model in Python with the TorchScript that is made of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tsharness.artifact.archive import embedded_cases
from tsharness.cases.safetensors_file import Location
from tsharness.errors import ExportError, UsageError
from tsharness.inspection.gate import refuse_dangers
from tsharness.migration.options import MigrateOptions, is_script
from tsharness.runner.cage import parse_sandbox
from tsharness.runner.process import NO_HOOKS
from tsharness.runtimes.registry import runtime_of
from tsharness.verification.api import launcher_of
from tsharness.verification.plan import VerifyOptions, find_cases, plan_cases
from tsharness.verification.synthesized import with_synthesized_cases

T = TypeVar("T")
Say = Callable[[str], None]


@dataclass(frozen=True)
class Source:
    """A model with its cases."""

    name: str
    """As the user has named it."""
    script: Path
    """TorchScript: what there is, or what was made of the Python model."""
    cases: Location
    cases_from: str


def with_source(name: str, options: MigrateOptions, scratch: Path, say: Say, use: Callable[[Source], T]) -> T:
    """Calls ``use`` with the source, whose cases may exist only as long as that runs. Raises ArtifactError,
    RefusedError, UsageError without cases, ExportError for a Python model that gives no TorchScript."""
    if not is_script(name):
        return use(_exported(name, options, scratch, say))
    if options.inputs_from:
        raise UsageError("--inputs is of a model in Python; a .pt has its cases")
    path = Path(name)
    refuse_dangers(path, options.allow_ops, bool(options.libraries))
    found = find_cases(path, options.cases)
    if found is not None:
        return use(Source(name, path, *found))
    say("looking for inputs")
    seeking = VerifyOptions(
        kind=runtime_of(path).name,
        device=options.device,
        libraries=options.libraries,
        sandbox=parse_sandbox(options.sandbox),
    )
    with closing(launcher_of(seeking)) as launcher:
        return with_synthesized_cases(
            path,
            seeking,
            launcher,
            NO_HOOKS,
            lambda plan: use(Source(name, path, plan.document.location, plan.cases_from)),
        )


def _exported(name: str, options: MigrateOptions, scratch: Path, say: Say) -> Source:
    """The Python model's TorchScript, with cases of several families inside."""
    say("exporting to TorchScript, for the cases and to compare with")
    target = scratch / "torchscript.pt"
    command = [sys.executable, "-m", "tsharness", "export", name, "-o", str(target), "--quiet", "--no-color"]
    command += [part for text in options.dynamic for part in ("--dynamic", text)]
    # Of other sizes that the model takes the domain tells (domain.py), whichever file it is that takes them.
    command += ["--families", "dims,flags,values,layout"]
    command += ["--inputs", options.inputs_from] if options.inputs_from else []
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not target.is_file():
        said = (done.stderr.strip() or done.stdout.strip()).splitlines() or ["no answer"]
        error = UsageError if done.returncode == 2 else ExportError
        raise error(
            f"{name}: it gives no TorchScript to compare with: {said[-1]}\ntsharness export {name} says more"
        )
    cases = embedded_cases(target)
    assert cases is not None
    # It need not be proved right: whoever migrates wants to know whether the new one is.
    plan_cases(target, cases, "", ())
    return Source(name, target, cases, f"recorded from {name}")
