"""`scanproof` with a folder and ports of its own, in the process of the tests or in one of its own."""

from __future__ import annotations

import io
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from backend.cli import LOADING, main
from backend.processes import free_port
from backend.settings import ROOT
from tests.standins.pinata_fixture import pinata, pinata_process  # noqa: F401

PROGRAM = [sys.executable, "-m", "backend.cli"]


def without_loading(stderr: str) -> str:
    """Without a line that depends on how busy the machine is."""
    return stderr.replace(f"{LOADING}\n", "")


@dataclass(frozen=True, slots=True)
class Result:
    status: int
    stdout: str
    stderr: str

    @property
    def json(self) -> dict:
        """Exactly one JSON object on stdout, or a test fails here."""
        return json.loads(self.stdout)


@dataclass(frozen=True, slots=True)
class CommandLine:
    environ: dict[str, str]

    def __call__(self, *arguments: object, **environ: str) -> Result:
        done = subprocess.run(
            [*PROGRAM, *map(str, arguments)],
            env={**self.environ, **environ},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Result(done.returncode, done.stdout, without_loading(done.stderr))

    def start(self, *arguments: object, within: tuple[str, ...] = ()) -> subprocess.Popen:
        """``within`` is a command that runs ours."""
        return subprocess.Popen(
            [*within, *PROGRAM, *map(str, arguments)],
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=_hear_signals,
        )


def _hear_signals() -> None:
    """As in a person's terminal, also where the tests run in the background and ignore them."""
    for each in (signal.SIGINT, signal.SIGHUP):
        signal.signal(each, signal.SIG_DFL)


@contextmanager
def _settings(environ: dict[str, str]) -> Iterator[None]:
    """As if this process had been started with these settings."""
    handlers = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ.keys() - environ.keys():
            patch.delenv(name)
        for name, value in environ.items():
            patch.setenv(name, value)
        # With pytest's handlers in place, the command would not print warnings.
        patch.setattr(logging.getLogger(), "handlers", [])
        try:
            yield
        finally:
            for each, handler in handlers.items():
                signal.signal(each, handler)


def _status(arguments: tuple[object, ...]) -> int:
    try:
        return main([str(argument) for argument in arguments])
    except SystemExit as ended:
        assert isinstance(ended.code, int)
        return ended.code


@dataclass(frozen=True, slots=True)
class InProcess:
    """The same within this process: starting one takes seconds, most of them imports.

    What a process leaves behind is not seen here: its status, signals, what libraries print as they load.
    """

    environ: dict[str, str]
    capfd: pytest.CaptureFixture[str]

    def __call__(self, *arguments: object, **environ: str) -> Result:
        self.capfd.readouterr()
        with _settings({**self.environ, **environ}):
            status = _status(arguments)
        stdout, stderr = self.capfd.readouterr()
        return Result(status, stdout, without_loading(stderr))

    def start(self, *arguments: object, within: tuple[str, ...] = ()) -> subprocess.Popen:
        return CommandLine(self.environ).start(*arguments, within=within)


@dataclass(frozen=True, slots=True)
class Shared:
    """As InProcess, for the fixtures of a module, which have no ``capfd``: only what Python prints is seen."""

    environ: dict[str, str]

    def __call__(self, *arguments: object, **environ: str) -> Result:
        with (
            _settings({**self.environ, **environ}),
            redirect_stdout(io.StringIO()) as stdout,
            redirect_stderr(io.StringIO()) as stderr,
        ):
            status = _status(arguments)
        return Result(status, stdout.getvalue(), without_loading(stderr.getvalue()))


@pytest.fixture
def scanproof(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> InProcess:
    return InProcess(command_line(tmp_path).environ, capfd)


@pytest.fixture
def command(scanproof: InProcess) -> InProcess:
    return scanproof


@pytest.fixture
def process(scanproof: InProcess) -> CommandLine:
    """`scanproof` with the same settings as a process of its own, where that is the point of the test."""
    return CommandLine(scanproof.environ)


def shared(folder: Path) -> Shared:
    return Shared(command_line(folder).environ)


def command_line(folder: Path) -> CommandLine:
    """With no setting of the person who runs the tests, `.env` included."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SCANPROOF_", "PINATA_"))}
    kept.pop("DATABASE_URL", None)
    return CommandLine(
        {
            **kept,
            "SCANPROOF_VAR": str(folder / "var"),
            "SCANPROOF_CHAIN": "anvil",
            "SCANPROOF_STORAGE": "embedded",
            "SCANPROOF_CHAIN_PORT": str(free_port()),
            "PYTHONPATH": str(ROOT),
        }
    )
