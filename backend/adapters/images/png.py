"""Removes the metadata of PNG files: copies or drops whole chunks. Source: https://www.w3.org/TR/png-3/"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from backend.adapters.images import limits
from backend.adapters.images.formats import PNG_SIGNATURE, not_supported
from backend.adapters.images.stripped import OTHER, TRAILING, Findings
from backend.errors import UnsupportedImage

_PICTURE = {b"IHDR", b"PLTE", b"IDAT", b"IEND"}
# Chunks that change how pixels look, with their largest size. pHYs, the size of a pixel, matters in medicine.
_APPEARANCE = {
    b"tRNS": 256, b"cHRM": 32, b"gAMA": 4, b"sBIT": 4, b"sRGB": 1, b"cICP": 4, b"bKGD": 6, b"pHYs": 9,
}  # fmt: skip
_TEXT = {b"tEXt": "text", b"zTXt": "text", b"iTXt": "text", b"tIME": "time"}
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
# Each pass of an interlaced picture: first column, first row, column step, row step.
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_INFLATE_BYTES = 1024 * 1024
_DEPTH, _COLOUR = 24, 25
_XMP = b"XML:com.adobe.xmp\0"


def strip(content: bytes, findings: Findings) -> bytes:
    """Raises UnsupportedImage for broken, cut off and animated files."""
    kept = bytearray(PNG_SIGNATURE)
    end = len(PNG_SIGNATURE)
    for kind, data in _chunks(content):
        findings.count_part()
        end += 12 + len(data)
        if kind in _PICTURE or len(data) <= _APPEARANCE.get(kind, -1):
            kept += _encode(kind, data)
        elif kind == b"iCCP":
            limits.check_profile(_inflated_size(data[data.find(b"\0") + 2 :], limits.MAX_PROFILE_BYTES))
            # The profile's name is free text, so it is replaced.
            kept += _encode(kind, b"ICC Profile" + data[data.find(b"\0") :])
        elif kind == b"acTL":
            raise UnsupportedImage("expected one still image, found an animated PNG")
        elif kind[0] < ord("a"):
            raise not_supported(f"a PNG with the chunk {kind!r}")
        elif kind == b"eXIf":
            findings.add_exif(data)
        else:
            findings.removed.add("XMP" if data.startswith(_XMP) else _TEXT.get(kind, OTHER))
    if content[end:]:
        findings.removed.add(TRAILING)
    return bytes(kept)


def check_picture_data(content: bytes) -> None:
    """Raises UnsupportedImage unless the compressed data has exactly the number of bytes that the size needs.

    Pillow fills missing rows with black, and ignores surplus data, which could hide anything.
    """
    expected = found = 0
    inflate = zlib.decompressobj()
    surplus = False
    for kind, data in _chunks(content):
        if kind == b"IHDR":
            expected = _picture_bytes(data)
        if kind != b"IDAT":
            continue
        while data and not inflate.eof and found <= expected:
            found += len(inflate.decompress(data, _INFLATE_BYTES))
            data = inflate.unconsumed_tail
        surplus |= bool(data or inflate.unused_data)
    if not surplus and not inflate.eof:
        # The last call may have stopped at its limit, without more input. Not flush(), which has no limit.
        found += len(inflate.decompress(b"", _INFLATE_BYTES))
    if found != expected or surplus or not inflate.eof:
        raise UnsupportedImage(f"expected a PNG with {expected} bytes of pixels, found one with more or fewer")


def check_depth(content: bytes) -> None:
    """Raises UnsupportedImage for 16 bits a channel and more than one channel, of which Pillow keeps the high bytes."""
    if is_deep(content) and content[_COLOUR] != 0:
        raise not_supported("a PNG with 16 bits in each of several channels", convert_to="8 bits a channel")


def is_deep(content: bytes) -> bool:
    """Whether a PNG has 16 bits a channel. Browsers show the high bytes, which may be black."""
    return content.startswith(PNG_SIGNATURE) and content[_DEPTH] == 16


def _inflated_size(data: bytes, limit: int) -> int:
    """The size of compressed ``data``, at most ``limit`` + 1. Damaged data have no size: Pillow ignores them."""
    try:
        return len(zlib.decompressobj().decompress(data, limit + 1))
    except zlib.error:
        return 0


def _picture_bytes(header: bytes) -> int:
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    passes = _ADAM7 if interlaced else ((0, 0, 1, 1),)
    total = 0
    for left, top, across, down in passes:
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        if columns > 0 and rows > 0:
            # Each row begins with a byte that names its filter.
            total += rows * (1 + (columns * depth * _CHANNELS[colour] + 7) // 8)
    return total


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and data of each chunk, up to IEND. Raises UnsupportedImage."""
    kind, position = b"", len(PNG_SIGNATURE)
    while kind != b"IEND":
        header = content[position : position + 8]
        length, kind = struct.unpack(">I4s", header) if len(header) == 8 else (0, b"")
        end = position + 12 + length
        if not kind or end > len(content):
            raise UnsupportedImage(f"expected a whole PNG, found one that ends after {len(content)} bytes")
        data = content[position + 8 : end - 4]
        if zlib.crc32(kind + data).to_bytes(4) != content[end - 4 : end]:
            raise UnsupportedImage(f"expected a whole PNG, found one that is damaged at byte {position}")
        yield kind, data
        position = end


def _encode(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + zlib.crc32(kind + data).to_bytes(4)
