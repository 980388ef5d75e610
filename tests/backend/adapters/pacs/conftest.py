"""A queue of its own, without a chain or a server, and a receiver before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from backend.adapters.dicom.cleaner import SenderCleaner
from backend.adapters.pacs.peers import Peer
from backend.adapters.pacs.receiver import Receiver
from backend.processes import free_port
from backend.services.received import ReceivedService
from backend.settings import load
from backend.wiring import wire_received

StartReceiver = Callable[..., int]


@pytest.fixture
def queue(tmp_path: Path, cleaner: SenderCleaner) -> Iterator[ReceivedService]:
    with wire_received(load({"SCANPROOF_VAR": str(tmp_path / "var")}, env_file=None)) as queue:
        yield replace(queue, cleaner=cleaner)


@pytest.fixture
def notices() -> list[str]:
    """The lines of the receiver."""
    return []


@pytest.fixture
def start_receiver(queue: ReceivedService, notices: list[str]) -> Iterator[StartReceiver]:
    """Starts a receiver for ``peers``, by default anybody on this machine, and gives its port. ``into`` is a queue."""
    with ExitStack() as started:

        def start(*peers: Peer, into: ReceivedService = queue) -> int:
            port = free_port()
            receiver = Receiver(
                title="SCANPROOF", port=port, peers=peers, clean=into.clean, keep=into.keep, notice=notices.append
            )
            receiver.start()
            started.callback(receiver.stop)
            return port

        yield start
