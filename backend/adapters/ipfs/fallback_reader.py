"""A store first, then somewhere else: for an auditor whose machine holds a part of the objects at most."""

from __future__ import annotations

from backend.errors import NotFound
from backend.ports import ObjectReader


class FallbackReader:
    """ObjectReader that asks ``second`` for what ``first`` does not hold."""

    def __init__(self, first: ObjectReader, second: ObjectReader) -> None:
        self._first = first
        self._second = second

    def get(self, cid: str, *, max_bytes: int) -> bytes:
        """As ObjectReader.get; NotFound when neither has it."""
        try:
            return self._first.get(cid, max_bytes=max_bytes)
        except NotFound:
            return self._second.get(cid, max_bytes=max_bytes)
