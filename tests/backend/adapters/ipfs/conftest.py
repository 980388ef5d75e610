from __future__ import annotations

import random
from pathlib import Path

import pytest

from backend.adapters.ipfs.block_store import EmbeddedStore
from tests.standins.pinata_fixture import pinata, pinata_process  # noqa: F401


class FakeClock:
    """Time that passes only where somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.sleeps: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="session")
def photo() -> bytes:
    """Bytes of three chunks."""
    return random.Random(1).randbytes(700_000)


@pytest.fixture
def store(tmp_path: Path) -> EmbeddedStore:
    return EmbeddedStore(tmp_path / "ipfs")
