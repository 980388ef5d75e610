"""Files that are too large for the memory: put and copied block by block."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from backend.adapters.ipfs.block_store import EmbeddedStore
from backend.adapters.ipfs.http_client import HttpPolicy
from backend.adapters.ipfs.pinata import PinataStore
from backend.adapters.ipfs.readers import DeferredReader, FallbackReader, LimitedReader, LocalReader
from backend.adapters.ipfs.unixfs import cid_of
from backend.cids import raw_cid
from backend.deadlines import time_limit
from backend.errors import CidMismatch, ImageTooLarge, NotFound, ObjectDamaged, StorageUnavailable

SIZE = 48 * 1024 * 1024
MOST_MEMORY = 8 * 1024 * 1024
POLICY = HttpPolicy(connect=10, read=10, total=60)


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A file whose parts differ."""
    path = tmp_path / "large"
    with path.open("wb") as file:
        for number in range(SIZE // 65536):
            file.write(number.to_bytes(4) * 16384)
    return path


@pytest.fixture
def pinning(pinata, clock) -> PinataStore:
    return PinataStore(pinata.settings(), policy=POLICY, gateway_policy=POLICY, clock=clock)


def peak_of(work: Callable[[], object]) -> int:
    """The most bytes that Python had in use for it."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_the_embedded_store_takes_and_gives_a_file_in_little_memory(
    store: EmbeddedStore, large: Path, tmp_path: Path
) -> None:
    with large.open("rb") as file:
        file.seek(1000)
        peak = peak_of(lambda: store.put_file(file, name="large", media_type="image/tiff"))
        file.seek(0)
        cid = cid_of(file)
    with (tmp_path / "copy").open("xb+") as copy:
        copying = peak_of(lambda: store.copy(cid, copy, max_bytes=SIZE))

    assert (tmp_path / "copy").read_bytes() == large.read_bytes()
    assert max(peak, copying) < MOST_MEMORY


def test_pinata_takes_and_gives_a_file_in_little_memory(pinning: PinataStore, large: Path, tmp_path: Path) -> None:
    with large.open("rb") as file:
        peak = peak_of(lambda: pinning.put_file(file, name="large.tif", media_type="image/tiff"))
        file.seek(0)
        cid = cid_of(file)
    with (tmp_path / "copy").open("xb+") as copy:
        copying = peak_of(lambda: pinning.copy(cid, copy, max_bytes=SIZE))

    assert (tmp_path / "copy").read_bytes() == large.read_bytes()
    assert max(peak, copying) < MOST_MEMORY


def test_a_file_is_sent_again_from_its_beginning(pinata, pinning: PinataStore, photo: bytes) -> None:
    pinata.fault("api", "status", status=503)

    stored = pinning.put_file(io.BytesIO(photo), name="photo", media_type="image/png")

    assert pinning.get(stored.cid, max_bytes=len(photo)) == photo


def test_other_bytes_of_a_gateway_are_not_in_the_copy(pinata, pinning: PinataStore, photo: bytes) -> None:
    cid = pinning.put(photo, name="photo", media_type="image/png").cid
    pinata.fault("gateway", "tampered")
    copy = io.BytesIO()

    pinning.copy(cid, copy, max_bytes=len(photo))

    assert copy.getvalue() == photo
    for gateway in ("gateway", "public"):
        pinata.fault(gateway, "tampered")
    with pytest.raises(CidMismatch):
        pinning.copy(cid, io.BytesIO(), max_bytes=len(photo))
    with pytest.raises(ImageTooLarge):
        pinning.copy(cid, io.BytesIO(), max_bytes=len(photo) - 1)


def test_a_file_that_lacks_a_block_is_damaged(store: EmbeddedStore, photo: bytes) -> None:
    cid = store.put(photo, name="photo", media_type="image/png").cid
    next(path for path in sorted(store._blocks.glob("*/*")) if path.name != cid).unlink()

    with pytest.raises(ObjectDamaged):
        store.copy(cid, io.BytesIO(), max_bytes=len(photo))


def test_readers_of_readers_copy_as_they_get(store: EmbeddedStore, photo: bytes, tmp_path: Path) -> None:
    cid = store.put(photo, name="photo", media_type="image/png").cid
    empty = EmbeddedStore(tmp_path / "empty")
    made = []

    def opened() -> EmbeddedStore:
        made.append(store)
        return store

    deferred = DeferredReader(opened)
    assert made == []
    for reader in (LocalReader(store), FallbackReader(empty, store), LimitedReader(store), deferred):
        copy = io.BytesIO()
        reader.copy(cid, copy, max_bytes=len(photo))
        assert copy.getvalue() == photo
    assert deferred.get(cid, max_bytes=len(photo)) == photo
    assert len(made) == 1
    with pytest.raises(NotFound):
        LocalReader(empty).copy(cid, io.BytesIO(), max_bytes=len(photo))
    with pytest.raises(NotFound, match=raw_cid("00" * 32)):
        FallbackReader(empty, store).copy(raw_cid("00" * 32), io.BytesIO(), max_bytes=9)
    with time_limit(0), pytest.raises(StorageUnavailable, match="the time limit is over"):
        LimitedReader(store).copy(cid, io.BytesIO(), max_bytes=len(photo))
