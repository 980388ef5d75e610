"""A checksum in each row that the chain does not hold, written with the row and compared when it is read.

SQLite's own check finds a broken structure, but not a changed value.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Float, String, event
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.schema import Table

from backend.errors import RowDamaged

CHECKSUM = "checksum"
_CORRECTABLE_BYTES = 16 * 1024
"""The longest value in which a flipped bit is looked for: it takes a few seconds."""


class Checked:
    """A row with a checksum of its other columns."""

    checksum: Mapped[str] = mapped_column(String(64), server_default="")


def checksum_of(table: Table, values: Mapping[str, object]) -> str:
    """SHA-256 of the SHA-256 of each column's name and value, in the order of the names. ``values`` are those that are
    stored, or those that the mapped class has: both give the same."""
    return _joined({name: _digest(name, value) for name, value in _stored_values(table, values).items()})


def name_of(table: Table, values: Mapping[str, object]) -> str:
    """What messages call a row: its table and its key."""
    return f"{table.name} {', '.join(str(values[column.name])[:80] for column in table.primary_key)}"


def corrected(table: Table, values: Mapping[str, object]) -> dict[str, object] | None:
    """The values that a stored row had before one bit of it changed, None if no single bit explains the damage."""
    stored = _stored_values(table, values)
    digests = {name: _digest(name, value) for name, value in stored.items()}
    wanted, found = str(values[CHECKSUM]), _joined(digests)
    if len(wanted) == len(found) and sum(a != b for a, b in zip(wanted, found, strict=True)) <= 1:
        return {CHECKSUM: found}
    for name, value in stored.items():
        for candidate in _flipped(value):
            if _joined({**digests, name: _digest(name, candidate)}) == wanted:
                return {name: candidate}
    return None


def _stored_values(table: Table, values: Mapping[str, object]) -> dict[str, object]:
    return {
        column.name: _stored(column.type, values[column.name]) for column in table.columns if column.name != CHECKSUM
    }


def _stored(kind: object, value: object) -> object:
    """The form in which the database keeps a value."""
    if isinstance(value, dict | list | tuple):
        return json.dumps(value)
    if isinstance(kind, Float) and isinstance(value, int):
        return float(value)
    return int(value) if isinstance(value, bool) else bytes(value) if isinstance(value, memoryview) else value


def _digest(name: str, value: object) -> bytes:
    kind = type(value).__name__
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return hashlib.sha256(f"{name} {kind} ".encode() + content).digest()


def _joined(digests: Mapping[str, bytes]) -> str:
    return hashlib.sha256(b"".join(digests[name] for name in sorted(digests))).hexdigest()


def _flipped(value: object) -> Iterator[object]:
    """Each value that differs in one bit."""
    if isinstance(value, str):
        for text in _flipped(value.encode("utf-8", "surrogateescape")):
            if isinstance(text, bytes):
                yield text.decode("utf-8", "surrogateescape")
    elif isinstance(value, bytes) and len(value) <= _CORRECTABLE_BYTES:
        for place in range(8 * len(value)):
            changed = bytearray(value)
            changed[place // 8] ^= 1 << place % 8
            yield bytes(changed)
    elif isinstance(value, int):
        yield from (value ^ 1 << place for place in range(63))
        yield from (~value ^ 1 << place for place in range(63))
    elif isinstance(value, float):
        for bits in _flipped(struct.pack(">d", value)):
            if isinstance(bits, bytes):
                yield struct.unpack(">d", bits)[0]


@event.listens_for(Checked, "before_insert", propagate=True)
@event.listens_for(Checked, "before_update", propagate=True)
def _write(_mapper: object, _connection: object, row: Any) -> None:
    row.checksum = checksum_of(row.__table__, _values(row))


@event.listens_for(Checked, "load", propagate=True)
def _compare(row: Any, _context: object) -> None:
    values = _values(row)
    if row.checksum != checksum_of(row.__table__, values):
        raise RowDamaged(f"the stored row {name_of(row.__table__, values)} is damaged: run `scanproof scrub`")


def _values(row: Any) -> dict[str, object]:
    return {column.name: getattr(row, column.name) for column in row.__table__.columns}
