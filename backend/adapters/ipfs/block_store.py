"""The embedded object store: IPFS blocks as files on this machine, with the same CIDs as Pinata.

``blocks/<2 characters>/<cid>`` are the blocks, ``pins/<cid>`` lists the blocks of a pinned file, its root last.
A block gets its name only when it is complete, and a pin gets its name after all its blocks are synced to disk. A pin's
list only saves time: after a crash it may be empty, and the blocks are found from the root. Writers exclude each other
across threads and processes by a lock on ``lock``; readers need none, because they hash what they read.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import io
import logging
import os
import shutil
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from backend.adapters import private_files
from backend.adapters.ipfs import dag_pb
from backend.adapters.ipfs.unixfs import CHUNK_BYTES, blocks_of, stream_file
from backend.cids import DAG_PB, Cid, find_cid, parse_cid
from backend.domain import StoredObject
from backend.errors import (
    CidMismatch,
    InvalidDag,
    NotFound,
    ObjectDamaged,
    StorageFull,
    StorageReadOnly,
    StorageUnavailable,
)

logger = logging.getLogger(__name__)
_SYNCED_SINGLY = 4
"""Up to this number of blocks, each is synced to disk by itself."""
_SYNCFS = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None) if sys.platform == "linux" else None
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
        try:
            with _os_errors():
                for part in (folder, self._blocks, self._pins):
                    private_files.make_folder(part)
                self._remove_leftovers()
        except (StorageFull, StorageReadOnly) as error:
            # What is stored can still be read.
            logger.error("nothing can be stored: %s", error)
        logger.warning("images are stored in %s on this machine only: use Pinata for records that others audit", folder)

    def put(self, content: bytes, *, name: str, media_type: str) -> StoredObject:
        return self.put_file(io.BytesIO(content), name=name, media_type=media_type)

    def put_file(self, file: BinaryIO, *, name: str, media_type: str) -> StoredObject:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        written: list[Path] = []
        pinned: list[str] = []
        together = _SYNCFS is not None and size > _SYNCED_SINGLY * CHUNK_BYTES
        with _os_errors(), self._lock():
            try:
                for block in blocks_of(file):
                    root = block.cid
                    pinned.append(str(root))
                    if not self._is_whole(block.cid, block.data):
                        written.append(self._path(block.cid))
                        self._make_shard(written[-1].parent, sync=not together)
                        private_files.replace(written[-1], block.data, sync=not together)
                # Each block is read back and hashed.
                if (found := sum(map(len, stream_file(root, self._read_block, max_bytes=size)))) != size:
                    raise InvalidDag(f"expected {size} bytes of {root}, found {found}")
                if together:
                    _sync_filesystem(self._blocks)
                else:
                    for folder in {path.parent for path in written}:
                        private_files.sync_folder(folder)
                self._pin(root, pinned)
            except BaseException:
                for path in written:
                    path.unlink(missing_ok=True)
                raise
        return StoredObject(str(root), size)

    def get(self, cid: str, *, max_bytes: int) -> bytes:
        return b"".join(self._stream(cid, max_bytes))

    def copy(self, cid: str, target: BinaryIO, *, max_bytes: int) -> None:
        for part in self._stream(cid, max_bytes):
            target.write(part)

    def _stream(self, cid: str, max_bytes: int) -> Iterator[bytes]:
        root = parse_cid(cid)
        if not self.has(cid):
            raise NotFound(f"{root} is not in the store")
        try:
            with _os_errors():
                yield from stream_file(root, self._read_block, max_bytes=max_bytes)
        except (CidMismatch, InvalidDag) as exc:
            logger.error("the stored file %s is damaged: %s", root, exc)
            raise
        except NotFound as exc:
            logger.error("the stored file %s is damaged: %s", root, exc)
            raise ObjectDamaged(f"{root} is damaged: {exc}") from exc

    def has(self, cid: str) -> bool:
        with _os_errors():
            return (self._pins / str(parse_cid(cid))).exists()

    def delete(self, stored: StoredObject) -> None:
        pin = self._pins / str(parse_cid(stored.cid))
        with _os_errors(), self._lock():
            if not pin.exists():
                return
            shared = {str(cid) for other in self.objects() if other != pin.name for cid in self._blocks_of(other)}
            # The root and the pin are deleted last, so that an interrupted delete can be repeated.
            for cid in reversed(self._blocks_of(pin.name)):
                if str(cid) not in shared:
                    self._path(cid).unlink(missing_ok=True)
            pin.unlink()

    def check(self) -> None:
        with _os_errors():
            free = shutil.disk_usage(self._blocks).free
        if free < _SPARE_BYTES:
            raise StorageUnavailable(f"expected {_SPARE_BYTES} bytes of free disk for the block store, found {free}")

    def objects(self) -> Sequence[str]:
        with _os_errors():
            return sorted(pin.name for pin in self._pins.iterdir() if find_cid(pin.name))

    def damage(self, cid: str) -> Sequence[str]:
        bad: list[str] = []
        with _os_errors():
            for block in self._walk(parse_cid(cid)):
                try:
                    found = Cid.of(block.codec, self._read_block(block))
                except NotFound:
                    bad.append(f"the block {block} is missing")
                else:
                    if found != block:
                        bad.append(f"the block {block} is damaged")
        return bad

    def adopt(self, cid: str) -> None:
        root = parse_cid(cid)
        with _os_errors(), self._lock():
            self._pin(root, [str(block) for block in reversed(list(self._walk(root)))])

    def collect(self, kept: Collection[str], *, older_than_s: float, dry_run: bool) -> tuple[int, int]:
        with _os_errors(), self._lock():
            used = {str(block) for root in {*kept, *self.objects()} for block in self._blocks_of(root)}
            latest = time.time() - older_than_s
            count = size = 0
            for file in self._blocks.glob("*/*"):
                found = file.stat()
                if file.name not in used and found.st_mtime < latest:
                    count, size = count + 1, size + found.st_size
                    if not dry_run:
                        file.unlink()
        return count, size

    def _blocks_of(self, name: str) -> list[Cid]:
        """The blocks of a file that are known, its root first: those below its root, and those of its pin's list."""
        root = parse_cid(name)
        pin = self._pins / name
        listed = pin.read_text(errors="replace").split() if pin.exists() else []
        return list(dict.fromkeys([*self._walk(root), *filter(None, map(find_cid, reversed(listed)))]))

    def _walk(self, root: Cid) -> Iterator[Cid]:
        """The root and the blocks below it, as far as whole nodes lead to them. Leaves are not read."""
        waiting = [root]
        while waiting:
            cid = waiting.pop()
            yield cid
            if cid.codec == DAG_PB:
                with contextlib.suppress(NotFound, InvalidDag):
                    node = self._read_block(cid)
                    if Cid.of(DAG_PB, node) == cid:
                        waiting += [link.cid for link in reversed(dag_pb.decode(node))]

    def _pin(self, root: Cid, blocks: Sequence[str]) -> None:
        pin, listed = self._pins / str(root), "\n".join(blocks).encode()
        if not pin.exists() or pin.read_bytes() != listed:
            private_files.replace(pin, listed, sync=False)
            private_files.sync_folder(self._pins)

    def _make_shard(self, folder: Path, *, sync: bool) -> None:
        if not folder.exists():
            private_files.make_folder(folder)
            if sync:
                private_files.sync_folder(self._blocks)

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
                for leftover in self._folder.glob(f"*/**/*{private_files.DRAFT}"):
                    leftover.unlink()
        except BlockingIOError:
            # Another process is writing, so its temporary files are in use: the next start removes them.
            logger.debug("the block store is in use: temporary files are not removed")


def _sync_filesystem(folder: Path) -> None:
    """Write everything of the folder's file system to disk (syncfs(2)): one wait instead of two for each block."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        if _SYNCFS is not None and _SYNCFS(handle) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
    finally:
        os.close(handle)


@contextlib.contextmanager
def _os_errors() -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        message = f"the block store cannot use its disk: {exc.strerror or exc}"
        if private_files.means_full(exc):
            raise StorageFull(message) from exc
        if exc.errno == errno.EROFS:
            raise StorageReadOnly(message) from exc
        raise StorageUnavailable(message) from exc
