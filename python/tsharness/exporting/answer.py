"""How a process that runs an artifact, or the user's code, is asked, and answers (verification/reference.py
asks)."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tsharness.errors import TsharnessError


def answer_request(answer: Callable[[Mapping[str, Any]], dict[str, Any]]) -> None:
    """Reads the request from standard input, and writes the answer, or the error, to standard output.
    What the user names is looked up in the user's folder."""
    request = json.load(sys.stdin)
    # What user code prints must not end up in the answer.
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    if "folder" in request:  # in the cage there is none
        folder = Path(request["folder"])
        os.chdir(folder)
        sys.path.insert(0, str(folder))
    try:
        said = answer(request)
    except TsharnessError as error:
        said = {"error": {"kind": "usage", "message": str(error)}}
    json.dump(said, out)
