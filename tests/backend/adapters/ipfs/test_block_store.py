from __future__ import annotations

import errno
import os
import random
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

from backend.adapters import private_files
from backend.adapters.ipfs.block_store import EmbeddedStore
from backend.adapters.ipfs.unixfs import CHUNK_BYTES, blocks_of, cid_of
from backend.cids import Cid, parse_cid
from backend.domain import StoredObject
from backend.errors import (
    CidMismatch,
    ImageTooLarge,
    InvalidCid,
    NotFound,
    ObjectDamaged,
    StorageFull,
    StorageReadOnly,
    StorageUnavailable,
)
from tests.backend.adapters.ipfs.block_store import block_files, get, put


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES, CHUNK_BYTES + 1, 700_000])
def test_what_was_put_comes_back(store, photo, size):
    stored = put(store, photo[:size])
    assert stored == StoredObject(cid_of(photo[:size]), size)
    assert get(store, stored.cid) == photo[:size]
    assert store.has(stored.cid)


def test_putting_twice_stores_once(store, photo, tmp_path):
    first = put(store, photo)
    files = {path: path.stat().st_mtime_ns for path in block_files(tmp_path)}
    assert put(store, photo) == first
    assert {path: path.stat().st_mtime_ns for path in block_files(tmp_path)} == files


def test_blocks_are_true_ipfs_blocks(store, photo, tmp_path):
    put(store, photo)
    assert {path.name: path.read_bytes() for path in block_files(tmp_path)} == {
        str(block.cid): block.data for block in blocks_of(photo)
    }


def test_another_process_finds_it(store, photo, tmp_path):
    cid = put(store, photo).cid
    assert get(EmbeddedStore(tmp_path / "ipfs"), cid) == photo


def test_nobody_else_on_the_machine_may_read(store, photo, tmp_path):
    put(store, photo)
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "ipfs").rglob("*") if path.name != "lock")


def test_unknown_is_not_found(store):
    cid = cid_of(b"unknown")
    assert not store.has(cid)
    with pytest.raises(NotFound, match=f"^{cid} is not in the store$"):
        get(store, cid)


def test_a_block_of_a_file_is_not_a_file_of_its_own(store, photo):
    put(store, photo)
    assert not store.has(cid_of(photo[:CHUNK_BYTES]))
    with pytest.raises(NotFound):
        get(store, cid_of(photo[:CHUNK_BYTES]))


def test_other_spellings_of_a_cid_find_the_same_file(store, photo):
    assert get(store, put(store, photo).cid.upper()) == photo


@pytest.mark.parametrize("cid", ["../../etc/passwd", "/etc/passwd", "", "..", "pins/../lock", "bafk\0"])
def test_paths_are_no_cids(store, cid):
    for use in (store.has, lambda cid: get(store, cid), lambda cid: store.delete(StoredObject(cid, 0))):
        with pytest.raises(InvalidCid):
            use(cid)


def test_more_bytes_than_asked_for_are_refused(store, photo):
    cid = put(store, photo).cid
    with pytest.raises(ImageTooLarge, match=f"^{cid} holds 700000 bytes, at most 699999 are read$"):
        store.get(cid, max_bytes=699_999)


def test_every_flipped_bit_is_found_and_logged(store, photo, tmp_path, caplog):
    cid = put(store, photo).cid
    for path in block_files(tmp_path):
        good = path.read_bytes()
        bad = bytearray(good)
        bad[len(bad) // 2] ^= 0x10
        path.write_bytes(bad)
        caplog.clear()
        with pytest.raises(CidMismatch) as error:
            get(store, cid)
        found = Cid.of(parse_cid(path.name).codec, bad)
        assert str(error.value) == f"expected the bytes of {path.name}, got bytes of {found}"
        assert f"the stored file {cid} is damaged" in caplog.text
        path.write_bytes(good)
    assert get(store, cid) == photo


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: data + b"x", lambda data: b""])
def test_a_cut_or_grown_block_is_found(store, photo, tmp_path, change):
    cid = put(store, photo).cid
    path = block_files(tmp_path)[0]
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(CidMismatch):
        get(store, cid)


def test_a_lost_block_is_named(store, photo, tmp_path):
    cid = put(store, photo).cid
    lost = next(path for path in block_files(tmp_path) if path.name != cid)
    lost.unlink()
    with pytest.raises(ObjectDamaged, match=f"^{cid} is damaged: the block {lost.name} is not in the store$"):
        get(store, cid)


def test_putting_again_heals(store, photo, tmp_path):
    cid = put(store, photo).cid
    damaged, lost = block_files(tmp_path)[:2]
    damaged.write_bytes(b"damaged")
    lost.unlink()
    put(store, photo)
    assert get(store, cid) == photo


def test_a_disk_that_lies_is_noticed(store, photo, monkeypatch, tmp_path):
    replace = Path.replace

    def replace_and_damage(self: Path, target: Path) -> None:
        replace(self, target)
        target.write_bytes(b"damaged")

    monkeypatch.setattr(Path, "replace", replace_and_damage)
    with pytest.raises(CidMismatch):
        put(store, photo)
    assert block_files(tmp_path) == []


def test_delete_removes_everything(store, photo, tmp_path):
    stored = put(store, photo)
    store.delete(stored)
    assert not store.has(stored.cid)
    assert block_files(tmp_path) == []
    store.delete(stored)


def test_delete_keeps_what_another_file_shares(store, photo):
    long, short, chunk = put(store, photo), put(store, photo[:600_000]), put(store, photo[:CHUNK_BYTES])
    store.delete(long)
    assert get(store, short.cid) == photo[:600_000]
    store.delete(short)
    assert get(store, chunk.cid) == photo[:CHUNK_BYTES]
    store.delete(chunk)
    assert not store.has(chunk.cid)


def test_a_delete_that_was_cut_off_can_be_repeated(store, photo, tmp_path, monkeypatch):
    stored = put(store, photo)
    unlink = Path.unlink

    def fail_at_second(self: Path, missing_ok: bool = False) -> None:
        if len(block_files(tmp_path)) == 3:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        unlink(self, missing_ok=missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", fail_at_second)
        with pytest.raises(StorageUnavailable, match=r"^the block store cannot use its disk: Input/output error$"):
            store.delete(stored)
    store.delete(stored)
    assert block_files(tmp_path) == []


def test_a_full_disk_leaves_nothing(store, photo, tmp_path, monkeypatch):
    kept = put(store, photo[:300_000])
    files = block_files(tmp_path)
    writes = iter(range(100))
    fsync = os.fsync

    def full_at_third(handle: int) -> None:
        if next(writes) >= 4:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full_at_third)
        with pytest.raises(StorageFull, match=r"^the block store cannot use its disk: No space left on device$"):
            put(store, photo[::-1])
    assert block_files(tmp_path) == files
    assert not store.has(cid_of(photo[::-1]))
    assert get(store, kept.cid) == photo[:300_000]


def test_a_disk_that_cannot_be_written_is_recognised_and_read(store, photo, tmp_path, monkeypatch):
    cid = put(store, photo).cid

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with monkeypatch.context() as patch:
        patch.setattr(private_files, "make_folder", refuse)
        reopened = EmbeddedStore(tmp_path / "ipfs")
        with pytest.raises(StorageReadOnly, match=r"^the block store cannot use its disk: Read-only file system$"):
            patch.setattr(tempfile, "mkstemp", refuse)
            put(reopened, photo[::-1])
    assert get(reopened, cid) == photo


def test_many_blocks_are_synced_at_once_and_few_each(store, monkeypatch):
    synced = []
    fsync = os.fsync

    def count(handle: int) -> None:
        synced.append(handle)
        fsync(handle)

    monkeypatch.setattr(os, "fsync", count)
    put(store, b"warm up the folders")
    few = len(synced)
    synced.clear()
    put(store, random.Random(32).randbytes(32 * CHUNK_BYTES))
    assert few <= 4
    # On Linux one syncfs(2) and the folder of the pins.
    assert len(synced) <= (1 if sys.platform == "linux" else 100)


def test_check_wants_a_disk_with_space(store, tmp_path, monkeypatch):
    store.check()
    usage = type(shutil.disk_usage(tmp_path))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(100, 99, 1))
    message = r"^expected 67108864 bytes of free disk for the block store, found 1$"
    with pytest.raises(StorageUnavailable, match=message):
        store.check()


def test_a_folder_that_is_gone_fails_the_check(store, tmp_path):
    shutil.rmtree(tmp_path / "ipfs")
    with pytest.raises(StorageUnavailable, match=r"^the block store cannot use its disk: No such file or directory$"):
        store.check()


def test_a_file_in_the_way_is_reported(tmp_path):
    (tmp_path / "ipfs").write_text("")
    with pytest.raises(StorageUnavailable, match=r"^the block store cannot use its disk: File exists$"):
        EmbeddedStore(tmp_path / "ipfs")
