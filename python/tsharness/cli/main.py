"""``tsharness``: the entry point."""

from __future__ import annotations

import sys

from tsharness.errors import TsharnessError
from tsharness.runner.find import find_runner
from tsharness.runner.process import Launcher


def main() -> None:
    """Starts the runner that ``verify`` will need, then reads the command line. Every error of the tree ends
    here, in its own words and with its exit code. An interrupted run ends like any interrupted program: 130,
    without a traceback."""
    launcher = _launch_ahead(sys.argv[1:])
    try:
        from tsharness.cli.app import app

        app(obj=launcher)
    except TsharnessError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        if launcher is not None:
            launcher.close()


def _launch_ahead(arguments: list[str]) -> Launcher | None:
    if arguments[:1] != ["verify"] or len(arguments) < 2 or "--help" in arguments:
        return None
    try:
        launcher = Launcher(find_runner())
    except TsharnessError:
        return None  # the command says why, once it is known that it needs a runner
    launcher.start_ahead()
    return launcher
