"""The frames of a DICOM file, each as a file of its own, so that a study names and proves every one by itself.

Each file has what the whole says of all frames, one item of its per-frame functional groups, and one frame of its
pixels, unchanged. Together they are a concatenation (PS3.3, section C.7.6.16.2.2.4): each names the object that it is a
part of, and which frame. UIDs are made of that of the whole, so the same file always gives the same bytes, here and in
the page (``frontend/src/dicom/frames.ts``).
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence

from backend.adapters.dicom import pixels
from backend.adapters.dicom.elements import PIXEL_DATA, DataSet, DicomFile, Element, read, text, write
from backend.adapters.dicom.pixels import SUBSAMPLED, PixelFacts
from backend.adapters.dicom.replacement import uuid_uid
from backend.domain import PixelBytes
from backend.errors import ImageTooLarge, UnsupportedImage
from ml.preprocessing.dicom_structure import EXPLICIT

MAX_FRAMES = 2_000
"""As many as a study has slices."""

_META_INSTANCE, _INSTANCE = 0x00020003, 0x00080018
_FRAMES, _PER_FRAME = 0x00280008, 0x52009230
_CONCATENATION, _SOURCE, _NUMBER, _TOTAL, _OFFSET = 0x00209161, 0x00200242, 0x00209162, 0x00209163, 0x00209228
_OF_SEVERAL = (0x00181065, 0x00280009, 0x00286010, 0x7FE00001, 0x7FE00002)
"""Frame Time Vector, Frame Increment Pointer, Representative Frame Number, Extended Offset Table and its lengths."""
_STARTS = {"jpeg": (b"\xff\xd8",), "jpeg2000": (b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  ")}
"""With what the compressed data of a frame begin, by codec."""


def count(content: bytes) -> int:
    """How many frames a DICOM file says that it has; 1 for what cannot be read, which others refuse by its reason."""
    try:
        return pixels.facts(read(content).data_set).frames
    except (UnsupportedImage, ImageTooLarge):
        return 1


def split(content: bytes) -> list[bytes]:
    """A file for each frame of ``content``, which the rules of de-identification have written.

    Raises UnsupportedImage where the frames cannot be told from each other; ImageTooLarge for more than MAX_FRAMES.
    """
    file = read(content)
    facts = pixels.facts(file.data_set)
    if not 1 <= facts.frames <= MAX_FRAMES:
        raise ImageTooLarge(f"expected a DICOM file of at most {MAX_FRAMES:,} frames, found {facts.frames:,}")
    element = file.data_set.get(PIXEL_DATA)
    if element is None:
        raise UnsupportedImage("expected a DICOM file with integer pixels, found none")
    if element.fragments is None:
        parts = [Element(PIXEL_DATA, element.vr, value) for value in _native(bytes(element.value), facts)]
    else:
        groups = _grouped(element.fragments, str(file.syntax.stream), facts.frames)
        parts = [Element(PIXEL_DATA, "OB", fragments=[b"", *group]) for group in groups]
    shared = {tag: each for tag, each in file.data_set.items() if tag not in (*_OF_SEVERAL, PIXEL_DATA)}
    return [_file(file, shared, part, number, facts.frames) for number, part in enumerate(parts)]


def stored(content: bytes) -> PixelBytes:
    """The pixels of a file of one frame, as they are: native ones, or compressed ones without their items. Raises
    UnsupportedImage."""
    file = read(content)
    element = file.data_set.get(PIXEL_DATA)
    if element is None:
        raise UnsupportedImage("expected a DICOM file with integer pixels, found none")
    if element.fragments is None:
        return PixelBytes(EXPLICIT, _native(bytes(element.value), pixels.facts(file.data_set))[0])
    return PixelBytes(file.uid, b"".join(element.fragments[1:]))


def decoded(content: bytes) -> PixelBytes:
    """The pixels of a file of one frame without compression; colours are RGB then. Raises UnsupportedImage, and the
    errors of ``ml.preprocessing.dicom``."""
    found = stored(content)
    if found.syntax == EXPLICIT:
        return found
    from ml.preprocessing.dicom import DicomFile as Pictures

    values = Pictures(content).stored(0)
    return PixelBytes(EXPLICIT, values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes())


def _file(file: DicomFile, shared: DataSet, part: Element, number: int, frames: int) -> bytes:
    whole = text(file.data_set.get(_INSTANCE))
    instance = _derived("frame", whole, number).encode()
    made = {
        **shared,
        _INSTANCE: Element(_INSTANCE, "UI", instance),
        _FRAMES: Element(_FRAMES, "IS", b"1"),
        _SOURCE: Element(_SOURCE, "UI", whole.encode()),
        _CONCATENATION: Element(_CONCATENATION, "UI", _derived("concatenation", whole, 0).encode()),
        _NUMBER: Element(_NUMBER, "US", struct.pack("<H", number + 1)),
        _TOTAL: Element(_TOTAL, "US", struct.pack("<H", frames)),
        _OFFSET: Element(_OFFSET, "UL", struct.pack("<I", number)),
        PIXEL_DATA: part,
    }
    if _PER_FRAME in made:
        groups = (made.pop(_PER_FRAME).items or [])[number : number + 1]
        if groups:
            made[_PER_FRAME] = Element(_PER_FRAME, "SQ", items=groups)
    meta = {**file.meta, _META_INSTANCE: Element(_META_INSTANCE, "UI", instance)}
    return write([meta[tag] for tag in sorted(meta) if tag != 0x00020000], [made[tag] for tag in sorted(made)])


def _derived(purpose: str, whole: str, number: int) -> str:
    return uuid_uid(hashlib.sha256(f"{purpose}\0{whole}\0{number}".encode("latin-1")).digest())


def _native(value: bytes, facts: PixelFacts) -> list[bytes]:
    """The values of each frame. Those of one bit are packed without regard to bytes (PS3.5, section 8.1.1)."""
    values = facts.pixels * facts.samples
    if facts.photometric == SUBSAMPLED and 8 * len(value) < values * facts.frames * facts.allocated:
        values = values // 3 * 2
    bits = values * facts.allocated
    if not bits or 8 * len(value) < bits * facts.frames:
        raise UnsupportedImage(f"expected the pixels of {facts.frames} frames in a DICOM file, found fewer")
    if bits % 8 == 0:
        size = bits // 8
        return [value[size * number : size * (number + 1)] for number in range(facts.frames)]
    return [_bits(value, bits * number, bits) for number in range(facts.frames)]


def _bits(value: bytes, start: int, count: int) -> bytes:
    """``count`` bits from ``start`` on; the first one of a byte is its lowest."""
    import numpy as np

    covering = np.frombuffer(value[start // 8 : (start + count + 7) // 8], np.uint8)
    single = np.unpackbits(covering, bitorder="little")[start % 8 :][:count]
    return np.packbits(single, bitorder="little").tobytes()


def _grouped(fragments: Sequence[bytes], codec: str, frames: int) -> list[Sequence[bytes]]:
    """The fragments of each frame: one for each, else by the offset table, else by how the codec's data begin."""
    offsets, *parts = fragments
    if len(parts) == frames:
        firsts = list(range(frames))
    elif len(offsets) == 4 * frames:
        starts = {start: place for place, start in enumerate(pixels.starts(parts))}
        firsts = [starts.get(offset, -1) for offset in struct.unpack(f"<{frames}I", offsets)]
    else:
        firsts = [place for place, part in enumerate(parts) if part.startswith(_STARTS.get(codec, ()))]
    if len(firsts) != frames or firsts[0] != 0 or firsts != sorted(set(firsts)):
        raise UnsupportedImage(f"expected the compressed data of {frames} frames in a DICOM file, found others")
    return [parts[first:end] for first, end in zip(firsts, [*firsts[1:], len(parts)], strict=True)]
