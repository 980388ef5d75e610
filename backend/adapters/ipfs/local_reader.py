"""A store's own objects: for what may never have been published, which the public network would search for long."""

from __future__ import annotations

from backend.errors import NotFound
from backend.ports import ObjectStore


class LocalReader:
    """ObjectReader that asks nobody for what ``store`` itself does not hold."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def get(self, cid: str, *, max_bytes: int) -> bytes:
        """As ObjectReader.get; NotFound for what the store does not have."""
        if not self._store.has(cid):
            raise NotFound(f"{cid} is not in the store")
        return self._store.get(cid, max_bytes=max_bytes)
