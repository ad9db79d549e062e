"""What a suite file may say: the model of its JSON Schema, which editors complete from.

Keys are the options of the commands, without dashes before and with underscores inside; a test holds the two
against each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Texts = str | tuple[str, ...]
Values = str | float | tuple[str | float, ...]
Numbers = float | str | Mapping[str, float]


@dataclass(frozen=True)
class Shared:
    """Options that all commands have."""

    cases: str | None = None
    """A case file; wins over the artifact's own."""
    case: Texts | None = None
    """Only these cases."""
    device: str | None = None
    """cpu, cuda, cuda:1, ..."""
    threads: int | None = None
    """Intra-op threads."""
    load_library: Texts | None = None
    """Of custom operators."""
    allow_op: Texts | None = None
    """Dangerous operators that are meant."""
    sandbox: str | None = None
    """strict, auto or off."""
    timeout: float | None = None
    """Seconds, for the load and for each case."""


@dataclass(frozen=True)
class VerifySettings(Shared):
    """Options of ``tsharness verify``."""

    level: str | None = None
    """quick, standard or full."""
    select: Texts | None = None
    """Only these checks."""
    ignore: Texts | None = None
    """Not these checks."""
    rtol: Numbers | None = None
    """A number for all outputs, or one by name."""
    atol: Numbers | None = None
    """As rtol."""
    exact: bool | None = None
    """Every bit must be equal."""
    tolerance: str | None = None
    """table, or fp64: against a float64 run."""
    accept: Texts | None = None
    """Figures that decide instead, such as psnr>=40."""
    compare_with: str | None = None
    """A function that decides instead: MODULE:NAME."""
    max_time: str | None = None
    """For cases and checks together, such as 60s or 2m."""
    topk: int | None = None
    """Of classifiers: decisions must not change."""
    calls: int | None = None
    """Repeat each case so often."""
    reference: str | None = None
    """MODULE:FACTORY, other.pt, python, or none."""
    input: Texts | None = None
    """Inputs such as x=float32[N,3]."""
    dim: Texts | None = None
    """Sizes of a named dim of the inputs: N=1,4."""
    method: str | None = None
    """That the inputs are of."""
    localize: bool | None = None
    """Name the first operator that differs, if a case fails."""
    leak_limit: str | None = None
    """What a call may keep of the heap: 1kB."""
    cold_start_limit: float | None = None
    """Seconds, for any call."""
    memory_limit: str | None = None
    """4GB, ..."""
    kind: str | None = None
    """torchscript, lite, aoti, executorch or onnx."""
    runner: str | None = None
    """A name of tsharness runner list."""
    host: str | None = None
    """user@machine, where it runs."""
    cpu_capability: str | None = None
    """default, avx2 or avx512."""


@dataclass(frozen=True)
class BenchSettings(Shared):
    """Options of ``tsharness bench``."""

    kind: str | None = None
    """torchscript, lite, aoti, executorch or onnx."""
    runner: str | None = None
    """A name of tsharness runner list."""
    host: str | None = None
    """user@machine, where it runs."""
    cpu_capability: str | None = None
    """default, avx2 or avx512."""

    scenario: str | None = None
    """latency, throughput, server or paced."""
    callers: Values | None = None
    """Of throughput."""
    module: Texts | None = None
    """Of throughput: shared, clones."""
    rate: Values | None = None
    """Of server: requests a second, or a share."""
    workers: Values | None = None
    """Threads of the server."""
    slo: str | None = None
    """Of server: p99=20ms."""
    gap: Values | None = None
    """Of paced: idle seconds."""
    burst: Values | None = None
    """Of paced: calls in a row."""
    sweep: Texts | None = None
    """threads=1,2,4, ..."""
    dim: Texts | None = None
    """batch=1,8, ..."""
    inputs: str | None = None
    """same, or rotate."""
    min_time: float | None = None
    """Seconds, of each case at least."""
    max_time: float | None = None
    """Seconds, for precision and slo."""
    max_warmup: float | None = None
    """Seconds, of each case in a process."""
    precision: Numbers | None = None
    """Go on until the statistic is so well known: 1%."""
    statistic: str | None = None
    """p50 ... p99.9, for precision."""
    processes: int | None = None
    """Fresh ones, that share the time."""
    budget: str | Mapping[str, str] | None = None
    """Limits: p99=20ms,memory=500MB, or a table of them."""
    baseline: str | None = None
    """A report of bench to compare with; {name}, {stem} and {target} stand for the artifact's."""
    margin: Numbers | None = None
    """A change that does not matter: 2%."""
    across_machines: bool | None = None
    """The baseline may be of another machine."""
    counter: str | None = None
    """instructions."""
    profile: bool | None = None
    """Say what each operator takes."""
    against: str | None = None
    """python."""
    reference: str | None = None
    """The eager model, for against."""


@dataclass(frozen=True)
class CompareSettings(Shared):
    """Options of ``tsharness compare``, and what is compared with."""

    base: str | None = None
    """What there is: released/{name}; {name}, {stem} and {target} stand for the artifact's."""
    a_device: str | None = None
    """Of the base."""
    b_device: str | None = None
    """Of the artifact."""
    a_threads: int | None = None
    """Of the base."""
    b_threads: int | None = None
    """Of the artifact."""
    a_set: Texts | None = None
    """Settings of LibTorch, for the base alone: onednn=false."""
    b_set: Texts | None = None
    """Settings of LibTorch, for the artifact alone."""
    a_kind: str | None = None
    """As what the base runs."""
    b_kind: str | None = None
    """As what the artifact runs."""
    a_runner: str | None = None
    """Of the base: a name of tsharness runner list."""
    b_runner: str | None = None
    """Of the artifact."""
    max_time: float | None = None
    """Seconds, for all of it."""
    margin: Numbers | None = None
    """A change that does not matter: 2%."""
    max_regression: Numbers | None = None
    """Fail from here on: 5%."""
    error_rate: Numbers | None = None
    """Of the interval: 1%."""
    counter: str | None = None
    """instructions: they decide, not time."""
    rtol: Numbers | None = None
    """A number for all outputs, or one by name."""
    atol: Numbers | None = None
    """As rtol."""


@dataclass(frozen=True)
class Target:
    """A deployment environment, by a name of your own."""

    device: str | None = None
    """cpu, cuda, cuda:1, ..."""
    threads: int | None = None
    """Intra-op threads."""


@dataclass(frozen=True)
class Artifact:
    """One artifact or several, with what holds for them alone."""

    path: Texts
    """A file or a glob, relative to the suite file; ** goes into folders."""
    exclude: Texts | None = None
    """Globs of what is not meant."""
    commands: Texts | None = None
    """Which of verify, bench and compare it is for; without this, all."""
    targets: Texts | None = None
    """Names of targets; without this, all of them."""
    verify: VerifySettings | None = None
    bench: BenchSettings | None = None
    compare: CompareSettings | None = None


@dataclass(frozen=True)
class SuiteFile:
    """tsharness.toml, or the table tool.tsharness of pyproject.toml."""

    artifacts: tuple[Artifact, ...]
    targets: Mapping[str, Target] | None = None
    """Each artifact is verified and measured on each of them; without any, on the CPU."""
    verify: VerifySettings | None = None
    """For all artifacts."""
    bench: BenchSettings | None = None
    """For all artifacts."""
    compare: CompareSettings | None = None
    """For all artifacts."""
