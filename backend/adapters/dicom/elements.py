"""Reads and writes the elements of a DICOM file (PS3.5, section 7; PS3.10, section 7). Pure Python: no codec runs here.

Every length comes from a stranger: it is compared with what is there before it is used.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field, replace

from backend.adapters.dicom.rules import TransferSyntax, rules
from backend.errors import ImageTooLarge, UnsupportedImage
from ml.preprocessing.dicom_structure import BIG_ENDIAN, EXPLICIT, IMPLICIT, PREAMBLE_BYTES, PREFIX, SHORT_VRS

PIXEL_DATA = 0x7FE00010
DIRECTORY_RECORDS = 0x00041220
MAX_ELEMENTS = 500_000
MAX_DEPTH = 16
MAX_INFLATED_BYTES = 256 * 1024 * 1024

_META_SYNTAX = TransferSyntax()
_TRANSFER_SYNTAX_UID = 0x00020010
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_UNDEFINED = 0xFFFFFFFF
_SHORT = frozenset(vr.decode() for vr in SHORT_VRS)
_MAX_SHORT = 0xFFFE
_MOST_TRAILER = 8
_NUL_PADDED = frozenset(("UI", "OB", "UN"))


@dataclass(slots=True)
class Element:
    """``value`` as in the file, whose byte order ``big_endian`` gives; ``vr`` is empty in implicit encodings.

    A sequence has ``items``, and the bytes of the data at which they start. Encapsulated pixel data has ``fragments``,
    of which the first is the offset table.
    """

    tag: int
    vr: str
    value: bytes | memoryview = b""
    big_endian: bool = False
    items: list[DataSet] | None = None
    starts: list[int] = field(default_factory=list)
    fragments: list[bytes] | None = None


DataSet = dict[int, Element]


@dataclass(slots=True)
class DicomFile:
    """``meta`` is the file meta information (group 0002), ``syntax`` the encoding of ``data_set``."""

    preamble: bytes
    meta: DataSet
    uid: str
    syntax: TransferSyntax
    data_set: DataSet = field(default_factory=dict)


def read(content: bytes) -> DicomFile:
    """The elements of a file, with or without preamble and file meta information. Values are not copied.

    Raises UnsupportedImage for a damaged file and for a transfer syntax that ``rules`` does not name; ImageTooLarge for
    too many elements or levels, and for a deflated data set of more than ``MAX_INFLATED_BYTES``.
    """
    known = rules().transfer_syntaxes
    start = PREAMBLE_BYTES + len(PREFIX) if content[PREAMBLE_BYTES:].startswith(PREFIX) else 0
    preamble = content[:PREAMBLE_BYTES] if start else b""
    reader = _Reader(content)
    meta, position = reader.meta(start)
    uid = text(meta.get(_TRANSFER_SYNTAX_UID)) or _guessed(content, position)
    if uid not in known:
        raise UnsupportedImage(
            "expected a DICOM file in an encoding that is supported, found the transfer syntax "
            f"{uid if _is_uid(uid) else 'of an invalid UID'}"
        )
    syntax = known[uid]
    file = DicomFile(preamble, meta, uid, syntax)
    if syntax.deflated:
        reader, position = _Reader(_inflated(content[position:])), 0
    elif not syntax.big_endian:
        # Some writers declare explicit value representations and write none, or the reverse.
        syntax = file.syntax = replace(syntax, implicit=not _has_vr(content, position))
    file.data_set, _ = reader.data_set(position, len(reader.content), syntax, depth=0)
    return file


def write(meta: list[Element], data_set: list[Element]) -> bytes:
    """A file in Explicit VR Little Endian, with a preamble of zeros. Elements must be in the order of their tags."""
    group = b"".join(map(_encoded, meta))
    length = _encoded(Element(0x00020000, "UL", struct.pack("<I", len(group))))
    return b"".join((bytes(PREAMBLE_BYTES), PREFIX, length, group, *map(_encoded, data_set)))


def text(element: Element | None) -> str:
    """The value of a text element without padding, each byte as one character; empty where there is none."""
    return "" if element is None else bytes(element.value).decode("latin-1").strip(" \0")


def fits(vr: str, value: bytes | memoryview) -> bool:
    """Whether the length of a value can be written."""
    return len(value) <= (_MAX_SHORT if vr in _SHORT else _UNDEFINED - 1)


def _encoded(element: Element) -> bytes:
    tag = struct.pack("<HH", element.tag >> 16, element.tag & 0xFFFF)
    if element.fragments is not None:
        items = b"".join(struct.pack("<HHI", 0xFFFE, 0xE000, len(part)) + part for part in element.fragments)
        return b"".join((tag, b"OB\0\0", struct.pack("<I", _UNDEFINED), items, struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)))
    value = bytes(element.value)
    if element.items is not None:
        encoded = [b"".join(map(_encoded, item.values())) for item in element.items]
        value = b"".join(struct.pack("<HHI", 0xFFFE, 0xE000, len(item)) + item for item in encoded)
    if len(value) & 1:
        value += b"\0" if element.vr in _NUL_PADDED else b" "
    if element.vr in _SHORT:
        return tag + element.vr.encode() + struct.pack("<H", len(value)) + value
    return tag + element.vr.encode() + b"\0\0" + struct.pack("<I", len(value)) + value


class _Reader:
    def __init__(self, content: bytes) -> None:
        self.content = content
        self._view = memoryview(content)
        self._count = 0

    def meta(self, position: int) -> tuple[DataSet, int]:
        """The elements of group 0002, which are always Explicit VR Little Endian, and where they end."""
        elements: DataSet = {}
        while self.content[position : position + 2] == b"\x02\0" and len(self.content) - position >= 8:
            element, position = self._element(position, len(self.content), _META_SYNTAX, depth=0)
            elements[element.tag] = element
        return elements, position

    def data_set(self, position: int, end: int, syntax: TransferSyntax, depth: int) -> tuple[DataSet, int]:
        """The elements up to ``end``, or to the delimiter of their item. Of a repeated tag, the last one counts."""
        elements: DataSet = {}
        tag = struct.Struct(">HH" if syntax.big_endian else "<HH")
        while end - position >= 8:
            group, number = tag.unpack_from(self.content, position)
            if depth and (group, number) == (_ITEM_END >> 16, _ITEM_END & 0xFFFF):
                return elements, position + 8
            if not group and not any(self._view[position:end]):
                break
            element, position = self._element(position, end, syntax, depth)
            elements[element.tag] = element
        return elements, end

    def _count_one(self) -> None:
        """Of the elements, items and fragments, each of which takes memory."""
        self._count += 1
        if self._count > MAX_ELEMENTS:
            raise ImageTooLarge(f"expected a DICOM file of at most {MAX_ELEMENTS} elements, found more")

    def _element(self, position: int, end: int, syntax: TransferSyntax, depth: int) -> tuple[Element, int]:
        self._count_one()
        order = ">" if syntax.big_endian else "<"
        group, number = struct.unpack_from(order + "HH", self.content, position)
        tag = group << 16 | number
        vr = ""
        if syntax.implicit:
            (length,) = struct.unpack_from(order + "I", self.content, position + 4)
            position += 8
        else:
            vr = self.content[position + 4 : position + 6].decode("latin-1")
            if not (vr.isascii() and vr.isalpha() and vr.isupper()):
                raise _damaged(tag)
            if vr in _SHORT:
                (length,) = struct.unpack_from(order + "H", self.content, position + 6)
                position += 8
            elif end - position < 12:
                raise _damaged(tag)
            else:
                (length,) = struct.unpack_from(order + "I", self.content, position + 8)
                position += 12
        element = Element(tag, vr, big_endian=syntax.big_endian)
        if length == _UNDEFINED:
            if tag == PIXEL_DATA and not depth:
                element.fragments, position = self._fragments(position, end)
                return element, position
            if vr == "UN":  # PS3.5, section 6.2.2, note 2
                syntax = TransferSyntax(implicit=True)
            element.items, position = self._items(position, end, syntax, depth + 1, element.starts, delimited=True)
            return element, position
        if length > end - position:
            raise _damaged(tag)
        stop = position + length
        if vr == "SQ" or (vr in ("", "UN") and _is_sequence(tag)):
            inner = TransferSyntax(implicit=True) if vr == "UN" else syntax
            element.items, _ = self._items(position, stop, inner, depth + 1, element.starts, delimited=False)
        else:
            element.value = self._view[position:stop]
        return element, stop

    def _items(
        self, position: int, end: int, syntax: TransferSyntax, depth: int, starts: list[int], *, delimited: bool
    ) -> tuple[list[DataSet], int]:
        if depth > MAX_DEPTH:
            raise ImageTooLarge(f"expected a DICOM file with sequences of at most {MAX_DEPTH} levels, found more")
        items: list[DataSet] = []
        order = ">" if syntax.big_endian else "<"
        while end - position >= 8:
            group, number, length = struct.unpack_from(order + "HHI", self.content, position)
            tag = group << 16 | number
            position += 8
            if tag == _SEQUENCE_END and delimited:
                return items, position
            if tag != _ITEM or (length != _UNDEFINED and length > end - position):
                raise _damaged(tag)
            self._count_one()
            starts.append(position - 8)
            stop = end if length == _UNDEFINED else position + length
            item, position = self.data_set(position, stop, syntax, depth)
            items.append(item)
        if delimited:
            raise _damaged(_SEQUENCE_END)
        return items, end

    def _fragments(self, position: int, end: int) -> tuple[list[bytes], int]:
        """The items of encapsulated pixel data (PS3.5, section A.4)."""
        fragments: list[bytes] = []
        while end - position >= 8:
            group, number, length = struct.unpack_from("<HHI", self.content, position)
            tag = group << 16 | number
            position += 8
            if tag == _SEQUENCE_END:
                return fragments, position
            if tag != _ITEM or length > end - position or length & 1:
                break
            self._count_one()
            fragments.append(self.content[position : position + length])
            position += length
        raise _damaged(PIXEL_DATA)


def _is_sequence(tag: int) -> bool:
    rule = rules().attributes.get(tag)
    return tag == DIRECTORY_RECORDS or (rule is not None and rule.vr == ("SQ",))


def _guessed(content: bytes, position: int) -> str:
    """The transfer syntax of a data set that no file meta information describes."""
    if not _has_vr(content, position):
        return IMPLICIT
    return BIG_ENDIAN if content[position : position + 2] == b"\0\x08" else EXPLICIT


def _has_vr(content: bytes, position: int) -> bool:
    vr = content[position + 4 : position + 6]
    return len(vr) == 2 and vr.isalpha() and vr.isupper()


def _is_uid(uid: str) -> bool:
    return 0 < len(uid) <= 64 and all(character in "0123456789." for character in uid)


def _inflated(content: bytes) -> bytes:
    """A deflated data set (PS3.5, section A.5): a raw stream, and padding or, by some writers, the trailer of gzip."""
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        data = inflate.decompress(content, MAX_INFLATED_BYTES + 1)
    except zlib.error:
        raise UnsupportedImage("expected a whole DICOM file, found a deflated data set that is damaged") from None
    if len(data) > MAX_INFLATED_BYTES:
        raise ImageTooLarge(
            f"expected a DICOM file of at most {MAX_INFLATED_BYTES} bytes when inflated, found a larger one"
        )
    if not inflate.eof or len(inflate.unused_data) > _MOST_TRAILER:
        raise UnsupportedImage("expected a whole DICOM file, found a deflated data set that is damaged")
    return data


def _damaged(tag: int) -> UnsupportedImage:
    return UnsupportedImage(
        f"expected a whole DICOM file, found one that is cut off or damaged at ({tag >> 16:04X},{tag & 0xFFFF:04X})"
    )
