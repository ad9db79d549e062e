"""Runs an artifact by ``torch.jit`` on synthesized inputs and writes the cases: a process of its own,
because loading an artifact runs its code.

Standard input: ``{"artifact", "output", "cases": [{"name", "inputs"}]}``. Standard output:
``{"error": {"kind", "message"}}`` if it went wrong, else ``{}``.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from tsharness.cases.case_file import CaseFile, write_case_file
from tsharness.errors import TsharnessError
from tsharness.exporting import torch_jit
from tsharness.exporting.record import SEED, record_cases
from tsharness.exporting.signature import signature_of

_DEFAULT_INTEGERS = (0, 1)


def main() -> None:
    request = json.load(sys.stdin)
    # What the model prints must not end up in the answer.
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    json.dump(_answer(request), answer)


def _answer(request: Mapping[str, Any]) -> dict[str, Any]:
    kind = "artifact"
    try:
        module = torch_jit.load(Path(request["artifact"]))
        kind = "input"
        generator = torch.Generator().manual_seed(SEED)
        examples = {
            case["name"]: {spec["name"]: _make(spec, generator) for spec in case["inputs"]}
            for case in request["cases"]
        }
        cases = record_cases(module, examples, family="synthesized")
        signature = signature_of(module, cases)
        provenance = {"torch": str(torch.__version__), "seed": SEED}
        write_case_file(CaseFile(cases, signature, provenance), request["output"])
    except TsharnessError as error:
        return {"error": {"kind": kind, "message": str(error)}}
    except Exception as error:
        # Any exception of the model's is the answer that was asked for.
        return {"error": {"kind": kind, "message": str(error).strip()}}
    return {}


def _make(spec: Mapping[str, Any], generator: torch.Generator) -> Any:
    if "value" in spec:
        return spec["value"]
    dtype, dims = getattr(torch, spec["dtype"]), spec["dims"]
    low, high = spec["low"], spec["high"]
    if dtype.is_floating_point or dtype.is_complex:
        if low is None:
            wide = torch.complex64 if dtype.is_complex else torch.float32
            return torch.randn(dims, generator=generator, dtype=wide).to(dtype)
        return (torch.rand(dims, generator=generator) * (high - low) + low).to(dtype)
    first, last = _DEFAULT_INTEGERS if low is None else (int(low), int(high))
    return torch.randint(first, last + 1, dims, generator=generator).to(dtype)


if __name__ == "__main__":
    main()
