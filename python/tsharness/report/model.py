"""Frozen dataclasses to JSON and back: what every report is made of."""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Mapping
from enum import Enum
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from tsharness.verdict import ExitCode, Verdict

T = TypeVar("T")

SCHEMA_VERSION = 1
"""Of every report; it changes when a field is removed or changes its meaning. A field that is added has a
default, so that documents without it are still read."""


@dataclasses.dataclass(frozen=True)
class Curve:
    """Numbers that are better drawn than told."""

    name: str
    x_name: str
    """With its unit, as the next."""
    y_name: str
    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class Check:
    """One named verification."""

    id: str
    """As in docs/checks.md."""
    verdict: Verdict
    message: str
    """What was seen, in one line."""
    seconds: float | None = None
    """What it cost besides the calls of the cases; ``None`` if nothing."""
    curves: tuple[Curve, ...] = ()
    """What the message was made of, if it is a course."""


@dataclasses.dataclass(frozen=True)
class Finding:
    """A fact worth a person's time."""

    code: str
    severity: str
    """"error", "warning" or "note"."""
    seen: str
    why: str
    do: str
    where: str | None = None
    """File and line of the model's source, if known."""
    case: str | None = None


@dataclasses.dataclass(frozen=True)
class Cage:
    """What kept the process from everything but its work."""

    landlock: int
    """Version of the kernel's interface; 0: files were not kept from it."""
    seccomp: bool
    """Whether sockets, other programs and processes were."""
    missing: tuple[str, ...]
    """In words, what this kernel could not do."""


@dataclasses.dataclass(frozen=True)
class Host:
    """The machine that it ran on, by the runner's word; empty or 0 where the system does not say."""

    name: str
    system: str
    """Kernel and architecture."""
    cpu: str
    cores: int
    """That are online."""
    memory_bytes: int
    c_library: str


@dataclasses.dataclass(frozen=True)
class RunnerInfo:
    """The process that ran the artifact, by its own evidence."""

    libtorch: str
    runner_version: str
    device: str
    devices: tuple[str, ...]
    threads: int
    cpu_capability: str
    compiler: str
    mapped_libraries: tuple[str, ...]
    cage: Cage | None = None
    """``None`` from a runner that has none."""
    name: str = "installed"
    """As the user has named it."""
    host: Host | None = None
    """``None`` from a runner that does not say."""
    place: str = ""
    """Where that host is: "user@machine", or its name if a bundle was run there; empty: here."""

    @classmethod
    def from_hello(
        cls, hello: Mapping[str, Any], device: str, name: str = "installed", place: str = ""
    ) -> RunnerInfo:
        return cls(
            name=name,
            place=place,
            host=from_dict(Host, hello["host"]) if hello.get("host") is not None else None,
            libtorch=hello["libtorch"],
            runner_version=hello["runner_version"],
            device=device,
            devices=tuple(hello["devices"]),
            threads=hello["threads"]["intra_op"],
            cpu_capability=hello["cpu_capability"],
            compiler=hello["build"]["compiler"],
            mapped_libraries=tuple(hello["mapped_libraries"]),
            cage=from_dict(Cage, hello["cage"]) if hello.get("cage") is not None else None,
        )

    def where(self, *, threads: bool = True) -> str:
        """ "cpu, 2 threads, AVX512", and the host if it is another one."""
        pool = f", {self.threads} thread{'s' if self.threads > 1 else ''}" if threads else ""
        host = ""
        if self.place:
            cpu = f" ({self.host.cpu}, {self.host.system})" if self.host else ""
            host = f" · on {self.place}{cpu}"
        return f"{self.device}{pool}, {self.cpu_capability}{host}"

    @property
    def python_libraries(self) -> tuple[str, ...]:
        """Libraries of a Python interpreter (by file name: folders may be called after one)."""
        names = self.mapped_libraries
        return tuple(path for path in names if "python" in path.rpartition("/")[2])


@dataclasses.dataclass(frozen=True)
class CaseError:
    """Why a case has no comparison."""

    kind: str
    """A kind of csrc/core/error.h, or of runner.process.Death."""
    message: str
    exit_code: ExitCode


def to_dict(value: Any) -> Any:
    """JSON of a dataclass tree; infinities and NaN become strings, which JSON lacks."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_dict(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (tuple, list)):
        return [to_dict(item) for item in value]
    if isinstance(value, Mapping):
        return {key: to_dict(item) for key, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def from_dict(cls: type[T], data: Any) -> T:
    """The dataclass that ``to_dict`` wrote; fields that this version does not know are left out. Raises
    ValueError for what no ``to_dict`` has written."""
    if not isinstance(data, Mapping):
        raise ValueError(f"expected an object, got {data!r:.60}")
    hints = get_type_hints(cls)
    names = [field.name for field in dataclasses.fields(cls)]  # type: ignore[arg-type]
    values = {}
    for name in names:
        if name in data:
            try:
                values[name] = _parse(hints[name], data[name])
            except (ValueError, TypeError) as error:
                raise ValueError(f"{name}: {error}") from None
    try:
        return cls(**values)
    except TypeError as error:
        raise ValueError(str(error).removeprefix(f"{cls.__name__}.__init__() ")) from None


def identity(cls: Any) -> tuple[str, str] | None:
    """Name and value of the field that says which document it is, if the dataclass has one."""
    for field in dataclasses.fields(cls):
        if field.name in ("kind", "document") and isinstance(field.default, str):
            return field.name, field.default
    return None


def kind_of(report: Any) -> str:
    """Which report it is: "verify", "bench", "compare" or "inspection", whose own ``kind`` is the file's."""
    return str(getattr(report, "document", None) or report.kind)


def _parse(hint: Any, value: Any) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _parse_union(arguments, value)
    if origin is Mapping:
        if not isinstance(value, Mapping):
            raise ValueError(f"expected an object, got {value!r:.60}")
        return {key: _parse(arguments[1], item) for key, item in value.items()}
    if origin is tuple:
        if not isinstance(value, (list, tuple)):
            raise ValueError(f"expected a list, got {value!r:.60}")
        return tuple(_parse(arguments[0], item) for item in value)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return from_dict(hint, value)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(value)
    if hint is float and not isinstance(value, bool):
        return float(value)
    if hint in (str, int, bool) and type(value) is not hint:
        raise ValueError(f"expected {hint.__name__}, got {value!r:.60}")
    return value


def _parse_union(choices: tuple[Any, ...], value: Any) -> Any:
    """``X | None``, or dataclasses of which the value says which it is."""
    some = [choice for choice in choices if choice is not type(None)]
    if value is None and len(some) < len(choices):
        return None
    if len(some) == 1:
        return _parse(some[0], value)
    for choice in some:
        said = identity(choice)
        if said is not None and isinstance(value, Mapping) and value.get(said[0]) == said[1]:
            return from_dict(choice, value)
    known = ", ".join(said[1] for said in map(identity, some) if said)
    raise ValueError(f"a report of an unknown kind; there is {known}")
