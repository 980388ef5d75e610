"""One process at a time runs the chain of a folder; the others learn where it is."""

from __future__ import annotations

import fcntl
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from backend.adapters import private_files
from backend.errors import ChainInUse, ConfigurationError

_USABLE_WITHIN_S = 60


@dataclass(frozen=True, slots=True)
class RunningChain:
    """A chain that another process runs and that can be used."""

    port: int
    contract: str


class FolderLock:
    """An flock on ``folder``: the kernel releases it when its owner dies, so it cannot be left behind."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: BinaryIO | None = None
        self._state = folder / "running.json"

    @property
    def node_pid(self) -> int | None:
        """The node's process as last described, by this or an earlier owner."""
        return _read(self._state).get("node_pid")

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
            raise ChainInUse(self._folder, _read(self._state).get("owner_pid")) from None
        # A killed owner's entry must not send others to its chain while this one starts.
        self._write({"node_pid": self.node_pid})

    def describe(self, *, node_pid: int, port: int, contract: str | None = None) -> None:
        """Write what others need to know; ``contract`` once the chain can be used."""
        self._write({"owner_pid": os.getpid(), "node_pid": node_pid, "port": port, "contract": contract})

    def _write(self, state: dict) -> None:
        draft = self._state.with_suffix(".tmp")
        draft.write_text(json.dumps(state), encoding="utf-8")
        draft.replace(self._state)

    def release(self) -> None:
        """Releasing twice is no error."""
        if self._file:
            self._state.unlink(missing_ok=True)
            self._file.close()
            self._file = None


def wait_for_running(folder: Path) -> RunningChain:
    """The chain that another process runs in ``folder``, once it can be used. Raises ConfigurationError."""
    deadline = time.monotonic() + _USABLE_WITHIN_S
    while time.monotonic() < deadline:
        state = _read(folder / "running.json")
        if state.get("contract"):
            return RunningChain(state["port"], state["contract"])
        time.sleep(0.1)
    raise ConfigurationError(f"another process runs the chain in {folder}, but it did not become usable")


def _read(state: Path) -> dict:
    try:
        return json.loads(state.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
