"""Writes what ``inspect`` knows of operators: those of the installed runner's LibTorch, and the kinds of all
that are not just pure. Run by ``make operators`` after an update of torch; lists of older LibTorches stay.
Another runner's list is added with ``python docs/generate_operators.py RUNNER``."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from tsharness.inspection.runners import ask_runner
from tsharness.runner.find import find_runner

FOLDER = Path(__file__).parents[1] / "python" / "tsharness" / "inspection"

# The first rule that matches counts. What none matches is pure: it reads its arguments, makes new values.
RULES: Sequence[tuple[str, str]] = (
    ("file", r"aten::(save|from_file)"),
    (
        "process",
        r"(c10d|_c10d_functional|_c10d_functional_autograd|symm_mem|_dtensor)::.*|prim::rpc_.*|prim::.*RRef.*",
    ),
    ("prints", r"aten::(warn|_print)|prim::Print"),
    (
        "stateful",
        r"aten::(manual_seed|seed|set_grad_enabled|set_data|set_.*thread.*|_cufft_set_plan_cache_max_size|"
        r"_cufft_clear_plan_cache|backward|_backward|requires_grad_|retain_grad)|cuda::.*|profiler::.*",
    ),
    (
        "random",
        r"(aten|quantized|prims|rngprims)::(rand|randn|randint|randperm|rand_like|randn_like|randint_like|random|"
        r"bernoulli|cauchy|exponential|geometric|log_normal|multinomial|normal|normal_functional|poisson|binomial|"
        r"uniform|_standard_gamma|_sample_dirichlet|rrelu|rrelu_with_noise|dropout|alpha_dropout|"
        r"feature_dropout|feature_alpha_dropout|native_dropout|_fused_dropout|philox_rand|_philox_normal|"
        r"_philox_uniform|_cudnn_init_dropout_state|_fill_mem_eff_dropout_mask|fractional_max_pool[23]d)_?",
    ),
)


# In no registry of the runner's: LibTorch's interpreter knows them, or a build with other parts.
INTERPRETED = ("prim::Print", "prim::rpc_async", "prim::rpc_sync", "prim::rpc_remote")


def kinds(registries: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Operators of any LibTorch that are not pure, by kind."""
    names = sorted({name for one in registries for name in one} | set(INTERPRETED))
    found: dict[str, list[str]] = {kind: [] for kind, _ in RULES}
    for name in names:
        kind = next((kind for kind, pattern in RULES if re.fullmatch(pattern, name)), None)
        if kind is not None:
            found[kind].append(name)
    return found


def effects(schemas: Sequence[str]) -> dict[str, dict[str, list[int | str]]]:
    """What operators do with their arguments beside reading them, by the alias annotations of their schemas:
    "writes" to them; gives the "same" memory or container back; a list of "parts" of a tensor; an "element"
    of a container; a "copy" with the same elements. Arguments by position, those that have to be named by
    name. What only overloads for lists write to, "changes" (sort)."""
    found: dict[str, dict[str, list[int | str]]] = {}
    plain: set[tuple[str, int | str]] = set()  # tensors that an overload does not write to
    for schema in sorted(schemas):
        name, _, rest = schema.partition("(")
        taken, _, given = rest.rpartition(" -> ")
        name = name.partition(".")[0]
        types = re.split(r", (?![^(]*\))", taken.rpartition(")")[0])
        plain |= {(name, place) for place, type_ in enumerate(types) if type_.startswith("Tensor ")}
        effect = found.setdefault(name, {})
        for key, argument in _annotated(taken.rpartition(")")[0], given):
            if argument not in effect.setdefault(key, []):
                effect[key].append(argument)
    for name, effect in found.items():
        spared = [place for place in effect.get("writes", ()) if (name, place) in plain]
        if spared:
            effect["writes"] = [place for place in effect["writes"] if place not in spared]
            effect["changes"] = spared
    return {name: effect for name, effect in sorted(found.items()) if effect}


def _annotated(taken: str, given: str) -> Iterator[tuple[str, int | str]]:
    named = False
    for position, argument in enumerate(re.split(r", (?![^(]*\))", taken)):
        if argument == "*":
            named = True
            continue
        type_, _, name = argument.partition("=")[0].rpartition(" ")
        place: int | str = name if named else position
        if re.search(r"\([a-z]!", type_) and name != "to_add":  # update's second one is marked by mistake
            yield "writes", place
        memory = re.search(r"\(([a-z])!?( -> \*)?\)", type_)
        if memory and re.search(rf"\((?:[a-z]\|)*{memory[1]}!?\)", given):
            yield "parts" if re.search(r"\)\[\]", given) and "[]" not in type_ else "same", place
        elif re.search(r"\bt\b", type_) and re.search(r"\bt\b", given):
            container = re.search(r"\bt\[\]|Dict\(", given) or given.startswith("((")
            held = re.search(r"\bt\[\]|Dict\(", type_)
            yield "copy" if container else "element" if held else "same", place


def main() -> None:
    libtorch, operators = ask_runner(Path(sys.argv[1]) if len(sys.argv) > 1 else find_runner().path)
    folder = FOLDER / "registries"
    folder.mkdir(exist_ok=True)
    lines = ",\n".join(f" {json.dumps(name)}: {json.dumps(found)}" for name, found in operators.items())
    (folder / f"{libtorch}.json").write_text(f"{{\n{lines}\n}}\n")
    every = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    (FOLDER / "kinds.json").write_text(json.dumps(kinds(every), indent=1) + "\n")
    schemas = [str(schema) for schema in torch._C._jit_get_all_schemas()]
    lines = ",\n".join(f" {json.dumps(op)}: {json.dumps(found)}" for op, found in effects(schemas).items())
    (FOLDER / "effects.json").write_text(f"{{\n{lines}\n}}\n")


if __name__ == "__main__":
    main()
