"""Pixel data without what may hide beside the picture: unused bits, bytes after the last frame, comments of a codec."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from backend.adapters.dicom import streams
from backend.adapters.dicom.elements import DataSet, Element, text
from backend.adapters.dicom.rules import TransferSyntax
from backend.adapters.dicom.values import little_endian

_FLOATS = {0x7FE00008: 4, 0x7FE00009: 8}
SUBSAMPLED = "YBR_FULL_422"


@dataclass(frozen=True, slots=True)
class PixelFacts:
    """The attributes that describe the bytes of pixel data; 0 where one is missing."""

    rows: int
    columns: int
    samples: int
    allocated: int
    stored: int
    high_bit: int
    signed: bool
    frames: int
    photometric: str
    planar: bool

    @property
    def pixels(self) -> int:
        return self.rows * self.columns


def facts(data_set: DataSet) -> PixelFacts:
    def number(tag: int) -> int:
        element = data_set.get(tag)
        if element is None or len(element.value) != 2:
            return 0
        return int.from_bytes(element.value, "big" if element.big_endian else "little")

    frames = text(data_set.get(0x00280008))
    return PixelFacts(
        rows=number(0x00280010),
        columns=number(0x00280011),
        samples=number(0x00280002) or 1,
        allocated=number(0x00280100),
        stored=number(0x00280101),
        high_bit=number(0x00280102),
        signed=number(0x00280103) == 1,
        frames=int(frames) if frames.isascii() and frames.isdigit() and len(frames) < 8 else 1,
        photometric=text(data_set.get(0x00280004)),
        planar=number(0x00280006) == 1,
    )


def native(element: Element, found: PixelFacts) -> tuple[bytes, bool]:
    """The values of native pixel data in little endian, and whether there was anything beside them (PS3.5, section 8).

    Bits that are not stored are cleared; those above a negative value are set, as its sign.
    """
    size = _FLOATS.get(element.tag) or max(found.allocated // 8, 1)
    value = bytes(element.value)
    if element.big_endian:
        value = little_endian(value, 2 if size == 1 and element.vr != "OB" else size)
    kept = value[: _picture_bytes(found, len(value), 8 * size if element.tag in _FLOATS else found.allocated)]
    if len(value) - len(kept) <= 1 and not any(value[len(kept) :]):
        value = kept  # the padding to an even length
    cleared = kept if element.tag in _FLOATS else _stored(kept, found)
    return cleared, cleared != value


def encapsulated(element: Element, syntax: TransferSyntax, found: PixelFacts) -> tuple[list[bytes], bool]:
    """The offset table and the fragments, and whether there was anything beside the picture (PS3.5, section A.4)."""
    offsets, *fragments = element.fragments or [b""]
    cleared, changed = streams.clean(str(syntax.stream), fragments, found.pixels)
    kept = offsets if _basic_offsets(offsets) <= set(starts(fragments)) and len(offsets) % 4 == 0 else b""
    return [kept, *cleared], changed or kept != offsets


def extended_offsets(table: bytes, lengths: bytes, element: Element) -> bool:
    """Whether an Extended Offset Table and its lengths are those of the fragments (PS3.3, section C.7.6.3.1.8)."""
    fragments = (element.fragments or [b""])[1:]
    if len(table) != 8 * len(fragments) or len(lengths) != len(table):
        return False
    pairs = zip(struct.unpack(f"<{len(fragments)}Q", lengths), fragments, strict=True)
    return starts(fragments) == list(struct.unpack(f"<{len(fragments)}Q", table)) and all(
        len(fragment) - 1 <= length <= len(fragment) for length, fragment in pairs
    )


def _basic_offsets(table: bytes) -> set[int]:
    return set(struct.unpack(f"<{len(table) // 4}I", table[: len(table) // 4 * 4]))


def starts(fragments: Sequence[bytes]) -> list[int]:
    """Where each fragment's item begins, from the first one on."""
    found, position = [], 0
    for fragment in fragments:
        found.append(position)
        position += 8 + len(fragment)
    return found


def _picture_bytes(found: PixelFacts, length: int, bits: int) -> int:
    """The bytes of all frames. A picture with half as many colours as pixels may still be stored with all of them."""
    values = found.pixels * found.frames * found.samples
    if found.photometric == SUBSAMPLED and length < values * bits // 8:
        values = values // 3 * 2
    return (values * bits + 7) // 8


def _stored(value: bytes, found: PixelFacts) -> bytes:
    import numpy as np

    if found.allocated not in (8, 16, 32) or not 0 < found.stored < found.allocated:
        return value
    if not found.stored - 1 <= found.high_bit < found.allocated:
        return value
    size = found.allocated // 8
    numbers = np.frombuffer(value, f"<u{size}", len(value) // size)
    mask = ((1 << found.stored) - 1) << (found.high_bit + 1 - found.stored)
    kept = numbers & numbers.dtype.type(mask)
    if found.signed:
        above = (1 << found.allocated) - (1 << (found.high_bit + 1))
        negative = (numbers >> numbers.dtype.type(found.high_bit)) & numbers.dtype.type(1)
        kept |= negative * numbers.dtype.type(above)
    return bytes(kept.tobytes())
