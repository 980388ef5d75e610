"""Walks the elements of a DICOM file before a library reads it: every length is checked, and nothing recurses.

Source: DICOM PS3.5, section 7 and annex A; PS3.10, section 7.1.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from ml.errors import ImageError
from ml.preprocessing.limits import inflate

MAX_BYTES = 256 * 1024 * 1024
MAX_ELEMENTS = 1_000_000
MAX_DEPTH = 50
IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
PREAMBLE_BYTES, PREFIX = 128, b"DICM"
SHORT_VRS = frozenset(b"AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US".split())
"""Value representations with a length of 16 bits; all others have 32 (PS3.5, section 7.1.2)."""

_FIRST_GROUPS = (b"\x02\0", b"\x08\0", b"\0\x08")
_LONGEST_FIRST_ELEMENT = 64
_META_GROUP, _TRANSFER_SYNTAX = 0x0002, (0x0002, 0x0010)
_PIXELS = {(0x7FE0, 0x0008), (0x7FE0, 0x0009), (0x7FE0, 0x0010)}
_DELIMITERS, _ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFE, 0xE000, 0xE00D, 0xE0DD
_UNDEFINED = 0xFFFFFFFF
_LONG = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())


@dataclass(frozen=True, slots=True)
class Pixels:
    """An element with pixels: ``start`` of its tag, and its value between ``value`` and ``end``.

    The value of ``encapsulated`` pixels is their items without the delimiter behind them.
    """

    element: int
    vr: str
    start: int
    value: int
    end: int
    encapsulated: bool


@dataclass(frozen=True, slots=True)
class Structure:
    """``data`` is the file, inflated if need be; its data set begins at ``start``. ``transfer_syntax`` is the UID that
    the file names, or the plain one that it looks like. ``implicit``: elements name no type; some files are so although
    their transfer syntax says otherwise. ``pixels`` are those of the data set itself."""

    data: bytes
    start: int
    transfer_syntax: str
    implicit: bool
    pixels: Pixels | None

    @property
    def big_endian(self) -> bool:
        return self.transfer_syntax == BIG_ENDIAN


@dataclass(frozen=True, slots=True)
class _Level:
    """A data set, or the items of a sequence (``items``), up to ``end``; ``open``: up to a delimiter before it."""

    items: bool
    end: int
    open: bool
    implicit: bool
    big: bool


def is_dicom(content: bytes) -> bool:
    """Whether a file has DICOM's prefix, whatever its preamble holds, or begins as a data set without them, as in old
    files: with a short element of the first groups."""
    if content.startswith(PREFIX, PREAMBLE_BYTES):
        return True
    if content[:2] not in _FIRST_GROUPS or len(content) < 8:
        return False
    big = not content[0]
    explicit = content[4:6] in SHORT_VRS
    length = int.from_bytes(content[6:8] if explicit else content[4:8], "big" if big else "little")
    return content[2 if big else 3] == 0 and length <= _LONGEST_FIRST_ELEMENT and (explicit or not big)


def read_structure(content: bytes) -> Structure:
    """Walk every element of a DICOM file.

    Raises ImageError: a length beyond its sequence or the file, a missing delimiter, sequences deeper than
    ``MAX_DEPTH``, more than ``MAX_ELEMENTS``, or more than ``MAX_BYTES`` when inflated.
    """
    start = PREAMBLE_BYTES + len(PREFIX) if content.startswith(PREFIX, PREAMBLE_BYTES) else 0
    syntax, start = _read_meta(content, start)
    if syntax == DEFLATED:
        plain = inflate(content[start:], -zlib.MAX_WBITS, MAX_BYTES, kind="DICOM", method="deflated")
        content = content[:start] + plain
    seen = _seen_syntax(content, start)
    syntax = syntax or seen
    walk = _Walk(content)
    walk.run(start, implicit=seen == IMPLICIT, big=syntax == BIG_ENDIAN)
    return Structure(content, start, syntax, seen == IMPLICIT, walk.pixels)


def _read_meta(content: bytes, position: int) -> tuple[str, int]:
    """The transfer syntax of the file meta information, "" for none, and the end of it."""
    walk = _Walk(content)
    level = _Level(items=False, end=len(content), open=False, implicit=False, big=False)
    syntax = ""
    while content[position : position + 2] == _META_GROUP.to_bytes(2, "little"):
        tag, _, value, length = walk.element(position, level)
        if length == _UNDEFINED:
            raise walk.damage(position, "a length that is not defined")
        if tag == _TRANSFER_SYNTAX:
            syntax = content[value : value + length].rstrip(b"\0 ").decode("ascii", "replace")
        position = value + length
    return syntax, position


def _seen_syntax(content: bytes, position: int) -> str:
    """Explicit or implicit, little or big endian, as the first element is written."""
    if content[position + 4 : position + 6] not in SHORT_VRS | _LONG:
        return IMPLICIT
    group = content[position : position + 2]
    return BIG_ENDIAN if int.from_bytes(group, "little") > int.from_bytes(group, "big") else EXPLICIT


class _Walk:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._elements = 0
        self.pixels: Pixels | None = None

    def run(self, position: int, *, implicit: bool, big: bool) -> None:
        padding = len(self._data.rstrip(b"\0"))  # some files end with zeros
        levels = [_Level(items=False, end=len(self._data), open=False, implicit=implicit, big=big)]
        while levels:
            level = levels[-1]
            if position >= level.end:
                if level.open:
                    raise self.damage(position, "a sequence without an end")
                levels.pop()
            elif len(levels) == 1 and position >= padding:
                return
            else:
                position = (self._item if level.items else self._data_element)(position, levels)

    def damage(self, position: int, found: str) -> ImageError:
        return ImageError(f"expected a whole DICOM file, found {found} at byte {position:,}")

    def element(self, position: int, level: _Level) -> tuple[tuple[int, int], bytes, int, int]:
        """Tag, value representation (empty if implicit), start of the value, and its length, which may be undefined."""
        self._elements += 1
        if self._elements > MAX_ELEMENTS:
            raise ImageError(f"expected a DICOM file of at most {MAX_ELEMENTS:,} elements, found more")
        order = ">" if level.big else "<"
        try:
            tag = struct.unpack_from(order + "HH", self._data, position)
            vr = b"" if level.implicit or tag[0] == _DELIMITERS else self._data[position + 4 : position + 6]
            if vr in SHORT_VRS:
                value, (length,) = position + 8, struct.unpack_from(order + "H", self._data, position + 6)
            elif vr in _LONG:
                value, (length,) = position + 12, struct.unpack_from(order + "I", self._data, position + 8)
            elif vr:
                raise self.damage(position, f"an element ({tag[0]:04X},{tag[1]:04X}) of no known type ({vr!r})")
            else:
                value, (length,) = position + 8, struct.unpack_from(order + "I", self._data, position + 4)
        except struct.error:
            raise self.damage(position, "an element that is cut off") from None
        if value > level.end or (length != _UNDEFINED and value + length > level.end):
            found = f"an element ({tag[0]:04X},{tag[1]:04X}) of {length:,} bytes"
            raise self.damage(position, f"{found} where {max(0, level.end - value):,} are left,")
        return tag, vr, value, length

    def _item(self, position: int, levels: list[_Level]) -> int:
        """One item of a sequence, or its end."""
        level = levels[-1]
        (group, element), _, value, length = self.element(position, level)
        if (group, element) == (_DELIMITERS, _SEQUENCE_END) and level.open:
            levels.pop()
            return value
        if (group, element) != (_DELIMITERS, _ITEM):
            raise self.damage(position, f"an element ({group:04X},{element:04X}) where an item of a sequence begins")
        self._enter(levels, value, length, items=False, implicit=level.implicit, big=level.big)
        return value

    def _data_element(self, position: int, levels: list[_Level]) -> int:
        level = levels[-1]
        tag, vr, value, length = self.element(position, level)
        if tag == (_DELIMITERS, _ITEM_END) and level.open:
            levels.pop()
            return value
        if tag[0] == _DELIMITERS:
            raise self.damage(position, f"a delimiter ({tag[0]:04X},{tag[1]:04X}) where an element begins")
        pixels = len(levels) == 1 and tag in _PIXELS
        if length == _UNDEFINED and (vr in (b"OB", b"OW") or (not vr and tag in _PIXELS)):
            end, following = self._fragments(value, level)
            if pixels:
                self.pixels = Pixels(tag[1], vr.decode() or "OB", position, value, end, encapsulated=True)
            return following
        if vr == b"SQ" or length == _UNDEFINED or (not vr and _is_sequence(tag)):
            if vr not in (b"SQ", b"UN", b""):
                raise self.damage(position, f"an element of type {vr.decode()} without a length")
            # PS3.5, section 6.2.2: a sequence of unknown type is implicit and little-endian inside.
            unknown = vr == b"UN"
            implicit, big = level.implicit or unknown, level.big and not unknown
            self._enter(levels, value, length, items=True, implicit=implicit, big=big)
            return value
        if pixels:
            self.pixels = Pixels(tag[1], vr.decode() or "OW", position, value, value + length, encapsulated=False)
        return value + length

    def _enter(self, levels: list[_Level], value: int, length: int, *, items: bool, implicit: bool, big: bool) -> None:
        if len(levels) >= 2 * MAX_DEPTH:
            raise ImageError(f"expected a DICOM file with sequences at most {MAX_DEPTH} deep, found deeper ones")
        undefined = length == _UNDEFINED
        end = levels[-1].end if undefined else value + length
        levels.append(_Level(items=items, end=end, open=undefined, implicit=implicit, big=big))

    def _fragments(self, position: int, level: _Level) -> tuple[int, int]:
        """The end of encapsulated pixels without and with their delimiter. Source: PS3.5, annex A.4."""
        while True:
            tag, _, value, length = self.element(position, level)
            if tag == (_DELIMITERS, _SEQUENCE_END):
                return position, value
            if tag != (_DELIMITERS, _ITEM) or length == _UNDEFINED:
                raise self.damage(position, "encapsulated pixels without an end")
            position = value + length


def _is_sequence(tag: tuple[int, int]) -> bool:
    from pydicom.datadict import dictionary_has_tag, dictionary_VR

    number = tag[0] << 16 | tag[1]
    return dictionary_has_tag(number) and dictionary_VR(number) == "SQ"
