"""Has a process convert, and hears of what it does."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tsharness.errors import ArtifactError, RunnerCrash, UsageError
from tsharness.migration.stage import Conversion
from tsharness.report.model import from_dict

Say = Callable[[str], None]
_STAGES = 8
"""That may take as long as the timeout says, each."""


def convert(message: Mapping[str, Any], timeout: float, say: Say) -> Conversion:
    """What the process found. Raises UsageError or ArtifactError as it says, RunnerCrash if it died or took
    longer than ``timeout`` seconds for each stage."""
    source = message["source"]
    process = subprocess.Popen(
        [sys.executable, "-m", "tsharness.migration.converting.process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdin is not None and process.stdout is not None and process.stderr is not None
    said: list[str] = []
    listening = threading.Thread(target=lambda: said.extend(process.stderr or ()), daemon=True)
    watch = threading.Timer(_STAGES * timeout, _kill, [process])
    listening.start()
    watch.start()
    try:
        process.stdin.write(json.dumps({**message, "folder": str(Path.cwd())}))
        process.stdin.close()
        answer = _answer(process, say)
    finally:
        watch.cancel()
        _kill(process)
        process.wait()
    if "conversion" in answer:
        return from_dict(Conversion, answer["conversion"])
    if "error" in answer:
        kind = UsageError if answer["error"]["kind"] == "usage" else ArtifactError
        raise kind(f"{source}: {answer['error']['message']}")
    listening.join(1)
    last = next((line.strip() for line in reversed(said) if line.strip()), f"status {process.returncode}")
    raise RunnerCrash(
        f"{source}: the converting process died, or took longer than {timeout:g} s a stage: {last}"
    )


def _answer(process: subprocess.Popen[str], say: Say) -> Mapping[str, Any]:
    assert process.stdout is not None
    for text in process.stdout:
        line: Mapping[str, Any] = json.loads(text)
        if "doing" not in line:
            return line
        say(line["doing"])
    return {}


def _kill(process: subprocess.Popen[str]) -> None:
    """And the compilers that it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
