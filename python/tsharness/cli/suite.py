"""A command without arguments: what the suite file says, artifact by artifact."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union

import typer

from tsharness.cli.options import path_of, use_color
from tsharness.cli.output import say
from tsharness.errors import TsharnessError, UsageError
from tsharness.printable import shortened
from tsharness.suite.read import Entry, Suite, find_suite, read_suite

if TYPE_CHECKING:
    from tsharness.cli.results import Renderings, Results
    from tsharness.report.document import Report
    from tsharness.report.progress import Bar
    from tsharness.runner.outcome import Event
    from tsharness.runner.process import Hooks

Make = Callable[[Path, Mapping[str, Any], "Hooks"], "Report"]
"""A report of an artifact, by the values of the command's parameters; the hooks hear what goes on."""
Made = Callable[[Entry, Mapping[str, Any]], "Report"]
Planned = tuple[Entry, dict[str, Any]]
Outcome = Union["Report", TsharnessError]
Stop = Callable[[], None]


def run_suite(
    command: str, context: typer.Context, results: Results, make: Make, stop: Stop = lambda: None
) -> None:
    """Runs the entries that are wanted; ``stop`` ends those that run at once, after an interrupt. Raises
    UsageError for a suite file that cannot be read, or says nothing for this command."""
    params = context.params
    stated = path_of(params["suite"])
    suite = read_suite(stated.resolve()) if stated else find_suite(Path.cwd())
    results.renderings = absolute(results.renderings)
    results.command = "suite"
    with _inside(suite.folder):
        entries = suite.entries(command)
        since = params["changed_since"]
        if since is not None:
            from tsharness.suite.changed import changed_entries

            everything, entries = len(entries), changed_entries(suite, entries, since)
            say(f"{len(entries)} of {everything} artifacts have changed since {since}", err=True)
        # Before anything runs: a wrong value in the last artifact should not be found after an hour.
        planned = [(entry, entry_params(context, entry, suite)) for entry in entries]
        _Run(command, results, params).all(planned, make, stop)


def absolute(renderings: Renderings) -> Renderings:
    """The same files, from whatever folder they are written."""

    def there(name: str | None) -> str | None:
        return name if name in (None, "-") else str(Path(name).absolute())

    return replace(
        renderings,
        json=there(renderings.json),
        junit=there(renderings.junit),
        markdown=there(renderings.markdown),
        html=there(renderings.html),
        sarif=there(renderings.sarif),
        history=None if renderings.history is None else renderings.history.absolute(),
    )


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    """Paths in the file are relative to it."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def entry_params(context: typer.Context, entry: Entry, suite: Suite) -> dict[str, Any]:
    """The command's parameters for an entry: what the command line states wins, then the file, then the
    defaults. Raises UsageError for a value that the option does not take."""
    params = dict(context.params)
    by_key = {
        name.lstrip("-").replace("-", "_"): param for param in context.command.params for name in param.opts
    }
    for key, value in entry.settings.items():
        param = by_key.get(key)
        if param is None or param.name is None:  # "base", which is an argument
            params[key] = value
            continue
        source = context.get_parameter_source(param.name)
        if source is not None and source.name == "COMMANDLINE":
            continue
        try:
            params[param.name] = param.type_cast_value(
                context, _raw(value, getattr(param, "multiple", False))
            )
        except typer.BadParameter as error:
            raise UsageError(f"{suite.file}: {entry.path}: {key} = {value!r}: {error}") from None
    return params


def _raw(value: Any, multiple: bool) -> Any:
    """As it would stand on the command line."""
    if isinstance(value, dict):
        value = [f"{name}={_text(one)}" for name, one in value.items()]
    if multiple:
        return [_text(one) for one in value] if isinstance(value, list) else [_text(value)]
    if isinstance(value, list):
        return ",".join(map(_text, value))
    return value if isinstance(value, bool) else _text(value)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class _Run:
    """Entries at work, a line for each that ends."""

    def __init__(self, command: str, results: Results, params: Mapping[str, Any]) -> None:
        from tsharness.report.console import console

        self._command, self._results, self._params = command, results, params
        self._color = use_color(params["no_color"])
        self._out = console(self._color, stderr=results.renderings.take_standard_output)
        self._started = time.monotonic()

    def all(self, planned: list[Planned], make: Make, stop: Stop) -> None:
        """``--jobs`` at once where the command has them."""
        from tsharness.report.progress import Bar

        several = self._params.get("jobs", 1) > 1
        ended: dict[int, Outcome] = {}
        with Bar(len(planned), "artifacts", self._color) as bar:
            made = partial(self._make, make, bar, ended)
            outcomes = self._at_once(planned, made, stop) if several else self._one_by_one(planned, made)
            for number, outcome in outcomes:
                ended[number] = outcome
                with bar.aside():
                    self._tell(planned[number][0], outcome)
        self._keep([(planned[number][0], ended[number]) for number in sorted(ended)])
        self._close(len(planned))

    def _make(
        self, make: Make, bar: Bar, ended: Mapping[int, Outcome], entry: Entry, params: Mapping[str, Any]
    ) -> Report:
        """The bar says which artifact and which case it is at."""
        from tsharness.runner.process import Hooks

        def hear(event: Event) -> None:
            if "case" in event:
                bar.to(len(ended), f"{entry.name}: {event['case']}")

        bar.to(len(ended), entry.name)
        return make(entry.path, params, Hooks(hear))

    def _one_by_one(self, planned: list[Planned], make: Made) -> Iterator[tuple[int, Outcome]]:
        for number, (entry, params) in enumerate(planned):
            try:
                outcome: Outcome = make(entry, params)
            except TsharnessError as error:
                outcome = error
            except KeyboardInterrupt:
                self._results.interrupted = True
                return
            yield number, outcome
            if getattr(outcome, "incomplete", False):
                return

    def _at_once(self, planned: list[Planned], make: Made, stop: Stop) -> Iterator[tuple[int, Outcome]]:
        """An interrupt ends what runs; what comes of it then is told, too."""
        with ThreadPoolExecutor(self._params["jobs"]) as pool:
            running = {pool.submit(make, entry, params): n for n, (entry, params) in enumerate(planned)}
            while running:
                try:
                    done, _ = wait(running, return_when=FIRST_COMPLETED)
                except KeyboardInterrupt:
                    self._results.interrupted = True
                    pool.shutdown(wait=False, cancel_futures=True)
                    stop()
                    done = set(running)
                for future in done:
                    number = running.pop(future)
                    if future.cancelled():
                        continue
                    error = future.exception()
                    if error is not None and not isinstance(error, TsharnessError):
                        raise error
                    yield number, error or future.result()

    def _tell(self, entry: Entry, outcome: Outcome) -> None:
        """One line; the closing lines of what is not in order."""
        from tsharness.report.console import print_lines
        from tsharness.report.outline import outline

        if isinstance(outcome, TsharnessError):
            first, *more = map(shortened, str(outcome).splitlines())
            print_lines([f"ERROR  {entry.name}  {first}", *(f"       {line}" for line in more)], self._out)
            return
        said = outline(outcome)
        print_lines([f"{said.word:<5}  {entry.name}  {said.summary}"], self._out)
        if said.exit_code and not self._params.get("quiet", False):
            print_lines([f"       {line}" for line in said.lines[1:]], self._out)

    def _keep(self, ended: list[tuple[Entry, Outcome]]) -> None:
        """In the order of the file, whichever ended first."""
        from tsharness.report.document import Problem

        for entry, outcome in ended:
            if isinstance(outcome, TsharnessError):
                self._results.errors.append(Problem.of(entry.path, outcome))
            else:
                self._results.reports.append(outcome)
                self._results.interrupted |= bool(getattr(outcome, "incomplete", False))

    def _close(self, planned: int) -> None:
        from tsharness.report.console import print_lines
        from tsharness.report.units import seconds

        results = self._results
        passed = sum(report.exit_code == 0 for report in results.reports)
        word = "INCOMPLETE" if results.interrupted else "PASS" if passed == planned else "FAIL"
        took = seconds(time.monotonic() - self._started)
        self._out.print()
        print_lines([f"{word}  {self._command}: {passed} of {planned} artifacts pass, in {took}"], self._out)
