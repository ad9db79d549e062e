"""What a TorchScript file takes besides what its cases show: other sizes of its inputs, other values of what
is no tensor. Found by calling it: a process of its own, in the cage.

Standard input: ``{"script", "cases", "libraries", "fixed", "skip", "output"}``; ``fixed``: names of inputs,
each with its dims, or null for all; ``skip``: labels of trials that ended such a process. Standard output:
lines of JSON: ``{"doing": LABEL}`` before each trial, then ``{"domain": ...}`` (domain.py), or
``{"error": ...}``. What it took is written to ``output``, as cases with what it gave.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from tsharness.cases.case_file import Case, CaseDocument, CaseFile, write_case_file
from tsharness.cases.safetensors_file import Location
from tsharness.errors import TsharnessError, UsageError
from tsharness.exporting import torch_jit
from tsharness.exporting.inputs import Inputs, argument_names
from tsharness.exporting.record import ModelFailed, record_case
from tsharness.exporting.source import essence
from tsharness.exporting.state import Subject
from tsharness.exporting.torch_values import inputs_of_call
from tsharness.exporting.trials import Trial, sizes_known, trials_of, value_trials
from tsharness.migration.domain import FAMILY, Domain, Free
from tsharness.report.model import to_dict


class Explorer:
    """Tries a file, and keeps what it took."""

    def __init__(self, message: Mapping[str, Any], tell: Any) -> None:
        self._message, self._tell = message, tell
        for library in message["libraries"]:
            torch.ops.load_library(library)  # type: ignore[no-untyped-call]
        self._module = torch_jit.load(Path(message["script"])).eval()
        self._subject = Subject(self._module)
        self.recorded: list[Case] = []
        self._free: list[Free] = []
        self._fixed: list[str] = []
        self._died: list[str] = []

    def domain(self) -> Domain:
        """All of it."""
        location = self._message["cases"]
        document = CaseDocument(Location(Path(location[0]), *location[1:]))
        cases = list(document.cases())
        called = {call.method for case in cases for call in case.calls}
        self._check_fixed(called, cases)
        for method in sorted(called):
            self._explore(method, document, cases)
        methods = tuple(sorted(name for name in self._module._c._method_names() if _is_public(name)))
        return Domain(
            methods=methods,
            called=tuple(sorted(called)),
            free=tuple(self._free),
            fixed=tuple(dict.fromkeys(self._fixed)),
            untried=tuple(self._died),
        )

    def _check_fixed(self, called: set[str], cases: list[Case]) -> None:
        """Raises UsageError for a name that no input has."""
        known = [
            name
            for case in cases
            for call in map(inputs_of_call, case.calls)
            for name, _ in call.leaves(argument_names(self._module, call.method))
        ]
        wrong = next((name for name in self._message["fixed"] if name not in known), None)
        if called and wrong is not None:
            raise UsageError(f"no input is named '{wrong}'; there are: {', '.join(dict.fromkeys(known))}")

    def _explore(self, method: str, document: CaseDocument, cases: list[Case]) -> None:
        fitting = [case for case in cases if case.calls and case.calls[-1].method == method]
        base = next((case for case in fitting if case.family == "example"), fitting[0] if fitting else None)
        if base is None:
            return
        calls = [inputs_of_call(call) for call in base.calls]
        names = argument_names(self._module, method)
        known = sizes_known(fitting, method, names)
        signature = document.signature.get(method, {})
        found: list[Trial] = []
        for group in trials_of(calls, method, names, known, signature):
            if group[0].taken_by(found):
                continue
            if any(map(self._is_fixed, group[0].places)):
                self._fixed += [group[0].dim for trial in group[:2] if self._runs(trial, calls, names)][:1]
                continue
            found += self._taken(group, calls, names)
        for group in value_trials(calls[-1], method, names):
            if group[0].name not in self._message["fixed"]:
                self._taken(group, calls, names)
        together = Trial.together(found)
        if together is not None:
            self._taken([together], calls, names)

    def _taken(self, group: list[Trial], calls: list[Inputs], names: tuple[str, ...]) -> list[Trial]:
        """Those of a dim, or of a value, that ran; none of the rest is tried if the first ones do not."""
        taken: list[Trial] = []
        for number, trial in enumerate(group):
            if number >= 2 and not taken:
                break
            if self._runs(trial, calls, names, keep=True):
                taken.append(trial)
        if taken:
            self._free.append(Free(taken[0].dim, tuple(trial.label for trial in taken)))
        return taken

    def _runs(self, trial: Trial, calls: list[Inputs], names: tuple[str, ...], keep: bool = False) -> bool:
        if trial.label in self._message["skip"]:
            self._died.append(trial.label)
            return False
        self._tell(doing=trial.label)
        try:
            one = record_case(self._subject, trial.label, trial.of(calls, names), FAMILY)
        except (ModelFailed, TsharnessError):
            # It does not take that, or gives what no case can hold.
            self._subject.restore()
            return False
        if keep:
            self.recorded.append(one.case)
        return True

    def _is_fixed(self, place: tuple[str, int]) -> bool:
        name, dim = place
        fixed = self._message["fixed"]
        return name in fixed and (fixed[name] is None or dim in fixed[name])


def _is_public(name: str) -> bool:
    """Not one of Python's own, nor of those that ``torch.utils.bundled_inputs`` adds."""
    return not name.startswith("_") and not name.endswith("_bundled_inputs") and "bundled_input" not in name


def main() -> None:
    """Reads the message, writes what it finds."""
    message = json.load(sys.stdin)
    # What the model prints must not end up in the answer.
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    warnings.simplefilter("ignore")

    def tell(**line: Any) -> None:
        out.write(json.dumps(line) + "\n")

    try:
        explorer = Explorer(message, tell)
        domain = explorer.domain()
        write_case_file(CaseFile(tuple(explorer.recorded), {}, {}), Path(message["output"]))
        tell(domain=to_dict(domain))
    except UsageError as error:
        tell(error={"kind": "usage", "message": str(error)})
    except Exception as error:
        # What keeps the file from being tried is told: the verdict then says what was not.
        tell(error={"kind": "artifact", "message": essence(error)})


if __name__ == "__main__":
    main()
