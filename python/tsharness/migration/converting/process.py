"""Converts a model, stage by stage: a process of its own, because it runs the model's code and its
converters.

Standard input: a message as ``conversion.py`` writes it. Standard output: lines of JSON: ``{"doing": TEXT}``
while it goes on, then ``{"conversion": ...}``, or ``{"error": {"kind", "message"}}``."""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from tsharness.cases.case_file import Case, CaseDocument
from tsharness.cases.safetensors_file import Location
from tsharness.errors import TsharnessError, UsageError
from tsharness.exporting import torch_jit
from tsharness.exporting.load import load_model
from tsharness.exporting.source import essence
from tsharness.exporting.state import Subject
from tsharness.findings import RULES, finding
from tsharness.migration.converting.baked import baked_of
from tsharness.migration.converting.before import Before
from tsharness.migration.converting.cases import Example, cases_of, example_of, has_forward, of_forward
from tsharness.migration.converting.comparing import run_stage
from tsharness.migration.converting.constructs import construct_of, unsupported_nodes
from tsharness.migration.converting.program import Exported, export_program, with_declared
from tsharness.migration.converting.taps import tapped, write_tap_cases
from tsharness.migration.converting.targets import target_for
from tsharness.migration.converting.targets.base import Made, Request, Target, program_made
from tsharness.migration.converting.written import other_methods, write_cases
from tsharness.migration.options import is_script
from tsharness.migration.stage import Baked, Construct, Conversion, Stage
from tsharness.report.model import Finding, to_dict
from tsharness.verdict import Verdict

Say = Callable[[str], None]


@dataclass
class Converter:
    """One conversion."""

    message: Mapping[str, Any]
    say: Say
    stages: list[Stage] = field(default_factory=list)
    constructs: list[Construct] = field(default_factory=list)
    notes: list[Finding] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)
    examples: list[Example] = field(default_factory=list)
    baked: tuple[Baked, ...] = ()
    state: tuple[str, ...] = ()

    def run(self) -> Conversion:
        """All stages, until one cannot be made. Raises UsageError without cases that can be carried over."""
        message = self.message
        for library in message["libraries"]:
            torch.ops.load_library(library)  # type: ignore[no-untyped-call]
        self.model = self._model()
        document = CaseDocument(Location(Path(message["cases"][0]), *message["cases"][1:]))
        self.document = document
        target = target_for(Request(message["to"], Path(message["output"]), message["bytecode"]))
        self.target = target
        self.signature = with_declared(document.signature, message["dynamic"])
        self.cases = cases_of(document, message["only"], message["contiguous"]) + self._tried()
        if target.of_script:
            self.examples = [example_of(case) for case in self.cases]
        elif has_forward(self.model):
            self.examples = self._as_loaded()
        if not self.examples:
            self.constructs.append(other_methods(document))
            return Conversion((), tuple(self.constructs))
        if not isinstance(self.model, torch.jit.ScriptModule) and not self._is_the_recorded_one():
            return Conversion(tuple(self.stages), tuple(self.constructs))
        if message.get("tap"):
            return self._tapped(target, message["tap"])
        written = self._convert(target)
        if written:
            source = Path(message["source"]).name
            write_cases(target.request.output, document, self.examples, source)
        return Conversion(
            tuple(self.stages),
            tuple(self.constructs),
            written,
            tuple(self.notes),
            self.facts,
            self.baked,
            self.state,
        )

    def _tried(self) -> list[Case]:
        """What the old file was found to take besides."""
        if self.message["tried"] is None:
            return []
        return cases_of(CaseDocument(Location(Path(self.message["tried"]))), (), self.message["contiguous"])

    def _model(self) -> torch.nn.Module:
        source = self.message["source"]
        if is_script(source):
            return torch_jit.load(Path(source)).eval()
        return load_model(source)[0].eval()

    def _note(self, code: str, seen: str) -> None:
        self.notes.append(finding(code, seen))

    def _convert(self, target: Target) -> bool:
        """Whether there is a file at the end."""
        self.informative = target.informative
        script = self.message["script"]
        exported: Exported | None = None
        self.before = Before(self.model, self.examples)
        try:
            if not target.of_script:
                exported = self._exported()
            steps = target.steps(exported, Path(script) if script else None)
        except ImportError as error:
            self.constructs.append(construct_of(error))
            return False
        except _Blocked:
            return False
        for step in steps:
            if self._stage(*step) is None and step[0] not in target.informative:
                return False
        self.notes += target.notes()
        return target.request.output.is_file()

    def _as_loaded(self) -> list[Example]:
        """Forward's cases, without those that need what they call before the first forward: the model, as it
        is loaded, gives other outputs without it."""
        examples = of_forward(self.model, self.cases)
        calls = {case.name: len(case.calls) for case in self.cases}
        shorter = [one for one in examples if len(one.calls) < calls[one.name]]
        if not shorter:
            return examples
        subject = Subject(self.model)

        def fresh() -> Callable[..., Any]:
            subject.restore()
            return subject.model

        wrong = run_stage("reference", fresh, shorter, self.message["tolerance"], time.monotonic()).failed
        return [one for one in examples if one.name not in wrong]

    def _is_the_recorded_one(self) -> bool:
        """Whether the Python model gives what it gave when its cases were recorded, in another process."""
        subject = Subject(self.model)
        first = run_stage(
            "Python", lambda: subject.model, self.examples[:1], self.message["tolerance"], time.monotonic()
        )
        subject.restore()
        if first.verdict is not Verdict.PASS:
            self.stages.append(first)
            rule = RULES["TS517"]
            what = f"TS517 {rule.title}: {first.reason}"
            self.constructs.append(Construct(what, "", "", rule.why, rule.do))
        return first.verdict is Verdict.PASS

    def _tapped(self, target: Target, name: str) -> Conversion:
        """Writes an artifact that gives what every operator gives, on that case, and what each must be."""
        request = target.request
        bounded = request.to == "executorch"
        exported = export_program(self.model, self.examples, self.signature, bounded)
        found = tapped(exported, next(one for one in self.examples if one.name == name))
        for _, make in target.steps(found.exported, None):
            make()
        write_tap_cases(found, request.output)
        operators = {str(number): "\n".join(pair) for number, pair in enumerate(found.operators)}
        return Conversion((), (), request.output.is_file(), (), operators)

    def _exported(self) -> Exported:
        made: list[Exported] = []
        bounded = self.message["to"] == "executorch"  # it plans its memory

        def export() -> Made:
            made.append(export_program(self.model, self.examples, self.signature, bounded))
            self.baked = baked_of(self.model, self.examples, made[0].sample)
            return program_made(made[0].program)

        if self._stage("exported", export) is None and not self._exported_from_script(export):
            raise _Blocked
        exported = made[0]
        self.facts["converter"] = exported.converter
        self.facts["dynamic"] = ", ".join(exported.kept) or "none: every size is fixed"
        if exported.wanted > len(exported.kept):
            self._note("TS511", f"dynamic stayed: {', '.join(exported.kept) or 'none'}, of {exported.wanted}")
        return exported

    def _exported_from_script(self, export: Callable[[], Made]) -> bool:
        """What torch.export refuses of a Python model, the converter for TorchScript may take."""
        script = self.message["script"]
        if isinstance(self.model, torch.jit.ScriptModule) or not script:
            return False
        refused = list(self.constructs)
        self.model = torch_jit.load(Path(script)).eval()
        self.examples = of_forward(self.model, self.cases)
        self.before = Before(self.model, self.examples)
        if self._stage("exported from TorchScript", export) is None:
            self.constructs[:] = refused
            return False
        self.constructs.clear()
        for one in refused:
            self._note("TS516", f"{one.what} ({one.where})" if one.where else one.what)
        return True

    def _stage(self, name: str, make: Callable[[], Made]) -> Made | None:
        """Makes it and runs the cases on it; ``None`` if it cannot be made."""
        started = time.monotonic()
        self.say(f"{name}: making it")
        try:
            made = make()
        except Exception as error:
            # Whatever a converter raises: it is what blocks the way.
            self._blocked(name, error, started)
            return None
        if made.fresh is None:
            self.stages.append(Stage(name, Verdict.PASS, seconds=time.monotonic() - started))
            return made
        self.say(f"{name}: running the cases")
        stage = run_stage(name, made.fresh, self._comparable(), self.message["tolerance"], started)
        divergence = self.before.divergence(made, stage)
        made.restore()
        if name.startswith("exported"):
            self.state = tuple(sorted(made.written))
            self.target.writes = bool(self.state)
        self.stages.append(stage if self._diverged else replace(stage, divergence=divergence))
        return made

    def _comparable(self) -> list[Example]:
        """Without those that no stage can get right: they have another value of what became constant."""
        lost = {case for one in self.baked if one.what == "constant" for case in one.cases}
        return [example for example in self.examples if example.name not in lost]

    @property
    def _diverged(self) -> bool:
        return any(stage.verdict is Verdict.FAIL for stage in self.stages)

    def _blocked(self, name: str, error: Exception, started: float) -> None:
        self.stages.append(
            Stage(name, Verdict.ERROR, None, "", essence(error)[:300], (), time.monotonic() - started)
        )
        if name.startswith("exported") and isinstance(self.model, torch.jit.ScriptModule):
            self.constructs += unsupported_nodes(self.model, self.examples[0].calls[0].args)
        if not self.constructs and name not in self.informative:
            self.constructs.append(construct_of(error))


class _Blocked(Exception):
    """There is no program to go on with."""


def main() -> None:
    """Reads the message, writes what becomes of it."""
    message = json.load(sys.stdin)
    # What user code prints must not end up in the answer.
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    if "folder" in message:  # of the user's own code; in the cage there is none
        os.chdir(message["folder"])
        sys.path.insert(0, message["folder"])
    warnings.simplefilter("ignore")

    def tell(**line: Any) -> None:
        out.write(json.dumps(line) + "\n")

    converter = Converter(message, lambda text: tell(doing=text))
    try:
        tell(conversion=to_dict(converter.run()))
    except TsharnessError as error:
        tell(error={"kind": "usage" if isinstance(error, UsageError) else "artifact", "message": str(error)})
    except Exception as error:
        # Whatever torch raises outside of a stage blocks the way, too.
        found = Conversion(tuple(converter.stages), (*converter.constructs, construct_of(error)))
        tell(conversion=to_dict(found))
    out.flush()
    # Compilers leave workers behind that nobody waits for.
    os._exit(0)


if __name__ == "__main__":
    main()
