"""``tsharness repro``: one case as a project that anybody can build."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from tsharness.atomic import folder_beside, put
from tsharness.cases.case_file import Call, Case, CaseDocument
from tsharness.errors import UsageError
from tsharness.printable import one_line
from tsharness.report.markdown import escaped
from tsharness.repro.cpp_values import CppWriter, literal, number, tensor_leaves
from tsharness.runner.find import installed_torch
from tsharness.verification.api import verify
from tsharness.verification.plan import find_cases, no_cases_error
from tsharness.verification.report import CaseResult, VerifyReport

_ROUNDS = 5
"""Calls of a single case: later ones run other code than the first."""


def write_repro(
    artifact: Path, folder: Path, case_name: str | None = None, cases: Path | None = None
) -> VerifyReport:
    """Writes the project, and returns what the runner says of the case. Raises UsageError for a case that
    there is not, for values that have no expression in C++, and for a folder that is there already."""
    found = find_cases(artifact, cases)
    if found is None:
        raise no_cases_error(artifact)
    if os.path.lexists(folder):
        raise UsageError(f"{folder} is there already; name a folder that is not")
    case = CaseDocument(found[0]).find(case_name)
    report = verify(artifact, cases=cases, only=(case.name,), select=("parity", "calls"))
    writer = CppWriter()
    facts = _facts(artifact, case, report)
    calls = [_call(call, report.cases[0], writer) for call in case.calls]
    with folder_beside(folder) as scratch:
        made = scratch / folder.name
        made.mkdir()
        _render(made, {**facts, "calls": calls})
        for name, data in writer.files.items():
            (made / name).write_bytes(data)
        shutil.copy(artifact, made / "model.pt")
        put(made, folder)
    return report


def _facts(artifact: Path, case: Case, report: VerifyReport) -> dict[str, Any]:
    from tsharness import __version__

    torch = (installed_torch() or "0.0").split(".")
    return {
        "artifact": artifact.name,
        "case": case.name,
        "origin": case.origin,
        "version": __version__,
        "libtorch": report.runner.libtorch if report.runner else "none",
        "verdict": report.verdict.value,
        "rounds": _ROUNDS if len(case.calls) == 1 else 1,
        "cxx_standard": 20 if (int(torch[0]), int(torch[1])) >= (2, 14) else 17,
    }


def _call(call: Call, result: CaseResult, writer: CppWriter) -> dict[str, Any]:
    tolerances = {output.name: (output.rtol, output.atol) for output in result.outputs}
    expected = []
    for leaf in tensor_leaves(call.outputs):
        rtol, atol = tolerances.get(leaf.name, (0.0, 0.0))
        expected.append({"name": leaf.name, "value": writer.tensor(leaf.tensor), "rtol": rtol, "atol": atol})
    return {
        "method": call.method,
        "args": [writer.expression(value) for value in call.args],
        "kwargs": [(name, writer.expression(value)) for name, value in call.kwargs.items()],
        "expected": expected,
    }


def _render(folder: Path, facts: dict[str, Any]) -> None:
    import jinja2

    loader = jinja2.PackageLoader("tsharness.repro")
    environment = jinja2.Environment(
        loader=loader, keep_trailing_newline=True, undefined=jinja2.StrictUndefined
    )
    environment.filters.update(literal=literal, number=number, comment=one_line, markdown=escaped)
    for name in ("main.cpp", "CMakeLists.txt", "README.md"):
        (folder / name).write_text(environment.get_template(f"{name}.j2").render(facts), encoding="utf-8")
