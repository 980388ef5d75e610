"""The port SlideCopies: files in a folder of this machine, since OpenSlide reads paths.

A copy is made of the store's verified bytes, and hashed again when a process first uses it or after it changed. Those
that were used longest ago go when the folder has too much.
"""

from __future__ import annotations

import errno
import fcntl
import io
import os
import secrets
import shutil
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from backend.adapters import private_files
from backend.adapters.ipfs.unixfs import cid_of
from backend.adapters.slides.named_locks import NamedLocks
from backend.cids import parse_cid
from backend.errors import StorageFull
from backend.ports import ObjectReader

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

SPARE_BYTES = 256 * 1024 * 1024
"""Of the disk, that no copy may take."""
_INCOMING, _COPIES = "incoming", "copies"
_SUFFIX = ".tif"
_MOST_TRIES = 10
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
        self._making = NamedLocks("the slide is being copied: try again in a moment")
        with suppress(OSError):
            for part in (_INCOMING, _COPIES):
                _remove_abandoned(folder / part)

    @contextmanager
    def new(self, size: int = 0) -> Iterator[BinaryIO]:
        with self._draft(_INCOMING, size) as file:
            yield file

    @contextmanager
    def open(self, cid: str, *, max_bytes: int, anew: bool = False) -> Iterator[Path]:
        name = str(parse_cid(cid))
        with self._lock:
            self._used[name] += 1
        try:
            with self._making.locked(name):
                path = self._copy(name, max_bytes, anew=anew)
            yield path
        finally:
            with self._lock:
                self._used[name] -= 1
                if not self._used[name]:
                    del self._used[name]

    def _copy(self, cid: str, max_bytes: int, *, anew: bool) -> Path:
        path = self._folder / _COPIES / f"{cid}{_SUFFIX}"
        if not anew and (stamp := self._stamp_of_whole(cid, path)):
            with private_files.storage_errors(_WHAT):
                # Not the time of change: a process opens a slide anew that changed.
                os.utime(path, ns=(time.time_ns(), stamp[2]))
            self._verified[cid] = stamp
            return path
        with self._draft(_COPIES) as file:
            self._store.copy(cid, file, max_bytes=max_bytes)
            file.flush()
            with private_files.storage_errors(_WHAT):
                Path(file.name).replace(path)
                self._verified[cid] = _stamp(path)
        self._make_room()
        return path

    def _stamp_of_whole(self, cid: str, path: Path) -> Stamp | None:
        """None unless the copy has its bytes."""
        try:
            stamp = _stamp(path)
            if self._verified.get(cid) == stamp:
                return stamp
            with path.open("rb") as file:
                return stamp if cid_of(file) == cid else None
        except OSError:
            return None

    def _make_room(self) -> None:
        """Remove the copies that were used longest ago and are not in use, until the others fit."""
        found = []
        for path in (self._folder / _COPIES).glob(f"[!.]*{_SUFFIX}"):
            with suppress(OSError):
                found.append((path.stat().st_atime_ns, path.stat().st_size, path))
        total = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if total <= self._most_bytes:
                return
            with self._lock:
                if path.stem not in self._used:
                    path.unlink(missing_ok=True)
                    self._verified.pop(path.stem, None)
                    total -= size

    @contextmanager
    def _draft(self, part: str, size: int = 0) -> Iterator[BinaryIO]:
        """A new file of about so many bytes, which is removed unless it got another name. It is locked meanwhile, so
        that others know it from one that a crash left. Raises StorageUnavailable, StorageFull."""
        folder = self._folder / part
        with private_files.storage_errors(_WHAT):
            private_files.make_folder(folder)
            _remove_abandoned(folder)
            _check_room(folder, size)
            raw = _locked_draft(folder)
        path = Path(raw.name)
        try:
            with io.BufferedRandom(raw) as file:
                yield file
        finally:
            path.unlink(missing_ok=True)


class _Draft(io.FileIO):
    def __init__(self, path: Path) -> None:
        super().__init__(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600), "rb+")
        self.name = str(path)

    def write(self, data: ReadableBuffer, /) -> int:
        with private_files.storage_errors(_WHAT):
            _check_room(Path(self.name).parent, memoryview(data).nbytes)
            return super().write(data)


def _locked_draft(folder: Path) -> _Draft:
    """Raises OSError."""
    for _ in range(_MOST_TRIES):
        draft = _Draft(folder / f".{secrets.token_hex(8)}{_SUFFIX}")
        with suppress(BlockingIOError, FileNotFoundError):
            fcntl.flock(draft, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Another process may have found it before it was locked.
            if Path(draft.name).stat().st_ino == os.fstat(draft.fileno()).st_ino:
                return draft
        draft.close()
    raise BlockingIOError(errno.EAGAIN, "its new files cannot be locked")


def _remove_abandoned(folder: Path) -> None:
    """Remove the drafts that no process has locked: a crash left them, perhaps with identifiers. Raises OSError."""
    for path in folder.glob(f".*{_SUFFIX}"):
        with suppress(FileNotFoundError, BlockingIOError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)


def _check_room(folder: Path, size: int) -> None:
    """Raises StorageFull where so many bytes more would take the spare ones; OSError."""
    if shutil.disk_usage(folder).free < SPARE_BYTES + size:
        raise StorageFull(f"expected {SPARE_BYTES + size:,} bytes of free disk for a slide, found fewer")


def _stamp(path: Path) -> Stamp:
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns
