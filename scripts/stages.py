"""The stages of ``scripts/test`` and how they run: side by side, each one's output in one piece. Standard library only.

Stages share no port and no file that they write, so any two may run at the same time.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from scripts.environment import PYTHON, ROOT

Command = list[str | Path]
WIDTH = 80
PATIENCE_S = 2.0
"""For a command to end after Ctrl-C, which reaches it too, and once more after SIGTERM."""


POLL_S = 0.2
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Stage:
    """Commands that run one after the other; all of them run, whatever the first ones find."""

    summary: str
    commands: list[Command]
    measured: bool = False
    """Whether its Python processes record which lines and branches of ``backend`` and ``ml`` they run."""


@dataclass(frozen=True, slots=True)
class Result:
    name: str
    passed: bool
    seconds: float


def stages(*, slow: bool) -> dict[str, Stage]:
    """Return all stages by name, the longest first; ``slow`` adds the tests that are marked so."""
    quick: Command = [] if slow else ["-m", "not slow"]
    pytest: Command = [PYTHON, "-m", "pytest", "-q", *quick]
    contracts: Command = [PYTHON, "-m", "tests.contracts.run"]
    chain = ["tests/backend/adapters/chain", "tests/backend/services/event_index"]
    processes = ["tests/backend/commands", "tests/backend/serving"]
    others = [f"--ignore={folder}" for folder in (*chain, *processes)]
    tools = ROOT / "node_modules"
    return {
        "ml": Stage("preprocessing, bundles, inference, evaluation, training", [[*pytest, "tests/ml"]], measured=True),
        "backend": Stage("services, API, storage, images", [[*pytest, "tests/backend", *others]], measured=True),
        "processes": Stage("command line, server", [[*pytest, *processes]], measured=True),
        "chain": Stage("nodes, transactions, the index", [[*pytest, *chain]], measured=True),
        "contracts": Stage(
            "every function, event and revert on Ganache, what differs on Anvil; their line and branch coverage",
            [
                [*contracts, "ganache-cli", *quick],
                [*contracts, "anvil", *([] if slow else ["-m", "node and not slow"])],
                [PYTHON, "-m", "tests.contracts.coverage"],
            ],
        ),
        "browser": Stage(
            "the built page, the backend and a wallet in Chromium", [[*pytest, "tests/e2e"]], measured=True
        ),
        "scripts": Stage("deployment records, source verification, auditing", [[*pytest, "tests/scripts"]]),
        "types": Stage(
            "mypy and the TypeScript compiler; the page's types are those of the API",
            [
                [PYTHON, "-m", "mypy"],
                [PYTHON, "-m", "scripts.api_types", "--check"],
                ["node", tools / "typescript" / "bin" / "tsc", "--noEmit", "-p", "frontend"],
            ],
        ),
        "project": Stage(
            "imports, settings, documentation, NatSpec, Slither", [[*pytest, "tests/project"]], measured=True
        ),
        "page": Stage(
            "modules of the page",
            [["node", tools / "vitest" / "vitest.mjs", "run", "--config", "tests/frontend/vitest.config.ts"]],
        ),
        "artifact": Stage(
            "the committed ABI and bytecode are those of the source",
            [[PYTHON, "-m", "scripts.solc"], [PYTHON, "-m", "scripts.export_artifact", "--check"]],
        ),
        "style": Stage(
            "ruff and ESLint",
            [
                [PYTHON, "-m", "ruff", "check"],
                [PYTHON, "-m", "ruff", "format", "--check", "--quiet"],
                ["node", tools / "eslint" / "bin" / "eslint.js", "frontend", "tests/frontend", "eslint.config.js"],
            ],
        ),
    }


COVERAGE = Stage(
    "lines and branches of backend and ml that the measured stages ran, against the floor in pyproject.toml",
    [
        [PYTHON, "-m", "coverage", "combine", "--quiet"],
        [PYTHON, "-m", "coverage", "report"],
    ],
)


def run_all(
    chosen: Mapping[str, Stage], *, jobs: int, environment: Mapping[str, str], measure: bool = False
) -> list[Result]:
    """Run ``jobs`` stages at a time and return their results in the order of ``chosen``.

    A signal that asks to stop, or an exception, ends the commands that run and starts no other; the signal's handler
    is called afterwards. Only the main thread may call this.

    Args:
        measure: record the coverage of the measured stages, and add it as a result.
    """
    live = min(jobs, len(chosen)) == 1
    commands = _Commands()
    with tempfile.TemporaryDirectory() as folder, _requests_to_stop() as requests:
        plain = {**environment, "COVERAGE_FILE": str(Path(folder) / "coverage")}
        # With this variable set, each Python process measures itself, those that a test starts too.
        recording = {**plain, "COVERAGE_PROCESS_START": str(ROOT / "pyproject.toml")}
        with ThreadPoolExecutor(jobs) as pool:
            try:
                running = [
                    pool.submit(
                        run, name, stage, recording if measure and stage.measured else environment, live, commands
                    )
                    for name, stage in chosen.items()
                ]
                results = _results(running, requests)
                if measure:
                    results += _results([pool.submit(run, "coverage", COVERAGE, plain, live, commands)], requests)
            except BaseException:
                commands.stop()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    return results


@contextmanager
def _requests_to_stop() -> Iterator[list[int]]:
    """The signals that ask to stop, as they arrive; their handlers run at the end.

    A handler that raises could do so anywhere, such as in the cleaning up of an object, where Python drops exceptions.
    """
    requests: list[int] = []
    stopping = [each for each in STOPPING if signal.getsignal(each) != signal.SIG_IGN]
    handlers = {each: signal.signal(each, lambda number, _: requests.append(number)) for each in stopping}
    try:
        yield requests
    finally:
        for each, handler in handlers.items():
            signal.signal(each, handler)
        if requests:
            signal.raise_signal(requests[0])


def _results(running: Sequence[Future[Result]], requests: Sequence[int]) -> list[Result]:
    """Wait for all. Raises what a stage raised, and KeyboardInterrupt once there are ``requests`` to stop."""
    while not requests and wait(running, timeout=POLL_S, return_when=FIRST_EXCEPTION).not_done:
        pass
    if requests:
        raise KeyboardInterrupt
    return [each.result() for each in running]


def run(name: str, stage: Stage, environment: Mapping[str, str], live: bool, commands: _Commands) -> Result:
    """Run one stage; its output appears as it comes where it is ``live``, else in one piece at the end."""
    started = time.monotonic()
    title = f"\n── {name} {'─' * (WIDTH - 4 - len(name))}\n"
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as kept:
        output = sys.stdout if live else kept
        print(title if live else f"{name} is running …", end="" if live else "\n", flush=True)
        outcomes = [commands.succeeds(command, output, environment) for command in stage.commands]
        passed = all(outcomes)
        seconds = time.monotonic() - started
        kept.seek(0)
        end = f"── {name}: {'passed' if passed else 'FAILED'} in {seconds:.0f} s"
        # One call, so that two stages that end together do not mix.
        print(end if live else f"{title}{kept.read()}{end}", flush=True)
    return Result(name, passed, seconds)


def summary(results: Iterable[Result]) -> str:
    return "\n".join(f"{'passed' if each.passed else 'FAILED'}  {each.seconds:5.0f} s  {each.name}" for each in results)


class _Commands:
    """Runs commands, from several threads, until it is stopped."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._stopped = False

    def succeeds(self, command: Command, output: IO[str], environment: Mapping[str, str]) -> bool:
        """Run ``command`` to its end; False without starting it once ``stop`` was called."""
        output.flush()
        with self._lock:
            if self._stopped:
                return False
            try:
                # In a session of its own, so that Ctrl-C reaches the runner alone, which then stops it in order.
                process = subprocess.Popen(
                    command,
                    cwd=ROOT,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                )
            except OSError as error:
                print(f"{command[0]} cannot be started: {error.strerror}", file=output, flush=True)
                return False
            self._running.add(process)
        status = process.wait()
        with self._lock:
            self._running.remove(process)
        return status == 0

    def stop(self) -> None:
        """Start nothing more, and end what runs: by SIGINT, which lets it clean up, then by SIGTERM and SIGKILL."""
        with self._lock:
            self._stopped = True
            running = list(self._running)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            for process in running:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, number)
            deadline = time.monotonic() + PATIENCE_S
            for process in running:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(max(0.0, deadline - time.monotonic()))
