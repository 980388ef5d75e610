"""The pixels of images for the models: gate, model and outline of one request decode an image once."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image

from backend.adapters.images.decoder_pool import DecoderPool, decoder_pool
from ml.preprocessing.images import DECODING

KEPT_BYTES = 64 * 1024 * 1024


class DecodedImages:
    """Keeps the last images in memory, ``kept_bytes`` of pixels at most. Thread-safe."""

    def __init__(self, pool: DecoderPool | None = None, *, kept_bytes: int = KEPT_BYTES) -> None:
        self._pool = pool or decoder_pool()
        self._capacity = kept_bytes
        self._kept: OrderedDict[tuple[bytes, int, int], Image.Image] = OrderedDict()
        self._lock = threading.Lock()

    @contextmanager
    def open(self, content: bytes, decoding: int = DECODING, frame: int = 0) -> Iterator[Image.Image]:
        """The image, or the ``frame`` of a DICOM file, as ``ml.preprocessing.images.decode_image`` decodes it; do not
        change it.

        Raises UnsupportedImage, ImageTooLarge, ServerBusy.
        """
        key = hashlib.sha256(content).digest(), decoding, frame
        with self._lock:
            found = self._kept.get(key)
            if found:
                self._kept.move_to_end(key)
        if found:
            yield found
            return
        with self._pool.decoded(content, decoding, frame) as image:
            self._keep(key, image)
            yield image

    def _keep(self, key: tuple[bytes, int, int], image: Image.Image) -> None:
        with self._lock:
            self._kept[key] = image
            while sum(map(_bytes, self._kept.values())) > self._capacity:
                self._kept.popitem(last=False)


def _bytes(image: Image.Image) -> int:
    """Pillow holds a pixel of three channels in four bytes."""
    return image.width * image.height * (1 if image.mode == "L" else 4)
