"""Clears what a compressed picture carries beside its pixels: comments, application segments, data after its end.

Nothing changes its length, so that tables of offsets stay true. JPEG: ITU-T T.81, Annex B; JPEG-LS: T.87, Annex C;
JPEG 2000: T.800, Annexes A and I; RLE: DICOM PS3.5, Annex G.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from backend.errors import UnsupportedImage

_SOI, _EOI, _COM = 0xD8, 0xD9, 0xFE
_RESTARTS = range(0xD0, 0xD8)
_APPLICATION = range(0xE0, 0xF0)
# JPEG-LS: its frame header and its preset parameters. The others of F0 to FD are reserved for extensions.
_EXTENSIONS = frozenset(range(0xF0, 0xFE)) - {0xF7, 0xF8}
# The bytes of an application segment that say how to read the picture: JFIF, Adobe's and HP's colour transforms.
_READ = ((0xE0, b"JFIF\0", 14), (0xEE, b"Adobe", 12), (0xE8, b"mrfx", 5))
_J2K_TILE, _J2K_DATA, _J2K_COMMENT, _J2K_END = 0xFF90, 0xFF93, 0xFF64, 0xFFD9
_JP2_SIGNATURE = b"\0\0\0\x0cjP  "
_JP2_BOXES = (b"jP  ", b"ftyp", b"ihdr", b"bpcc", b"colr", b"pclr", b"cmap", b"cdef")
_RLE_HEADER = struct.Struct("<16I")


def clean(stream: str, fragments: Sequence[bytes], pixels: int) -> tuple[list[bytes], bool]:
    """The ``fragments`` of encapsulated pixel data, cleared, and whether there was anything to clear.

    ``stream`` names the codec; a frame has ``pixels``. Raises UnsupportedImage for data that are none of that codec.
    """
    data = bytearray().join(fragments)
    ends: list[int] = []
    for fragment in fragments:
        ends.append((ends[-1] if ends else 0) + len(fragment))
    before = bytes(data)
    _CODECS[stream](data, ends, pixels)
    starts = [0, *ends[:-1]]
    cleared = [bytes(data[start:end]) for start, end in zip(starts, ends, strict=True)]
    return cleared, before != data


def _jpeg(data: bytearray, ends: Sequence[int], pixels: int) -> None:
    _each(data, ends, {b"\xff\xd8": _jpeg_picture}, "JPEG")


def _each(
    data: bytearray,
    ends: Sequence[int],
    readers: Mapping[bytes, Callable[[bytearray, int, Sequence[int]], int]],
    codec: str,
) -> None:
    """Read the pictures, each of which begins with a fragment and with a key of ``readers``; clear what is after it."""
    position = 0
    for end in ends:
        if position < end:
            reader = next((read for magic, read in readers.items() if data.startswith(magic, position)), None)
            if reader:
                position = reader(data, position, ends)
            elif not position and any(data[:end]):
                raise _damaged(codec)
        if position < end:
            _clear(data, position, end)
            position = end


def _jpeg_picture(data: bytearray, position: int, ends: Sequence[int]) -> int:
    """Where the picture ends whose SOI is at ``position``."""
    position += 2
    while True:
        position = _next_marker(data, position)
        if position < 0:
            return len(data)
        marker = data[position + 1]
        if marker == _SOI:
            return position
        if marker == _EOI:
            return position + 2
        length = int.from_bytes(data[position + 2 : position + 4])
        stop = position + 2 + length
        if length < 2 or stop > len(data):
            raise _damaged("JPEG")
        if marker in _APPLICATION or marker in _EXTENSIONS or marker == _COM:
            payload = position + 4
            kept = next((size for known, name, size in _READ if marker == known and data.startswith(name, payload)), 0)
            _clear(data, min(payload + kept, stop), stop)
        position = stop


def _next_marker(data: bytearray, position: int) -> int:
    """The next marker: between segments, and after coded data, in which FF is followed by less than 80 (or RSTn)."""
    while (position := data.find(b"\xff", position)) >= 0:
        if position + 1 >= len(data):
            return -1
        if data[position + 1] in range(0x80, 0xFF) and data[position + 1] not in _RESTARTS:
            return position
        position += 1
    return -1


def _jpeg2000(data: bytearray, ends: Sequence[int], pixels: int) -> None:
    _each(data, ends, {_JP2_SIGNATURE: _boxes, b"\xff\x4f": _codestream}, "JPEG 2000")


def _boxes(data: bytearray, position: int, ends: Sequence[int]) -> int:
    """The boxes of a JP2 file, up to the end of its codestream. Those within the header are looked at too."""
    while position + 8 <= len(data):
        length, kind = int.from_bytes(data[position : position + 4]), bytes(data[position + 4 : position + 8])
        header = 16 if length == 1 else 8
        if length == 1:
            length = int.from_bytes(data[position + 8 : position + 16])
        if kind == b"jp2c":
            return _codestream(data, position + header, ends)
        if length < header or position + length > len(data):
            break
        if kind == b"jp2h":
            length = header
        elif kind not in _JP2_BOXES:
            _clear(data, position + header, position + length)
        position += length
    raise _damaged("JPEG 2000")


def _codestream(data: bytearray, position: int, ends: Sequence[int]) -> int:
    """Where the codestream ends that begins at ``position``."""
    if data[position : position + 2] != b"\xff\x4f":
        raise _damaged("JPEG 2000")
    position += 2
    tile_end = 0
    while position + 4 <= len(data):
        marker, length = struct.unpack_from(">HH", data, position)
        if marker == _J2K_END:
            return position + 2
        if marker == _J2K_DATA:
            if not tile_end:  # the last tile-part may leave its length open
                return _open_end(data, position, ends)
            position, tile_end = tile_end, 0
            continue
        stop = position + 2 + length
        if not 0xFF30 < marker <= 0xFFFF or length < 2 or stop > len(data):
            raise _damaged("JPEG 2000")
        if marker == _J2K_TILE:
            size = int.from_bytes(data[position + 6 : position + 10])
            if size and (size < 14 or position + size > len(data)):
                raise _damaged("JPEG 2000")
            tile_end = position + size if size else 0
        elif marker == _J2K_COMMENT:
            _clear(data, min(position + 6, stop), stop)
        position = stop
    if data[position : position + 2] == b"\xff\xd9":
        return position + 2
    # Some writers leave out the end of the codestream: the tile-parts end where the data do, but for padding.
    return position


def _open_end(data: bytearray, position: int, ends: Sequence[int]) -> int:
    """The end of a codestream whose last tile-part has no length: the last EOC before the next codestream."""
    limit = next((end for end in ends if end > position and data[end : end + 2] == b"\xff\x4f"), len(data))
    end = data.rfind(b"\xff\xd9", position, limit)
    return limit if end < 0 else end + 2


def _rle(data: bytearray, ends: Sequence[int], pixels: int) -> None:
    start = 0
    for end in ends:
        if end - start < _RLE_HEADER.size:
            raise _damaged("RLE")
        count, *offsets = _RLE_HEADER.unpack_from(data, start)
        if count > len(offsets):
            raise _damaged("RLE")
        body = start + _RLE_HEADER.size
        used = [start + offset for offset in offsets[:count]]
        segments = list(pairwise((*used, end)))
        if any(not body <= first <= last for first, last in segments):
            raise _damaged("RLE")
        _clear(data, start + 4 * (count + 1), body)
        _clear(data, body, used[0] if used else end)
        for first, last in segments:
            _clear(data, _rle_end(data, first, last, pixels), last)
        start = end


def _rle_end(data: bytearray, position: int, end: int, pixels: int) -> int:
    """Where the codes of a segment have given ``pixels`` bytes."""
    produced = 0
    while produced < pixels and position < end:
        code = data[position]
        if code < 128:
            position, produced = position + 2 + code, produced + 1 + code
        elif code > 128:
            position, produced = position + 2, produced + 257 - code
        else:
            position += 1
    return min(position, end)


_CODECS = {"jpeg": _jpeg, "jpeg2000": _jpeg2000, "rle": _rle}


def _clear(data: bytearray, start: int, end: int) -> None:
    data[start:end] = bytes(max(0, end - start))


def _damaged(codec: str) -> UnsupportedImage:
    return UnsupportedImage(f"expected whole {codec} data in (7FE0,0010) Pixel Data, found damaged data")
