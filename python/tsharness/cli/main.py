"""``tsharness``: the entry point."""

from __future__ import annotations

import sys

from tsharness.cli.ahead import begin
from tsharness.cli.interrupts import INTERRUPTED
from tsharness.cli.output import say_error
from tsharness.errors import TsharnessError


def main() -> None:
    """Begins what the command will need, then reads the command line. Every error of the tree ends here, in
    its own words and with its exit code. An interrupted run ends like any interrupted program: 130, without
    a traceback."""
    ahead = begin(sys.argv[1:])
    try:
        from tsharness.cli.app import app

        app(obj=ahead)
    except TsharnessError as error:
        say_error(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    finally:
        ahead.close()
