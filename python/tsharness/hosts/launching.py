"""Launchers for the places that users name."""

from __future__ import annotations

from collections.abc import Callable

from tsharness.runner.cage import Sandbox
from tsharness.runner.launch import Launcher
from tsharness.runners.resolve import capability_environment, runner_named


def nobody_hears(_: str) -> None:
    """What takes long is not told."""


def launcher_for(
    runner: str,
    host: str | None,
    cpu_capability: str | None,
    sandbox: Sandbox,
    say: Callable[[str], None] = nobody_hears,
) -> Launcher:
    """For a runner by its name, on a host that ssh reaches (``None``: here), with no better instructions than
    these; ``say`` hears of what takes long. Raises UsageError, EnvironmentProblem."""
    environment = capability_environment(cpu_capability)
    found = runner_named(runner)
    if host is None:
        return Launcher(found, sandbox, environment)
    from tsharness.hosts.remote import RemoteLauncher

    return RemoteLauncher(host, found, sandbox, environment, say)
