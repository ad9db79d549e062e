"""The pytest plugin. It does nothing by itself: fixtures, marker and ``--tsharness`` are asked for by name.

Nothing of tsharness is imported before one of them is used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import pytest

if TYPE_CHECKING:
    from tsharness.bench.compare_report import CompareReport
    from tsharness.report.document import Report
    from tsharness.verification.report import VerifyReport

    T = TypeVar("T", bound=Report)

_FIXTURE = "artifact"


class Verify(Protocol):
    """What the fixture ``tsharness_verify`` is."""

    def __call__(self, path: str | Path, **options: Any) -> VerifyReport: ...


class Compare(Protocol):
    """What the fixture ``tsharness_compare`` is."""

    def __call__(self, base: str | Path, new: str | Path, **options: Any) -> CompareReport: ...


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("tsharness", "TorchScript artifacts").addoption(
        "--tsharness",
        action="append",
        default=[],
        metavar="PATH",
        help="verify the .pt files with cases in PATH, a test for each; repeatable",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "tsharness(*globs): run the test once for each artifact, which its argument 'artifact' is; "
        "relative to the root folder",
    )
    stated = [Path(config.invocation_params.dir, path).resolve() for path in config.getoption("--tsharness")]
    for path in stated:
        if not path.exists():
            msg = f"--tsharness {path}: there is no such file or folder"
            raise pytest.UsageError(msg)
        collected = [Path(config.invocation_params.dir, arg.split("::")[0]).resolve() for arg in config.args]
        if not any(path == one or one in path.parents for one in collected):
            config.args.append(str(path))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    globs = [glob for mark in metafunc.definition.iter_markers("tsharness") for glob in mark.args]
    if not globs or _FIXTURE not in metafunc.fixturenames:
        return
    root = metafunc.config.rootpath
    paths = sorted({path for glob in globs for path in root.glob(glob) if path.is_file()})
    if not paths:
        msg = f"the marker tsharness({', '.join(map(repr, globs))}) finds no file in {root}"
        raise pytest.UsageError(msg)
    metafunc.parametrize(_FIXTURE, paths, ids=[path.relative_to(root).as_posix() for path in paths])


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if file_path.suffix != ".pt":
        return None
    config = parent.config
    stated = [Path(config.invocation_params.dir, path).resolve() for path in config.getoption("--tsharness")]
    if not any(path == file_path.resolve() or path in file_path.resolve().parents for path in stated):
        return None
    return ArtifactFile.from_parent(parent, path=file_path)


class ArtifactFile(pytest.File):
    """An artifact, which is one test: all of its cases run in one process."""

    def collect(self) -> Iterator[pytest.Item]:
        yield ArtifactItem.from_parent(self, name="verify")


class ArtifactItem(pytest.Item):
    """Verifies the artifact."""

    def runtest(self) -> None:
        from tsharness.verification.api import verify
        from tsharness.verification.plan import find_cases

        if find_cases(self.path, None) is None:
            pytest.skip("no cases inside the artifact or beside it; tsharness pack gives it some")
        _passing(lambda: verify(self.path))

    def reportinfo(self) -> tuple[Path, None, str]:
        from tsharness.printable import one_line

        return self.path, None, f"verify {one_line(self.path.name)}"


@pytest.fixture
def tsharness_verify() -> Verify:
    """``tsharness.verify``, which fails the test with the whole report unless the verdict is a pass."""

    def run(path: str | Path, **options: Any) -> VerifyReport:
        from tsharness.verification.api import verify

        return _passing(lambda: verify(path, **options))

    return run


@pytest.fixture
def tsharness_compare() -> Compare:
    """``tsharness.compare``, which fails the test with the whole report if the new one is slower, computes
    something else, or that cannot be told."""

    def run(base: str | Path, new: str | Path, **options: Any) -> CompareReport:
        from tsharness.bench.compare import compare

        return _passing(lambda: compare(base, new, **options))

    return run


def _passing(make: Callable[[], T]) -> T:
    """The report; the test fails with what the command would have said, unless it is a pass."""
    from tsharness.errors import TsharnessError
    from tsharness.printable import error_lines
    from tsharness.report.draw import report_text

    try:
        report = make()
    except TsharnessError as error:
        pytest.fail("\n".join(error_lines(error)), pytrace=False)
    if report.exit_code:
        pytest.fail(report_text(report), pytrace=False)
    return report
