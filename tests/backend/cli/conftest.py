"""`scanproof` as a process of its own, with a folder and ports of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from backend.processes import free_port
from backend.settings import ROOT

PROGRAM = [sys.executable, "-m", "backend.cli"]


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
        return Result(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: object) -> subprocess.Popen:
        return subprocess.Popen(
            [*PROGRAM, *map(str, arguments)],
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


@pytest.fixture
def scanproof(tmp_path: Path) -> CommandLine:
    """With no setting of the person who runs the tests, `.env` included."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SCANPROOF_", "PINATA_"))}
    kept.pop("DATABASE_URL", None)
    return CommandLine(
        {
            **kept,
            "SCANPROOF_VAR": str(tmp_path / "var"),
            "SCANPROOF_CHAIN": "anvil",
            "SCANPROOF_STORAGE": "embedded",
            "SCANPROOF_CHAIN_PORT": str(free_port()),
            "PYTHONPATH": str(ROOT),
        }
    )
