"""Nodes of a UnixFS file: dag-pb (https://ipld.io/specs/codecs/dag-pb/spec/) around UnixFS protobuf data.

A node of a file has exactly one encoding, so ``decode`` encodes the result again and compares: this detects every
field that a hostile block adds, repeats, reorders or falsifies.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from backend.cids import Cid, cid_from_binary
from backend.errors import InvalidCid, InvalidDag

_FILE = 2
_VARINT, _BYTES = 0, 2


@dataclass(frozen=True, slots=True)
class Link:
    """``file_size`` is the number of the file's bytes below the link, ``dag_size`` that of the blocks' bytes."""

    cid: Cid
    file_size: int
    dag_size: int


def encode(links: Sequence[Link]) -> bytes:
    """The block of a file's inner node."""
    sizes = b"".join(_field(4, link.file_size) for link in links)
    data = _field(1, _FILE) + _field(3, sum(link.file_size for link in links)) + sizes
    entries = (_field(1, link.cid.binary) + _field(2, b"") + _field(3, link.dag_size) for link in links)
    return b"".join(_field(2, entry) for entry in entries) + _field(1, data)


def decode(block: bytes) -> list[Link]:
    """The links of a file's inner node. Raises InvalidDag for any other block."""
    try:
        node = list(_fields(block))
        data = next(_bytes(value) for number, value in node if number == 1)
        sizes = [_integer(value) for number, value in _fields(data) if number == 4]
        entries = [dict(_fields(_bytes(value))) for number, value in node if number == 2]
        links = [
            Link(cid=cid_from_binary(_bytes(entry[1])), file_size=size, dag_size=_integer(entry[3]))
            for entry, size in zip(entries, sizes, strict=True)
        ]
        canonical = encode(links)
    except (InvalidCid, LookupError, StopIteration, ValueError) as exc:
        raise InvalidDag(f"expected a dag-pb node of a UnixFS file, found other data: {exc}") from exc
    if canonical != block:
        raise InvalidDag("expected the canonical form of a UnixFS file's node, found other bytes")
    return links


def _integer(value: int | bytes) -> int:
    if isinstance(value, bytes):
        raise ValueError("bytes in the place of a number")
    return value


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise ValueError("a number in the place of bytes")
    return value


def _field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3 | _VARINT) + _varint(value)
    return _varint(number << 3 | _BYTES) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a protobuf message. Raises IndexError where it ends early, ValueError for other wire types."""
    position = 0

    def varint() -> int:
        nonlocal position
        value = shift = 0
        while True:
            byte = message[position]
            position += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
            if shift > 63:
                raise ValueError("a number of more than 64 bits")

    while position < len(message):
        key = varint()
        value = varint()
        if key & 7 == _VARINT:
            yield key >> 3, value
        elif key & 7 == _BYTES:
            start, position = position, position + value
            yield key >> 3, message[start:position]
        else:
            raise ValueError(f"wire type {key & 7}")
