"""Makes the DICOM images that were pinned here known to searches: by page, command line or from a PACS alike."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from backend.domain import DicomInstance
from backend.errors import InvalidCid, InvalidInput, NotFound, ServerBusy, StorageError
from backend.ports import DicomCleaner, ReceivedRows

_AT_ONCE = 100
_RETRY_S = 30.0


class DicomIndex:
    """``recorded`` gives the bytes of a pinned image by its CID; ``cleaner`` says what it is. Thread-safe."""

    def __init__(self, *, rows: ReceivedRows, cleaner: DicomCleaner, recorded: Callable[[str], bytes]) -> None:
        self._rows = rows
        self._cleaner = cleaner
        self._recorded = recorded
        self._lock = threading.Lock()
        self._failed_at: dict[str, float] = {}
        """When the store did not give an image, by its CID."""

    def complete(self, seconds: float) -> bool:
        """Look at images that were pinned since the last time, for about so long: whether all are known.

        Raises DatabaseUnavailable.
        """
        end = time.monotonic() + seconds
        if not self._lock.acquire(timeout=seconds):
            return False
        try:
            whole, after = True, ""
            while cids := self._rows.unseen(_AT_ONCE, after):
                for cid in cids:
                    if time.monotonic() > end:
                        return False
                    whole = self._look_at(cid) and whole
                after = cids[-1]
            return whole
        finally:
            self._lock.release()

    def _look_at(self, cid: str) -> bool:
        """Whether it is known now. One that the store does not give is not asked for again soon."""
        if time.monotonic() - self._failed_at.get(cid, -_RETRY_S) < _RETRY_S:
            return False
        try:
            instance = self._described(self._recorded(cid))
        except (InvalidCid, NotFound, StorageError, ServerBusy):
            self._failed_at[cid] = time.monotonic()
            return False
        self._failed_at.pop(cid, None)
        self._rows.see(cid, instance)
        return True

    def _described(self, content: bytes) -> DicomInstance | None:
        """None for an image that is no object, such as one without UIDs."""
        try:
            return self._cleaner.describe(content)
        except InvalidInput:
            return None
