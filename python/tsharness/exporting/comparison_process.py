"""Asks a function of the user's whether outputs are as they should be: a process of its own.

Standard input: ``function`` (MODULE:NAME), ``cases`` (path, offset, size), ``recorded`` (by the name of a
step, the case file with the outputs of every call), ``folder`` (the caller's). Standard output:
``{"reasons": {STEP: {CASE: [reason of each call, empty if accepted]}}}``, or ``{"error": {...}}``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tsharness.cases.case_file import Case, CaseDocument
from tsharness.cases.safetensors_file import Location
from tsharness.errors import UsageError
from tsharness.exporting.answer import answer_request
from tsharness.exporting.load import load_object, running_user_code
from tsharness.exporting.torch_values import from_value


def compare(message: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to a request. Raises UsageError if the function is none, ExportError if it raises
    anything but an AssertionError."""
    name = message["function"]
    function = load_object(name)
    if not callable(function):
        raise UsageError(f"{name} is a {type(function).__name__}: expected a function (actual, expected)")
    path, offset, size = message["cases"]
    expected = {case.name: case for case in CaseDocument(Location(Path(path), offset, size)).cases()}
    reasons = {
        step: {
            case.name: _reasons(name, function, case, expected[case.name])
            for case in CaseDocument(Location(Path(file))).cases()
        }
        for step, file in message["recorded"].items()
    }
    return {"reasons": reasons}


def _reasons(name: str, function: Callable[..., Any], recorded: Case, expected: Case) -> list[str]:
    """Recorded calls go round and round the case's."""
    references = [from_value(call.outputs) for call in expected.calls]
    return [
        _reason(name, function, from_value(call.outputs), references[number % len(references)])
        for number, call in enumerate(recorded.calls)
    ]


def _reason(name: str, function: Callable[..., Any], actual: Any, expected: Any) -> str:
    """Empty if it accepts: returns True or nothing. It refuses by False, by a text, or by raising an
    AssertionError, as torch.testing does."""

    def ask() -> Any:
        try:
            return function(actual, expected)
        except AssertionError as error:
            return " ".join(str(error).split()) or False

    said = running_user_code(name, ask)
    if said is None or said is True:
        return ""
    if said is False:
        return f"is refused by {name}"
    if not isinstance(said, str):
        raise UsageError(
            f"{name} returned a {type(said).__name__}: expected True, False, a reason as str, or None"
        )
    return f"is refused by {name}: {said}"


if __name__ == "__main__":
    answer_request(compare)
