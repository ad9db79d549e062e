"""Launchers for the places that users name."""

from __future__ import annotations

from collections.abc import Callable

from tsharness.errors import UsageError
from tsharness.runner.cage import Sandbox
from tsharness.runner.launch import Launcher
from tsharness.runners.resolve import capability_environment, runner_named
from tsharness.runtimes.registry import Runtime, runner_for


def nobody_hears(_: str) -> None:
    """What takes long is not told."""


def launcher_for(
    runner: str,
    host: str | None,
    cpu_capability: str | None,
    sandbox: Sandbox,
    say: Callable[[str], None] = nobody_hears,
    runtime: Runtime | None = None,
) -> Launcher:
    """For a runner by its name, on a host that ssh reaches (``None``: here), with no better instructions than
    these; ``say`` hears of what takes long. ``runtime`` is what the artifact needs, which may be another
    runner. Raises UsageError, EnvironmentProblem."""
    environment = capability_environment(cpu_capability)
    found = runner_named(runner) if runtime is None else runner_for(runtime, runner)
    if host is not None and found.prefix:
        raise UsageError(f"--host {host}: {found.path.name} needs this machine's Python")
    if host is None:
        return Launcher(found, sandbox, environment)
    from tsharness.hosts.remote import RemoteLauncher

    return RemoteLauncher(host, found, sandbox, environment, say)
