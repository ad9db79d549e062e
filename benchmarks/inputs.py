"""Whether ``tsharness verify FILE``, told nothing, finds inputs: for artifacts that plain ``torch.jit`` made
from networks of transformers and monai and from the examples, none of which keeps the shapes of its example.
Needs the extra ``networks``."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from common import BIN, Row, main
from input_artifacts import ARTIFACTS
from input_artifacts.making import Artifact

from tsharness.artifact.traced_inputs import traced_inputs
from tsharness.exporting import torch_jit

NETWORKS = ("examples", "monai", "transformers")
LEAST = 45
_SECONDS = 600


@dataclass(frozen=True)
class Outcome:
    """What the installed command did with one artifact."""

    artifact: Artifact
    arguments: str
    """Of ``forward``, in TorchScript's notation."""
    found: bool
    said: str
    """The inputs that it proposed, or why there are none."""
    verdict: str
    seconds: float


def outcomes(artifacts: Sequence[Artifact] = ARTIFACTS) -> Iterator[Outcome]:
    """One for each, as they are done."""
    with tempfile.TemporaryDirectory() as scratch:
        for artifact in artifacts:
            path = Path(scratch) / f"{artifact.name}.pt"
            module = artifact.made()
            torch_jit.save(module, path)
            assert not traced_inputs(path), f"{artifact.name} keeps the shapes of its example"
            schema = module._c._get_method("forward").schema
            yield _verified(artifact, path, ", ".join(f"{a.name}: {a.type}" for a in schema.arguments[1:]))
            path.unlink()


def _verified(artifact: Artifact, path: Path, arguments: str) -> Outcome:
    command = [BIN / "tsharness", "verify", path, "--level", "quick", "--threads", "1", "--json", "-"]
    start = time.perf_counter()
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, check=False, timeout=_SECONDS
    )
    seconds = time.perf_counter() - start
    reports = json.loads(done.stdout).get("reports", ()) if done.stdout.startswith("{") else ()
    if not reports or not reports[0].get("cases"):
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        said = next((line.strip() for line in lines if "tried" in line or "nothing is known" in line), "")
        return Outcome(artifact, arguments, False, said or " ".join(lines[:1]), "", seconds)
    report = reports[0]
    whence = report["cases_from"].removeprefix("inputs from ").partition(", reference outputs from")[0]
    return Outcome(artifact, arguments, True, whence, report["verdict"], seconds)


def measure() -> list[Row]:
    """Prints the table of the artifacts, then says how many."""
    done = []
    print("| artifact | arguments | found | proposed |\n|---|---|---|---|")
    for one in outcomes():
        done.append(one)
        found = "yes" if one.found else "**no**"
        print(f"| {one.artifact.name} | {one.arguments} | {found} | {one.said} |", flush=True)
    print()
    networks = [one for one in done if one.artifact.source in NETWORKS]
    others = [one for one in done if one.artifact.source not in NETWORKS]
    good = sum(one.found for one in networks)
    slowest = max(one.seconds for one in done)
    return [
        Row(
            "artifacts of transformers, monai and the examples for which inputs were found",
            f"{good} of {len(networks)}",
            f"at least {LEAST} of 50",
            good >= LEAST and len(networks) == 50,
        ),
        Row(
            "services of plain torch, besides",
            f"{sum(one.found for one in others)} of {len(others)}",
            "(no target)",
            True,
        ),
        Row("the slowest command, seconds", f"{slowest:.0f}", "(no target)", True),
    ]


if __name__ == "__main__":
    main("inputs", measure)
