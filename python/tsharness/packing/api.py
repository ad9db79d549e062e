"""``tsharness.pack``: recorded in Python, checked in C++, then put into the artifact or beside it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tsharness.artifact.archive import append_cases, cases_beside, embedded_cases, remove_cases
from tsharness.artifact.integrity import examine
from tsharness.atomic import atomic_path, atomic_write
from tsharness.cases.case_file import CaseFile, read_case_file
from tsharness.cases.specs import InputCase
from tsharness.errors import UsageError
from tsharness.inspection.gate import refuse_dangers
from tsharness.packing.report import PackReport
from tsharness.runner.cage import Sandbox, parse_sandbox
from tsharness.scratch import ScratchFolder
from tsharness.verdict import Verdict
from tsharness.verification.api import verify_artifact
from tsharness.verification.plan import SELF_CHECK, VerifyOptions
from tsharness.verification.reference import ReferenceRequest, record_reference


@dataclass(frozen=True)
class PackOptions:
    """How to pack; see ``pack``."""

    output: Path | None = None
    beside: bool = False
    bundled_inputs: bool = False
    force: bool = False
    allow_ops: tuple[str, ...] = ()
    sandbox: Sandbox = Sandbox.AUTO
    timeout: float = 600.0


def pack(
    path: str | Path,
    *,
    inputs: tuple[InputCase, ...] = (),
    inputs_from: str | None = None,
    outputs_from: str | Path | None = None,
    reference: str | None = None,
    output: str | Path | None = None,
    beside: bool = False,
    bundled_inputs: bool = False,
    force: bool = False,
    allow_ops: Sequence[str] = (),
    sandbox: str = "auto",
    timeout: float = 600.0,
) -> PackReport:
    """Gives cases and a signature to an artifact; older ones of tsharness are replaced.

    The inputs: ``inputs`` as ``--input`` describes them, ``inputs_from`` ("file.py:NAME", or a .safetensors
    or .pt file), or those that the artifact bundles. The outputs: ``outputs_from`` (a file of tensors), the
    eager model ``reference`` ("MODULE:FACTORY"), or the artifact itself, by ``torch.jit`` in another process.
    The cases go into the artifact, or into a copy of it named ``output``, or ``beside`` it.
    ``bundled_inputs`` also bundles the inputs as PyTorch does. ``force`` packs what the C++ runner does not
    pass. ``sandbox`` ("strict", "auto", "off") is of every process that runs the artifact. ``timeout`` in
    seconds bounds each process.

    Raises UsageError, ArtifactError, InputError, RunnerCrash, EnvironmentProblem, or RefusedError for what
    can do more than compute and is not in ``allow_ops``."""
    if beside and (output is not None or bundled_inputs):
        raise UsageError(
            "beside leaves the artifact as it is: it goes with neither output nor bundled inputs"
        )
    outputs = Path(outputs_from) if outputs_from is not None else None
    if outputs is not None and reference is not None:
        raise UsageError("outputs come from a file or from a reference model, not from both")
    request = ReferenceRequest(
        Path(path), inputs, inputs_from=inputs_from, outputs_from=outputs, reference=reference
    )
    return _pack(
        request,
        PackOptions(
            Path(output) if output is not None else None,
            beside,
            bundled_inputs,
            force,
            tuple(allow_ops),
            parse_sandbox(sandbox),
            timeout,
        ),
    )


def _pack(request: ReferenceRequest, options: PackOptions) -> PackReport:
    artifact = request.artifact
    refuse_dangers(artifact, options.allow_ops)
    with ScratchFolder() as name:
        scratch = Path(name)
        source, cases = artifact, scratch / "cases.safetensors"
        if options.bundled_inputs:
            source = scratch / artifact.name
            request = replace(request, bundle_into=source)
        lacks = record_reference(request, cases, options.timeout, options.sandbox)
        bare = scratch / "bare" / artifact.name
        bare.parent.mkdir()
        if not remove_cases(source, bare):
            bare = source
        check = verify_artifact(
            bare,
            VerifyOptions(
                cases=cases,
                select=SELF_CHECK,
                allow_ops=options.allow_ops,
                sandbox=options.sandbox,
                timeout=options.timeout,
            ),
        )
        check = replace(check, cases_from=f"made now; reference: {_whose(request)}{lacks}")
        case_file = read_case_file(cases)
        written = ""
        if check.verdict is Verdict.PASS or options.force:
            written = _write(case_file, check.verdict, bare, artifact, options)
        names = tuple(case.name for case in case_file.cases)
        return PackReport(str(artifact), written, names, check.verdict, check.exit_code, check)


def _whose(request: ReferenceRequest) -> str:
    if request.outputs_from is not None:
        return f"the tensors in {request.outputs_from.name}"
    return f"the eager model {request.reference}" if request.reference else "torch.jit in Python"


def _write(case_file: CaseFile, verdict: Verdict, bare: Path, artifact: Path, options: PackOptions) -> str:
    content = examine(bare).content_sha256
    provenance = {**case_file.provenance, "content_sha256": content, "self_check": {"verdict": verdict.value}}
    data = replace(case_file, provenance=provenance).to_bytes()
    if options.beside:
        target = cases_beside(artifact)
        if embedded_cases(artifact) is not None:
            raise UsageError(f"{artifact} has cases inside, which win over those beside it: --strip it first")
        atomic_write(target, data)
        return str(target)
    target = options.output or artifact
    with atomic_path(target) as temporary:
        shutil.copyfile(bare, temporary)
        append_cases(temporary, data)
    return str(target)


def strip(path: str | Path, output: str | Path | None = None) -> bool:
    """Takes the cases out of an artifact, or writes a copy without them to ``output``; ``False``, and nothing
    is written, if it has none. Raises ArtifactError."""
    artifact = Path(path)
    target = Path(output) if output is not None else artifact
    if embedded_cases(artifact) is None:
        return False
    with atomic_path(target) as temporary:
        remove_cases(artifact, temporary)
    return True
