"""Copies of slides: whole, few, and of the store's bytes."""

from __future__ import annotations

import fcntl
import io
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

import pytest

from backend.adapters.ipfs.block_store import EmbeddedStore
from backend.adapters.slides import copies, named_locks
from backend.adapters.slides.copies import SlideFolder
from backend.errors import NotFound, ServerBusy, StorageFull, StorageUnavailable


@pytest.fixture
def store(tmp_path: Path) -> EmbeddedStore:
    return EmbeddedStore(tmp_path / "ipfs")


@pytest.fixture
def folder(tmp_path: Path, store: EmbeddedStore) -> SlideFolder:
    return SlideFolder(tmp_path / "slides", store, most_bytes=250)


def put(store: EmbeddedStore, number: int) -> str:
    return store.put(bytes([number]) * 100, name="slide", media_type="image/tiff").cid


def kept(tmp_path: Path) -> set[str]:
    return {path.stem for path in (tmp_path / "slides" / "copies").iterdir()}


def test_those_used_longest_ago_go_but_none_in_use(tmp_path: Path, store: EmbeddedStore, folder: SlideFolder) -> None:
    first, second, third = (put(store, number) for number in range(3))
    with folder.open(first, max_bytes=100) as path:
        os.utime(path, (1, 1))
        with folder.open(second, max_bytes=100) as other:
            os.utime(other, (2, 2))
        with folder.open(third, max_bytes=100):
            pass
        assert kept(tmp_path) == {first, third}
        assert path.read_bytes() == bytes(100)
    with folder.open(second, max_bytes=100) as again:
        assert again.read_bytes() == b"\1" * 100


def test_another_process_hashes_a_copy_before_it_uses_it(
    tmp_path: Path, store: EmbeddedStore, folder: SlideFolder
) -> None:
    cid = put(store, 7)
    with folder.open(cid, max_bytes=100) as path:
        path.write_bytes(b"x" * 100)

    with SlideFolder(tmp_path / "slides", store, most_bytes=250).open(cid, max_bytes=100) as again:
        assert again.read_bytes() == b"\7" * 100


def test_what_is_received_goes_with_its_request(tmp_path: Path, folder: SlideFolder) -> None:
    with folder.new() as file:
        file.write(b"slide")
        file.flush()
        path = Path(file.name)
        assert path.read_bytes() == b"slide"
        assert path.stat().st_mode & 0o777 == 0o600
    assert not path.exists()


def test_nothing_is_left_of_a_copy_that_cannot_be_made(
    tmp_path: Path, folder: SlideFolder, store: EmbeddedStore
) -> None:
    cid = put(store, 1)
    store.delete(store.put(b"\1" * 100, name="slide", media_type="image/tiff"))

    with pytest.raises(NotFound), folder.open(cid, max_bytes=100):
        pass
    assert kept(tmp_path) == set()


@pytest.mark.parametrize("part", ["incoming", "copies"])
def test_what_a_crash_left_goes_at_the_next_start(
    tmp_path: Path, store: EmbeddedStore, folder: SlideFolder, part: str
) -> None:
    left = tmp_path / "slides" / part / ".left.tif"
    with folder.new() as file:
        left.parent.mkdir(exist_ok=True)
        left.write_bytes(b"DOE JANE")
        SlideFolder(tmp_path / "slides", store, most_bytes=250)

        assert not left.exists()
        assert Path(file.name).exists()


def test_what_a_crash_left_goes_with_the_next_slide(folder: SlideFolder) -> None:
    with folder.new() as file:
        left = Path(file.name).with_name(".left.tif")
        left.write_bytes(b"DOE JANE")
        with folder.new():
            assert not left.exists()
            assert Path(file.name).exists()


def test_a_file_that_cannot_be_locked_is_not_used(folder: SlideFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process may find a new file before it is locked, and remove it."""
    locked = fcntl.flock

    def removed_before(file: io.FileIO, operation: int) -> None:
        Path(str(file.name)).unlink()
        locked(file, operation)

    monkeypatch.setattr(fcntl, "flock", removed_before)
    with pytest.raises(StorageUnavailable, match="cannot be locked"), folder.new():
        pass


def test_a_copy_that_is_used_again_is_not_opened_anew(store: EmbeddedStore, folder: SlideFolder) -> None:
    """The processes open a slide anew when its time of change is another."""
    cid = put(store, 1)
    with folder.open(cid, max_bytes=100) as path:
        os.utime(path, ns=(1, 2))
    with folder.open(cid, max_bytes=100):
        found = path.stat()

    assert found.st_mtime_ns == 2
    assert found.st_atime_ns > 2


def test_drafts_of_others_are_no_copies(tmp_path: Path, store: EmbeddedStore, folder: SlideFolder) -> None:
    other = SlideFolder(tmp_path / "slides", store, most_bytes=250)
    with other._draft("copies") as draft:
        draft.write(bytes(100_000))
        with folder.open(put(store, 1), max_bytes=100) as path:
            os.utime(path, (1, 1))
        with folder.open(put(store, 2), max_bytes=100):
            pass
        assert Path(draft.name).exists()
        assert path.exists()


class Slow(EmbeddedStore):
    """Copies when it is allowed to."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.started, self.allowed = threading.Event(), threading.Event()

    def copy(self, cid: str, target: BinaryIO, *, max_bytes: int) -> None:
        self.started.set()
        self.allowed.wait(60)
        super().copy(cid, target, max_bytes=max_bytes)


def test_a_wait_for_another_copy_of_the_slide_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Slow(tmp_path / "ipfs")
    folder = SlideFolder(tmp_path / "slides", store, most_bytes=250)
    cid = put(store, 1)

    def read() -> bytes:
        with folder.open(cid, max_bytes=100) as path:
            return path.read_bytes()

    with ThreadPoolExecutor(1) as thread:
        first = thread.submit(read)
        assert store.started.wait(60)
        monkeypatch.setattr(named_locks, "WAIT_S", 0.01)
        with pytest.raises(ServerBusy, match="the slide is being copied: try again"):
            read()
        store.allowed.set()
        assert first.result() == b"\1" * 100


def test_the_size_of_a_slide_must_fit_the_disk(folder: SlideFolder) -> None:
    with pytest.raises(StorageFull, match="of free disk for a slide"), folder.new(2**62):
        pass


def test_what_is_written_leaves_the_spare_bytes_of_the_disk(
    folder: SlideFolder, store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    cid = put(store, 1)
    with folder.new() as file:
        monkeypatch.setattr(copies, "SPARE_BYTES", 2**62)
        with pytest.raises(StorageFull, match="of free disk for a slide"):
            file.write(bytes(100_000))
    with pytest.raises(StorageFull), folder.open(cid, max_bytes=100):
        pass


def test_a_disk_without_room_takes_no_slide(folder: SlideFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copies, "SPARE_BYTES", 2**62)

    with pytest.raises(StorageFull, match="of free disk for a slide"), folder.new():
        pass


def test_a_disk_that_becomes_full_is_said(folder: SlideFolder) -> None:
    with folder.new() as file:
        limit = os.open(os.devnull, os.O_RDONLY)
        os.dup2(limit, file.fileno())
        os.close(limit)
        with pytest.raises(StorageUnavailable, match="the folder of slides cannot be used"):
            file.write(b"x" * 100_000)
