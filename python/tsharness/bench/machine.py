"""What machine it was: everything that a latency depends on besides the artifact."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tsharness.report.model import RunnerInfo
from tsharness.scratch import ScratchFolder

_CPU = "sys/devices/system/cpu"
_NODES = "sys/devices/system/node/online"
FILES = (
    *(f"/{_CPU}/{name}" for name in ("intel_pstate/no_turbo", "cpufreq/boost")),
    f"/{_CPU}/cpu0/cpufreq/scaling_governor",
    *(f"/sys/fs/cgroup/{name}" for name in ("cpu.max", "cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")),
    *(f"/{_NODES}", "/proc/loadavg", "/proc/cpuinfo", "/proc/sys/kernel/osrelease", "/.dockerenv"),
)
"""What the facts are read from: with copies of them, ``read_machine`` tells of another machine."""


@dataclass(frozen=True)
class Machine:
    """Facts; ``None`` where the system does not say."""

    cpu: str
    cores: int
    """That are online."""
    affinity: int
    """Cores that this process may run on."""
    quota: float | None
    """Cores' worth of time that the control group grants; ``None``: no limit."""
    governor: str | None
    turbo: bool | None
    numa_nodes: int
    load: float
    """Processes that wanted to run, over the last minute."""
    kernel: str
    container: bool

    def warnings(self, runner: RunnerInfo) -> Iterator[str]:
        """What makes measurements here doubtful, with what to do."""
        threads = runner.threads
        if self.quota is not None and self.quota < threads:
            yield (
                f"the control group grants {self.quota:g} cores' time, the pool has {threads} threads: they "
                f"will be stopped in turn; --threads {max(1, int(self.quota))}"
            )
        if self.affinity < threads:
            yield f"{threads} threads share {self.affinity} cores: --threads {self.affinity}"
        if self.governor in ("powersave", "conservative", "ondemand"):
            yield f"the frequency governor is {self.governor}: the clock follows the load; use performance"
        if self.load > self.affinity / 2:
            yield f"other work is running here (load {self.load:.1f}): repeat on an idle machine, or compare"


def read_machine(root: Path = Path("/"), cores: int | None = None, affinity: int | None = None) -> Machine:
    """This machine's facts, or those of the one whose files ``root`` holds; what no file says is stated."""
    turbo = _text(root / _CPU / "intel_pstate/no_turbo")
    boost = _text(root / _CPU / "cpufreq/boost")
    return Machine(
        cpu=_cpu_name(root),
        cores=cores or os.cpu_count() or 1,
        affinity=affinity or len(os.sched_getaffinity(0)),
        quota=_quota(root),
        governor=_text(root / _CPU / "cpu0/cpufreq/scaling_governor"),
        turbo=turbo == "0" if turbo else boost == "1" if boost else None,
        numa_nodes=_count(_text(root / _NODES) or "0"),
        load=float((_text(root / "proc/loadavg") or "0").split()[0]),
        kernel=_text(root / "proc/sys/kernel/osrelease") or platform.release(),
        container=(root / ".dockerenv").exists() or "container" in os.environ,
    )


def machine_of_texts(texts: Mapping[str, str], cores: int, affinity: int) -> Machine:
    """Of another machine, whose ``FILES`` these are."""
    with ScratchFolder() as folder:
        for name, text in texts.items():
            copy = Path(folder, name.lstrip("/"))
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(text)
        return read_machine(Path(folder), cores, affinity)


def _count(ranges: str) -> int:
    """Of "0-3,5": 5."""
    ends = [part.partition("-") for part in ranges.split(",")]
    return sum(int(last or first) - int(first) + 1 for first, _, last in ends)


def _quota(root: Path) -> float | None:
    """Of this process's control group, version 2 or 1."""
    both = (_text(root / "sys/fs/cgroup/cpu.max") or "").split()
    if len(both) != 2:
        quota = _text(root / "sys/fs/cgroup/cpu/cpu.cfs_quota_us")
        both = [quota or "max", _text(root / "sys/fs/cgroup/cpu/cpu.cfs_period_us") or "100000"]
    if not both[0].isdigit() or int(both[0]) == 0:
        return None
    return int(both[0]) / int(both[1])


def _cpu_name(root: Path) -> str:
    for line in (_text(root / "proc/cpuinfo") or "").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _text(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:
        return None
