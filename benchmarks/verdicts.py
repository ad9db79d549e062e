"""Whether a pass is evidence and a failure is right: healthy models of many kinds must pass ``tsharness
verify``, planted defects must not pass without a word. ``--migrate``: never SAFE for a file that differs.

It takes a while (about 20 minutes, with ``--migrate`` hours): what is done is kept below build/verdicts, and
``--resume`` goes on from there."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from typing import TypeVar

from common import ROOT, Row, main
from verdict_models import page
from verdict_models.defects import DEFECTS
from verdict_models.healthy import MODELS
from verdict_models.making import Defect, Files, Healthy, files_of, made
from verdict_models.migrating import TARGETS, Migration, counts, migration
from verdict_models.verifying import Outcome, defect_outcome, healthy_outcome

LEAST = 60
KEPT = ROOT / "build" / "verdicts"
_Kind = TypeVar("_Kind", Outcome, Migration)


class Work:
    """One run: what was found is kept, a file each, so that a run that was ended can go on."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        if not options.resume:
            shutil.rmtree(KEPT, ignore_errors=True)
        (KEPT / "files").mkdir(parents=True, exist_ok=True)
        self._files: dict[str, Files] = {}

    def chosen(self) -> list[Healthy]:
        only = self.options.only
        wanted = {*only, *(one.of for one in DEFECTS if one.name in only)}
        return [model for model in MODELS if not only or model.name in wanted]

    def healthy(self) -> Iterator[Outcome]:
        for model in self.chosen():
            yield self._kept(Outcome, f"healthy-{model.name}", partial(self._healthy, model))

    def defects(self) -> Iterator[Outcome]:
        models, only = {model.name: model for model in self.chosen()}, self.options.only
        for one in DEFECTS:
            if one.of in models and (not only or one.name in only or one.of in only):
                yield self._kept(Outcome, f"defect-{one.name}", partial(self._defect, one, models[one.of]))

    def migrations(self) -> Iterator[Migration]:
        for to in self.options.to or TARGETS:
            for model in self.chosen():
                yield self._kept(Migration, f"{to}-{model.name}", partial(self._migration, model, to))

    def _healthy(self, model: Healthy) -> Outcome:
        outcome, files = healthy_outcome(model, KEPT / "files")
        if files is not None:
            self._files[model.name] = files
        return outcome

    def _defect(self, defect: Defect, model: Healthy) -> Outcome:
        return defect_outcome(defect, model, self._of(model))

    def _migration(self, model: Healthy, to: str) -> Migration:
        return migration(model, self._of(model), to)

    def _of(self, model: Healthy) -> Files:
        if model.name not in self._files:
            files = files_of(model, KEPT / "files")
            there = files.artifact.exists() and files.cases.exists()  # of a run before
            self._files[model.name] = files if there else made(model, KEPT / "files")
        return self._files[model.name]

    def _kept(self, kind: type[_Kind], name: str, make: Callable[[], _Kind]) -> _Kind:
        path = KEPT / f"{name}.json"
        if path.exists():
            return kind(**json.loads(path.read_text()))
        found = make()
        path.write_text(json.dumps(asdict(found), indent=2))
        told = "" if found.right else "  <- WRONG"
        print(f"{name}: {found.verdict}, {found.said}{told}", file=sys.stderr, flush=True)
        return found


def measure() -> list[Row]:
    options = _parser().parse_known_args()[0]
    work = Work(options)
    healthy = list(work.healthy())
    defects = list(work.defects())
    print(page.healthy_table(healthy))
    print(page.defect_table(defects))
    migrations = list(work.migrations()) if options.migrate else []
    if migrations:
        print(page.migration_tables(migrations))
    if options.page:
        page.write_page(healthy, defects, migrations)
    return [*_verify_rows(healthy, defects), *_migrate_rows(migrations)]


def _verify_rows(healthy: list[Outcome], defects: list[Outcome]) -> list[Row]:
    failed = sum(not one.right for one in healthy)
    silent = sum(not one.right for one in defects)
    explained = sum(bool(one.exception) for one in DEFECTS)
    return [
        Row("healthy models that fail", f"{failed} of {len(healthy)}", "0", not failed),
        Row(
            f"planted defects that pass without a word ({explained} are explained)",
            f"{silent} of {len(defects)}",
            "0",
            not silent,
        ),
        Row(
            "models and defects in the lists",
            f"{len(MODELS)} and {len(DEFECTS)}",
            f"at least {LEAST} each",
            min(len(MODELS), len(DEFECTS)) >= LEAST,
        ),
    ]


def _migrate_rows(migrations: list[Migration]) -> list[Row]:
    if not migrations:
        return []
    rows = [
        Row(
            f"`migrate --to {to}`: safe, not safe, cannot", f"{safe}, {unsafe}, {cannot}", "(no target)", True
        )
        for to, safe, unsafe, cannot, _ in counts(migrations)
    ]
    wrong = sum(not one.right for one in migrations)
    return [*rows, Row("SAFE, but differs", f"{wrong}", "0", not wrong)]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="of a model or a defect")
    parser.add_argument(
        "--migrate", action="store_true", help="and what becomes of the healthy ones elsewhere"
    )
    parser.add_argument("--to", action="append", default=[], choices=TARGETS, help="this target alone")
    parser.add_argument("--resume", action="store_true", help="keep what build/verdicts holds")
    parser.add_argument("--page", action="store_true", help="write docs/verdicts.md")
    return parser


if __name__ == "__main__":
    main("verdicts", measure, _parser())
