"""Seeded mutations of documents that parse: reports, histories, case files, suite files, bundles, events.

    python tests/fuzz/documents.py [--count 5000] [--seed 0] [--only SUBJECT]

What must hold: no traceback, no exit code but those of the subject, and a message of one or two lines. The
entry function is called in this process; tests/python/test_documents.py asks the installed command."""

from __future__ import annotations

import argparse
import contextlib
import copy
import io
import json
import math
import os
import random
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import said_events

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "python" / "data"
_TWICE = "\ue000"
"""Before a key: it is to occur twice in its object, which no dict can say."""
_LONGEST = 1000  # characters of a line that says what is wrong, besides paths


@dataclass(frozen=True)
class Ended:
    """How a command ended; ``broken``: a traceback in one line, if there was one."""

    code: int
    err: str
    """And the lines of standard output that begin with ERROR."""
    broken: str = ""


def mutated(document: Any, rng: random.Random) -> Any:
    """A copy with one to three changes, each at a place of its own."""
    changed = copy.deepcopy(document)
    for _ in range(rng.randint(1, 3)):
        holder, key = _place(changed, rng)
        if holder is not None:
            rng.choice(_CHANGES)(holder, key, rng)
    return changed


def _place(node: Any, rng: random.Random) -> tuple[Any, Any]:
    """Somewhere in the tree: deeper with every step that it goes on."""
    holder, key = None, None
    while isinstance(node, (dict, list)) and node:
        holder = node
        key = rng.choice(sorted(node, key=str) if isinstance(node, dict) else range(len(node)))
        node = node[key]
        if rng.random() < 0.15:
            break
    return holder, key


def _nested(levels: int) -> Any:
    node: Any = 0
    for _ in range(levels):
        node = [node]
    return node


_VALUES: Sequence[Callable[[random.Random], Any]] = (
    lambda rng: rng.choice((None, True, False, 0, 1, -1, 2, 255, 1 << 31, -(1 << 63), 1 << 64, 10**400)),
    lambda rng: rng.choice((0.0, -0.5, 1e-300, 1e300, math.inf, -math.inf, math.nan)),
    lambda rng: rng.choice(("", "nan", "inf", "-1", "x" * 5000, "a\nb\x1b[2J", "../..", "\x00")),
    lambda rng: rng.choice(("\ud800", "\u202e", "$x^{$", "[bold]", "%s{0}", "\u2028")),
    lambda rng: rng.choice(([], {}, [[]], [{}], {"": ""}, [None], {"event": 1}, ["a", 1, None])),
    lambda rng: _nested(rng.choice((3, 300, 2000))),
)


def _replace(holder: Any, key: Any, rng: random.Random) -> None:
    holder[key] = rng.choice(_VALUES)(rng)


def _remove(holder: Any, key: Any, rng: random.Random) -> None:
    del holder[key]


def _repeat(holder: Any, key: Any, rng: random.Random) -> None:
    if isinstance(holder, list):
        holder.extend([holder[key]] * rng.choice((1, 50)))
    else:
        holder[f"{_TWICE}{key}"] = holder[key]


def _rename(holder: Any, key: Any, rng: random.Random) -> None:
    if isinstance(holder, dict):
        holder[rng.choice(("", "x", "kind", "name", f"{key}\n", f"{key}\ud800"))] = holder.pop(key)
    else:
        holder[key] = rng.choice(_VALUES)(rng)


def _swap(holder: Any, key: Any, rng: random.Random) -> None:
    other = rng.choice(sorted(holder, key=str) if isinstance(holder, dict) else range(len(holder)))
    holder[key], holder[other] = holder[other], holder[key]


def _retune(holder: Any, key: Any, rng: random.Random) -> None:
    """Another value of the same type, which a reader of types cannot refuse."""
    value = holder[key]
    same = [one for one in (choose(rng) for choose in _VALUES for _ in range(3)) if type(one) is type(value)]
    if isinstance(value, list) and value and rng.random() < 0.7:
        holder[key] = rng.choice(([], value[:1], value[::-1], value * 2))
    elif isinstance(value, dict) and value and rng.random() < 0.7:
        holder[key] = rng.choice(({}, {**value, "more": 1}, dict(list(value.items())[:1])))
    elif same:
        holder[key] = rng.choice(same)


_CHANGES = (*(_retune,) * 10, *(_replace,) * 5, *(_remove,) * 2, _repeat, _rename, _swap)


def text_of(document: Any) -> str:
    """As JSON, deep as it may be, with the keys twice that are to be."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    try:
        return json.dumps(document).replace(json.dumps(_TWICE)[1:-1], "")
    finally:
        sys.setrecursionlimit(limit)


def command(*arguments: str | Path) -> Ended:
    """The command in this process."""
    from tsharness.cli import main as entry

    out, err, before = io.StringIO(), io.StringIO(), sys.argv
    sys.argv = ["tsharness", *map(str, arguments)]
    begin, entry.begin = entry.begin, lambda _: begin([])  # no runner is started ahead: most need none
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            entry.main()
    except SystemExit as end:
        told = [line for line in out.getvalue().splitlines() if line.startswith("ERROR")]
        return Ended(int(end.code or 0), "\n".join([*told, err.getvalue()]))
    except Exception as error:  # what a user would see as a traceback
        return Ended(1, err.getvalue(), _where(error))
    finally:
        sys.argv, entry.begin = before, begin
    return Ended(0, err.getvalue())


def called(call: Callable[[], object]) -> Ended:
    """A function that must return, or raise an error of the tree."""
    from tsharness.errors import TsharnessError
    from tsharness.printable import error_lines

    try:
        call()
    except TsharnessError as error:
        return Ended(error.exit_code, "\n".join(error_lines(error)))
    except Exception as error:
        return Ended(1, "", _where(error))
    return Ended(0, "")


def _where(error: Exception) -> str:
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "tsharness" in f.filename]
    place = " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in reversed(frames[-3:]))
    return f"{type(error).__name__}: {str(error)[:100]} ({place})"


class Subject:
    """Something that reads documents."""

    name = ""
    share = 1.0
    """Of all mutations, by weight."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seeds = list(self.documents())

    def documents(self) -> Iterator[Any]:
        """Healthy ones."""
        raise NotImplementedError

    def ask(self, document: Any) -> Ended:
        """What comes of a document."""
        raise NotImplementedError

    def codes(self, document: Any) -> set[int]:
        """Exit codes that are right for it."""
        return {0, 2}

    def stated(self, document: Any) -> object:
        """The exit code that the document itself asks for, without anything being wrong with it."""
        return None

    def write(self, document: Any, name: str = "mutated.json") -> Path:
        path = self.folder / name
        path.write_text(text_of(document))
        return path


class Reports(Subject):
    """``tsharness report``, with the forms that need no drawing."""

    name, share = "report", 4.0

    def documents(self) -> Iterator[Any]:
        for path in sorted(DATA.glob("*-v*.json")):
            yield json.loads(path.read_text())
        from tsharness.report.document import read_run

        for path in sorted(DATA.glob("*-v*.json")):
            yield read_run(path).to_dict()

    def ask(self, document: Any) -> Ended:
        made = [f"--{kind}={self.folder / kind}" for kind in ("markdown", "junit", "sarif", "json")]
        return command("report", self.write(document), *made)

    def codes(self, document: Any) -> set[int]:
        stated = self.stated(document)
        return {2, stated} if type(stated) is int else {2}

    def stated(self, document: Any) -> object:
        return document.get("exit_code") if isinstance(document, dict) else None


class Drawings(Reports):
    """``tsharness report --html``: slower."""

    name, share = "html", 0.2

    def ask(self, document: Any) -> Ended:
        return command("report", self.write(document), f"--html={self.folder / 'page.html'}")


class History(Reports):
    """``tsharness history --add``."""

    name, share = "history", 1.0

    def ask(self, document: Any) -> Ended:
        store = self.folder / "history.sqlite"
        store.unlink(missing_ok=True)
        return command("history", store, "--add", self.write(document))

    def codes(self, document: Any) -> set[int]:
        return {0, 2}


class Baselines(Subject):
    """``bench --baseline``: a report of another time."""

    name = "baseline"

    def documents(self) -> Iterator[Any]:
        yield json.loads((DATA / "bench-v1.json").read_text())

    def ask(self, document: Any) -> Ended:
        from tsharness.bench.baseline import compare_with, read_baseline

        path, healthy = self.write(document), self.folder / "healthy.json"
        healthy.write_text(text_of(self.seeds[0]))
        return called(lambda: compare_with(read_baseline(path), read_baseline(healthy), 0.02, across=True))


class Headers(Subject):
    """The documents inside a case file: cases, and what the format itself says."""

    name, share = "cases", 3.0

    def documents(self) -> Iterator[Any]:
        from tsharness.cases import (
            Call,
            Case,
            CaseFile,
            NamedTuple,
            QuantizedTensor,
            SparseTensor,
            Tensor,
        )
        from tsharness.cases.values import Device, DType

        x = Tensor("float32", (2, 3), bytes(24))
        view = Tensor("int64", (2, 1), bytes(8 * 4), (3, 1))
        index = Tensor("int64", (1, 2), bytes(16))
        values: tuple[Any, ...] = (
            *(None, True, 3, "text", 0.5, math.nan, 1 + 2j, Device("cpu"), DType("float16"), x, view),
            *([x, x], {"a": x}, (1, "b"), NamedTuple("P", ("x",), (x,))),
            QuantizedTensor("qint8", (2,), bytes(2), 0.5, 1),
            SparseTensor("sparse_coo", (4,), Tensor("float32", (2,), bytes(8)), index),
        )
        call = Call(values, {"y": x}, {"mask": view})
        tolerance = {"rtol": 0.1, "outputs": {"y": {"atol": 1e-3}}}
        signature = {"forward": {"arguments": [{"name": "x", "type": "Tensor", "dims": ["N", 3]}]}}
        cases = (Case("one", (call, call), tolerance=tolerance), Case("two", (call,), "zeros", "eager"))
        data = CaseFile(cases, signature, {"exporter": "tsharness", "seed": 0}).to_bytes()
        size = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + size])
        self._data = data[8 + size :]
        yield {"cases": json.loads(header["__metadata__"].pop("tsharness")), "header": header}

    def ask(self, document: Any) -> Ended:
        from tsharness.cases.case_file import CaseDocument
        from tsharness.cases.safetensors_file import Location

        path = self.folder / "mutated.cases.safetensors"
        path.write_bytes(self._bytes(document))

        def read() -> None:
            opened = CaseDocument(Location(path))
            for case in opened.cases():
                opened.find(case.name)

        return called(read)

    def _bytes(self, document: Any) -> bytes:
        header = document.get("header", {}) if isinstance(document, dict) else document
        if isinstance(header, dict) and isinstance(header.get("__metadata__"), dict):
            metadata = {**header["__metadata__"], "tsharness": text_of(document.get("cases"))}
            header = {**header, "__metadata__": metadata}
        text = text_of(header).encode()
        return len(text).to_bytes(8, "little") + text + self._data


class Suites(Subject):
    """``tsharness verify`` with a suite file; nothing that it names is there to be run."""

    name, share = "suite", 2.0

    def documents(self) -> Iterator[Any]:
        yield {
            "verify": {"level": "quick", "rtol": {"y": 1e-3}, "select": ["parity"], "timeout": 5.0},
            "bench": {"budget": {"p99": "20ms"}, "callers": [1, 2], "threads": 1},
            "compare": {"margin": "2%", "base": "old/{name}"},
            "targets": {"cpu": {"device": "cpu", "threads": 1}},
            "artifacts": [
                {"path": ["*.pt", "**/*.pt"], "exclude": "old/*", "targets": ["cpu"]},
                {"path": "model.pt", "commands": ["verify"], "verify": {"cases": "{stem}.cases"}},
            ],
        }

    def ask(self, document: Any) -> Ended:
        folder = self.folder / "suite"
        folder.mkdir(exist_ok=True)
        (folder / "model.pt").write_bytes(b"no archive")
        path = folder / "tsharness.toml"
        path.write_text(toml_of(document), encoding="utf-8", errors="surrogatepass")
        return command("verify", "--suite", path)

    def codes(self, document: Any) -> set[int]:
        return {2, 5}


def toml_of(document: Any) -> str:
    """As TOML, as far as it can say it: the root is a table, there is no null."""
    table = document if isinstance(document, dict) else {"artifacts": document}
    return "\n".join(f"{_toml(str(key))} = {_toml(value)}" for key, value in table.items()) + "\n"


def _toml(value: Any, depth: int = 0) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_toml(str(k))} = {_toml(v, depth + 1)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        if depth == 20:  # the rest of a deep one: it is made of lists of one
            return "[" * 2000 + "]" * 2000
        return "[" + ", ".join(_toml(one, depth + 1) for one in value) + "]"
    if isinstance(value, (int, float)):
        return str(value)
    text = json.dumps(str(value).replace(_TWICE, ""), ensure_ascii=False)
    return text.replace("\x7f", "\\u007f")


class Events(Subject):
    """What a runner says: a process that answers with it, on the way that every process has."""

    name, share = "events", 2.0

    def documents(self) -> Iterator[Any]:
        self._artifact = artifact(self.folder)
        launcher = said_events.Recording()
        self._verify(launcher)
        yield launcher.said

    def ask(self, document: Any) -> Ended:
        return called(lambda: self._verify(said_events.Repeating(document)))

    def _verify(self, launcher: Any) -> None:
        from tsharness.errors import TsharnessError
        from tsharness.report.draw import report_text
        from tsharness.verification.api import verify_artifact
        from tsharness.verification.checks.rule import Level
        from tsharness.verification.plan import VerifyOptions

        options = VerifyOptions(level=Level.STANDARD, cause=False, timeout=20)
        with contextlib.closing(launcher):
            report = verify_artifact(self._artifact, options, launcher=launcher)
        report_text(report)
        if report.exit_code:
            error = TsharnessError(report.verdict.value)
            error.exit_code = int(report.exit_code)
            raise error

    def codes(self, document: Any) -> set[int]:
        return {0, 1, 2, 3, 5, 6, 8}


class Results(Subject):
    """``tsharness report`` of what a bundle has brought back."""

    name, share = "bundle", 2.0

    def documents(self) -> Iterator[Any]:
        from tsharness.bundling.api import bundle

        bundle(artifact(self.folder), self.folder / "made", bench=False, level="quick")
        import torch

        environment = {**os.environ, "LIBTORCH": str(Path(torch.__file__).parent)}
        subprocess.run([self.folder / "made" / "run.sh"], check=True, capture_output=True, env=environment)
        yield json.loads((self.folder / "made" / "results.json").read_text())

    def ask(self, document: Any) -> Ended:
        return command("report", self.write(document))

    def codes(self, document: Any) -> set[int]:
        return {0, 1, 2, 3, 5, 6, 8}


class Bundles(Results):
    """The same documents, for the runner that does what they say: in C++, and a process for each."""

    name, share = "runner", 0.2

    def documents(self) -> Iterator[Any]:
        for results in super().documents():
            yield results["bundle"]

    def ask(self, document: Any) -> Ended:
        from tsharness.runner.find import find_runner

        (self.folder / "made" / "bundle.json").write_text(text_of(document))
        asked = [find_runner().path, "--bundle", self.folder / "made", "--output", self.folder / "out.json"]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=120, check=False)
        broken = "" if done.returncode >= 0 else f"ended by signal {-done.returncode}"
        return Ended(done.returncode, done.stderr.replace("tsharness-runner: ", "error: "), broken)

    def codes(self, document: Any) -> set[int]:
        return {0, 1, 2, 5, 6, 8}


def artifact(folder: Path) -> Path:
    """With cases inside."""
    sys.path[:0] = [str(ROOT / "examples")]
    import linear

    import tsharness

    path = folder / "linear.pt"
    tsharness.export(*linear.make(), path, families=())
    return path


SUBJECTS: tuple[type[Subject], ...] = (
    *(Reports, Drawings, History, Baselines, Headers, Suites),
    *(Events, Results, Bundles),
)


def wrong(ended: Ended, right: set[int], stated: object = None) -> str:
    """Which rule it broke; empty if none."""
    if ended.broken:
        return ended.broken
    if ended.code not in right:
        return f"exit code {ended.code}, expected one of {sorted(right)}: {ended.err[-200:]}"
    if ended.code == 2 and stated != 2:
        lines = [line for line in ended.err.splitlines() if line.startswith(("error: ", "ERROR", "  | "))]
        if not 1 <= len(lines) <= 2 or any(len(line) > _LONGEST for line in lines):
            return f"a message of {len(lines)} lines: {ended.err[:300]!r}"
    return ""


def fuzz(subject: Subject, numbers: Sequence[int]) -> tuple[Counter[int], list[tuple[int, str]]]:
    """Exit codes, and what broke a rule, by the number of the mutation."""
    ends, failures = Counter[int](), []
    for number in numbers:
        rng = random.Random(f"{subject.name} {number}")
        document = mutated(rng.choice(subject.seeds), rng)
        ended = subject.ask(document)
        ends[ended.code] += 1
        broken = wrong(ended, subject.codes(document), subject.stated(document))
        if broken:
            failures.append((number, broken))
    return ends, failures


def counts(total: int) -> Mapping[type[Subject], int]:
    """How many mutations each subject gets."""
    whole = sum(subject.share for subject in SUBJECTS)
    return {subject: max(1, round(total * subject.share / whole)) for subject in SUBJECTS}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=5000, metavar="N")
    parser.add_argument("--seed", type=int, default=0, help="number of the first mutation")
    parser.add_argument("--only", help="one subject")
    options = parser.parse_args()
    bad = 0
    with tempfile.TemporaryDirectory() as name:
        for kind, count in counts(options.count).items():
            if options.only not in (None, kind.name):
                continue
            folder = Path(name) / kind.name
            folder.mkdir()
            started = time.monotonic()
            ends, failures = fuzz(kind(folder), range(options.seed, options.seed + count))
            told = ", ".join(f"exit {code}: {number}" for code, number in sorted(ends.items()))
            print(f"{kind.name}: {count} mutations in {time.monotonic() - started:.0f} s: {told}")
            for number, broken in failures:
                print(f"FAIL {kind.name} {number}: {broken}")
            bad += len(failures)
    print("FAIL" if bad else "PASS", f"{bad} broke a rule")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
