"""Makes places of a de-identified DICOM image black."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from backend.adapters.dicom import pixels
from backend.adapters.dicom.elements import PIXEL_DATA, DicomFile, Element, read, write
from backend.adapters.dicom.pixels import PixelFacts
from backend.domain import MAX_IMAGE_BYTES, TextBox
from backend.errors import ImageTooLarge, UnsupportedImage
from ml.preprocessing.dicom import COLOURS, GREY, PALETTE
from ml.preprocessing.dicom import DicomFile as Pictures
from ml.preprocessing.dicom_structure import EXPLICIT

if TYPE_CHECKING:
    import numpy as np

_GROUP_LENGTH, _TRANSFER_SYNTAX = 0x00020000, 0x00020010
_PHOTOMETRIC, _PLANAR = 0x00280004, 0x00280006
_OFFSET_TABLES = (0x7FE00001, 0x7FE00002)
_LUMINANCE = "YBR_FULL"
_COLOUR_BLACK = {"RGB": (0, 0, 0), _LUMINANCE: (0, 128, 128)}
"""Of 8 bits in YBR_FULL (PS3.3, section C.7.6.3.1.2)."""
_BLACK_ENOUGH = 31
"""Of 255, the most of red, green or blue in a palette's entry that people see as black."""


def mask(content: bytes, boxes: Sequence[TextBox]) -> bytes:
    """The file with the places ``boxes`` black in every frame: grey of the frame's least value, or of its greatest
    where that is shown black; the darkest entry of a palette; black of RGB and YBR_FULL. Every other pixel stays.

    Compressed pixels, and those that share their colours, are decoded: the file then has the decoder's values, colours
    as RGB, uncompressed as Explicit VR Little Endian (PS3.5, section A.2). Without ``boxes`` the file stays as it is.

    Raises UnsupportedImage where the pixels cannot be decoded, have other than 8 or 16 bits allocated, or a palette
    without black; ImageTooLarge where they are too many without compression; ImageError of ``ml.preprocessing``.
    """
    if not boxes:
        return content
    file = read(content)
    found, element = pixels.facts(file.data_set), file.data_set.get(PIXEL_DATA)
    if element is None or found.allocated not in (8, 16) or found.photometric not in (*GREY, PALETTE, *COLOURS):
        raise UnsupportedImage(
            "expected grey, palette, RGB or YBR pixels of 8 or 16 bits to make text black, found others: send "
            "text=keep, or remove the text where the image was made"
        )
    value = bytes(element.value)
    if element.fragments is not None or not _independent(found):
        value, found = _decoded(content, found)
        _become_native(file, found)
    black = _palette_black(content, found) if found.photometric == PALETTE else None
    masked = _masked(value, found, boxes, black)
    file.data_set[PIXEL_DATA] = Element(PIXEL_DATA, element.vr if found.allocated == 8 else "OW", masked)
    meta = [element for tag, element in file.meta.items() if tag != _GROUP_LENGTH]
    return write(meta, [file.data_set[tag] for tag in sorted(file.data_set)])


def _independent(found: PixelFacts) -> bool:
    """Whether every pixel has values of its own, of which black is known."""
    if found.photometric == _LUMINANCE:
        return found.allocated == found.stored == 8 and not found.signed
    return found.photometric in (*GREY, PALETTE, "RGB")


def _decoded(content: bytes, found: PixelFacts) -> tuple[bytes, PixelFacts]:
    """The values of all frames, padded to an even length, and how they are stored. Raises as ``mask``."""
    size = found.frames * found.pixels * found.samples * found.allocated // 8
    if size > MAX_IMAGE_BYTES:
        raise ImageTooLarge(
            f"expected at most {MAX_IMAGE_BYTES:,} bytes of pixels without compression to make text black, found "
            f"{size:,}"
        )
    if found.photometric in COLOURS:
        found = replace(found, photometric="RGB", planar=False)
    pictures, kind, value = Pictures(content), _kind(found), bytearray()
    for number in range(found.frames):
        value += pictures.stored(number).astype(kind, copy=False).tobytes()
    value += bytes(len(value) % 2)
    if pixels.native(Element(PIXEL_DATA, "OW", bytes(value)), found)[1]:
        raise UnsupportedImage(
            f"expected compressed pixels of {found.stored} bits, as the DICOM file says, found others: send text=keep, "
            "or remove the text where the image was made"
        )
    return bytes(value), found


def _become_native(file: DicomFile, found: PixelFacts) -> None:
    """What a file says of its pixels, once they are decoded."""
    uid = EXPLICIT.encode()
    file.meta[_TRANSFER_SYNTAX] = Element(_TRANSFER_SYNTAX, "UI", uid + bytes(len(uid) % 2))
    photometric = found.photometric.encode()
    file.data_set[_PHOTOMETRIC] = Element(_PHOTOMETRIC, "CS", photometric + b" " * (len(photometric) % 2))
    if found.samples > 1:
        file.data_set[_PLANAR] = Element(_PLANAR, "US", struct.pack("<H", 0))
    for tag in _OFFSET_TABLES:
        file.data_set.pop(tag, None)


def _palette_black(content: bytes, found: PixelFacts) -> int:
    """The stored value whose entry is the darkest. Raises UnsupportedImage where that is not black."""
    import numpy as np

    pictures = Pictures(content)
    values = 1 << pictures.description.bits
    indices = np.arange(values) - (values // 2 if found.signed else 0)
    brightest = pictures.coloured(indices).max(axis=-1)
    darkest = int(brightest.argmin())
    if brightest[darkest] > _BLACK_ENOUGH:
        raise UnsupportedImage(
            "expected a palette with black to make text black, found none: send text=keep, or remove the text where "
            "the image was made"
        )
    return int(indices[darkest])


def _kind(found: PixelFacts) -> str:
    return "<" + ("i" if found.signed else "u") + str(found.allocated // 8)


def _masked(value: bytes, found: PixelFacts, boxes: Sequence[TextBox], black: int | None) -> bytes:
    import numpy as np

    count = found.frames * found.pixels * found.samples
    if len(value) < count * found.allocated // 8:
        raise UnsupportedImage(f"expected the pixels of {found.frames} frames in a DICOM file, found fewer")
    stored = np.frombuffer(value, _kind(found), count).copy()
    for frame in stored.reshape(found.frames, -1):
        shown = _black(frame, found) if black is None else black
        for box in boxes:
            _places(frame, found)[box.y : box.y + box.height, box.x : box.x + box.width] = shown
    return stored.tobytes() + value[stored.nbytes :]


def _black(frame: np.ndarray, found: PixelFacts) -> int | tuple[int, int, int]:
    """A value for each sample, or one for all."""
    if found.photometric in _COLOUR_BLACK:
        return _COLOUR_BLACK[found.photometric]
    return int(frame.max() if found.photometric == "MONOCHROME1" else frame.min())


def _places(frame: np.ndarray, found: PixelFacts) -> np.ndarray:
    """A view of a frame's values as rows, columns and samples."""
    if found.planar:
        return frame.reshape(found.samples, found.rows, found.columns).transpose(1, 2, 0)
    return frame.reshape(found.rows, found.columns, found.samples)
