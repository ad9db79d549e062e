"""``tsharness bundle``, and what its run.sh does where there is no Python."""

from __future__ import annotations

import json
import os
import re
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import tsharness as package
from conftest import ROOT, Ran, run, tsharness, written_report
from second_libtorch import needs_second_libtorch
from test_hostile import Loop, Segfault, make
from tsharness.bundling.elf import leave_own_libraries
from tsharness.bundling.runtime import licences_of
from tsharness.errors import EnvironmentProblem

NEEDED = torch.__version__.partition("+")[0]
"""The LibTorch that the runner was built against, as its headers have it."""
LIBTORCH = Path(torch.__file__).parent
HOST_FACTS = {
    *("seconds", "started", "mapped_libraries", "place", "host", "cage", "curves", "message", "load_seconds"),
    "printed",
}
"""What differs between two runs, and between two machines. Messages hold durations."""


def comparable(node: Any) -> Any:
    """A report without what belongs to the run and the machine."""
    if isinstance(node, dict):
        return {key: comparable(value) for key, value in node.items() if key not in HOST_FACTS}
    return [comparable(value) for value in node] if isinstance(node, list) else node


def bundled(artifact: Path, folder: Path, *options: str) -> Path:
    ran = tsharness("bundle", artifact, "-o", folder, *options)
    assert ran.code == 0, ran.text
    return folder


@pytest.fixture(scope="module")
def whole(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of the linear model with everything that it needs."""
    folder = tmp_path_factory.mktemp("bundles") / "linear"
    return bundled(models / "linear.pt", folder, "--with-libtorch")


@pytest.fixture
def libtorch(monkeypatch: pytest.MonkeyPatch) -> Path:
    """This environment's, named as a user does on a host that has one."""
    folder = Path(torch.__file__).parent
    monkeypatch.setenv("LIBTORCH", str(folder))
    return folder


@pytest.fixture
def plain(
    models: Path,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    libtorch: Path,
) -> Path:
    """A copy of a small bundle of the linear model, on a machine with a LibTorch."""
    made = tmp_path_factory.getbasetemp() / "plain-bundle"
    if not made.exists():
        bundled(models / "linear.pt", made, "--no-bench", "--level", "quick")
    return Path(shutil.copytree(made, tmp_path / "b"))


def root_folder(folder: Path) -> Path:
    """A root folder with a shell, the C library and nothing else."""
    for name in ("bin", "lib64", "lib/x86_64-linux-gnu", "tmp", "proc", "dev"):
        (folder / name).mkdir(parents=True)
    busybox = shutil.which("busybox")
    assert busybox is not None
    shutil.copy(busybox, folder / "bin" / "busybox")
    for applet in ("sh", "sha256sum"):
        (folder / "bin" / applet).symlink_to("busybox")
    for name in ("libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1"):
        shutil.copy(f"/lib/x86_64-linux-gnu/{name}", folder / "lib/x86_64-linux-gnu" / name)
    shutil.copy("/lib64/ld-linux-x86-64.so.2", folder / "lib64")
    return folder


def in_root(root: Path, command: str) -> Ran:
    mounts = " && ".join(f"mount --rbind /{name} '{root}/{name}'" for name in ("proc", "dev"))
    return run(
        "unshare", "--mount", "sh", "-c", f"{mounts} && exec chroot '{root}' {command}", env=os.environ
    )


@pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("busybox") or not Path("/lib64/ld-linux-x86-64.so.2").exists(),
    reason="needs root and busybox (Debian: apt-get install busybox-static)",
)
def test_in_a_root_folder_without_python(whole: Path, models: Path, tmp_path: Path) -> None:
    root = root_folder(tmp_path / "root")
    assert not list(root.rglob("*python*"))
    shutil.copytree(whole, root / "bundle")
    ran = in_root(root, "/bundle/run.sh")
    assert ran.code == 0, ran.text
    assert re.search(r"^PASS  3 cases, 15 calls$", ran.out, re.MULTILINE), ran.text
    assert "time  example: " in ran.out and "tsharness report /bundle/results.json" in ran.out
    judged = tsharness("report", root / "bundle" / "results.json", "--json", tmp_path / "there.json")
    assert judged.code == 0 and " · on " in judged.out, judged.text
    # A bundle has no path of the machine that made it.
    here = tsharness("verify", "linear.pt", "--json", tmp_path / "here.json", cwd=models)
    assert here.code == 0
    there, timed = json.loads((tmp_path / "there.json").read_text())["reports"]
    assert comparable(there) == comparable(written_report(tmp_path / "here.json"))
    assert there["runner"]["place"] and not any(
        "/usr/" in name for name in there["runner"]["mapped_libraries"]
    )
    (latency,) = timed["latencies"]
    assert len(latency["processes"]) == 3 and timed["machine"]["cpu"]


def test_it_holds_only_what_is_mapped_with_licences(whole: Path) -> None:
    libraries = {path.name for path in (whole / "runtime/torch/lib").iterdir()}
    assert {"libtorch_cpu.so", "libc10.so", "libstdc++.so.6"} <= libraries
    assert not [name for name in libraries if "python" in name or name.startswith(("libc.so", "ld-linux"))]
    licences = {path.name.lower() for path in (whole / "licences").iterdir()}
    assert "torch" in licences and "tsharness" in licences


def test_a_library_of_nobody_has_no_licence(tmp_path: Path) -> None:
    library = tmp_path / "lib" / "libown.so"
    library.parent.mkdir()
    library.touch()
    assert list(licences_of(library)) == []
    (tmp_path / "LICENSE").touch()
    assert [path.name for _, path in licences_of(library)] == ["LICENSE"]


def test_what_is_not_whole_does_not_run(plain: Path) -> None:
    artifact = plain / "linear.pt"
    content = bytearray(artifact.read_bytes())
    content[200] ^= 1
    artifact.write_bytes(content)
    ran = run(plain / "run.sh")
    assert ran.code == 1 and "copy it again" in ran.err and not (plain / "results.json").exists()


@pytest.mark.parametrize("name", ["a folder", "-dash", "plain"])
def test_it_runs_from_wherever_it_is_called(plain: Path, tmp_path: Path, name: str) -> None:
    """With CDPATH, whose ``cd`` prints and goes elsewhere; through links; from other folders."""
    folder = Path(shutil.move(plain, tmp_path / name))
    (tmp_path / "elsewhere" / name).mkdir(parents=True)
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "first").symlink_to(folder / "run.sh")
    (tmp_path / "links" / "second").symlink_to("first")
    (tmp_path / "folder-link").symlink_to(folder)
    environment = {**os.environ, "CDPATH": str(tmp_path / "elsewhere")}
    calls: list[tuple[Path, tuple[str | Path, ...]]] = [
        (tmp_path, ("sh", f"./{name}/run.sh")),
        (folder, ("sh", "run.sh")),
        (folder, ("./run.sh",)),
        (Path("/"), (tmp_path / "links" / "second",)),
        (tmp_path / "links", ("./second",)),
        (tmp_path / "links", ("sh", "second")),
        (tmp_path, (tmp_path / "folder-link" / "run.sh",)),
    ]
    if not name.startswith("-"):
        calls.append((tmp_path, ("sh", f"{name}/run.sh")))
    for working, command in calls:
        ran = run(*command, cwd=working, env=environment)
        assert ran.code == 0 and "PASS  " in ran.out, (command, ran.text)
    assert (folder / "results.json").exists()


def test_libtorch_may_be_named_from_where_one_stands(plain: Path, libtorch: Path) -> None:
    ran = run(plain / "run.sh", cwd=libtorch.parent, env={**os.environ, "LIBTORCH": libtorch.name})
    assert ran.code == 0, ran.text


@pytest.fixture
def read_only(plain: Path) -> Iterator[Path]:
    """A bundle in a folder that nobody may write to: root runs it as somebody else."""
    plain.chmod(0o555)
    yield plain
    plain.chmod(0o755)


def as_somebody(*command: str | Path, cwd: Path, **variables: str) -> Ran:
    """As a user who may not write to what is root's."""
    setpriv = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups") if os.getuid() == 0 else ()
    return run(*setpriv, *command, cwd=cwd, env={**os.environ, **variables})


def test_a_bundle_that_cannot_be_written_to_says_so_first(
    read_only: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    open_folder(tmp_path)
    temporary = tmp_path_factory.mktemp("temporary")
    temporary.chmod(0o777)
    ran = as_somebody(read_only / "run.sh", cwd=Path("/"), TMPDIR=str(temporary))
    assert ran.code == 0 and "PASS  " in ran.out, ran.text
    (results,) = temporary.glob("tsharness-results-*.json")
    assert ran.err.startswith("note    cannot write ") and f"the results go to {results}" in ran.err
    assert f"tsharness report {results}" in ran.out
    assert tsharness("report", results, "-q").code == 0


def open_folder(folder: Path) -> None:
    """Whoever it is may go through it."""
    for one in (folder, *folder.parents):
        if one.stat().st_uid == os.getuid() and one != Path("/"):
            one.chmod(one.stat().st_mode | 0o005)


def test_a_failure_keeps_its_exit_code_where_results_cannot_be_kept(tmp_path: Path) -> None:
    folder = read_only_failure(tmp_path)
    open_folder(tmp_path)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    temporary.chmod(0o777)
    ran = as_somebody(folder / "run.sh", cwd=Path("/"), TMPDIR=str(temporary), LIBTORCH=str(LIBTORCH))
    folder.chmod(0o755)
    assert ran.code == 1 and "FAIL  " in ran.out and "the results go to" in ran.err, ran.text


def read_only_failure(tmp_path: Path) -> Path:
    """A bundle whose artifact does not give what its cases say."""
    from conftest import with_case
    from corpus import scripted

    artifact = with_case(scripted(torch.nn.ReLU(), tmp_path / "relu.pt"), -torch.ones(3), torch.ones(3))
    folder = bundled(artifact, tmp_path / "b", "--no-bench", "--level", "quick")
    folder.chmod(0o555)
    return folder


def test_parts_of_it_and_another_place_for_the_results(whole: Path, tmp_path: Path) -> None:
    folder = whole
    ran = run(folder / "run.sh", "--only", "verify", "--output", tmp_path / "r.json")
    assert ran.code == 0 and "time  " not in ran.out and not (folder / "results.json").exists()
    judged = tsharness("report", tmp_path / "r.json", "-q")
    assert judged.out.count("PASS") == 1
    assert run(folder / "run.sh", "--only", "nonsense").code == 2
    missing = run(folder / "run.sh", "--output", "/no/such/folder/r.json")
    assert missing.code == 2 and "name another file" in missing.err


@pytest.mark.usefixtures("libtorch")
@pytest.mark.parametrize(
    ("module", "options", "message"),
    [(Segfault(), (), "the runner crashed (SIGSEGV)"), (Loop(), ("--timeout", "3"), "took longer than 3 s")],
    ids=["crash", "hang"],
)
def test_a_case_that_dies_leaves_the_others_to_run(
    module: torch.nn.Module, options: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    # It dies here as well: what matters is that the host does not do again what followed it here.
    folder = bundled(make(module, tmp_path), tmp_path / "b", "--no-bench", "--level", "quick", *options)
    ran = run(folder / "run.sh")
    assert ran.code == 6 and "DIED" in ran.out
    assert "pass  before" in ran.out and "pass  after" in ran.out
    judged = tsharness("report", folder / "results.json", "--json", tmp_path / "r.json")
    assert judged.code == 6, judged.text
    before, bad, after = written_report(tmp_path / "r.json")["cases"]
    assert (before["verdict"], bad["verdict"], after["verdict"]) == ("pass", "error", "pass")
    assert message in bad["error"]["message"]


@pytest.mark.usefixtures("libtorch")
def test_an_artifact_without_cases_is_bundled_with_those_that_were_made(tmp_path: Path) -> None:
    from tsharness.exporting import torch_jit

    torch_jit.save(torch_jit.script(torch.nn.Linear(3, 2)), tmp_path / "bare.pt")
    folder = bundled(tmp_path / "bare.pt", tmp_path / "b", "--no-bench", "--level", "quick")
    assert run(folder / "run.sh").code == 0
    judged = tsharness("report", folder / "results.json")
    assert judged.code == 0 and "inputs from" in judged.out, judged.text


@pytest.mark.usefixtures("libtorch")
def test_float64_judges_there_by_what_ran_there(models: Path, tmp_path: Path) -> None:
    from tsharness.bundling.api import bundle_artifact
    from tsharness.verification.checks.rule import Level
    from tsharness.verification.plan import VerifyOptions

    options = VerifyOptions(float64=True, level=Level.QUICK)
    made = bundle_artifact(models / "linear.pt", tmp_path / "b", options, bench=False)
    assert made.report.verdict.value == "pass" and made.size > 1e6
    assert run(tmp_path / "b" / "run.sh").code == 0
    tsharness("report", tmp_path / "b" / "results.json", "--json", tmp_path / "r.json")
    for case in written_report(tmp_path / "r.json")["cases"]:
        assert case["verdict"] == "pass" and case["outputs"][0]["float64"] is not None


@pytest.mark.usefixtures("libtorch")
@pytest.mark.parametrize("kind", [".tar.gz", ".tar.zst"])
def test_as_one_file(models: Path, tmp_path: Path, kind: str) -> None:
    archive = bundled(models / "linear.pt", tmp_path / f"linear-b{kind}", "--no-bench", "--level", "quick")
    if kind == ".tar.zst":
        import zstandard

        with archive.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as stream:
            (tmp_path / "b.tar").write_bytes(stream.read())
        archive = tmp_path / "b.tar"
    with tarfile.open(archive) as opened:
        opened.extractall(tmp_path, filter="data")
    assert run(tmp_path / "linear-b" / "run.sh").code == 0


@pytest.mark.usefixtures("libtorch")
def test_from_python(models: Path, tmp_path: Path) -> None:
    made = package.bundle(models / "linear.pt", tmp_path / "b", bench=False, level="quick", rtol=1e-3)
    assert isinstance(made, package.Bundle) and made.path == tmp_path / "b"
    made.report.raise_for_verdict()
    assert run(made.path / "run.sh").code == 0


def test_mistakes(models: Path, tmp_path: Path, runner_path: Path) -> None:
    (tmp_path / "there").mkdir()
    ran = tsharness("bundle", models / "linear.pt", "-o", tmp_path / "there")
    assert ran.code == 2 and "exists" in ran.err
    ran = tsharness("bundle", tmp_path / "none.pt", "-o", tmp_path / "b")
    assert ran.code == 5 and not (tmp_path / "b").exists() and not list(tmp_path.glob(".b*"))
    ran = run(runner_path, "--bundle", tmp_path / "there")
    assert ran.code == 2 and "is no bundle" in ran.err
    (tmp_path / "there" / "bundle.json").write_text('{"bundle_version": 99}')
    ran = run(runner_path, "--bundle", tmp_path / "there")
    assert ran.code == 2 and "make the bundle anew" in ran.err
    (tmp_path / "there" / "bundle.json").write_text('{"bundle_version": 1}')
    ran = run(runner_path, "--bundle", tmp_path / "there")
    assert ran.code == 2 and "is damaged" in ran.err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bundle_version": 99}, "results of version 99"),
        ({"outcomes": []}, "is damaged"),
        ({"bundle": {}}, "is damaged"),
    ],
)
def test_results_that_are_damaged(plain: Path, tmp_path: Path, change: dict[str, Any], message: str) -> None:
    bad = tmp_path / "bad.json"
    assert run(plain / "run.sh", "--output", bad).code == 0
    bad.write_text(json.dumps({**json.loads(bad.read_text()), **change}))
    ran = tsharness("report", bad)
    assert ran.code == 2 and message in ran.err and "Traceback" not in ran.err


def test_without_libtorch_it_says_where_to_name_one(plain: Path) -> None:
    runner = plain / "runtime/tsharness/bin/tsharness-runner"
    runner.write_text("#!/bin/sh\necho 'error while loading shared libraries: libtorch.so' >&2; exit 127\n")
    sums = plain / "SHA256SUMS"
    lines = [line for line in sums.read_text().splitlines(keepends=True) if "tsharness-runner" not in line]
    sums.write_text("".join(lines))
    ran = run(plain / "run.sh")
    assert ran.code == 8 and "LIBTORCH=" in ran.err


@pytest.mark.parametrize("folder", ["/nonexistent", "/proc"])
def test_a_folder_without_libtorch_is_refused(
    plain: Path, whole: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    """Also by a bundle that has one: what the user names is what runs."""
    monkeypatch.setenv("LIBTORCH", folder)
    for made in (plain, whole):
        ran = run(made / "run.sh", "--only", "verify")
        assert ran.code == 8 and "PASS" not in ran.text
        assert f"no lib/libtorch_cpu.so in LIBTORCH={folder}" in ran.err
        assert f"LibTorch {NEEDED}" in ran.err


def test_it_looks_for_no_libtorch_where_it_was_built(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LIBTORCH", raising=False)
    folder = bundled(models / "linear.pt", tmp_path / "b", "--no-bench", "--level", "quick")
    ran = run(folder / "run.sh")
    assert ran.code == 8 and f"It needs LibTorch {NEEDED}" in ran.err


def test_what_is_named_runs_before_what_is_in_it(whole: Path, tmp_path: Path, libtorch: Path) -> None:
    named = tmp_path / "named"
    named.mkdir()
    (named / "lib").symlink_to(libtorch / "lib")
    results = tmp_path / "r.json"
    ran = run(
        whole / "run.sh",
        *("--only", "verify", "--output", results),
        env={**os.environ, "LIBTORCH": str(named)},
    )
    assert ran.code == 0, ran.text
    (hello,) = {
        tuple(event["mapped_libraries"])
        for outcome in filter(None, json.loads(results.read_text())["outcomes"])
        for process in outcome["processes"]
        for event in process["events"]
        if event["event"] == "hello"
    }
    places = {Path(path).parent for path in hello if Path(path).name.startswith(("libtorch", "libc10"))}
    assert places == {(libtorch / "lib").resolve()}


@needs_second_libtorch
def test_another_version_is_not_taken_for_the_one_that_it_needs(
    whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIBTORCH", "/usr")
    ran = run(whole / "run.sh", "--only", "verify")
    assert ran.code == 8 and "PASS" not in ran.text and NEEDED in ran.err


def test_no_path_of_this_machine_is_in_it(plain: Path, models: Path, libtorch: Path) -> None:
    """Neither of the artifact's folder, nor of the sources and libraries that the runner was built from."""
    places = [str(path).encode() for path in (libtorch, models, ROOT, Path.home())]
    for path in (plain / "bundle.json", plain / "runtime/tsharness/bin/tsharness-runner", plain / "run.sh"):
        content = path.read_bytes()
        assert not [place for place in places if place + b"/" in content], path
    told = run("readelf", "--dynamic", plain / "runtime/tsharness/bin/tsharness-runner").out
    assert re.findall(r"runpath: \[(.*)\]", told) == ["$ORIGIN/../../torch/lib"] and "rpath:" not in told


def test_only_an_executable_is_changed(tmp_path: Path) -> None:
    for content in (b"", b"#!/bin/sh\n", b"\x7fELF\x02\x01" + bytes(20), b"\x7fELF\x01\x01" + bytes(100)):
        (tmp_path / "file").write_bytes(content)
        with pytest.raises(EnvironmentProblem, match="no executable"):
            leave_own_libraries(tmp_path / "file")
        assert (tmp_path / "file").read_bytes() == content
