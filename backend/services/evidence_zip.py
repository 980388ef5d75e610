"""Reads a ZIP that holds its entries and nothing else (PKWARE's APPNOTE 6.3.10).

No byte before, between or after the entries, no comment, no extra field, no local header that differs from the central
directory: with such bytes, a file would be one thing to a verification and another to the next program that opens it.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from backend.errors import InvalidEvidence

_END = struct.Struct("<4s4H2LH")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_STORED, _DEFLATED = 0, 8
"""Deflate is allowed for evidence files that were packed again. Other methods let a small file use much memory."""
_ALLOWED_FLAGS = 0x0006 | 0x0800
"""How hard the compressor tried, and a name in UTF-8. Not: encrypted, or sizes that follow the data."""


class _Entry(NamedTuple):
    """The fields that both headers of an entry have."""

    flags: int
    method: int
    time: int
    date: int
    crc: int
    packed: int
    size: int
    name: bytes


def read(content: bytes, *, most: int, accept: Callable[[str], int], total: int) -> Mapping[str, bytes]:
    """The entries by name. ``most`` is the largest number of entries, ``total`` of their unpacked bytes; ``accept``
    gives the largest size of the entry of that name, or raises. Raises InvalidEvidence.
    """
    start, end, count = _directory(content)
    if count > most:
        raise InvalidEvidence(f"expected at most {most} entries, found {count}")
    entries: dict[str, bytes] = {}
    central, local = start, 0
    for _ in range(count):
        entry, offset, central = _central(content, central)
        name = entry.name.decode("ascii", "replace")
        limit = min(total, accept(name))
        if name in entries:
            raise InvalidEvidence(f"expected entries that are there each once, found {name!r} twice")
        if offset != local:
            raise InvalidEvidence(f"expected {name} at byte {local}, after the entry before it, found it at {offset}")
        data, local = _data(content, local, entry)
        entries[name] = _unpacked(name, data, entry, limit)
        total -= len(entries[name])
    if (local, central) != (start, end):
        raise InvalidEvidence("expected a ZIP of its entries alone, found bytes between them")
    return entries


def _directory(content: bytes) -> tuple[int, int, int]:
    """Where the central directory begins and ends, and its number of entries."""
    end = len(content) - _END.size
    if end < 0:
        raise _damaged()
    signature, disk, first_disk, here, count, size, start, comment = _END.unpack_from(content, end)
    if signature != b"PK\x05\x06":
        if content.startswith(b"PK\x03\x04") and b"PK\x05\x06" in content:
            raise InvalidEvidence("expected a ZIP without a comment or bytes after its end")
        raise _damaged()
    if (disk, first_disk, comment) != (0, 0, 0) or here != count or start + size != end:
        raise InvalidEvidence("expected a ZIP of its entries alone, found an end that does not fit them")
    return start, end, count


def _central(content: bytes, place: int) -> tuple[_Entry, int, int]:
    """An entry of the central directory, where its local header begins, and where the next entry does."""
    signature, _made, _needed, *shared, name, extra, comment, _disk, _inner, _outer, offset = _unpack(
        _CENTRAL, content, place
    )
    if signature != b"PK\x01\x02":
        raise _damaged()
    if extra or comment:
        raise InvalidEvidence("expected entries without comments and extra fields: pack the evidence file without them")
    begin = place + _CENTRAL.size
    return _Entry._make([*shared, content[begin : begin + name]]), offset, begin + name


def _data(content: bytes, place: int, entry: _Entry) -> tuple[bytes, int]:
    """The packed bytes behind the local header at ``place``, which must be that of ``entry``, and where they end."""
    signature, _needed, *shared, name, extra = _unpack(_LOCAL, content, place)
    begin = place + _LOCAL.size
    found = _Entry._make([*shared, content[begin : begin + name]])
    if signature != b"PK\x03\x04" or found.flags & ~_ALLOWED_FLAGS:
        raise _damaged()
    if extra or found != entry:
        raise InvalidEvidence(
            f"expected the header of {entry.name.decode('ascii', 'replace')!r} as in the central directory, without "
            "extra fields, found another"
        )
    end = begin + name + entry.packed
    if end > len(content):
        raise _damaged()
    return content[begin + name : end], end


def _unpacked(name: str, data: bytes, entry: _Entry, limit: int) -> bytes:
    if entry.method == _STORED:
        unpacked, whole = data, True
    elif entry.method == _DEFLATED:
        unpacking = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            unpacked = unpacking.decompress(data, limit + 1)
        except zlib.error:
            raise _damaged() from None
        whole = unpacking.eof and not unpacking.unused_data
    else:
        raise InvalidEvidence(f"expected {name} stored or deflated, found another method")
    if len(unpacked) > limit:
        raise InvalidEvidence(f"expected at most {limit:,} bytes in {name}, found more")
    if not whole or len(unpacked) != entry.size or zlib.crc32(unpacked) != entry.crc:
        raise _damaged()
    return unpacked


def _unpack(fields: struct.Struct, content: bytes, place: int) -> tuple[Any, ...]:
    if place + fields.size > len(content):
        raise _damaged()
    return fields.unpack_from(content, place)


def _damaged() -> InvalidEvidence:
    return InvalidEvidence("expected a ZIP that can be read, found a damaged file")
