"""Which reader is asked for an object, and whose error is raised."""

from __future__ import annotations

import pytest

from backend.adapters.ipfs.readers import FallbackReader, LimitedReader, LocalReader
from backend.deadlines import time_limit
from backend.errors import NotFound, StorageError, StorageUnavailable


class Remote:
    """A store that would search the public network for what it does not hold."""

    def __init__(self, store) -> None:
        self._store = store
        self.searches: list[str] = []
        self.has = store.has

    def get(self, cid: str, *, max_bytes: int) -> bytes:
        self.searches.append(cid)
        return self._store.get(cid, max_bytes=max_bytes)


def test_only_the_stores_own_objects_are_read(store, photo):
    cid = store.put(photo, name="photo", media_type="image/png").cid
    remote = Remote(store)
    reader = LocalReader(remote)

    assert reader.get(cid, max_bytes=len(photo)) == photo
    store.delete(store.put(photo, name="photo", media_type="image/png"))
    with pytest.raises(NotFound, match="is not in the store"):
        reader.get(cid, max_bytes=len(photo))
    assert remote.searches == [cid]


def test_after_the_time_limit_nobody_is_asked(store, photo):
    cid = store.put(photo, name="photo", media_type="image/png").cid
    remote = Remote(store)
    reader = LimitedReader(remote)

    with time_limit(20):
        assert reader.get(cid, max_bytes=len(photo)) == photo
    with time_limit(0), pytest.raises(StorageUnavailable, match=f"^{cid} is not looked for: the time limit is over$"):
        reader.get(cid, max_bytes=len(photo))
    assert remote.searches == [cid]


class Answering:
    """A reader with one answer for every object."""

    def __init__(self, answer: bytes | Exception) -> None:
        self._answer = answer
        self.asked: list[tuple[str, int]] = []

    def get(self, cid: str, *, max_bytes: int) -> bytes:
        self.asked.append((cid, max_bytes))
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


def test_the_second_reader_is_asked_for_what_the_first_does_not_give():
    first, second = Answering(b"first"), Answering(b"second")
    assert FallbackReader(first, second).get("bafk", max_bytes=7) == b"first"
    assert second.asked == []
    for error in (NotFound("first"), StorageUnavailable("first")):
        assert FallbackReader(Answering(error), second).get("bafk", max_bytes=7) == b"second"
    assert second.asked == [("bafk", 7)] * 2


@pytest.mark.parametrize(
    ("first", "second", "raised"),
    [
        (StorageUnavailable("first"), NotFound("second"), "first"),
        (NotFound("first"), NotFound("second"), "second"),
        (NotFound("first"), StorageUnavailable("second"), "second"),
        (StorageUnavailable("first"), StorageUnavailable("second"), "second"),
    ],
    ids=str,
)
def test_when_neither_reader_has_it_the_more_telling_error_is_raised(first, second, raised):
    with pytest.raises((NotFound, StorageError), match=f"^{raised}$") as found:
        FallbackReader(Answering(first), Answering(second)).get("bafk", max_bytes=7)
    assert found.value in (first, second)
