"""Statements of reviews as files that other users cannot read."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from backend.adapters import private_files
from backend.cids import hash_of, raw_cid
from backend.errors import ConfigurationError


class StatementFolder:
    """Port StatementFiles: ``<diagnosis id>-<8 hex digits>.json`` in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, diagnosis_id: str) -> Sequence[tuple[str, bytes]]:
        """May include the incomplete file of a killed process: it is no statement, and its hash was never sent."""
        with self._errors():
            files = sorted(self._folder.glob(f"{_checked(diagnosis_id)}-*.json"))
            return [(str(file), file.read_bytes()) for file in files]

    def find(self, cid: str) -> bytes | None:
        """The statement with that CID, as far as it can be read."""
        with suppress(OSError):
            for file in self._folder.glob("*.json"):
                if raw_cid(hash_of(content := file.read_bytes())) == cid:
                    return content
        return None

    def save(self, diagnosis_id: str, content: bytes) -> str:
        file = self._folder / f"{_checked(diagnosis_id)}-{secrets.token_hex(4)}.json"
        with self._errors():
            private_files.make_folder(self._folder)
            with os.fdopen(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as handle:
                handle.write(content)
                handle.flush()
                os.fsync(handle.fileno())
            private_files.sync_folder(self._folder)
        return str(file)

    def remove(self, file: str) -> None:
        with self._errors():
            Path(file).unlink(missing_ok=True)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ConfigurationError(f"the folder {self._folder} cannot be used: {error.strerror}") from error


def _checked(diagnosis_id: str) -> str:
    """``diagnosis_id``, if it is safe as part of a path."""
    if not re.fullmatch(r"0x[0-9a-f]{64}", diagnosis_id):
        raise ValueError(f"expected 0x and 64 hex digits, found {diagnosis_id!r}")
    return diagnosis_id
