"""The runner of the tests itself: whatever goes wrong in a stage is a failure, and is said in one piece."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from scripts.environment import ROOT
from scripts.stages import Command, Stage, run_all, stages

PASSES: Command = [sys.executable, "-c", "print('fine')"]
FAILS: Command = [sys.executable, "-c", "raise SystemExit(3)"]
TALKS = "import time\nfor number in range(5): print('{0}', number, flush=True); time.sleep(0.01)"


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """A shell starts background jobs with SIGINT ignored, and every process inherits that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def script(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [ROOT / "scripts" / "test", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("commands", "passed"),
    [
        ([PASSES], True),
        ([FAILS], False),
        ([FAILS, PASSES], False),
        ([PASSES, FAILS], False),
        ([["/no/such/program"]], False),
        ([[sys.executable, "-c", "import os; os.abort()"]], False),
        ([[sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "nothing", __file__]], False),
    ],
    ids=["passes", "fails", "fails first", "fails last", "missing", "killed", "no tests"],
)
@pytest.mark.parametrize("jobs", [1, 2])
def test_any_failure_is_one(commands: list[Command], passed: bool, jobs: int) -> None:
    chosen = {"good": Stage("", [PASSES]), "tried": Stage("", commands)}
    results = run_all(chosen, jobs=jobs, environment=os.environ)
    assert [(each.name, each.passed) for each in results] == [("good", True), ("tried", passed)]


def test_stages_run_side_by_side_and_print_in_one_piece(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    def meet(own: str, other: str) -> Stage:
        """Ends only when the other one has begun."""
        wait = f"import pathlib, time; here = pathlib.Path({str(tmp_path)!r}); (here / {own!r}).touch()\n"
        wait += f"while not (here / {other!r}).exists(): time.sleep(0.01)\n"
        return Stage("", [[sys.executable, "-c", wait + TALKS.format(own)]])

    run_all({"a": meet("a", "b"), "b": meet("b", "a")}, jobs=2, environment=os.environ)
    pieces = re.findall(r"── (\w) ─+\n(.*?)\n── (\w): passed in \d+ s", capfd.readouterr().out, flags=re.DOTALL)
    expected = [(name, "\n".join(f"{name} {number}" for number in range(5)), name) for name in "ab"]
    assert sorted(pieces) == expected


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("whole_group", [True, False], ids=["Ctrl-C", "the runner alone"])
def test_a_stopped_run_starts_no_further_command(tmp_path: Path, jobs: int, whole_group: bool) -> None:
    """Of two stages with three commands each, only the first commands begin; their long sleeps are cut short."""
    program = f"""
import os
from scripts.stages import Stage, run_all
def stage(name):
    return Stage("", [["sh", "-c", f"touch {tmp_path}/{{name}}{{number}}; exec sleep 30"] for number in range(3)])
run_all({{"a": stage("a"), "b": stage("b")}}, jobs={jobs}, environment=os.environ)
"""
    runner = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    begun = {"a0", "b0"} if jobs == 2 else {"a0"}
    deadline = time.monotonic() + 20
    while {each.name for each in tmp_path.iterdir()} != begun and time.monotonic() < deadline:
        time.sleep(0.02)
    send = os.killpg if whole_group else os.kill
    send(runner.pid, signal.SIGINT)
    try:
        error = runner.communicate(timeout=15)[1]
    finally:
        with suppress(ProcessLookupError):
            os.killpg(runner.pid, signal.SIGKILL)
    assert error.decode().endswith("KeyboardInterrupt\n")
    assert {each.name for each in tmp_path.iterdir()} == begun


class Interrupting:
    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


class SignalWhileCleaningUp(dict[str, Stage]):
    """Sends SIGINT while an object is cleaned up, before the last stage is submitted: an exception there is lost."""

    def items(self) -> Iterator[tuple[str, Stage]]:  # type: ignore[override]
        *first, last = super().items()
        yield from first
        Interrupting()
        yield last


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_signal_while_stages_are_submitted_stops_them(tmp_path: Path, jobs: int) -> None:
    commands: list[Command] = [["sh", "-c", f"touch {tmp_path}/{number}; exec sleep 20"] for number in range(2)]
    chosen = SignalWhileCleaningUp({name: Stage("", commands) for name in ("a", "b", "c")})
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        run_all(chosen, jobs=jobs, environment=os.environ)
    assert {each.name for each in tmp_path.iterdir()} <= {"0"}
    assert signal.getsignal(signal.SIGINT) is before


def test_coverage_below_the_floor_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """One module of many ran, in a process that the measured one started."""
    program = f"import subprocess; subprocess.run([{sys.executable!r}, '-c', 'import backend.cids'], check=True)"
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
    chosen = {"one": Stage("", [[sys.executable, "-c", program]], measured=True)}
    results = run_all(chosen, jobs=1, environment=os.environ, measure=True)
    assert [(each.name, each.passed) for each in results] == [("one", True), ("coverage", False)]
    report = capfd.readouterr().out
    assert re.search(r"backend/cids.py .* [1-9]\d\.\d%", report)
    assert re.search(r"backend/wsgi.py .* 0\.0%", report)
    assert "is less than fail-under" in report


def test_a_stage_that_does_not_exist_is_wrong_use() -> None:
    done = script("backend", "nonsense")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no stage nonsense; there are ml, backend, processes," in done.stderr


def test_the_help_lists_every_stage_and_option() -> None:
    done = script("--help")
    assert done.returncode == 0
    for name in (*stages(slow=False), "--all", "--jobs"):
        assert re.search(rf"^  {name} ", done.stdout, flags=re.MULTILINE), name


def test_slow_tests_run_only_when_asked_for() -> None:
    quick = [command for stage in stages(slow=False).values() for command in stage.commands if "pytest" in command]
    every = [command for stage in stages(slow=True).values() for command in stage.commands if "pytest" in command]
    assert quick == [[*command[:4], "-m", "not slow", *command[4:]] for command in every]
