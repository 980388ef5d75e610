"""De-identified DICOM files that wait for a person, in a folder that other users cannot read.

``<folder>/<series id>/<SHA-256>.dcm``: the name of a file says what its bytes must be.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import shutil
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from backend.adapters import private_files
from backend.errors import StorageFull

_errors = partial(private_files.storage_errors, "the folder for received images")
RESERVE_BYTES = 256 * 1024 * 1024
"""What stays free on the disk, for the database and the store."""
_NAME = re.compile(r"[0-9a-f]{64}")


class ReceivedFolder:
    """Port ReceivedFiles. The folder is made when the first file arrives."""

    def __init__(self, folder: Path, *, reserve_bytes: int = RESERVE_BYTES) -> None:
        self._folder = folder
        self._reserve_bytes = reserve_bytes

    def write(self, series_id: str, contents: Mapping[str, bytes]) -> None:
        with _errors():
            files = {self._file(series_id, sha256): content for sha256, content in contents.items()}
            private_files.make_folder(self._folder / series_id)
            if shutil.disk_usage(self._folder).free - sum(map(len, files.values())) < self._reserve_bytes:
                raise StorageFull(f"the disk of {self._folder} has too little room left")
            for file, content in files.items():
                self._write(file, content)
            private_files.sync_folder(self._folder / series_id)
            private_files.sync_folder(self._folder)

    @staticmethod
    def _write(file: Path, content: bytes) -> None:
        try:
            private_files.replace(file, content)
        except FileNotFoundError:  # the last other file was removed meanwhile, and the folder with it
            private_files.make_folder(file.parent)
            private_files.replace(file, content)

    def read(self, series_id: str, sha256: str) -> bytes | None:
        with _errors():
            try:
                content = self._file(series_id, sha256).read_bytes()
            except FileNotFoundError:
                return None
        return content if hashlib.sha256(content).hexdigest() == sha256 else None

    def remove(self, series_id: str, sha256: str) -> None:
        with _errors():
            file = self._file(series_id, sha256)
            file.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # another file is in it
                file.parent.rmdir()

    def names(self) -> Mapping[tuple[str, str], float]:
        found: dict[tuple[str, str], float] = {}
        with _errors():
            for file in sorted(self._folder.glob("*/*.dcm")):
                if _NAME.fullmatch(file.stem) and _NAME.fullmatch(file.parent.name):
                    with contextlib.suppress(FileNotFoundError):
                        found[file.parent.name, file.stem] = file.stat().st_mtime
        return found

    def clear_drafts(self, *, older_than_s: float) -> None:
        limit = time.time() - older_than_s
        with _errors():
            for draft in self._folder.glob("*/.*"):
                with contextlib.suppress(FileNotFoundError):
                    if draft.stat().st_mtime < limit:
                        draft.unlink()

    def _file(self, series_id: str, sha256: str) -> Path:
        for name in (series_id, sha256):
            if not _NAME.fullmatch(name):
                raise ValueError(f"expected 64 hex digits, found {name!r}")
        return self._folder / series_id / f"{sha256}.dcm"
