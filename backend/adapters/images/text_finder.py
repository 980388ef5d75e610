"""The port TextFinder: text is looked for in processes of their own, which keep the networks in memory."""

from __future__ import annotations

import atexit
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from functools import cache

from backend.adapters.images.decoder_pool import DecoderPool
from backend.domain import TextBox
from ml.preprocessing.images import DECODING

_PROCESSES = 2
_KEPT = 256


class OcrTextFinder:
    """See ``burnt_in_text.find``. Remembers the last images: whoever answers a question sends the image again."""

    def __init__(self, pool: DecoderPool | None = None) -> None:
        self._pool = pool or _pool()
        self._kept: OrderedDict[tuple[bytes, int], Sequence[TextBox]] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, content: bytes, frame: int = 0) -> Sequence[TextBox]:
        key = (hashlib.sha256(content).digest(), frame)
        with self._lock:
            if key in self._kept:
                return self._kept[key]
        boxes = self._pool.find_text(content, DECODING, frame)
        with self._lock:
            self._kept[key] = boxes
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return boxes


@cache
def _pool() -> DecoderPool:
    pool = DecoderPool(processes=_PROCESSES)
    atexit.register(pool.close)
    return pool
