"""Writes DICOM files element by element, valid or not, without the code that is tested."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
DEFLATED, BIG_ENDIAN = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"
JPEG, JPEG_LS, JPEG_2000, RLE = (
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.5",
)
MR, CT, SECONDARY = (f"1.2.840.10008.5.1.4.1.1.{number}" for number in ("4", "2", "7"))
_LONG = {"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"}
_FORMATS = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "FD": "d"}
UNDEFINED = 0xFFFFFFFF


@dataclass(frozen=True)
class Encoding:
    uid: str

    @property
    def order(self) -> str:
        return ">" if self.uid == BIG_ENDIAN else "<"

    def element(self, tag: int, vr: str, value: object, *, undefined: bool = False) -> bytes:
        """``value``: bytes as they are, text, numbers, or the encoded items of a sequence (a list)."""
        if isinstance(value, list) and vr == "SQ":
            value = b"".join(value) + (self.item_end(0xE0DD) if undefined else b"")
        elif isinstance(value, str):
            value = value.encode("latin-1")
        elif not isinstance(value, bytes):
            numbers = value if isinstance(value, tuple) else (value,)
            value = struct.pack(f"{self.order}{len(numbers)}{_FORMATS[vr]}", *numbers)
        assert isinstance(value, bytes)
        if len(value) % 2:
            value += b" " if vr not in ("UI", "OB", "UN") else b"\0"
        length = UNDEFINED if undefined else len(value)
        head = struct.pack(self.order + "HH", tag >> 16, tag & 0xFFFF)
        if self.uid == IMPLICIT:
            return head + struct.pack("<I", length) + value
        if vr in _LONG:
            return head + vr.encode() + b"\0\0" + struct.pack(self.order + "I", length) + value
        return head + vr.encode() + struct.pack(self.order + "H", length) + value

    def item(self, *elements: bytes, undefined: bool = False) -> bytes:
        content = b"".join(elements) + (self.item_end(0xE00D) if undefined else b"")
        return struct.pack(self.order + "HHI", 0xFFFE, 0xE000, UNDEFINED if undefined else len(content)) + content

    def item_end(self, number: int) -> bytes:
        return struct.pack(self.order + "HHI", 0xFFFE, number, 0)

    def words(self, values: bytes) -> bytes:
        """Little-endian words of 16 bits in this byte order."""
        if self.order == "<":
            return values
        return struct.pack(f">{len(values) // 2}H", *struct.unpack(f"<{len(values) // 2}H", values))


def encapsulated(*fragments: bytes, offsets: bytes = b"") -> bytes:
    items = b"".join(
        struct.pack("<HHI", 0xFFFE, 0xE000, len(part) + len(part) % 2) + part + bytes(len(part) % 2)
        for part in (offsets, *fragments)
    )
    return items + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)


def file(
    encoding: Encoding,
    elements: dict[int, bytes],
    *,
    preamble: bytes = bytes(128),
    meta: tuple[bytes, ...] = (),
    sop_class: str = MR,
    instance: str = "1.2.3.4",
    trailing: bytes = b"",
) -> bytes:
    """A file of encoded ``elements`` by their tags; ``meta`` are further elements of group 0002, in order."""
    explicit = Encoding(EXPLICIT)
    group = b"".join(
        (
            explicit.element(0x00020001, "OB", b"\0\1"),
            explicit.element(0x00020002, "UI", sop_class),
            explicit.element(0x00020003, "UI", instance),
            explicit.element(0x00020010, "UI", encoding.uid),
            *meta,
        )
    )
    data_set = b"".join(elements[tag] for tag in sorted(elements)) + trailing
    if encoding.uid == DEFLATED:
        deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
        data_set = deflate.compress(data_set) + deflate.flush()
        data_set += bytes(len(data_set) % 2)
    return preamble + b"DICM" + explicit.element(0x00020000, "UL", len(group)) + group + data_set
