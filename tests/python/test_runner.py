"""The runner executable, by itself and under watch."""

from __future__ import annotations

import json
import re
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import heed_interrupts, run, running_runners
from tsharness.errors import EnvironmentProblem
from tsharness.runner.find import Runner
from tsharness.runner.job import Job
from tsharness.runner.launch import Launcher
from tsharness.runner.outcome import Outcome


def test_describe_under_an_empty_environment(runner_path: Path) -> None:
    ran = run("env", "-i", runner_path, "--describe")
    assert ran.code == 0, ran.err
    hello = json.loads(ran.out)
    assert hello["protocol"] == 1 and hello["devices"][0] == "cpu"
    assert hello["threads"]["intra_op"] >= 1 and hello["cpu_capability"]
    assert not [path for path in hello["mapped_libraries"] if "python" in Path(path).name]


def test_every_torch_library_is_the_environment_s_own(runner_path: Path) -> None:
    """Also with Debian's libtorch-dev in /usr, which CI installs for this test."""
    import torch

    own = Path(torch.__file__).parent / "lib"
    hello = json.loads(run("env", "-i", runner_path, "--describe").out)
    libraries = [Path(path) for path in hello["mapped_libraries"]]
    torch_s = [path for path in libraries if path.name.startswith(("libtorch", "libc10"))]
    assert {path.name for path in torch_s} >= {"libtorch.so", "libtorch_cpu.so", "libc10.so"}
    assert {path.resolve().parent for path in torch_s} == {own.resolve()}
    assert hello["libtorch"] == torch.__version__


def test_library_path_of_another_torch_is_no_match(runner_path: Path) -> None:
    hello = json.loads(
        run(runner_path, "--describe", env={"LD_LIBRARY_PATH": "/usr/lib/x86_64-linux-gnu"}).out
    )
    torch_s = [path for path in hello["mapped_libraries"] if "libtorch" in path]
    assert torch_s and not [path for path in torch_s if path.startswith("/usr/lib")]


def test_by_hand_without_python(runner_path: Path, models: Path) -> None:
    ran = run("env", "-i", runner_path, "--verify", models / "linear.pt")
    assert ran.code == 0 and ran.out.splitlines()[-1].startswith("PASS")
    ran = run("env", "-i", runner_path, "--verify", models / "conditional_traced.pt", "--calls", "2")
    assert ran.code == 1
    assert "FAIL  condition=False: output differs in 12 of 12 elements" in ran.out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), 2, "usage:"),
        (("--nonsense", "x"), 2, "unknown option --nonsense"),
        (("/no/such/job",), 2, "cannot read the job"),
        (("--verify", "/no/such.pt"), 5, "ERROR integrity: /no/such.pt: no such file"),
    ],
)
def test_mistakes_by_hand(runner_path: Path, arguments: tuple[str, ...], code: int, message: str) -> None:
    ran = run(runner_path, *arguments)
    assert ran.code == code
    assert message in ran.text


def job_text(**changes: object) -> str:
    return json.dumps({"protocol": 1, "artifact": "/no/such.pt", "steps": [{"step": "load"}], **changes})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (job_text(protocol=2), "speaks protocol 2, this runner speaks 1"),
        ("{", "not valid JSON"),
        ("{}", "malformed job"),
    ],
)
def test_a_job_that_is_refused(runner_path: Path, text: str, message: str) -> None:
    ran = run(runner_path, "-", input=text)
    assert ran.code == 2
    assert message in ran.err and "terminate" not in ran.err


def events(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_an_artifact_that_is_not_there(runner_path: Path) -> None:
    ran = run(runner_path, "-", input=job_text())
    *_, error, bye = events(ran.out)
    assert ran.code == 5
    assert error["event"] == "error" and error["kind"] == "artifact" and error["step"] == "load"
    assert "frame #" not in str(error["message"])
    assert bye == {"event": "bye", "exit_code": 5}


def test_events_on_standard_output_are_clean_json_lines(runner_path: Path, models: Path) -> None:
    steps = [{"step": "load"}, {"step": "describe"}, {"step": "run", "calls": 2}, {"step": "unknown"}]
    ran = run(runner_path, "-", input=job_text(artifact=str(models / "linear.pt"), steps=steps))
    names = [event["event"] for event in events(ran.out)]
    assert names[0] == "hello" and names[-1] == "bye"
    describe = next(e for e in events(ran.out) if e.get("step") == "describe" and e["event"] == "result")
    (method,) = describe["methods"]
    assert method["name"] == "forward"
    # Its class is numbered where the same process has made one of that name before.
    schema = re.sub(r"___torch_mangle_\d+\.", "", method["schema"])
    assert schema == "forward(__torch__.linear.Linear self, Tensor x) -> Tensor"
    (argument,) = method["arguments"]
    hint = {"op": "aten::linear", "dtype": "float32", "dims": [10], "ellipsis": True}
    assert argument == {"name": "x", "type": "Tensor", "has_default": False, "parts": [], "hints": [hint]}
    assert ran.code == 2


def test_outputs_are_saved_where_the_job_says(runner_path: Path, models: Path, tmp_path: Path) -> None:
    from tsharness.cases import read_case_file

    target = tmp_path / "outputs.safetensors"
    steps = [{"step": "load"}, {"step": "run", "save_outputs": str(target)}]
    ran = run(runner_path, "-", input=job_text(artifact=str(models / "linear.pt"), steps=steps))
    assert ran.code == 0
    saved = {case.name: case.calls[0].outputs.shape for case in read_case_file(target).cases}
    assert saved == {"example": (1, 2), "batch=2": (2, 2), "batch=7": (7, 2)}


def test_bench_keeps_every_sample(runner_path: Path, models: Path, tmp_path: Path) -> None:
    kept = tmp_path / "samples.f64"
    bounds = {"min_seconds": 0, "min_calls": 7, "block_seconds": 1e-9}
    steps = [{"step": "load"}, {"step": "bench", "cases": ["example"], **bounds, "samples": str(kept)}]
    ran = run(runner_path, "-", input=job_text(artifact=str(models / "linear.pt"), steps=steps))
    (result,) = [e for e in events(ran.out) if e["event"] == "result" and e["step"] == "bench"]
    assert result["samples"] == {"offset": 0, "rows": 7, "columns": 1}
    samples = struct.unpack("7d", kept.read_bytes())
    assert all(0 < sample < 1 for sample in samples)
    assert sum(block["calls"] for block in result["blocks"]) == 7
    assert sum(block["seconds"] for block in result["blocks"]) == pytest.approx(sum(samples))


# --- under watch: stand-ins that behave as no runner should ---

BEGIN = '{"event":"step-begin","step":"run","case":"one"}'
HELLO = '{"event":"hello"}'
BYE = '{"event":"bye","exit_code":0}'


@pytest.fixture
def stand_in(tmp_path: Path) -> Callable[..., Outcome]:
    """Runs a shell script in the runner's place; ``$fd`` is the descriptor of the events."""

    def watch(script: str, timeout: float = 10, nonce: str = "") -> Outcome:
        path = tmp_path / "runner.sh"
        path.write_text(f"#!/bin/bash\nfd=$2\ncat > /dev/null\n{script}\n")
        path.chmod(0o755)
        return Launcher(Runner(path, "0")).run(Job(Path("a.pt"), (), nonce=nonce), timeout)

    return watch


@pytest.mark.parametrize(
    ("script", "kind", "message"),
    [
        (f"echo '{BEGIN}' >&$fd; kill -SEGV $$", "signal", "crashed (SIGSEGV)"),
        (f"echo '{BEGIN}' >&$fd; kill -KILL $$", "signal", "was killed (SIGKILL)"),
        (
            f"echo '{BEGIN}' >&$fd; echo \"terminate called after throwing an instance of 'int'\";"
            "kill -ABRT $$",
            "signal",
            "ended by an uncaught C++ exception (SIGABRT): terminate called after throwing",
        ),
        (
            f"echo '{BEGIN}' >&$fd; echo sorry; exit 3",
            "exit",
            "ended with status 3 before its work was done: sorry",
        ),
        (f"echo '{BEGIN}' >&$fd; exit 0", "exit", "ended with status 0"),
        (f"echo '{BEGIN}' >&$fd; echo garbage >&$fd; sleep 60", "garbage", "'garbage'"),
        (f"echo '{BEGIN}' >&$fd; echo '[1]' >&$fd", "garbage", "'[1]'"),
        (f"echo '{BEGIN}' >&$fd; printf '\\x80PK' >&$fd", "garbage", "no event"),
        (f"echo '{BEGIN}' >&$fd; sleep 60", "timeout", "took longer than 2 s"),
        (f"echo '{BEGIN}' >&$fd; (sleep 60) & sleep 60", "timeout", "took longer than 2 s"),
        (f"echo '{BEGIN}' >&$fd; yes", "limit", "printed more than"),
        (
            f"echo '{BEGIN}' >&$fd; while sleep 0.1; do echo on and on; done",
            "timeout",
            "took longer than 2 s",
        ),
    ],
)
def test_a_death_is_data(stand_in: Callable[..., Outcome], script: str, kind: str, message: str) -> None:
    death = stand_in(script, timeout=2).death
    assert death is not None
    assert (death.kind, death.step, death.case) == (kind, "run", "one")
    assert message in death.message


def test_a_forged_event_is_garbage(stand_in: Callable[..., Outcome]) -> None:
    """A model that finds the descriptor can write an event, but not one with the job's nonce."""
    death = stand_in(f"echo '{HELLO}' >&$fd; echo '{BYE}' >&$fd", nonce="abc").death
    assert death is not None and death.kind == "garbage"
    genuine = BYE.replace("}", ',"nonce":"abc"}')
    assert stand_in(f"echo '{genuine}' >&$fd", nonce="abc").death is None


def test_a_runner_that_cannot_be_started_is_the_environment_s_fault(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentProblem, match="cannot be started"):
        Launcher(Runner(tmp_path / "none", "0")).run(Job(Path("a.pt"), ()), 1)


def test_an_unnamed_signal(stand_in: Callable[..., Outcome]) -> None:
    death = stand_in("kill -40 $$").death
    assert death is not None and death.message == "crashed (signal 40)"


def test_death_before_the_first_step(stand_in: Callable[..., Outcome]) -> None:
    death = stand_in("exit 1").death
    assert death is not None and (death.step, death.case) == ("start", None)


def test_crash_after_the_work_is_done_is_still_a_crash(stand_in: Callable[..., Outcome]) -> None:
    death = stand_in(f"echo '{BYE}' >&$fd; kill -SEGV $$").death
    assert death is not None and death.kind == "signal"


def test_each_step_has_the_whole_time(stand_in: Callable[..., Outcome]) -> None:
    script = f"for i in 1 2 3; do echo '{BEGIN}' >&$fd; sleep 1; done; echo '{BYE}' >&$fd"
    assert stand_in(script, timeout=2).death is None


def test_what_is_printed_is_kept_to_its_end_only(stand_in: Callable[..., Outcome]) -> None:
    outcome = stand_in(f"head -c 1000000 /dev/zero | tr '\\0' x; echo end; echo '{BYE}' >&$fd")
    assert outcome.death is None
    assert outcome.printed.endswith("end\n") and len(outcome.printed) <= 8192


@pytest.mark.alone
def test_a_signal_to_the_user_leaves_no_runner(models: Path, tmp_path: Path) -> None:
    """Ctrl-C ends the command and its runner, without a traceback; what was seen is reported."""
    import signal
    import time

    report = tmp_path / "report.json"
    options = ("--calls", "10000", "--json", report)
    command = [Path(sys.executable).parent / "tsharness", "verify", models / "resnet.pt", *options]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed_interrupts,  # noqa: PLW1509
    )
    time.sleep(3)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert "INCOMPLETE  interrupted after 0 of 3 cases" in out
    (written,) = json.loads(report.read_text())["reports"]
    assert written["incomplete"] and written["verdict"] == "error"
    assert written["cases"][0]["error"]["kind"] == "interrupted"
    assert not running_runners()
