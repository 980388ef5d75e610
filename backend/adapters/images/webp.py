"""Removes the metadata of WebP files: copies or drops whole chunks. Source: RFC 9649."""

from __future__ import annotations

import struct

from backend.adapters.images.stripped import OTHER, TRAILING, Findings
from backend.errors import UnsupportedImage

_PICTURE = {b"VP8 ", b"VP8L"}
_APPEARANCE = {b"ICCP", b"ALPH"}
_HAS_ICC_OR_ALPHA = 0x30


def strip(content: bytes, findings: Findings) -> bytes:
    """Raises UnsupportedImage for broken, cut off and animated files."""
    end = 8 + int.from_bytes(content[4:8], "little")
    if end > len(content):
        raise UnsupportedImage(f"expected a whole WebP of {end} bytes, found {len(content)}")
    if end + end % 2 < len(content):
        findings.removed.add(TRAILING)
    kept = bytearray(b"WEBP")
    pictures = 0
    position = 12
    while position < end:
        findings.count_part()
        kind = content[position : position + 4]
        size = int.from_bytes(content[position + 4 : position + 8], "little")
        data = content[position + 8 : position + 8 + size]
        if position + 8 + size > end:
            raise UnsupportedImage(f"expected a whole WebP, found one that is damaged at byte {position}")
        position += 8 + size + size % 2
        pictures += kind in _PICTURE
        if kind in _PICTURE | _APPEARANCE:
            kept += _chunk(kind, data)
        elif kind == b"VP8X" and size >= 10:
            kept += _chunk(kind, bytes((data[0] & _HAS_ICC_OR_ALPHA, 0, 0, 0)) + data[4:10])
        elif kind in (b"ANIM", b"ANMF"):
            raise UnsupportedImage("expected one still image, found an animated WebP")
        elif kind == b"EXIF":
            # Some writers add JPEG's prefix.
            findings.add_exif(data.removeprefix(b"Exif\0\0"))
        else:
            findings.removed.add("XMP" if kind == b"XMP " else OTHER)
    if pictures != 1:
        raise UnsupportedImage(f"expected a WebP with one picture, found {pictures}")
    return b"RIFF" + struct.pack("<I", len(kept)) + kept


def _chunk(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
