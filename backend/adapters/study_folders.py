"""Studies that are being received and classified, as folders that other users cannot read.

``<folder>/<study id>/journal.jsonl`` is what was done so far, one JSON object a line; ``<SHA-256>`` are the files that
will be pinned. A crash may cut the journal's last line, which is then done again.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import threading
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from backend.adapters import private_files

_errors = partial(private_files.storage_errors, "the folder for studies")
_JOURNAL = "journal.jsonl"


class StudyFolders:
    """Port StudyStage. The folder is made when the first study is. Thread-safe; the files are counted once, so no other
    process may write there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._sizes: dict[str, int] | None = None  # bytes of the files of each study, once they are counted

    def has(self, study_id: str) -> bool:
        with _errors():
            return (self._path(study_id) / _JOURNAL).is_file()

    def journal(self, study_id: str) -> Sequence[Mapping[str, Any]] | None:
        with _errors():
            try:
                lines = (self._path(study_id) / _JOURNAL).read_bytes().split(b"\n")
            except FileNotFoundError:
                return None
        return [json.loads(line) for line in lines[:-1]]

    def append(self, study_id: str, entry: Mapping[str, Any]) -> None:
        with _errors():
            path = self._path(study_id)
            private_files.make_folder(path)
            file = os.open(path / _JOURNAL, os.O_RDWR | os.O_CREAT, 0o600)
            with os.fdopen(file, "r+b") as journal:
                self._cut(journal)
                journal.write(json.dumps(entry).encode() + b"\n")

    def write(self, study_id: str, name: str, content: bytes) -> None:
        with _errors(), self._lock:
            file = self._file(study_id, name)
            private_files.make_folder(file.parent)
            former = _size(file)
            private_files.replace(file, content, sync=False)
            if self._sizes is not None:
                self._sizes[study_id] = self._sizes.get(study_id, 0) + len(content) - former

    def read(self, study_id: str, name: str) -> bytes | None:
        with _errors():
            try:
                return self._file(study_id, name).read_bytes()
            except FileNotFoundError:
                return None

    def release(self, study_id: str) -> None:
        """Remove the files of a study, and keep its journal."""
        with _errors(), self._lock:
            self._sizes = None
            for file in self._files(study_id):
                file.unlink(missing_ok=True)

    def remove(self, study_id: str) -> None:
        with _errors(), self._lock, contextlib.suppress(FileNotFoundError):
            self._sizes = None
            shutil.rmtree(self._path(study_id))

    def expire(self, older_than_s: float) -> None:
        limit = time.time() - older_than_s
        with _errors(), self._lock:
            for path in self._studies():
                with contextlib.suppress(FileNotFoundError):
                    if max(path.stat().st_mtime, (path / _JOURNAL).stat().st_mtime) < limit:
                        self._sizes = None
                        shutil.rmtree(path)

    def size(self) -> int:
        with _errors(), self._lock:
            if self._sizes is None:
                self._sizes = {path.name: sum(map(_size, self._files(path.name))) for path in self._studies()}
            return sum(self._sizes.values())

    def _studies(self) -> list[Path]:
        return sorted(self._folder.iterdir()) if self._folder.is_dir() else []

    def _files(self, study_id: str) -> list[Path]:
        try:
            return [file for file in self._path(study_id).iterdir() if file.name != _JOURNAL]
        except FileNotFoundError:
            return []

    def _path(self, study_id: str) -> Path:
        return self._folder / _checked(study_id)

    def _file(self, study_id: str, name: str) -> Path:
        return self._path(study_id) / _checked(name)

    @staticmethod
    def _cut(journal: Any) -> None:
        """Go to the end, and remove a line that a crash has cut."""
        end = journal.seek(0, os.SEEK_END)
        if end == 0:
            return
        journal.seek(end - 1)
        if journal.read(1) != b"\n":
            journal.seek(0)
            journal.truncate(journal.read().rfind(b"\n") + 1)
            journal.seek(0, os.SEEK_END)


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def _checked(name: str) -> str:
    """``name``, if it is safe as a part of a path."""
    if not re.fullmatch(r"[0-9a-f]{64}", name):
        raise ValueError(f"expected 64 hex digits, found {name!r}")
    return name
