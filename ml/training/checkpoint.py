"""Saves the state of a training run after each epoch, so that a killed run can resume."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ml.bundle.files import write_whole
from ml.errors import MlError

History = dict[str, list[float]]


def digest(*parts: object) -> str:
    """SHA-256, in hex, over arrays by shape, type and content, and over other values by their JSON text."""
    whole = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            whole.update(f"{part.shape}{part.dtype}".encode())
            whole.update(np.ascontiguousarray(part).data)
        else:
            whole.update(json.dumps(part).encode())
        whole.update(b"\n")
    return whole.hexdigest()


class Checkpoint:
    """The state of one run in ``folder``. ``run`` is a digest of all its inputs: only the same run may resume."""

    def __init__(self, folder: Path, run: str) -> None:
        self._state = folder / "state.npz"
        self._best = folder / "best.npz"
        self._run = run

    def save(self, variables: Sequence[keras.Variable], history: History) -> None:
        _save(self._state, variables, run=self._run, history=json.dumps(history))

    def restore(self, variables: Sequence[keras.Variable]) -> History:
        """Set ``variables`` to their state after the last complete epoch; returns its history, empty for a new run.

        Raises:
            MlError: the folder holds another run.
        """
        if not self._state.exists():
            return {}
        with np.load(self._state, allow_pickle=False) as state:
            if str(state["run"]) != self._run:
                raise MlError(
                    f"{self._state.parent} holds an unfinished run of another network, recipe or data: "
                    "name another folder, or remove it"
                )
            _assign(variables, state)
            history: History = json.loads(str(state["history"]))
            return history

    def save_best(self, variables: Sequence[keras.Variable]) -> None:
        _save(self._best, variables)

    def restore_best(self, variables: Sequence[keras.Variable]) -> None:
        with np.load(self._best, allow_pickle=False) as best:
            _assign(variables, best)


def clear(folder: Path) -> None:
    """Remove the state of a finished run, and files that a kill left incomplete; its logs stay."""
    for name in ("state.npz", "best.npz"):
        for path in (folder / name, *folder.glob(f".{name}.*.part")):
            path.unlink(missing_ok=True)


def _save(path: Path, variables: Sequence[keras.Variable], **texts: Any) -> None:
    file = io.BytesIO()
    values: dict[str, Any] = {str(index): np.asarray(variable) for index, variable in enumerate(variables)}
    np.savez(file, **values, **texts)
    write_whole(path, file.getvalue())


def _assign(variables: Sequence[keras.Variable], values: np.lib.npyio.NpzFile) -> None:
    for index, variable in enumerate(variables):
        variable.assign(values[str(index)])
