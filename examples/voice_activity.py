"""The voice activity detector that the package silero-vad ships: a real TorchScript file, with state and
control flow. Its cases are whole recordings, fed chunk by chunk; the state goes from call to call."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import torch

import tsharness
from tsharness.exporting import torch_jit

CHUNK = {16000: 512, 8000: 256}
"""Samples that the model takes at a time, by sampling rate."""


def find_model() -> Path:
    spec = importlib.util.find_spec("silero_vad")
    if spec is None or spec.origin is None:
        message = "the package silero-vad is not installed: pip install silero-vad==6.2.3"
        raise SystemExit(message)
    return Path(spec.origin).parent / "data" / "silero_vad.jit"


def speech_like(seconds: float, rate: int) -> torch.Tensor:
    """Vowel-like sound: a wavering pitch with formants, in syllables, with pauses and some noise."""
    t = torch.arange(int(seconds * rate), dtype=torch.float64) / rate
    pitch = 120 + 20 * torch.sin(2 * torch.pi * 3 * t)
    phase = 2 * torch.pi * torch.cumsum(pitch, 0) / rate
    voice = sum(torch.sin(n * phase) / n for n in range(1, 12))
    formant = 1 + 0.8 * torch.sin(2 * torch.pi * 700 * t)
    syllables = (torch.sin(2 * torch.pi * 2.5 * t) > -0.2) & (torch.sin(2 * torch.pi * 0.4 * t) > -0.5)
    noise = 0.005 * torch.randn(t.shape, dtype=torch.float64)
    return (0.2 * voice * formant * syllables + noise).clamp(-1, 1).float()


def recording(seconds: float, rate: int) -> list[tsharness.Inputs]:
    """A call for each chunk; ``reset_states`` first, as every user of the model does."""
    chunks = speech_like(seconds, rate).split(CHUNK[rate])
    calls = [tsharness.Inputs(chunk[None], rate) for chunk in chunks if len(chunk) == CHUNK[rate]]
    return [tsharness.Inputs(method="reset_states"), *calls]


def make() -> tuple[torch.jit.ScriptModule, dict[str, list[tsharness.Inputs]]]:
    """The model as it is shipped; recordings of several lengths and both sampling rates."""
    torch.manual_seed(0)
    model = torch_jit.load(find_model())
    recordings = {
        f"{seconds:g} s at {rate} Hz": recording(seconds, rate)
        for rate in (16000, 8000)
        for seconds in (0.1, 0.5, 2.0)
    }
    return model, {"example": recording(0.05, 16000), **recordings}
