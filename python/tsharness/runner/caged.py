"""``python -m tsharness.runner.caged RULES MODE MODULE``: enters the runner's cage, then is that module. It
comes first of all: a thread that runs before it would be outside. Says on standard output, in a line of JSON,
what of the cage there is, or the error of a cage that must be whole and cannot be."""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Mapping
from typing import Any


def main() -> None:
    """Reads its arguments from the command line."""
    from tsharness import _cage

    rules, mode, module = sys.argv[1:]
    try:
        cage = _cage.enter(rules, mode)
    except RuntimeError as error:
        _say({"error": {"kind": "device", "message": str(error)}})
        return
    _say({"cage": json.loads(cage)})
    # -m put the folder that it was started in there, which the artifact may write to.
    del sys.path[0]
    sys.argv = [module]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _say(line: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
