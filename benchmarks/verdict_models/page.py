"""docs/verdicts.md, and the tables that the program prints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from common import ROOT

from verdict_models.migrating import Migration, by_model, counts
from verdict_models.verifying import Outcome

PAGE = ROOT / "docs" / "verdicts.md"
_SHOWN = 160  # characters of a cell

_INTRODUCTION = """# Verdicts, tried

Two lists that grow: healthy models of many kinds, which must pass, and defects planted in files, which must
not pass without a word. Each is a file made by `tsharness export` or plain `torch.jit`, with cases that the
eager Python model recorded, and is verified by the installed command as a user would, `tsharness verify
model.pt`, told nothing else. The sources are `benchmarks/verdict_models/`; this page is made by
`make verdicts`.

"""

_DEFECTS = """
## Planted defects

The file differs from the Python model whose cases it is verified with, or breaks its own rows or state. What
speaks is a check that fails, or a finding.

"""

_MIGRATIONS = """
## Migrations

Each healthy model by `tsharness migrate --to` each target (`--contiguous` for AOTInductor). Every file that
is called safe is tried by the program itself against the old one, in its own runner: other sizes of every
dim, alone and together, other values, all methods, sequences of calls.

"""


def healthy_table(outcomes: Sequence[Outcome]) -> str:
    head = "| model | kind | verdict | noted besides |\n|---|---|---|---|\n"
    return head + "".join(map(row, outcomes))


def defect_table(outcomes: Sequence[Outcome]) -> str:
    head = "| defect | kind | verdict | what said it |\n|---|---|---|---|\n"
    return head + "".join(map(row, outcomes))


def row(one: Outcome) -> str:
    verdict = one.verdict if one.right else f"**{one.verdict}**"
    return f"| {one.name} | {one.kind} | {verdict} | {_cell(one.said)} |\n"


def migration_tables(migrations: Sequence[Migration]) -> str:
    """Counts for each target, then the models."""
    head = "| target | safe | not safe | cannot | SAFE, but differs |\n|---|---|---|---|---|\n"
    totals = "".join(f"| {' | '.join(map(str, one))} |\n" for one in counts(migrations))
    targets = list(dict.fromkeys(one.to for one in migrations))
    models = f"| model | {' | '.join(targets)} |\n|{'---|' * (len(targets) + 1)}\n"
    for name, found in by_model(migrations).items():
        cells = [_told(found[to]) if to in found else "" for to in targets]
        models += f"| {name} | {' | '.join(cells)} |\n"
    return f"{head}{totals}\n{models}"


def _told(one: Migration) -> str:
    verdict = one.verdict if one.right else f"**{one.verdict}**"
    return f"{verdict}: {_cell(one.said)}" if one.said else verdict


def _cell(text: str) -> str:
    """One line, of a length that a table bears; nothing in it is markup."""
    line = " ".join(text.split())
    line = line if len(line) <= _SHOWN else f"{line[:_SHOWN]}..."
    return line.translate({ord(mark): f"\\{mark}" for mark in "|*_<[`"})


def write_page(
    healthy: Sequence[Outcome], defects: Sequence[Outcome], migrations: Sequence[Migration]
) -> None:
    failed, silent = (sum(not one.right for one in outcomes) for outcomes in (healthy, defects))
    text = (
        f"{_INTRODUCTION}{len(healthy)} healthy models, failed: {failed}. {len(defects)} planted defects, "
        f"passed without a word: {silent}.\n\n## Healthy models\n\n{healthy_table(healthy)}"
        f"{_DEFECTS}{defect_table(defects)}"
    )
    if migrations:
        text += f"{_MIGRATIONS}{migration_tables(migrations)}"
    Path(PAGE).write_text(text)
