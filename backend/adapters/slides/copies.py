"""The port SlideCopies: files in a folder of this machine, since OpenSlide reads paths.

A copy is made of the store's verified bytes, and hashed again when a process first uses it or after it changed. Those
that were used longest ago go when the folder has too much.
"""

from __future__ import annotations

import io
import os
import secrets
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from backend.adapters import private_files
from backend.adapters.ipfs.unixfs import cid_of
from backend.cids import parse_cid
from backend.errors import StorageFull
from backend.ports import ObjectReader

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

SPARE_BYTES = 256 * 1024 * 1024
"""Of the disk, that no copy may take."""
_INCOMING, _COPIES = "incoming", "copies"
_SUFFIX = ".tif"
_ABANDONED_S = 24 * 3600.0
"""After so long, a file that is still being written was left by a crash."""
_WHAT = "the folder of slides"
Stamp = tuple[int, int, int]


class SlideFolder:
    """``most_bytes`` is for all copies together. Thread-safe."""

    def __init__(self, folder: Path, store: ObjectReader, *, most_bytes: int) -> None:
        self._folder = folder
        self._store = store
        self._most_bytes = most_bytes
        self._verified: dict[str, Stamp] = {}
        self._used: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._making: dict[str, threading.Lock] = {}

    @contextmanager
    def new(self) -> Iterator[BinaryIO]:
        path = self._draft(_INCOMING)
        try:
            with private_files.storage_errors(_WHAT):
                raw = _Incoming(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600), "rb+")
            raw.name = str(path)
            with io.BufferedRandom(raw) as file:
                yield file
        finally:
            path.unlink(missing_ok=True)

    @contextmanager
    def open(self, cid: str, *, max_bytes: int) -> Iterator[Path]:
        name = str(parse_cid(cid))
        with self._lock:
            self._used[name] += 1
            making = self._making.setdefault(name, threading.Lock())
        try:
            with making:
                path = self._copy(name, max_bytes)
            yield path
        finally:
            with self._lock:
                self._used[name] -= 1
                if not self._used[name]:
                    del self._used[name], self._making[name]

    def _copy(self, cid: str, max_bytes: int) -> Path:
        path = self._folder / _COPIES / f"{cid}{_SUFFIX}"
        if self._is_whole(cid, path):
            with private_files.storage_errors(_WHAT):
                os.utime(path)
                self._verified[cid] = _stamp(path)
            return path
        draft = self._draft(_COPIES)
        try:
            with private_files.storage_errors(_WHAT):
                with draft.open("xb+") as file:
                    draft.chmod(0o600)
                    self._store.copy(cid, file, max_bytes=max_bytes)
                draft.replace(path)
                self._verified[cid] = _stamp(path)
        finally:
            draft.unlink(missing_ok=True)
        self._make_room()
        return path

    def _is_whole(self, cid: str, path: Path) -> bool:
        try:
            stamp = _stamp(path)
            if self._verified.get(cid) == stamp:
                return True
            with path.open("rb") as file:
                return cid_of(file) == cid
        except OSError:
            return False

    def _make_room(self) -> None:
        """Remove the copies that were used longest ago and are not in use, until the others fit."""
        found = []
        for path in (self._folder / _COPIES).glob(f"*{_SUFFIX}"):
            with suppress(OSError):
                found.append((path.stat().st_mtime_ns, path.stat().st_size, path))
        total = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if total <= self._most_bytes:
                return
            with self._lock:
                if path.stem not in self._used:
                    path.unlink(missing_ok=True)
                    self._verified.pop(path.stem, None)
                    total -= size

    def _draft(self, part: str) -> Path:
        """The path of a file that does not exist. Raises StorageUnavailable, StorageFull."""
        folder = self._folder / part
        with private_files.storage_errors(_WHAT):
            private_files.make_folder(folder)
            for left in folder.glob(f".*{_SUFFIX}"):
                if left.stat().st_mtime < time.time() - _ABANDONED_S:
                    left.unlink(missing_ok=True)
            disk = os.statvfs(folder)
            if disk.f_bavail * disk.f_frsize < SPARE_BYTES:
                raise StorageFull(f"expected {SPARE_BYTES:,} bytes of free disk for a slide, found fewer")
            return folder / f".{secrets.token_hex(8)}{_SUFFIX}"


class _Incoming(io.FileIO):
    def write(self, data: ReadableBuffer, /) -> int:
        with private_files.storage_errors(_WHAT):
            return super().write(data)


def _stamp(path: Path) -> Stamp:
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns
