"""Object readers made of other readers: one asks two, one never searches the network, one keeps a time limit."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import BinaryIO

from backend.deadlines import remaining
from backend.errors import NotFound, StorageError, StorageUnavailable
from backend.ports import ObjectReader, ObjectStore


class FallbackReader:
    """Port ObjectReader: asks ``second`` for an object that ``first`` does not have whole."""

    def __init__(self, first: ObjectReader, second: ObjectReader) -> None:
        self._first = first
        self._second = second

    def get(self, cid: str, *, max_bytes: int) -> bytes:
        """As ObjectReader.get; the error of ``first`` when neither has it."""
        try:
            return self._first.get(cid, max_bytes=max_bytes)
        except NotFound:
            return self._second.get(cid, max_bytes=max_bytes)
        except StorageError as error:
            try:
                return self._second.get(cid, max_bytes=max_bytes)
            except NotFound:
                raise error from None

    def copy(self, cid: str, target: BinaryIO, *, max_bytes: int) -> None:
        """As ObjectReader.copy; the error of ``first`` when neither has it."""
        try:
            self._first.copy(cid, target, max_bytes=max_bytes)
        except (NotFound, StorageError) as error:
            target.seek(0)
            target.truncate()
            try:
                self._second.copy(cid, target, max_bytes=max_bytes)
            except NotFound:
                raise error from None


class LocalReader:
    """Port ObjectReader: reads the objects that are pinned in ``store`` itself.

    For objects that may never have been published: the public network searches for them for a long time.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def get(self, cid: str, *, max_bytes: int) -> bytes:
        """As ObjectReader.get; NotFound for an object that is not pinned there."""
        if not self._store.has(cid):
            raise NotFound(f"{cid} is not in the store")
        return self._store.get(cid, max_bytes=max_bytes)

    def copy(self, cid: str, target: BinaryIO, *, max_bytes: int) -> None:
        """As ObjectReader.copy; NotFound for an object that is not pinned there."""
        if not self._store.has(cid):
            raise NotFound(f"{cid} is not in the store")
        self._store.copy(cid, target, max_bytes=max_bytes)


class DeferredReader:
    """Port ObjectReader: opens ``reader`` when it is first asked, since a store makes folders."""

    def __init__(self, reader: Callable[[], ObjectReader]) -> None:
        self._reader = cache(reader)

    def get(self, cid: str, *, max_bytes: int) -> bytes:
        return self._reader().get(cid, max_bytes=max_bytes)

    def copy(self, cid: str, target: BinaryIO, *, max_bytes: int) -> None:
        self._reader().copy(cid, target, max_bytes=max_bytes)


class LimitedReader:
    """Port ObjectReader: asks ``reader`` only while the caller has time left."""

    def __init__(self, reader: ObjectReader) -> None:
        self._reader = reader

    def get(self, cid: str, *, max_bytes: int) -> bytes:
        """As ObjectReader.get; StorageUnavailable after the caller's time limit."""
        _check_time(cid)
        return self._reader.get(cid, max_bytes=max_bytes)

    def copy(self, cid: str, target: BinaryIO, *, max_bytes: int) -> None:
        """As ObjectReader.copy; StorageUnavailable after the caller's time limit."""
        _check_time(cid)
        self._reader.copy(cid, target, max_bytes=max_bytes)


def _check_time(cid: str) -> None:
    left = remaining()
    if left is not None and left <= 0:
        raise StorageUnavailable(f"{cid} is not looked for: the time limit is over")
