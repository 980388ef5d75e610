"""Bytes as the grey pixels of a PNG, and back. Source: PNG (Third Edition), sections 5, 9 and 11.

Only what is written here is read: 8-bit grey without interlacing and filters. Noise cannot be compressed, so the rows
are stored."""

from __future__ import annotations

import math
import struct
import zlib

from backend.crypto.errors import SharesRefused

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER = struct.Struct(">IIBBBBB")
_FORMAT = (8, 0, 0, 0, 0)
"""Bit depth, colour type, compression, filter method, interlacing."""
_NO_FILTER = 0


def write_png(content: bytes) -> bytes:
    """A picture that is up to twice as wide as high, of the size that wastes least; zeros fill its last row."""
    width = _width(len(content))
    height = -(-len(content) // width)
    pixels = content.ljust(width * height, b"\0")
    rows = b"".join(bytes([_NO_FILTER]) + pixels[at : at + width] for at in range(0, len(pixels), width))
    chunks = (
        (b"IHDR", _HEADER.pack(width, height, *_FORMAT)),
        (b"IDAT", zlib.compress(rows, 0)),
        (b"IEND", b""),
    )
    return SIGNATURE + b"".join(map(_chunk, *zip(*chunks, strict=True)))


def read_png(picture: bytes, most: int) -> bytes:
    """The pixels row by row, with the zeros at their end. Raises SharesRefused for another kind of PNG, a damaged one,
    or one of more than ``most`` pixels."""
    try:
        return _pixels(picture, most)
    except (ValueError, zlib.error, struct.error) as error:
        text = "expected a PNG file as shares are written, unchanged by other programs"
        raise SharesRefused("png", f"{text}: {error}") from error


def _pixels(picture: bytes, most: int) -> bytes:
    if not picture.startswith(SIGNATURE):
        raise ValueError("it is no PNG file")
    at, parts = len(SIGNATURE), dict[bytes, bytes]()
    for name in (b"IHDR", b"IDAT", b"IEND"):
        (length,) = struct.unpack_from(">I", picture, at)
        content = picture[at + 8 : at + 8 + length]
        if picture[at : at + 12 + length] != _chunk(name, content):
            raise ValueError(f"the chunk {name.decode()} is missing or damaged")
        parts[name] = content
        at += 12 + length
    if at != len(picture):
        raise ValueError("bytes follow its end")
    width, height, *found = _HEADER.unpack(parts[b"IHDR"])
    if tuple(found) != _FORMAT or not 0 < width * height <= most:
        raise ValueError(f"it is not of 8-bit grey with at most {most} pixels")
    size = (width + 1) * height
    if len(parts[b"IDAT"]) < size:
        raise ValueError("its rows are compressed")
    inflater = zlib.decompressobj()
    rows = inflater.decompress(parts[b"IDAT"], size + 1)
    if len(rows) != size or not inflater.eof or inflater.unused_data or any(rows[:: width + 1]):
        raise ValueError("its rows are not those of its header")
    return b"".join(rows[start + 1 : start + 1 + width] for start in range(0, size, width + 1))


def _width(length: int) -> int:
    """The one between the side of a square and twice as much with the least bytes of filters and filling."""
    side = max(1, math.isqrt(length))
    return min(range(side, 2 * side + 1), key=lambda width: (width + 1) * -(-length // width))


def _chunk(name: bytes, content: bytes) -> bytes:
    body = name + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))
