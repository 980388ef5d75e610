"""The directories of a whole-slide image in TIFF, read from a file within limits; no pixel is decoded.

Source: TIFF 6.0; BigTIFF, https://www.awaresystems.be/imaging/tiff/bigtiff.html
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from backend.domain import MAX_IMAGE_BYTES, MAX_SLIDE_PIXELS
from backend.errors import ImageTooLarge, UnsupportedImage
from ml.preprocessing.limits import MAX_PIXELS

if TYPE_CHECKING:
    import numpy as np

SUBFILE_TYPE, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, DESCRIPTION = 254, 256, 257, 258, 259, 262, 270
SAMPLES, X_RESOLUTION, Y_RESOLUTION, PLANAR, RESOLUTION_UNIT = 277, 282, 283, 284, 296
TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_SIZES, SUB_DIRECTORIES, JPEG_TABLES = 322, 323, 324, 325, 330, 347
XMP, NDPI = 700, 65420
REDUCED = 1
MAX_DIRECTORIES = 64
MAX_ENTRIES = 512
MAX_TILES = 1_048_576
MAX_TILE_SIDE = 16_384
MAX_TILE_PIXELS = 16 * 1024 * 1024
MAX_TABLES_BYTES = 64 * 1024
MAX_TEXT_BYTES = 1024 * 1024
_SPARE_TILE_BYTES = 64 * 1024
"""A compressed tile may be so much longer than its pixels."""
_MAX_SIDE = 2**31 - 1
BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, LONG8, IFD, IFD8 = 1, 2, 3, 4, 5, 7, 16, 13, 18
SIZES = dict(zip(range(1, 19), (1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8), strict=True))
"""The size of a value of each type in bytes."""
_CODES = {BYTE: "u1", SHORT: "u2", LONG: "u4", IFD: "u4", LONG8: "u8", IFD8: "u8"}
_FORMATS = {BYTE: "B", SHORT: "H", LONG: "I", IFD: "I", LONG8: "Q", IFD8: "Q"}
JPEG = 7
_COMPRESSIONS = {1, 5, JPEG, 8, 32946, 33003, 33005}
"""None, LZW, JPEG, Deflate, and the JPEG 2000 of Aperio's scanners, which OpenSlide reads."""
_JPEG_2000 = {33003, 33005}
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _YCBCR = 0, 1, 2, 6
APERIO = b"Aperio"
_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


@dataclass(frozen=True, slots=True)
class Layout:
    """Byte order (``<`` or ``>``), and whether it is a BigTIFF."""

    order: str
    big: bool

    @property
    def header_bytes(self) -> int:
        return 16 if self.big else 8

    @property
    def word(self) -> str:
        return "Q" if self.big else "I"

    @property
    def word_bytes(self) -> int:
        return 8 if self.big else 4

    @property
    def count_bytes(self) -> int:
        return 8 if self.big else 2

    @property
    def entry_bytes(self) -> int:
        return 20 if self.big else 12

    def number(self, value: int) -> bytes:
        """An offset as the file writes it."""
        return struct.pack(self.order + self.word, value)

    def count(self, value: int) -> bytes:
        """The number of a directory's entries as the file writes it."""
        return struct.pack(self.order + ("Q" if self.big else "H"), value)

    def directory_bytes(self, entries: int) -> int:
        return self.count_bytes + entries * self.entry_bytes + self.word_bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """``raw`` are its bytes in the directory; the values are at ``offset``, ``size`` bytes of them."""

    tag: int
    kind: int
    number: int
    offset: int
    size: int
    inline: bool
    raw: bytes


@dataclass(frozen=True, slots=True)
class Directory:
    offset: int
    entries: tuple[Entry, ...]

    def find(self, tag: int) -> Entry | None:
        return next((entry for entry in self.entries if entry.tag == tag), None)


@dataclass(frozen=True, slots=True)
class Level:
    """A picture of the pyramid. ``tiles`` are the places of its tiles' bytes, (N, 2): offset and length."""

    directory: Directory
    width: int
    height: int
    tiles: np.ndarray


class SlideFile:
    """A TIFF that is read from an open file. Every method raises UnsupportedImage where it would read past the end."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = file.seek(0, os.SEEK_END)
        self.layout = _layout(self.read(0, min(16, self.size)))

    def read(self, offset: int, length: int) -> bytes:
        if offset + length > self.size:
            raise _beyond(offset + length, self.size)
        self._file.seek(offset)
        content = self._file.read(length)
        if len(content) != length:
            raise _beyond(offset + length, self.size)
        return content

    def directories(self) -> list[Directory]:
        """Those of the chain, and behind each those that its SubIFDs name, in the order of the file. Raises
        UnsupportedImage for a loop and for more than MAX_DIRECTORIES."""
        layout, found, seen = self.layout, list[Directory](), set[int]()
        (place,) = struct.unpack(layout.order + layout.word, self.read(8 if layout.big else 4, layout.word_bytes))
        while place:
            directory, place = self._directory(place, seen)
            found.append(directory)
            if below := directory.find(SUB_DIRECTORIES):
                if below.number > MAX_DIRECTORIES:
                    raise _too_many_directories()
                found += [self._directory(each, seen)[0] for each in self.integers(below)]
        return found

    def integers(self, entry: Entry, most: int = MAX_TILES) -> list[int]:
        """The values of an entry, at most ``most``."""
        values: list[int] = self.array(entry, most).tolist()
        return values

    def integer(self, directory: Directory, tag: int, default: int | None = None) -> int:
        """The first value of a tag. Raises UnsupportedImage where it is missing and has no ``default``."""
        entry = directory.find(tag)
        if entry is None or not entry.number:
            if default is None:
                raise UnsupportedImage(f"expected a slide with the TIFF tag {tag}, found none")
            return default
        if entry.kind not in _CODES:
            raise _no_number(entry)
        (value,) = struct.unpack(self.layout.order + _FORMATS[entry.kind], self.read(entry.offset, SIZES[entry.kind]))
        return int(value)

    def array(self, entry: Entry, most: int) -> np.ndarray:
        """The values of an entry as int64, (N,)."""
        import numpy as np

        if entry.kind not in _CODES:
            raise _no_number(entry)
        if entry.number > most:
            raise UnsupportedImage(
                f"expected at most {most:,} numbers in the TIFF tag {entry.tag}, found {entry.number:,}"
            )
        values = np.frombuffer(self.read(entry.offset, entry.size), self.layout.order + _CODES[entry.kind])
        if values.size and int(values.max()) > 2**62:
            raise _beyond(int(values.max()), self.size)
        return values.astype(np.int64)

    def text(self, directory: Directory, tag: int) -> bytes:
        """The bytes of a text, up to the first zero; empty where there is none."""
        entry = directory.find(tag)
        if entry is None or entry.kind not in (ASCII, BYTE, UNDEFINED):
            return b""
        return self.read(entry.offset, min(entry.size, MAX_TEXT_BYTES)).partition(b"\0")[0]

    def _directory(self, place: int, seen: set[int]) -> tuple[Directory, int]:
        """The directory, and the place of the next one in the chain."""
        if place in seen:
            raise UnsupportedImage("expected directories that end, found a loop of them")
        seen.add(place)
        if len(seen) > MAX_DIRECTORIES:
            raise _too_many_directories()
        layout = self.layout
        code = layout.order + ("Q" if layout.big else "H")
        (count,) = struct.unpack(code, self.read(place, layout.count_bytes))
        if count > MAX_ENTRIES:
            raise UnsupportedImage(f"expected at most {MAX_ENTRIES} tags in a directory, found {count:,}")
        start = place + layout.count_bytes
        content = self.read(start, count * layout.entry_bytes + layout.word_bytes)
        entries = tuple(self._entry(content, start, layout.entry_bytes * number) for number in range(count))
        (following,) = struct.unpack(layout.order + layout.word, content[-layout.word_bytes :])
        return Directory(place, entries), following

    def _entry(self, content: bytes, start: int, position: int) -> Entry:
        layout = self.layout
        raw = content[position : position + layout.entry_bytes]
        tag, kind, number = struct.unpack_from(f"{layout.order}HH{layout.word}", raw)
        size = number * SIZES.get(kind, 0)
        inline = size <= layout.word_bytes
        if inline:
            return Entry(tag, kind, number, start + position + layout.entry_bytes - layout.word_bytes, size, True, raw)
        (offset,) = struct.unpack(layout.order + layout.word, raw[-layout.word_bytes :])
        return Entry(tag, kind, number, offset, size, False, raw)


def is_slide(opened: BinaryIO) -> bool:
    """Whether a file is a whole-slide image, also a damaged one or one that cannot be read by region: a TIFF of more
    bytes than an ordinary image, or in tiles with several pictures, with more pixels, or of Aperio's scanners."""
    opened.seek(0)
    if not opened.read(4).startswith(_MAGIC):
        return False
    large = opened.seek(0, os.SEEK_END) > MAX_IMAGE_BYTES
    try:
        file = SlideFile(opened)
        tiled = [each for each in file.directories() if each.find(TILE_OFFSETS)]
        sizes = [file.integer(each, WIDTH) * file.integer(each, HEIGHT) for each in tiled]
        return large or (
            bool(tiled)
            and (len(tiled) > 1 or max(sizes) > MAX_PIXELS or file.text(tiled[0], DESCRIPTION).startswith(APERIO))
        )
    except UnsupportedImage:
        return large


def levels_of(file: SlideFile, directories: list[Directory]) -> list[Level]:
    """The pyramid, largest first: the largest picture in tiles, and the smaller ones in the same proportions, none
    of which is a label or macro picture.

    Raises UnsupportedImage, ImageTooLarge.
    """
    if not directories:
        raise UnsupportedImage("expected a slide with at least one picture, found none")
    _refuse_formats(file, directories)
    tiled = [each for each in directories if _is_picture(file, each)]
    if not tiled:
        raise UnsupportedImage(
            "expected a slide whose picture is stored in tiles, found none, so that it cannot be read by region: "
            "convert it to a tiled pyramid, for example with `vips tiffsave --tile --pyramid`"
        )
    sizes = {each.offset: _size(file, each) for each in tiled}
    first = max(tiled, key=lambda each: sizes[each.offset][0] * sizes[each.offset][1])
    width, height = sizes[first.offset]
    _check_size(width, height)
    samples = file.integer(first, SAMPLES, 1)
    levels = {width: first}
    for each in tiled:
        reduced = _is_reduced(sizes[each.offset], (width, height)) and file.integer(each, SAMPLES, 1) == samples
        if reduced and associated_picture(file, each) is None:
            levels.setdefault(sizes[each.offset][0], each)
    aperio = file.text(first, DESCRIPTION).startswith(APERIO)
    found = []
    for _, directory in sorted(levels.items(), reverse=True):
        _check_pixels(file, directory, aperio=aperio)
        found.append(_level(file, directory, *sizes[directory.offset]))
    return found


def associated_picture(file: SlideFile, directory: Directory) -> str | None:
    """``label`` or ``macro``, where a picture's description has that word: a photograph of the glass, however it is
    stored. The description of a full size may name all pictures of the file (OME-XML)."""
    text = file.text(directory, DESCRIPTION).lower()
    return next((word for word in ("label", "macro") if word.encode() in text), None)


def _layout(head: bytes) -> Layout:
    for begin, order in ((b"II*\0", "<"), (b"MM\0*", ">")):
        if head.startswith(begin) and len(head) >= 8:
            return Layout(order, big=False)
    for begin, order in ((b"II+\0\x08\0\0\0", "<"), (b"MM\0+\0\x08\0\0", ">")):
        if head.startswith(begin) and len(head) == 16:
            return Layout(order, big=True)
    raise UnsupportedImage(
        "expected a whole-slide image in TIFF (also BigTIFF and SVS), found a file that begins with "
        f"{head[:8].hex(' ') or 'nothing'}: send other images to /api/v1/images"
    )


def _refuse_formats(file: SlideFile, directories: list[Directory]) -> None:
    """What would be shown wrongly without the private data that cleaning removes."""
    first = directories[0]
    found = None
    if any(each.find(NDPI) for each in directories):
        found = "a Hamamatsu NDPI file"
    elif b"leica-microsystems.com/scn" in file.text(first, DESCRIPTION):
        found = "a Leica SCN file"
    elif any(b"iScan" in file.text(each, XMP) for each in directories):
        found = "a Ventana BIF file"
    if found:
        raise UnsupportedImage(
            f"expected a tiled TIFF pyramid or an Aperio SVS, found {found}, whose geometry is in private data: "
            "convert it to a tiled pyramid, for example with `vips tiffsave --tile --pyramid`"
        )


def _is_picture(file: SlideFile, directory: Directory) -> bool:
    """Whether it is in tiles, and neither a mask nor, as scanners mark it, a label or macro picture."""
    in_tiles = all(directory.find(tag) for tag in (WIDTH, HEIGHT, TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_SIZES))
    return in_tiles and file.integer(directory, SUBFILE_TYPE, 0) in (0, REDUCED)


def _size(file: SlideFile, directory: Directory) -> tuple[int, int]:
    width, height = file.integer(directory, WIDTH), file.integer(directory, HEIGHT)
    if not (0 < width <= _MAX_SIDE and 0 < height <= _MAX_SIDE):
        raise UnsupportedImage(f"expected a picture with pixels, found one of {width:,} x {height:,}")
    return width, height


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_SLIDE_PIXELS:
        raise ImageTooLarge(
            f"expected at most {MAX_SLIDE_PIXELS:,} pixels, found {width:,} x {height:,} = {width * height:,}"
        )


def _is_reduced(size: tuple[int, int], full: tuple[int, int]) -> bool:
    """Whether a picture is a smaller one in the same proportions, to 2 % and a pixel: scanners fill up last tiles."""
    if size[0] >= full[0] or size[1] > full[1]:
        return False
    difference = abs(size[1] * full[0] - size[0] * full[1])
    return 50 * difference <= size[0] * full[1] + 50 * full[0]


def _level(file: SlideFile, directory: Directory, width: int, height: int) -> Level:
    across, down = file.integer(directory, TILE_WIDTH), file.integer(directory, TILE_HEIGHT)
    if not (0 < across <= MAX_TILE_SIDE and 0 < down <= MAX_TILE_SIDE and across * down <= MAX_TILE_PIXELS):
        raise ImageTooLarge(
            f"expected tiles of at most {MAX_TILE_SIDE:,} pixels a side and {MAX_TILE_PIXELS:,} pixels, found "
            f"{across:,} x {down:,}"
        )
    count = -(-width // across) * -(-height // down)
    if count > MAX_TILES:
        raise ImageTooLarge(f"expected at most {MAX_TILES:,} tiles in a picture, found {count:,}")
    samples = file.integer(directory, SAMPLES, 1)
    return Level(directory, width, height, _tiles(file, directory, count, across * down * samples + _SPARE_TILE_BYTES))


def _check_pixels(file: SlideFile, directory: Directory, *, aperio: bool) -> None:
    bits = directory.find(BITS)
    depths = file.integers(bits, 4) if bits else [1]
    samples, photometric = file.integer(directory, SAMPLES, 1), file.integer(directory, PHOTOMETRIC, _BLACK_IS_ZERO)
    if set(depths) != {8} or (samples, photometric) not in {
        (1, _WHITE_IS_ZERO),
        (1, _BLACK_IS_ZERO),
        (3, _RGB),
        (3, _YCBCR),
    }:
        raise UnsupportedImage(
            f"expected a slide with 8-bit grey or RGB pixels, found {samples} samples of {'/'.join(map(str, depths))} "
            f"bits and photometric interpretation {photometric}"
        )
    if file.integer(directory, PLANAR, 1) != 1:
        raise UnsupportedImage("expected a slide whose colours are stored together, found separate planes")
    compression = file.integer(directory, COMPRESSION, 1)
    if compression not in _COMPRESSIONS or (compression in _JPEG_2000 and not aperio):
        raise UnsupportedImage(
            f"expected tiles without compression or in LZW, JPEG or Deflate, found compression {compression}"
        )


def _tiles(file: SlideFile, directory: Directory, count: int, most: int) -> np.ndarray:
    import numpy as np

    columns = []
    for tag in (TILE_OFFSETS, TILE_SIZES):
        entry = directory.find(tag)
        if entry is None or entry.number != count:
            raise UnsupportedImage(
                f"expected {count:,} values in the TIFF tag {tag}, one for each tile, found "
                f"{entry.number if entry else 0:,}"
            )
        columns.append(file.array(entry, MAX_TILES))
    tiles = np.stack(columns, axis=1)
    tiles[tiles[:, 1] == 0] = 0
    if int(tiles[:, 1].max()) > most:
        raise ImageTooLarge(f"expected tiles of at most {most:,} bytes, found one of {int(tiles[:, 1].max()):,}")
    if (last := int(tiles.sum(axis=1).max())) > file.size:
        raise _beyond(last, file.size)
    return tiles


def _beyond(end: int, size: int) -> UnsupportedImage:
    return UnsupportedImage(f"expected a whole slide of {end:,} bytes or more, found {size:,} bytes")


def _no_number(entry: Entry) -> UnsupportedImage:
    return UnsupportedImage(f"expected whole numbers in the TIFF tag {entry.tag}, found values of type {entry.kind}")


def _too_many_directories() -> UnsupportedImage:
    return UnsupportedImage(f"expected at most {MAX_DIRECTORIES} directories in a slide, found more")
