"""Makes sure that one process at a time runs the chain of a folder; the others read its port and contract there."""

from __future__ import annotations

import fcntl
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypedDict

from backend.adapters import private_files
from backend.errors import ChainInUse, ConfigurationError

_USABLE_WITHIN_S = 60


@dataclass(frozen=True, slots=True)
class RunningChain:
    """A chain of another process that is ready for use."""

    port: int
    contract: str


class _State(TypedDict):
    """``running.json``. ``contract`` is None while the chain starts; after a crash only ``node_pid`` is known.

    ``port`` is where the chain is served; ``node_url`` is the node's own address, for whoever debugs the chain.
    """

    owner_pid: int | None
    node_pid: int | None
    node_url: str | None
    port: int | None
    contract: str | None


class FolderLock:
    """An flock on ``folder``. The kernel releases it when its owner dies, so that no stale lock can remain."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: BinaryIO | None = None
        self._state = folder / "running.json"

    @property
    def node_pid(self) -> int | None:
        """The node's process id as the last owner wrote it."""
        return _read(self._state)["node_pid"]

    def acquire(self) -> None:
        """Raises ChainInUse when another process holds the lock, ConfigurationError when the folder is unusable."""
        try:
            private_files.make_folder(self._folder)
            self._file = (self._folder / "lock").open("ab")
        except OSError as error:
            raise ConfigurationError(f"the folder {self._folder} cannot be written: {error.strerror}") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            self._file = None
            raise ChainInUse(self._folder, _read(self._state)["owner_pid"]) from None
        # Others must not use the entry of a killed owner while this process starts.
        self._write({"owner_pid": None, "node_pid": self.node_pid, "node_url": None, "port": None, "contract": None})

    def describe(self, *, node_pid: int, port: int, contract: str | None = None, node_url: str | None = None) -> None:
        """Write the state for other processes; ``contract`` when the chain is ready for use."""
        state: _State = {
            "owner_pid": os.getpid(),
            "node_pid": node_pid,
            "node_url": node_url,
            "port": port,
            "contract": contract,
        }
        self._write(state)

    def _write(self, state: _State) -> None:
        draft = self._state.with_suffix(".tmp")
        draft.write_text(json.dumps(state), encoding="utf-8")
        draft.replace(self._state)

    def release(self) -> None:
        """Does nothing when it is released already."""
        if self._file:
            self._state.unlink(missing_ok=True)
            self._file.close()
            self._file = None


def wait_for_running(folder: Path) -> RunningChain:
    """The chain of another process in ``folder``, when it is ready for use. Raises ConfigurationError."""
    deadline = time.monotonic() + _USABLE_WITHIN_S
    while time.monotonic() < deadline:
        state = _read(folder / "running.json")
        if state["port"] is not None and state["contract"] is not None:
            return RunningChain(state["port"], state["contract"])
        time.sleep(0.1)
    raise ConfigurationError(f"another process runs the chain in {folder}, but it did not become ready for use")


def _read(state: Path) -> _State:
    """A missing or damaged file, or a damaged field, reads as None: its owner writes it again."""
    try:
        found = json.loads(state.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = None
    fields = found if isinstance(found, dict) else {}

    def number(name: str) -> int | None:
        value = fields.get(name)
        return value if type(value) is int and value > 0 else None

    def text(name: str) -> str | None:
        value = fields.get(name)
        return value if isinstance(value, str) else None

    return {
        "owner_pid": number("owner_pid"),
        "node_pid": number("node_pid"),
        "node_url": text("node_url"),
        "port": number("port"),
        "contract": text("contract"),
    }
