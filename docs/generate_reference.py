"""Writes what of the reference is made from the code: commands, Python, the schema of reports, exit codes.
Run by ``make docs``; a test compares the pages with what would be written now."""

from __future__ import annotations

import dataclasses
import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

import tsharness
from tsharness.cli.app import app
from tsharness.report.schema import field_texts
from tsharness.report.schemas import report_schema
from tsharness.verdict import WORST_FIRST, ExitCode

DOCS = Path(__file__).parent


def commands() -> str:
    """A section for each command: what its help says."""
    group = typer.main.get_command(app)
    text = "# Commands\n\nMade from the commands' own help (`tsharness COMMAND --help`).\n"
    return text + "".join(_commands(group, ""))


def _commands(group: Any, before: str) -> Iterator[str]:
    """Those of a group, and of the groups in it."""
    for name, one in group.commands.items():
        if hasattr(one, "commands"):
            yield from _commands(one, f"{before}{name} ")
        else:
            yield _command(f"{before}{name}", one)


def _command(name: str, one: Any) -> str:
    arguments = [param for param in one.params if param.param_type_name == "argument"]
    options = [param for param in one.params if param.param_type_name == "option" and param.name != "help"]
    words = " ".join(_shown(param) for param in arguments)
    text = (
        f"\n## tsharness {name}\n\n```text\ntsharness {name} [OPTIONS] {words}\n```\n\n{_prose(one.help)}\n"
    )
    for title, params in (("argument", arguments), ("option", options)):
        if params:
            text += f"\n| {title} | |\n|---|---|\n"
            text += "".join(f"| {_names(param)} | {_cell(param.help or '')} |\n" for param in params)
    return text


def _prose(text: str) -> str:
    return inspect.cleandoc(text)


def _shown(param: Any) -> str:
    return str(param.metavar or param.name.upper())


def _names(param: Any) -> str:
    if param.param_type_name == "argument":
        return f"`{_shown(param)}`"
    metavar = "" if param.is_flag else f" {param.metavar or 'TEXT'}"
    names = ", ".join([*param.opts, *param.secondary_opts])
    return f"`{names}{metavar}`".replace("|", "\\|")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def python() -> str:
    """Functions with their docstrings, reports with their fields."""
    text = (
        "# Python\n\nEverything that `import tsharness` gives; each name is loaded when it is first used."
        " Errors are a tree under `tsharness.errors.TsharnessError`, each with the command's `exit_code`.\n"
    )
    names = [name for name in tsharness.__all__ if name != "__version__"]
    functions = [name for name in names if inspect.isfunction(getattr(tsharness, name))]
    classes = [name for name in names if name not in functions]
    text += "".join(_function(name) for name in functions) + "".join(_class(name) for name in classes)
    return text + "\n## Errors\n\n| error | exit code | |\n|---|---|---|\n" + "".join(_errors())


def _function(name: str) -> str:
    one = getattr(tsharness, name)
    parameters = "\n".join(f"    {parameter}," for parameter in _parameters(one))
    returns = inspect.signature(one).return_annotation
    signature = f"tsharness.{name}(\n{parameters}\n) -> {returns}"
    return f"\n## {name}\n\n```python\n{signature}\n```\n\n{_prose(one.__doc__ or '')}\n"


def _parameters(one: Any) -> Iterator[str]:
    starred = False
    for parameter in inspect.signature(one).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not starred:
            starred = True
            yield "*"
        default = "" if parameter.default is parameter.empty else f" = {parameter.default!r}"
        yield f"{parameter.name}: {parameter.annotation}{default}"


def _class(name: str) -> str:
    one = getattr(tsharness, name)
    text = f"\n## {name}\n\n{_prose(one.__doc__ or '')}\n"
    if dataclasses.is_dataclass(one):
        texts = field_texts(one)
        text += "\n| field | type | |\n|---|---|---|\n"
        for field in dataclasses.fields(one):
            kind = str(field.type).replace("|", "\\|")
            text += f"| `{field.name}` | `{kind}` | {_cell(texts.get(field.name, ''))} |\n"
    methods = [
        (member, value)
        for member, value in vars(one).items()
        if not member.startswith("_") and (callable(value) or isinstance(value, (property, classmethod)))
    ]
    for member, value in methods:
        function = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
        if function.__doc__:
            call = f"`.{member}`" if isinstance(value, property) else f"`.{member}{_call(function)}`"
            text += f"\n- {call}: {' '.join(function.__doc__.split())}"
    return text + "\n"


def _call(function: Any) -> str:
    names = [name for name in inspect.signature(function).parameters if name not in ("self", "cls")]
    return f"({', '.join(names)})"


def _errors() -> Iterator[str]:
    from tsharness import errors

    for name, one in vars(errors).items():
        if isinstance(one, type) and issubclass(one, errors.TsharnessError):
            yield f"| `{name}` | {one.exit_code} | {_cell(' '.join((one.__doc__ or '').split()))} |\n"


def schema() -> str:
    """A table of fields for everything that a report consists of."""
    made = report_schema()
    text = (
        "# Fields of a report\n\nMade from the [schema](reports.md#json), `docs/report.schema.json`. Times "
        "are seconds, sizes bytes.\n"
    )
    parts = {"Run": made, **made["$defs"]}
    return text + "".join(_part(name, one) for name, one in parts.items())


def _part(name: str, one: dict[str, Any]) -> str:
    text = f"\n## {name}\n\n{_prose(one['description'])}\n\n| field | type | |\n|---|---|---|\n"
    for field, of in one["properties"].items():
        text += f"| `{field}` | {_kind(of)} | {_cell(of.get('description', ''))} |\n"
    return text


def _kind(of: dict[str, Any]) -> str:
    """A type in a few words."""
    if "$ref" in of:
        name = of["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "const" in of:
        return f"`{json.dumps(of['const'])}`"
    if "enum" in of:
        return " or ".join(f"`{json.dumps(value)}`" for value in of["enum"])
    if "anyOf" in of:
        kinds = [_kind(one) for one in of["anyOf"]]
        return "number" if "number" in kinds[0] else " or ".join(kinds)
    if of.get("type") == "array":
        return f"list of {_kind(of['items'])}"
    if of.get("type") == "object":
        return f"by name: {_kind(of['additionalProperties'])}"
    return str(of.get("type", "anything"))


def exit_codes() -> str:
    """The table of exit codes."""
    rows = "".join(f"| {code.value} | {code.meaning} | {code.examples} |\n" for code in ExitCode)
    order = ", ".join(str(int(code)) for code in WORST_FIRST[:6])
    return (
        "# Exit codes\n\nThe same for every command, and for `tsharness-runner` by hand.\n\n"
        f"| code | meaning | for example |\n|---|---|---|\n{rows}\n"
        f"Of several artifacts or cases the worst counts, in the order {order}, then 8 and 2, which say"
        " nothing about an artifact. After an interrupt it is the shell's own 130.\n"
    )


PAGES = {
    "reference/commands.md": commands,
    "reference/python.md": python,
    "reference/schema.md": schema,
    "exit-codes.md": exit_codes,
}

if __name__ == "__main__":
    for name, make in PAGES.items():
        (DOCS / name).write_text(make())
        print(f"{name} written")
