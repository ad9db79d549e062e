"""Names are data: a hostile text through everything that shows one, judged by what reads it."""

from __future__ import annotations

import inspect
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cmarkgfm
import pytest
import torch

from conftest import PACKAGE, run, tsharness
from sinks import HOSTILE, PLAIN, SINKS, Sink, github_commands, poisoned, shell
from tsharness.printable import one_line, shell_word

_SLOW = ("HTML",)
_FEW = ("escape sequences", "HTML", "mathematics")


def _judged(sink: Sink, text: str, folder: Path) -> Any:
    needs_folder = len(inspect.signature(sink.judge).parameters) == 2
    return sink.judge(poisoned(text), folder) if needs_folder else sink.judge(poisoned(text))


@pytest.mark.parametrize("name", SINKS)
def test_a_text_stays_a_text(name: str, tmp_path: Path) -> None:
    """What the sink's own parser finds of structure is what it finds with a plain text."""
    expected = _judged(SINKS[name], PLAIN, tmp_path)
    for what in _FEW if name in _SLOW else HOSTILE:
        assert _judged(SINKS[name], HOSTILE[what], tmp_path) == expected, what


@pytest.mark.parametrize("name", SINKS)
def test_without_its_escaping_a_sink_does_not_hold(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sink = SINKS[name]
    expected = _judged(sink, PLAIN, tmp_path)
    for place in sink.escapers:
        monkeypatch.setattr(place, str)

    def holds(text: str) -> bool:
        try:
            return bool(_judged(sink, text, tmp_path) == expected)
        except Exception:
            return False

    assert not all(holds(HOSTILE[what]) for what in (_FEW if name in _SLOW else HOSTILE))


@pytest.mark.parametrize("what", HOSTILE)
def test_a_case_name_with_controls_is_refused_when_read(what: str, tmp_path: Path) -> None:
    from tsharness.cases import read_case_file
    from tsharness.cases.safetensors_file import SafetensorsWriter
    from tsharness.errors import CaseFileError

    call = {"method": "forward", "args": [], "kwargs": {}, "outputs": None}
    document = {"schema_version": 1, "cases": [{"name": HOSTILE[what], "calls": [call]}]}
    path = tmp_path / "c.safetensors"
    path.write_bytes(SafetensorsWriter().to_bytes({"tsharness": json.dumps(document)}))
    if one_line(HOSTILE[what]) == HOSTILE[what]:
        assert read_case_file(path).cases[0].name == HOSTILE[what]
        return
    with pytest.raises(CaseFileError) as caught:
        read_case_file(path)
    assert "\n" not in str(caught.value) and one_line(str(caught.value)) == str(caught.value)


@pytest.mark.parametrize("place", ["name", "family", "origin", "device", "method", "argument"])
def test_every_name_of_a_case_file_is_looked_at(place: str) -> None:
    from tsharness.cases.document import check_document

    call: dict[str, Any] = {"method": "forward", "args": [], "kwargs": {"x": 1}, "outputs": None}
    case: dict[str, Any] = {"name": "c", "calls": [call]}
    check_document({"cases": [case]})
    if place == "argument":
        call["kwargs"] = {"x\n": 1}
    else:
        (call if place == "method" else case)[place] = "x\n"
    with pytest.raises(ValueError, match=r"holds control characters: 'x\\n'"):
        check_document({"cases": [case]})


def test_no_case_is_written_that_nobody_reads() -> None:
    from tsharness.cases import Call, Case, CaseFile
    from tsharness.errors import InputError

    with pytest.raises(InputError, match="control characters"):
        CaseFile((Case("a\nb", (Call((), None),)),)).to_bytes()


# ---- commands and files that are made of names -------------------------------------------------------------


@pytest.mark.parametrize("what", HOSTILE)
def test_a_word_of_a_command_is_that_word(what: str, tmp_path: Path) -> None:
    text = HOSTILE[what].replace("\0", "").replace("\ud800", "")
    word = shell_word(text)
    assert one_line(word) == word
    assert shell(f"printf %s {word}", tmp_path) == text
    assert not list(tmp_path.iterdir())


def test_a_literal_of_cpp_is_its_text(tmp_path: Path) -> None:
    from tsharness.repro.cpp_values import literal

    texts = [*HOSTILE.values(), "größe 中 🙂", "a\0b", "7\x011"]
    shown = "\n".join(f"  put({literal(text)});" for text in texts)
    (tmp_path / "main.cpp").write_text(
        "#include <cstdio>\n#include <string>\n"
        "void put(const std::string& s) {\n"
        '  for (unsigned char c : s) std::printf("%02x", c);\n  std::puts("");\n}\n'
        f"int main() {{\n{shown}\n}}\n"
    )
    compiled = run("c++", "-std=c++17", "-trigraphs", "-Wall", "-o", tmp_path / "main", tmp_path / "main.cpp")
    assert compiled.code == 0, compiled.err
    said = run(tmp_path / "main").out.split("\n")[:-1]
    assert said == [text.encode("utf-8", "surrogatepass").hex() for text in texts]


def _rendered(folder: Path, text: str) -> dict[str, str]:
    from tsharness.repro.api import _render
    from tsharness.repro.cpp_values import CppWriter

    folder.mkdir()
    value = CppWriter().expression([text])
    call = {"method": text, "args": [value], "kwargs": [(text, value)], "expected": []}
    call["expected"] = [{"name": text, "value": "at::Tensor()", "rtol": float("inf"), "atol": 0.0}]
    facts = dict.fromkeys(("artifact", "case", "origin", "version", "libtorch", "verdict"), text)
    _render(folder, {**facts, "rounds": 1, "cxx_standard": 17, "calls": [call]})
    return {path.name: path.read_text() for path in folder.iterdir()}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_name_adds_nothing_to_a_project(what: str, tmp_path: Path) -> None:
    """Without comments and literals, the compiler's preprocessor sees the same program."""
    plain, hostile = _rendered(tmp_path / "plain", PLAIN), _rendered(tmp_path / "hostile", HOSTILE[what])
    assert plain["CMakeLists.txt"] == hostile["CMakeLists.txt"]
    programs = []
    for name in ("plain", "hostile"):
        command = ("c++", "-fpreprocessed", "-E", "-P", "-trigraphs", tmp_path / name / "main.cpp")
        text = run(*command).out
        programs.append(re.sub(r'std::string\("[^"]*", \d+\)|"(?:[^"\\]|\\.)*"', '""', text))
    assert programs[0] == programs[1]
    pages = [
        re.findall("<[a-z/]+", cmarkgfm.github_flavored_markdown_to_html(one["README.md"]))
        for one in (plain, hostile)
    ]
    assert pages[0] == pages[1]


def test_a_project_is_a_program(tmp_path: Path) -> None:
    """With every hostile text in it at once, and real headers."""
    from tsharness.runner.find import installed_torch

    _rendered(tmp_path / "all", "".join(HOSTILE.values()))
    include = Path(torch.__file__).parent / "include"
    flags = [f"-isystem{include}", f"-isystem{include / 'torch/csrc/api/include'}"]
    standard = "c++20" if tuple(map(int, str(installed_torch()).split(".")[:2])) >= (2, 14) else "c++17"
    main = tmp_path / "all" / "main.cpp"
    done = run("c++", f"-std={standard}", "-trigraphs", "-fsyntax-only", *flags, main, timeout=600)
    assert done.code == 0, done.err[-2000:]


def test_checksums_of_a_bundle_name_any_file(tmp_path: Path) -> None:
    from tsharness.bundling.sums import sum_line

    lines = []
    for number, text in enumerate(HOSTILE.values()):
        name = f"{number}{text}".replace("\0", "").replace("/", "").replace("\ud800", "")
        (tmp_path / name).write_text(text, errors="replace")
        lines.append(sum_line(tmp_path / name, name))
    (tmp_path / "SHA256SUMS").write_text("".join(lines))
    done = subprocess.run(
        ["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=tmp_path, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr + done.stdout


def test_the_script_of_a_bundle_is_a_script() -> None:
    assert run("bash", "-n", PACKAGE / "bundling" / "run.sh").code == 0


@pytest.mark.parametrize("what", HOSTILE)
def test_a_suite_file_says_a_text_as_it_is(what: str) -> None:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    from tsharness.suite.toml import toml_text

    text = HOSTILE[what].replace("\ud800", "")
    assert tomllib.loads(f"path = {toml_text(text)}") == {"path": text}


# ---- the commands themselves ------------------------------------------------------------------------------


class Prints(torch.nn.Module):
    """Says it when it is called, and raises it if asked to."""

    def forward(self, x: torch.Tensor, bad: bool) -> torch.Tensor:
        print("x\n::error title=injected::y\nPASS  exit code 0\n##[error]z\n\x1b[2J\x1b]0;t\x07")
        if bad:
            raise ValueError("x\n::error title=injected::y\nPASS  1 case\n\x1b[2J")
        return x + 1


@pytest.fixture(scope="module")
def talkative(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tsharness.cases import Call, Case, CaseFile, Tensor, write_case_file
    from tsharness.exporting import torch_jit

    folder = tmp_path_factory.mktemp("talkative")
    path = folder / "model.pt"
    torch_jit.save(torch_jit.script(Prints()), path)
    x, y = (Tensor("float32", (1,), torch.tensor([v]).numpy().tobytes()) for v in (1.0, 2.0))
    cases = tuple(Case(name, (Call((x, name == "bad"), y),)) for name in ("good", "bad"))
    write_case_file(CaseFile(cases), f"{path}.cases.safetensors")
    return path


def _shows_only_text(log: str, first_words: Callable[[str], bool]) -> None:
    assert not github_commands("\n".join(line for line in log.splitlines() if "injected" in line))
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", log)
    forged = [line for line in log.splitlines() if line.startswith("PASS")]
    assert not list(filter(first_words, forged)), forged


def test_what_a_model_says_is_quoted(talkative: Path, runner_path: Path) -> None:
    environment = {"GITHUB_ACTIONS": "true", "PATH": "/usr/bin:/bin"}
    ran = tsharness("verify", talkative, "--level", "quick", env=environment)
    assert ran.code == 5
    _shows_only_text(ran.text, lambda _: True)
    bare = run(runner_path, "--verify", talkative)
    assert bare.code == 5
    _shows_only_text(bare.text, lambda _: True)
    assert "  | ::error title=injected::y" in bare.out and "  | PASS  exit code 0" in bare.out
    assert bare.out.splitlines()[-1] == "FAIL  exit code 5"


def test_a_bare_runner_refuses_such_names(talkative: Path, runner_path: Path, tmp_path: Path) -> None:
    cases = tmp_path / "c.safetensors"
    data = Path(f"{talkative}.cases.safetensors").read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = data[8 : 8 + size].replace(rb"\"good\"", rb"\"a\\nPASS\"")
    cases.write_bytes(len(header).to_bytes(8, "little") + header + data[8 + size :])
    for command in ((runner_path, "--verify", talkative, "--cases", cases),):
        ran = run(*command)
        assert ran.code == 2 and r"a\nPASS" in ran.text, ran.text
    ran = tsharness("verify", talkative, "--cases", cases)
    assert ran.code == 2 and r"'a\nPASS'" in ran.err and "Traceback" not in ran.err


@pytest.mark.parametrize("what", ["escape sequences", "lines", "GitHub", "bidirectional", "rich"])
def test_names_of_files_are_shown_as_text(what: str, talkative: Path, tmp_path: Path) -> None:
    name = HOSTILE[what].replace("/", "") + ".pt"
    shutil.copy(talkative, tmp_path / name)
    for arguments in (("inspect", "--", name), ("inspect", "--", f"no{name}"), ("verify", "-q", "--", name)):
        ran = tsharness(*arguments, cwd=tmp_path)
        _shows_only_text(ran.text, lambda _: False)
        assert not github_commands(ran.text)
        assert "Traceback" not in ran.text and one_line(name)[-4:] in ran.text


def test_the_plugin_fails_with_text() -> None:
    from tsharness.errors import UsageError
    from tsharness.pytest_plugin import _passing

    def fails() -> Any:
        raise UsageError(HOSTILE["lines"])

    with pytest.raises(pytest.fail.Exception) as caught:
        _passing(fails)
    assert not github_commands(str(caught.value)) and str(caught.value).count("\n") == 3


def test_a_bar_says_a_text_as_it_is() -> None:
    from rich.progress import Progress

    from tsharness.report.console import Description

    progress = Progress(Description())
    progress.add_task(HOSTILE["escape sequences"] + HOSTILE["rich"])
    shown = Description().render(progress.tasks[0])
    assert "\x1b" not in shown.plain and "[bold red]" in shown.plain and not shown.spans


def test_texts_of_rich_are_made_in_one_place() -> None:
    """``words`` escapes; another Text, Table or Console would not."""
    for path in PACKAGE.rglob("*.py"):
        if path.name != "console.py":
            text = path.read_text()
            assert not re.search(r"from rich\.(text|table|console) import", text), path
            assert not re.search(r"typer\.echo|\bprint\(", re.sub(r"\.print\(", "", text)), path
