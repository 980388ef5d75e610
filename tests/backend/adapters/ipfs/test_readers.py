"""What a store does not hold itself is asked of nobody."""

from __future__ import annotations

import pytest

from backend.adapters.ipfs.readers import LimitedReader, LocalReader
from backend.deadlines import time_limit
from backend.errors import NotFound, StorageUnavailable


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
