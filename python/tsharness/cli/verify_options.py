"""What the options of ``tsharness verify`` mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tsharness.cli.options import judges_by_float64, parse_seconds, parse_size, parse_tolerances, path_of

if TYPE_CHECKING:
    from tsharness.verification.plan import VerifyOptions


def verify_options(params: Mapping[str, Any]) -> VerifyOptions:
    """Of the values of the command's parameters, by their names. Raises UsageError."""
    from tsharness.cases.input_spec import input_cases
    from tsharness.runner.cage import parse_sandbox
    from tsharness.verification.checks.catalogue import chosen_checks
    from tsharness.verification.checks.rule import parse_level
    from tsharness.verification.plan import VerifyOptions, tolerance_layer

    level = parse_level(params["level"])
    chosen_checks(level, params["select"], params["ignore"])
    rtol, atol = (parse_tolerances(f"--{name}", params[name]) for name in ("rtol", "atol"))
    return VerifyOptions(
        cases=path_of(params["cases"]),
        inputs=input_cases(params["inputs"], params["dims"], params["method"]),
        method=params["method"],
        reference=params["reference"],
        localize=params["localize"],
        only=tuple(params["only"]),
        kind=params["kind"],
        device=params["device"],
        threads=params["threads"],
        host=params["host"],
        libraries=tuple(map(Path, params["libraries"])),
        save_outputs=path_of(params["save_outputs"]),
        calls=params["calls"],
        tolerance=tolerance_layer(rtol, atol, params["exact"], params["topk"], params["accept"]),
        compare_with=params["compare_with"],
        reduce=path_of(params["reduce"]),
        float64=judges_by_float64(params["tolerance"]),
        level=level,
        select=tuple(params["select"]),
        ignore=tuple(params["ignore"]),
        leak_limit=parse_size(params["leak_limit"], "--leak-limit"),
        cold_start_limit=params["cold_start_limit"],
        allow_ops=tuple(params["allow_ops"]),
        sandbox=parse_sandbox(params["sandbox"]),
        timeout=params["timeout"],
        max_time=parse_seconds(params["max_time"], "--max-time") if params["max_time"] else None,
        memory_limit=parse_size(params["memory_limit"]) if params["memory_limit"] else None,
    )


def is_plain(options: VerifyOptions) -> bool:
    """Whether it is the installed runner, here, as it comes."""
    return options.runner == "installed" and options.cpu_capability is None and options.host is None


def on_targets(options: VerifyOptions, params: Mapping[str, Any]) -> list[VerifyOptions]:
    """The options for each runner with each kind of instructions. Raises UsageError."""
    from tsharness.runners.resolve import capability_environment, names_of, runner_named

    names = names_of(params["runners"]) or [options.runner]
    capabilities = [name for text in params["capabilities"] for name in text.split(",")] or [None]
    if names != [options.runner] or capabilities != [None]:
        for name in names:
            runner_named(name)
        for capability in capabilities:
            capability_environment(capability)
    return [
        replace(options, runner=name, cpu_capability=capability)
        for name in names
        for capability in capabilities
    ]
