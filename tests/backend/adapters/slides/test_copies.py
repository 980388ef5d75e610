"""Copies of slides: whole, few, and of the store's bytes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from backend.adapters.ipfs.block_store import EmbeddedStore
from backend.adapters.slides import copies
from backend.adapters.slides.copies import SlideFolder
from backend.errors import NotFound, StorageFull, StorageUnavailable


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


def test_what_a_crash_left_goes_after_a_day(tmp_path: Path, folder: SlideFolder) -> None:
    with folder.new() as file:
        left, young = (Path(file.name).with_name(f".{name}.tif") for name in ("left", "young"))
        left.touch()
        young.touch()
        os.utime(left, (1, 1))
        with folder.new():
            pass

        assert young.exists() and Path(file.name).exists()
        assert not left.exists()


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
