"""What export must leave as it was in the user's process."""

from __future__ import annotations

import random
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from tsharness.exporting.state import Snapshot

SEED = 0
"""Of torch's generators before every case; the runner sets the same (runner.job.Job.seed)."""


@contextmanager
def undisturbed(model: torch.nn.Module) -> Iterator[Snapshot]:
    """Afterwards the model (modes, weights, gradients, attributes, hooks), every generator of random
    numbers, the default dtype, the grad mode and the warnings filters are what they were before."""
    snapshot = Snapshot(model)
    dtype, numpy = torch.get_default_dtype(), sys.modules.get("numpy")
    python_state = random.getstate()
    numpy_state = numpy.random.get_state() if numpy is not None else None
    with warnings.catch_warnings(), torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        grad = torch.is_grad_enabled()
        try:
            yield snapshot
        finally:
            torch.set_grad_enabled(grad)
            torch.set_default_dtype(dtype)
            random.setstate(python_state)
            if numpy is not None:
                numpy.random.set_state(numpy_state)
            snapshot.restore()


@contextmanager
def seeded(gradients: bool = False) -> Iterator[None]:
    """Runs the body with every generator in a known state; without gradients, as a server does, unless the
    model itself needs them."""
    with torch.set_grad_enabled(gradients):
        torch.manual_seed(SEED)
        random.seed(SEED)
        yield


def needs_gradients(error: BaseException) -> bool:
    """Whether a model has failed because it calls autograd, as those do that give forces of an energy."""
    return isinstance(error, RuntimeError) and "does not require grad" in str(error)


@contextmanager
def one_thread() -> Iterator[None]:
    """Leaves the other cores to somebody else: threads that wait for each other suffer most from company."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
