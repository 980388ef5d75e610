"""Reads the first directory of a TIFF: what Pillow would decode wrongly, or call damaged, is refused by its name.

Source: TIFF 6.0; BigTIFF, https://www.awaresystems.be/imaging/tiff/bigtiff.html
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from PIL import TiffImagePlugin

from backend.adapters.images import limits
from backend.adapters.images.formats import not_supported
from backend.adapters.images.stripped import OTHER, Findings
from backend.errors import UnsupportedImage

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _ORIENTATION = 256, 257, 258, 259, 262, 274
_STRIPS, _TILES, _SUB_IMAGES, _SAMPLE_FORMAT = 273, 324, 330, 339
_READ = (_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _SAMPLE_FORMAT)
_INTEGERS = {1: "B", 3: "H", 4: "I", 16: "Q"}
_BYTES = dict(zip(range(1, 19), (1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8), strict=True))
"""The size of a value of each type."""
_MAX_ENTRIES = 4096
_MAX_VALUES = 16
_WHITE_IS_ZERO = 0
_SIGNED, _FLOAT, _COMPLEX = 2, 3, (5, 6)
_COMMON = {1, 2, 3, 4, 5, 7, 8, 32773, 32946, 34925, 50000}
_COMPRESSIONS = {
    6: "old-style JPEG", 9: "JBIG", 10: "JBIG", 32766: "NeXT", 32809: "ThunderScan", 33003: "JPEG 2000",
    33004: "JPEG 2000", 33005: "JPEG 2000", 34661: "JBIG", 34676: "LogLuv", 34677: "LogLuv", 34712: "JPEG 2000",
    34887: "LERC", 34892: "lossy JPEG", 34926: "Zstandard", 34927: "WebP", 34933: "PNG",
    34934: "JPEG XR", 50001: "WebP", 50002: "JPEG XL", 52546: "JPEG XL",
}  # fmt: skip
_NAMES = {
    34665: "EXIF", 34853: "GPS position", 700: "XMP", 33723: "IPTC", 34377: "IPTC", _SUB_IMAGES: "thumbnail",
    **dict.fromkeys((269, 270, 271, 272, 285, 305, 315, 316, 33432), "text"),
    306: "time",
}  # fmt: skip
# The tags with which TIFF 6.0 describes the pixels' layout and colour, and the colour profile.
_LAYOUT = {*range(254, 267), *range(273, 285), *range(290, 298), 301, *range(317, 348), *range(512, 533), 34675}


@dataclass(frozen=True, slots=True)
class Header:
    """``bits`` of each channel; ``sample_formats`` and ``compression`` by TIFF's numbers; ``parts`` are strips or
    tiles."""

    width: int
    height: int
    bits: tuple[int, ...]
    sample_formats: tuple[int, ...]
    compression: int
    photometric: int
    parts: int


def read_header(content: bytes) -> Header | None:
    """The first directory; None where it is damaged or cut off."""
    order = "<" if content.startswith(b"II") else ">"
    big = content[2:4] in (b"+\0", b"\0+")
    word, entry_bytes, inline = ("Q", 20, 8) if big else ("I", 12, 4)
    values: dict[int, tuple[int, ...]] = {}
    parts = 0
    try:
        (start,) = struct.unpack_from(order + word, content, 8 if big else 4)
        (count,) = struct.unpack_from(order + ("Q" if big else "H"), content, start)
        start += 8 if big else 2
        for position in range(start, start + entry_bytes * min(count, _MAX_ENTRIES), entry_bytes):
            tag, kind, number = struct.unpack_from(f"{order}HH{word}", content, position)
            if tag in (_STRIPS, _TILES):
                parts = max(parts, number)
            field, size = position + entry_bytes - inline, number * _BYTES.get(kind, 0)
            if size > inline:
                (field,) = struct.unpack_from(order + word, content, field)
            if field + size > len(content):
                return None
            if tag in _READ and kind in _INTEGERS:
                layout = f"{order}{min(number, _MAX_VALUES)}{_INTEGERS[kind]}"
                values[tag] = struct.unpack_from(layout, content, field)
        struct.unpack_from(order + word, content, start + entry_bytes * count)
        return Header(
            width=values[_WIDTH][0],
            height=values[_HEIGHT][0],
            bits=values.get(_BITS, (1,)),
            sample_formats=values.get(_SAMPLE_FORMAT, (1,)),
            compression=values.get(_COMPRESSION, (1,))[0],
            photometric=values.get(_PHOTOMETRIC, (1,))[0],
            parts=parts,
        )
    except (struct.error, KeyError, IndexError):
        return None


def check_header(header: Header) -> None:
    """Raises ImageTooLarge, and UnsupportedImage for pixels that Pillow would not decode exactly."""
    limits.check_size(header.width, header.height)
    limits.check_parts(header.parts)
    bits = max(header.bits, default=1)
    grey = "unsigned 8-bit or 16-bit grey"
    if _SIGNED in header.sample_formats:
        example = f", for example by adding {1 << bits - 1} to each pixel" if bits <= 16 else ""
        raise not_supported(f"a TIFF with signed {bits}-bit pixels", convert_to=grey + example)
    if _FLOAT in header.sample_formats:
        raise not_supported(f"a TIFF with {bits}-bit floating-point pixels", convert_to=grey)
    if not {*_COMPLEX}.isdisjoint(header.sample_formats):
        raise not_supported("a TIFF with complex pixels", convert_to=grey)
    if bits > 16:
        raise not_supported(f"a TIFF with {bits}-bit pixels", convert_to=grey)
    if bits > 8 and len(header.bits) > 1:
        raise not_supported(f"a colour TIFF with {bits} bits a channel", convert_to="8 bits a channel")
    if bits > 8 and header.photometric == _WHITE_IS_ZERO:
        raise not_supported(f"a {bits}-bit TIFF in which zero is white", convert_to="one in which zero is black")


def check_image(image: TiffImagePlugin.TiffImageFile, findings: Findings) -> None:
    """Note the metadata. Raises UnsupportedImage for several pages."""
    try:
        image.seek(1)
    except EOFError:
        image.seek(0)
    else:
        raise UnsupportedImage("expected one image, found a TIFF with several pages")
    tags = image.tag_v2
    if 1 < tags.get(_ORIENTATION, 1) <= 8:
        findings.orientation = tags[_ORIENTATION]
    findings.removed |= {_NAMES.get(tag, OTHER) for tag in tags if tag not in _LAYOUT - {_SUB_IMAGES}}


def unsupported(header: Header, *, opened: bool) -> UnsupportedImage | None:
    """Why a TIFF that failed is not damaged but of an uncommon kind; ``opened``: its pixels failed, not its header."""
    if header.compression not in _COMMON:
        name = _COMPRESSIONS.get(header.compression, "unknown")
        return not_supported(f"a TIFF with {name} compression ({header.compression})")
    if opened:
        return None
    bits = " + ".join(map(str, header.bits))
    return not_supported(f"a TIFF with {bits} bits a pixel and photometric interpretation {header.photometric}")
