"""The embedded object store: IPFS blocks as files on this machine, with the same CIDs as Pinata.

``blocks/<2 characters>/<cid>`` are the blocks, ``pins/<cid>`` lists the blocks of a pinned file, its root last.
A file gets its name only when it is complete and synced to disk. Writers exclude each other across threads and
processes by a lock on ``lock``; readers need none, because they hash what they read.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from backend.adapters import private_files
from backend.adapters.ipfs.unixfs import CHUNK_BYTES, blocks_of, read_file, verify
from backend.cids import Cid, parse_cid
from backend.domain import StoredObject
from backend.errors import CidMismatch, InvalidDag, NotFound, StorageUnavailable

logger = logging.getLogger(__name__)
_TEMPORARY = ".tmp"
_SPARE_BYTES = 64 * 1024 * 1024


class EmbeddedStore:
    """Port ObjectStore, for development and single machines: nobody else can fetch from it.

    ``folder`` is created if it is missing. Raises StorageUnavailable when that fails.
    """

    name: str = "embedded"
    public: bool = False

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._blocks = folder / "blocks"
        self._pins = folder / "pins"
        with _os_errors():
            for part in (folder, self._blocks, self._pins):
                private_files.make_folder(part)
            self._remove_leftovers()
        logger.warning("images are stored in %s on this machine only: use Pinata for records that others audit", folder)

    def put(self, content: bytes, *, name: str, media_type: str) -> StoredObject:
        written: list[Path] = []
        pinned: list[str] = []
        with _os_errors(), self._lock():
            try:
                for block in blocks_of(content):
                    root = block.cid
                    pinned.append(str(root))
                    if not self._is_whole(block.cid, block.data):
                        written.append(self._path(block.cid))
                        _write_atomically(written[-1], block.data)
                verify(read_file(root, self._read_block, max_bytes=len(content)), root)
                _write_atomically(self._pins / str(root), "\n".join(pinned).encode())
            except BaseException:
                for path in written:
                    path.unlink(missing_ok=True)
                raise
        return StoredObject(str(root), len(content))

    def get(self, cid: str, *, max_bytes: int) -> bytes:
        root = parse_cid(cid)
        if not self.has(cid):
            raise NotFound(f"{root} is not in the store")
        try:
            with _os_errors():
                return read_file(root, self._read_block, max_bytes=max_bytes)
        except (CidMismatch, InvalidDag, NotFound) as exc:
            logger.error("the stored file %s is damaged: %s", root, exc)
            raise

    def has(self, cid: str) -> bool:
        with _os_errors():
            return (self._pins / str(parse_cid(cid))).exists()

    def delete(self, stored: StoredObject) -> None:
        pin = self._pins / str(parse_cid(stored.cid))
        with _os_errors(), self._lock():
            if not pin.exists():
                return
            shared = {cid for other in self._pins.iterdir() if other != pin for cid in other.read_text().split()}
            # The pin is deleted last, so that an interrupted delete can be repeated.
            for cid in reversed(pin.read_text().split()):
                if cid not in shared:
                    self._path(parse_cid(cid)).unlink(missing_ok=True)
            pin.unlink()

    def check(self) -> None:
        with _os_errors():
            free = shutil.disk_usage(self._blocks).free
        if free < _SPARE_BYTES:
            raise StorageUnavailable(f"expected {_SPARE_BYTES} bytes of free disk for the block store, found {free}")

    def _path(self, cid: Cid) -> Path:
        text = str(cid)
        return self._blocks / text[-3:-1] / text

    def _is_whole(self, cid: Cid, data: bytes) -> bool:
        try:
            return self._path(cid).read_bytes() == data
        except FileNotFoundError:
            return False

    def _read_block(self, cid: Cid) -> bytes:
        try:
            with self._path(cid).open("rb") as file:
                # One byte more than the largest block: a file that grew fails its hash instead of filling the memory.
                return file.read(CHUNK_BYTES + 1)
        except FileNotFoundError:
            raise NotFound(f"the block {cid} is not in the store") from None

    @contextlib.contextmanager
    def _lock(self, *, wait: bool = True) -> Iterator[None]:
        with (self._folder / "lock").open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield

    def _remove_leftovers(self) -> None:
        try:
            with self._lock(wait=False):
                for leftover in self._folder.glob(f"*/**/*{_TEMPORARY}"):
                    leftover.unlink()
        except BlockingIOError:
            # Another process is writing, so its temporary files are in use: the next start removes them.
            logger.debug("the block store is in use: temporary files are not removed")


def _write_atomically(path: Path, data: bytes) -> None:
    if not path.parent.exists():
        private_files.make_folder(path.parent)
        _sync_folder(path.parent.parent)
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=_TEMPORARY)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _os_errors() -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise StorageUnavailable(f"the block store cannot use its disk: {exc.strerror or exc}") from exc
