"""The segments of JPEG data within a slide, and those that may name somebody. No pixel is decoded.

Source: ITU-T T.81, annex B.
"""

from __future__ import annotations

import re

from backend.errors import UnsupportedImage

_SOI = b"\xff\xd8"
_TEMPORARY, _FIRST_RESTART, _START, _END, _SCAN = 0x01, 0xD0, 0xD8, 0xD9, 0xDA
_ALONE = {_TEMPORARY, _START, _END, *range(_FIRST_RESTART, _START)}
"""Markers without a segment."""
_TABLES = {0xC4, 0xDB, 0xDD}
"""Huffman and quantization tables, and the restart interval."""
_PICTURE = _TABLES | {*range(0xC0, 0xD0)} - {0xC8}
"""Also frame headers and arithmetic conditioning."""
_HARMLESS = ((0xE0, b"JFIF\0", 16), (0xEE, b"Adobe", 14))
"""Segments that say how colours are stored: marker, beginning and length."""
_MOST_SEGMENTS = 256
_IN_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]", re.DOTALL)
"""The next marker that ends the data of a scan."""


def without_comments(tables: bytes) -> bytes:
    """JPEG tables in which all but tables, and segments that say how colours are stored, is zeros of the same length:
    other segments' contents, what follows the end, and what is no segment."""
    made = bytearray(tables)
    position = 2 if tables.startswith(_SOI) else 0
    while position and (found := _segment(tables, position, len(tables))):
        marker, start, position = found
        if marker == _END:
            break
        if marker not in _TABLES and not _is_harmless(tables, found):
            made[start:position] = bytes(position - start)
    made[position:] = bytes(len(made) - position)
    return bytes(made)


def comments(content: bytes, start: int, end: int) -> list[tuple[int, int]]:
    """The places, from and to, of a JPEG in ``content`` from ``start`` to ``end`` that are no part of the picture and
    not zero: contents of comments, application and reserved segments, and what follows the end.

    Raises UnsupportedImage for what is no JPEG of at most _MOST_SEGMENTS segments."""
    places = []
    position, scanned = start + len(_SOI), False
    if not content.startswith(_SOI, start, end):
        raise _damaged()
    for _ in range(_MOST_SEGMENTS):
        found = _segment(content, position, end)
        if found is None or (found[0] == _END and not scanned):
            raise _damaged()
        marker, first, position = found
        if marker == _SCAN:
            scanned = True
            following = _IN_SCAN.search(content, position, end)
            position = following.start() if following else end
        elif marker == _END:
            places.append((position, end))
            position = end
        elif marker not in _PICTURE and not _is_harmless(content, found):
            places.append((first, position))
        if scanned and position == end:
            return [(low, high) for low, high in places if content.count(0, low, high) != high - low]
    raise UnsupportedImage(f"expected JPEG tiles of at most {_MOST_SEGMENTS} segments, found more")


def _segment(content: bytes, position: int, end: int) -> tuple[int, int, int] | None:
    """Marker, and where its content begins and ends; None where there is no whole segment."""
    while position + 1 < end and content[position] == content[position + 1] == 0xFF:
        position += 1
    start = position + 2
    if start > end or content[position] != 0xFF or content[position + 1] == 0:
        return None
    marker = content[position + 1]
    if marker in _ALONE:
        return marker, start, start
    length = int.from_bytes(content[start : start + 2])
    return (marker, start + 2, start + length) if 2 <= length <= end - start else None


def _is_harmless(content: bytes, segment: tuple[int, int, int]) -> bool:
    marker, start, end = segment
    return any(
        (marker, end - start + 2) == (known, length) and content.startswith(begin, start)
        for known, begin, length in _HARMLESS
    )


def _damaged() -> UnsupportedImage:
    return UnsupportedImage("expected a whole slide, found one whose tiles are damaged")
