"""All tests but those of the contracts, which Brownie runs by a configuration of their own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Say what to type to whoever calls ``brownie test`` without the folder of the contract tests."""
    if Path(sys.argv[0]).name == "brownie":
        raise pytest.UsageError(
            "Brownie runs the contract tests alone: type `uv run python -m tests.contracts.run ganache-cli [FILE]`, "
            "which also installs the compiler and finds the node. `scripts/test` runs every test."
        )
