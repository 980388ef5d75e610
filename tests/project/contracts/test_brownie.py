"""``brownie test`` says what to type where it cannot work."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.solc import ROOT, ensure_solc


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [([], "Brownie runs the contract tests alone"), (["tests/contracts"], "no ganache-cli or anvil is on the PATH")],
)
def test_the_obvious_command_names_the_one_that_works(arguments: list[str], reason: str, tmp_path: Path) -> None:
    compiler = str(ensure_solc().parent)
    environ = os.environ | {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "SOLCX_BINARY_PATH": compiler}
    command = [Path(sys.executable).with_name("brownie"), "test", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert reason in done.stdout + done.stderr
    assert "type `uv run python -m tests.contracts.run ganache-cli [FILE]`" in done.stdout + done.stderr
