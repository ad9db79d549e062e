"""What a target is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from tsharness.exporting.state import same_bytes
from tsharness.migration.converting.program import Exported
from tsharness.report.model import Finding


@dataclass(frozen=True)
class Request:
    """What the process was asked for, as far as targets care."""

    to: str
    output: Path
    """Where the artifact goes."""
    bytecode: int | None = None


def _nothing() -> None:
    """For what keeps nothing."""


@dataclass(frozen=True)
class Made:
    """A form of the model."""

    fresh: Callable[[], Callable[..., Any]] | None
    """Gives it in the state in which it was made, to be called in Python; ``None``: only its own runtime runs
    it."""
    graph: Callable[[], torch.nn.Module] | None = None
    """Its operators, if they can be run one by one."""
    restore: Callable[[], None] = _nothing
    """Puts back what running it has changed: the next stage is made of the same program."""
    written: AbstractSet[str] = frozenset()
    """Names of the buffers that were put back."""


Step = tuple[str, Callable[[], Made]]
"""Name of a stage, and what makes it."""


class Target(ABC):
    """Makes the artifact, stage by stage."""

    writes = False
    """Whether the program was seen to write to its buffers."""

    informative: frozenset[str] = frozenset()
    """Stages that only show where a difference comes from: nothing is made of them."""
    of_script = False
    """Whether it is made of TorchScript itself, with all of its methods, and of no exported program."""

    def __init__(self, request: Request) -> None:
        self.request = request

    @abstractmethod
    def steps(self, exported: Exported | None, script: Path | None) -> Sequence[Step]:
        """Everything after the exported program, or the TorchScript file; the last one writes the file.
        Raises ImportError for what is not installed."""

    def notes(self) -> list[Finding]:
        """Of the finished artifact."""
        return []


def program_made(program: Any) -> Made:
    """Of an ExportedProgram. Its module shares buffers and constants with it: whoever runs that changes what
    is made of the program afterwards, so they are put back."""
    held = {**program.constants, **program.state_dict}
    tensors = {name: one for name, one in held.items() if isinstance(one, torch.Tensor)}
    copies = {name: tensor.detach().clone() for name, tensor in tensors.items()}
    written: set[str] = set()

    def restore() -> None:
        for name, tensor in tensors.items():
            if not same_bytes(tensor, copies[name]):
                written.add(name)
                tensor.detach().copy_(copies[name])

    def fresh() -> Any:
        restore()
        return unguarded(program)

    return Made(fresh=fresh, graph=fresh, restore=restore, written=written)


def unguarded(program: Any) -> Any:
    """Without the checks that torch.export adds, which the runtimes do not make either."""
    try:
        return program.module(check_guards=False)
    except TypeError:  # before torch 2.9
        return program.module()


def sample_args(exported: Exported) -> tuple[Any, ...]:
    """Inputs of their own, for converters that want some."""
    return exported.sample.calls[0].copy().args
