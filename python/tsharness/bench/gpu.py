"""What a GPU's driver says while something is measured on it (NVML)."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any

_EVERY = 0.2  # seconds between looks
_REASONS = {
    "SwPowerCap": "its power limit",
    "HwSlowdown": "the hardware's own protection",
    "HwThermalSlowdown": "heat",
    "SwThermalSlowdown": "heat",
    "HwPowerBrakeSlowdown": "the power supply",
}


class GpuWatch:
    """Looks at a device as long as the block lasts. On the CPU, or without NVML, it does nothing."""

    def __init__(self, device: str) -> None:
        self._index = int(device.partition(":")[2] or 0) if device.startswith("cuda") else None
        self._nvml: Any = None
        self._handle: Any = None
        self._seen: list[dict[str, float]] = []
        self._energy: list[tuple[float, float]] = []
        self._reasons: set[str] = set()
        self._facts: dict[str, Any] = {}
        self._end = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> GpuWatch:
        if self._index is None:
            return self
        try:
            import pynvml
        except ImportError:
            return self
        with contextlib.suppress(pynvml.NVMLError):
            pynvml.nvmlInit()
            self._nvml, self._handle = pynvml, pynvml.nvmlDeviceGetHandleByIndex(self._index)
            self._facts = {
                "name": pynvml.nvmlDeviceGetName(self._handle),
                "driver": pynvml.nvmlSystemGetDriverVersion(),
            }
            self._thread = threading.Thread(target=self._watch, daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        if self._thread is not None:
            self._thread.join()
            self._nvml.nvmlShutdown()

    def facts(self) -> dict[str, Any]:
        """Name, driver, and the range of clock (MHz), temperature (°C) and power (W); empty without NVML."""
        ranges = {
            name: [min(values), max(values)]
            for name in ("clock_mhz", "temperature", "power_watts")
            if (values := [one[name] for one in self._seen if name in one])
        }
        return {**self._facts, **ranges, "throttled_by": sorted(self._reasons)} if self._facts else {}

    def warnings(self) -> Iterator[str]:
        """Why its clock was lowered."""
        for reason in sorted(self._reasons):
            yield f"the GPU's clock was lowered by {reason} while this was measured"

    def watts(self, begin: float, end: float) -> float | None:
        """On average between two times of the monotonic clock; ``None`` if there were no looks."""
        inside = [one for one in self._energy if begin - _EVERY <= one[0] <= end + _EVERY]
        if len(inside) < 2 or inside[-1][1] <= inside[0][1]:
            return None
        return (inside[-1][1] - inside[0][1]) / (inside[-1][0] - inside[0][0])

    def _watch(self) -> None:
        while True:
            with contextlib.suppress(self._nvml.NVMLError):
                self._seen.append(self._look())
            if self._end.wait(_EVERY):
                return

    def _look(self) -> dict[str, float]:
        nvml, handle = self._nvml, self._handle
        bits = nvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle)
        for name, words in _REASONS.items():
            if bits & getattr(nvml, f"nvmlClocksThrottleReason{name}", 0):
                self._reasons.add(words)
        found = {
            "clock_mhz": float(nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_SM)),
            "temperature": float(nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU)),
        }
        with contextlib.suppress(nvml.NVMLError):
            joules = nvml.nvmlDeviceGetTotalEnergyConsumption(handle) / 1000
            self._energy.append((time.monotonic(), joules))
            found["power_watts"] = nvml.nvmlDeviceGetPowerUsage(handle) / 1000
        return found
