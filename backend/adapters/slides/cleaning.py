"""Takes what identifies somebody out of a whole-slide image, in place: no tile moves, and no pixel changes.

docs/DEIDENTIFICATION.md has the rules; ``frontend/src/slides`` follows them too, and the same vectors test both.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, BinaryIO

from backend.adapters.images.stripped import OTHER
from backend.adapters.slides import jpegs, structure
from backend.adapters.slides.structure import APERIO, Directory, Entry, Layout, Level, SlideFile
from backend.errors import UnsupportedImage

if TYPE_CHECKING:
    import numpy as np

_S, _L, _R, _L8 = structure.SHORT, structure.LONG, structure.RATIONAL, structure.LONG8
_NUMBERS = {_S, _L}
_LARGE = {_S, _L, _L8}
KEPT = {
    254: (_NUMBERS, 1), 256: (_NUMBERS, 1), 257: (_NUMBERS, 1), 258: ({_S}, 4), 259: ({_S}, 1), 262: ({_S}, 1),
    270: ({structure.ASCII}, structure.MAX_TEXT_BYTES), 277: ({_S}, 1), 282: ({_R}, 1), 283: ({_R}, 1),
    284: ({_S}, 1), 296: ({_S}, 1), 317: ({_S}, 1), 322: (_NUMBERS, 1), 323: (_NUMBERS, 1),
    324: (_LARGE, structure.MAX_TILES), 325: (_LARGE, structure.MAX_TILES), 338: ({_S}, 2), 339: ({_S}, 4),
    347: ({structure.UNDEFINED}, structure.MAX_TABLES_BYTES), 529: ({_R}, 3), 530: ({_S}, 2), 531: ({_S}, 1),
    532: ({_R}, 6),
}  # fmt: skip
"""The tags that stay, with the types and the number of values that they may have."""
_NAMES = {
    269: "DocumentName", 270: "ImageDescription", 271: "Make", 272: "Model", 285: "PageName", 305: "Software",
    306: "DateTime", 315: "Artist", 316: "HostComputer", 330: "SubIFDs", 700: "XMP", 33432: "Copyright", 33723: "IPTC",
    34377: "Photoshop", 34665: "EXIF", 34675: "colour profile", 34853: "GPS position",
}  # fmt: skip
_STATED = (("AppMag", re.compile(rb"\|\s*AppMag\s*=\s*([0-9]{1,3}(?:\.[0-9]{1,6})?)\s*(?=\||\Z)")),
           ("MPP", re.compile(rb"\|\s*MPP\s*=\s*([0-9]{1,3}(?:\.[0-9]{1,10})?)\s*(?=\||\Z)")))  # fmt: skip
"""What stays of an Aperio description, in this order."""
_APERIO_HEAD = b"Aperio Image"
_READ_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Cleaning:
    """``patches`` are bytes for places of the file; ``zeros`` (N, 2) are the places, from and to, that become zero.
    ``removed`` names what was there; empty where nothing changes."""

    patches: tuple[tuple[int, bytes], ...]
    zeros: np.ndarray
    removed: tuple[str, ...]
    levels: tuple[Level, ...]

    def apply(self, offset: int, content: bytes) -> bytes:
        """The clean bytes of a part of the file that begins at ``offset``."""
        made, end = bytearray(content), offset + len(content)
        for start, stop in self._zeros_within(offset, end):
            made[max(start, offset) - offset : min(stop, end) - offset] = bytes(min(stop, end) - max(start, offset))
        for start, patch in self.patches:
            low, high = max(start, offset), min(start + len(patch), end)
            if low < high:
                made[low - offset : high - offset] = patch[low - start : high - start]
        return bytes(made)

    def _zeros_within(self, offset: int, end: int) -> Iterator[tuple[int, int]]:
        import numpy as np

        first = int(np.searchsorted(self.zeros[:, 1], offset, "right"))
        last = int(np.searchsorted(self.zeros[:, 0], end, "left"))
        yield from self.zeros[first:last].tolist()


def plan(file: SlideFile) -> Cleaning:
    """What to change so that nothing in the file may identify anybody. Raises UnsupportedImage, ImageTooLarge."""
    import numpy as np

    directories = file.directories()
    levels = structure.levels_of(file, directories)
    removed: list[str] = []
    for directory in directories:
        if all(directory is not level.directory for level in levels):
            removed.append(_name_of_picture(file, directory))
    pieces: dict[int, bytes] = {}
    values: list[tuple[int, int]] = []
    nexts = [level.directory.offset for level in levels[1:]] + [0]
    for number, (level, following) in enumerate(zip(levels, nexts, strict=True)):
        made = _Rewriting(file, level, first=number == 0)
        removed += made.removed
        pieces |= made.pieces(following)
        values += made.values
    layout, start = file.layout, levels[0].directory.offset
    header = file.read(0, layout.header_bytes - layout.word_bytes) + layout.number(start)
    pieces[0] = header
    taken = [(offset, offset + len(piece)) for offset, piece in pieces.items()]
    _check_places(file.layout, levels, values)
    zeros = _gaps(file.size, [*taken, *values], levels)
    if len(comments := _comments(file, levels)):
        removed.append("comments in the tiles")
    patches = tuple((at, piece) for at, piece in sorted(pieces.items()) if file.read(at, len(piece)) != piece)
    if not removed and (patches or _has_data(file, zeros)):
        removed.append(OTHER)
    zeros = np.concatenate([zeros, comments])
    zeros = zeros[np.argsort(zeros[:, 0])]
    return Cleaning(patches, zeros, tuple(dict.fromkeys(removed)), tuple(levels))


def copy_clean(source: BinaryIO, target: BinaryIO, cleaning: Cleaning) -> None:
    """Write the clean file, part by part."""
    offset = 0
    source.seek(0)
    while content := source.read(_READ_BYTES):
        target.write(cleaning.apply(offset, content))
        offset += len(content)


class _Rewriting:
    """A directory with the tags that stay, at the place where it is. ``values`` are the places, from and to, of the
    values that stay outside it."""

    def __init__(self, file: SlideFile, level: Level, *, first: bool) -> None:
        self._layout = file.layout
        self._place = level.directory.offset
        self._texts: dict[int, bytes] = {}
        self.removed: list[str] = []
        self.values: list[tuple[int, int]] = []
        kept: dict[int, bytes] = {}
        for entry in level.directory.entries:
            raw = self._keep(file, entry, first=first) if entry.tag not in kept else None
            if raw is None:
                self.removed.append(_NAMES.get(entry.tag, f"tag {entry.tag}"))
            else:
                kept[entry.tag] = raw
        room = len(level.directory.entries) > len(kept)
        if not first and (structure.SUBFILE_TYPE in kept or room):
            kept[structure.SUBFILE_TYPE] = _short_entry(self._layout, structure.SUBFILE_TYPE, structure.REDUCED)
        self._kept = [kept[tag] for tag in sorted(kept)]

    def pieces(self, following: int) -> dict[int, bytes]:
        """Bytes by their places; the next directory is at ``following``, 0 for none."""
        layout = self._layout
        made = layout.count(len(self._kept)) + b"".join(self._kept) + layout.number(following)
        return {self._place: made, **self._texts}

    def _keep(self, file: SlideFile, entry: Entry, *, first: bool) -> bytes | None:
        """The entry's bytes; None for one that goes."""
        kinds, most = KEPT.get(entry.tag, (set(), 0))
        if entry.kind not in kinds or not 0 < entry.number <= most:
            return None
        if entry.tag == structure.DESCRIPTION:
            return self._keep_description(file, entry, first=first)
        if entry.tag == structure.JPEG_TABLES:
            if entry.inline:
                return None
            self._keep_tables(file, entry)
        if entry.inline:
            return _without_padding(entry, self._layout)
        self.values.append((entry.offset, entry.offset + entry.size))
        return entry.raw

    def _keep_description(self, file: SlideFile, entry: Entry, *, first: bool) -> bytes | None:
        text = file.read(entry.offset, entry.size)
        if not first or not text.startswith(APERIO):
            return None
        stated = aperio_text(text)
        if len(stated) + 1 > entry.size or len(stated) + 1 <= self._layout.word_bytes:
            return None
        content = stated + b"\0"
        if text != content:
            self.removed.append("ImageDescription")
        self._texts[entry.offset] = content
        self.values.append((entry.offset, entry.offset + len(content)))
        head = struct.pack(f"{self._layout.order}HH{self._layout.word}", entry.tag, entry.kind, len(content))
        return head + self._layout.number(entry.offset)

    def _keep_tables(self, file: SlideFile, entry: Entry) -> None:
        tables = file.read(entry.offset, entry.size)
        clean = jpegs.without_comments(tables)
        if clean != tables:
            self.removed.append("comments in the JPEG tables")
            self._texts[entry.offset] = clean


def aperio_text(description: bytes) -> bytes:
    """The description of an Aperio slide with nothing but magnification and size of a pixel."""
    text = description.partition(b"\0")[0]
    stated = [name.encode() + b"=" + found[1] for name, pattern in _STATED if (found := pattern.search(text))]
    return b"|".join([_APERIO_HEAD, *stated])


def _name_of_picture(file: SlideFile, directory: Directory) -> str:
    return f"{structure.associated_picture(file, directory) or 'another'} picture"


def _without_padding(entry: Entry, layout: Layout) -> bytes:
    """Behind values that are shorter than their field, some writers leave what was in memory."""
    used = len(entry.raw) - layout.word_bytes + entry.size
    return entry.raw[:used].ljust(len(entry.raw), b"\0")


def _short_entry(layout: Layout, tag: int, value: int) -> bytes:
    head = struct.pack(f"{layout.order}HH{layout.word}", tag, structure.LONG, 1)
    return head + struct.pack(layout.order + "I", value).ljust(layout.word_bytes, b"\0")


def _check_places(layout: Layout, levels: Iterable[Level], values: list[tuple[int, int]]) -> None:
    """Raises UnsupportedImage where directories, their values and tiles are not at places of their own: what a tile
    covers stays as it is."""
    import numpy as np

    levels = list(levels)
    own = [(0, layout.header_bytes)]
    for level in levels:
        place, size = level.directory.offset, layout.directory_bytes(len(level.directory.entries))
        own.append((place, place + size))
    directories = sorted(own)
    if any(before[1] > after[0] for before, after in pairwise(directories)):
        raise _overlapping("directories")
    starts, ends = (np.array([place[side] for place in directories]) for side in (0, 1))
    for start, end in values:
        if _overlaps(starts, ends, start, end):
            raise _overlapping("values of tags")
    taken = sorted([*directories, *values])
    starts = np.array([start for start, _ in taken])
    ends = np.maximum.accumulate(np.array([end for _, end in taken]))
    for level in levels:
        tiles = level.tiles[level.tiles[:, 1] > 0]
        index = np.searchsorted(starts, tiles.sum(axis=1), "left") - 1
        if np.any((index >= 0) & (ends[index] > tiles[:, 0])):
            raise _overlapping("tiles")


def _overlaps(starts: np.ndarray, ends: np.ndarray, start: int, end: int) -> bool:
    return bool(((starts < end) & (ends > start)).any())


def _overlapping(what: str) -> UnsupportedImage:
    return UnsupportedImage(f"expected {what} of a slide at places of their own, found some that overlap")


def _gaps(size: int, taken: list[tuple[int, int]], levels: Iterable[Level]) -> np.ndarray:
    """The places, from and to, of which nothing that stays makes use, in their order, (N, 2)."""
    import numpy as np

    places = [np.array(taken, np.int64).reshape(-1, 2)]
    for level in levels:
        used = np.unique(level.tiles[level.tiles[:, 1] > 0], axis=0)
        places.append(np.stack([used[:, 0], used.sum(axis=1)], axis=1))
    joined = np.concatenate(places)
    joined = joined[np.argsort(joined[:, 0], kind="stable")]
    ends = np.concatenate([[0], np.maximum.accumulate(joined[:, 1])])
    starts = np.concatenate([joined[:, 0], [size]])
    gaps = np.stack([ends, starts], axis=1)
    return gaps[gaps[:, 0] < gaps[:, 1]]


def _comments(file: SlideFile, levels: Iterable[Level]) -> np.ndarray:
    """The places, from and to, in JPEG tiles that are no part of a picture and not zero yet, (N, 2). Raises
    UnsupportedImage for tiles that overlap, each of which is read once, or are no JPEG."""
    import numpy as np

    tiles = [np.empty((0, 2), np.int64)]
    tiles += [each.tiles for each in levels if file.integer(each.directory, structure.COMPRESSION, 1) == structure.JPEG]
    used = np.unique(np.concatenate(tiles), axis=0)
    used = used[used[:, 1] > 0]
    starts, ends = used[:, 0], used.sum(axis=1)
    if np.any(ends[:-1] > starts[1:]):
        raise _overlapping("tiles")
    found: list[tuple[int, int]] = []
    first = 0
    while first < len(used):
        start = int(starts[first])
        # Read with those behind it.
        after = max(first + 1, int(np.searchsorted(ends, start + _READ_BYTES, "right")))
        content = file.read(start, int(ends[after - 1]) - start)
        for low, high in zip((starts[first:after] - start).tolist(), (ends[first:after] - start).tolist(), strict=True):
            found += [(start + begin, start + end) for begin, end in jpegs.comments(content, low, high)]
        if len(found) > structure.MAX_TILES:
            raise UnsupportedImage(f"expected at most {structure.MAX_TILES:,} comments in the tiles, found more")
        first = after
    return np.array(found, np.int64).reshape(-1, 2)


def _has_data(file: SlideFile, zeros: np.ndarray) -> bool:
    """Whether any of these places is not zero yet."""
    for start, end in zeros.tolist():
        for offset in range(start, end, _READ_BYTES):
            content = file.read(offset, min(_READ_BYTES, end - offset))
            if content != bytes(len(content)):
                return True
    return False
