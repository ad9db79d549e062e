"""``python -m tsharness.runner.caged_program RULES MODE PROGRAM ...``: enters the runner's cage, then is that
program. It may also write to the folder that it is started in, which is the process's own."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path


def main() -> None:
    """Reads its arguments from the command line."""
    from tsharness import _cage

    text, mode, program, *arguments = sys.argv[1:]
    rules = json.loads(text)
    rules["write"].append(str(Path.cwd()))
    try:
        _cage.enter(json.dumps(rules), mode)
    except RuntimeError as error:
        sys.exit(f"error: {error}")
    os.execv(program, [program, *arguments])


if __name__ == "__main__":
    main()
