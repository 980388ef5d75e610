"""Makes places of a de-identified DICOM image black."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from backend.adapters.dicom import pixels
from backend.adapters.dicom.elements import PIXEL_DATA, Element, read, write
from backend.adapters.dicom.pixels import PixelFacts
from backend.domain import TextBox
from backend.errors import UnsupportedImage

if TYPE_CHECKING:
    import numpy as np

_GROUP_LENGTH = 0x00020000
_BLACK_LEAST = ("MONOCHROME2", "RGB")
_BLACK_MOST = ("MONOCHROME1",)


def mask(content: bytes, boxes: Sequence[TextBox]) -> bytes:
    """The file with the places ``boxes`` black in every frame: of the frame's least value, or of its greatest where
    that is shown black. Everything else stays.

    Raises UnsupportedImage where the pixels are compressed, or their colours are not those of the screen.
    """
    file = read(content)
    found, element = pixels.facts(file.data_set), file.data_set.get(PIXEL_DATA)
    known = found.photometric in (*_BLACK_LEAST, *_BLACK_MOST) and found.allocated in (8, 16)
    if element is None or element.fragments is not None or not known:
        raise UnsupportedImage(
            "expected uncompressed grey or RGB pixels to make text black, found others: send text=keep, or remove the "
            "text where the image was made"
        )
    values = _masked(bytes(element.value), found, boxes)
    file.data_set[PIXEL_DATA] = Element(PIXEL_DATA, element.vr, values)
    meta = [element for tag, element in file.meta.items() if tag != _GROUP_LENGTH]
    return write(meta, list(file.data_set.values()))


def _masked(value: bytes, found: PixelFacts, boxes: Sequence[TextBox]) -> bytes:
    import numpy as np

    kind = ("i" if found.signed else "u") + str(found.allocated // 8)
    count = found.frames * found.pixels * found.samples
    stored = np.frombuffer(value, f"<{kind}", count).copy()
    for frame in stored.reshape(found.frames, -1):
        black = frame.max() if found.photometric in _BLACK_MOST else frame.min()
        for box in boxes:
            _places(frame, found)[box.y : box.y + box.height, box.x : box.x + box.width] = black
    return stored.tobytes() + value[stored.nbytes :]


def _places(frame: np.ndarray, found: PixelFacts) -> np.ndarray:
    """A view of a frame's values as rows, columns and samples."""
    if found.planar:
        return frame.reshape(found.samples, found.rows, found.columns).transpose(1, 2, 0)
    return frame.reshape(found.rows, found.columns, found.samples)
