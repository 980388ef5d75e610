"""What is kept of a value. Text is kept only as numbers or terms, so that no name passes for a description."""

from __future__ import annotations

import re
import struct
from bisect import bisect_left
from collections.abc import Mapping

from backend.adapters.dicom.rules import Rule

_DECIMAL = re.compile(r"[+-]?(\d{1,7}(\.\d*)?|\.\d+)([eE][+-]?\d{1,2})?")
_WHOLE = re.compile(r"[+-]?\d{1,7}")
_LONGEST_NUMBER = 24
_AGE = re.compile(r"\d{3}[DWMY]")
_OLDEST = 90
_SEPARATORS = re.compile(r"[^A-Z0-9]+")
_SIZES = {
    "US": 2, "SS": 2, "AT": 2, "OW": 2, "UL": 4, "SL": 4, "FL": 4, "OF": 4, "OL": 4, "FD": 8, "OD": 8, "OV": 8,
}  # fmt: skip
"""The bytes of a number, which change places between byte orders."""
_FORMATS = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "FD": "d"}
_MOST_WHOLE = 1 << 24
_LEAST_REAL, _MOST_REAL = 1e-9, 1e9
_SHORTEST_NAME = 6


def little_endian(value: bytes | memoryview, size: int) -> bytes:
    """A value of big-endian numbers of ``size`` bytes in little endian; a rest that is no number is left out."""
    if size == 1:
        return bytes(value)
    whole = len(value) // size * size
    swapped = bytearray(whole)
    for offset in range(size):
        swapped[offset::size] = value[size - 1 - offset : whole : size]
    return bytes(swapped)


def number_bytes(vr: str) -> int:
    return _SIZES.get(vr, 1)


def parts(text: str) -> list[str]:
    """The values of a text, without their padding (PS3.5, section 6.4)."""
    return [part.strip(" ") for part in text.split("\\")]


def numbers(rule: Rule, text: str) -> str | None:
    """Decimal or whole numbers as text (DS, IS), of at most 7 digits before the point; None for anything else."""
    pattern = _DECIMAL if rule.vr == ("DS",) else _WHOLE
    found = parts(text)
    valid = len(found) <= rule.most and all(len(part) <= _LONGEST_NUMBER and pattern.fullmatch(part) for part in found)
    return "\\".join(found) if valid else None


def terms(rule: Rule, text: str) -> str | None:
    """The terms of a closed vocabulary; None if one is not, unless the rule has a term for others."""
    found = parts(text)
    if rule.otherwise:
        found = [part if part in rule.terms else rule.otherwise for part in found[: rule.most]]
    known = all((part.upper() if rule.ignore_case else part) in rule.terms for part in found)
    return "\\".join(found) if known and len(found) <= rule.most else None


def words(vocabulary: frozenset[str], most: int, text: str) -> str:
    """The words of a description that the vocabulary has, in capitals."""
    found = [word for word in _SEPARATORS.split(text.upper()) if word in vocabulary]
    return " ".join(found[:most])


def age(text: str) -> str | None:
    """An age (AS). Above 89 years few people are of one age: they are all 90."""
    if not _AGE.fullmatch(text):
        return None
    return f"{_OLDEST:03}Y" if text.endswith("Y") and int(text[:3]) > _OLDEST else text


def binary(rule: Rule, vr: str, value: bytes) -> bool:
    """Whether a value is at most ``rule.most`` plausible numbers, and no text in their place."""
    count, rest = divmod(len(value), _SIZES[vr])
    if rest or count > rule.most or is_text(value):
        return False
    found = struct.unpack(f"<{count}{_FORMATS[vr]}", value)
    if vr in ("FL", "FD"):
        return all(_plausible(abs(number)) for number in found)
    return all(abs(number) < _MOST_WHOLE for number in found)


def _plausible(size: float) -> bool:
    return size == 0 or _LEAST_REAL <= size <= _MOST_REAL


def is_text(value: bytes) -> bool:
    """Whether bytes that should be numbers are all printable ASCII."""
    return len(value) >= _SHORTEST_NAME and all(0x20 <= byte <= 0x7E for byte in value)


def pointers(rule: Rule, value: bytes, known: Mapping[int, Rule]) -> bool:
    """Whether a value is at most ``rule.most`` tags of attributes that are kept (AT)."""
    halves = struct.unpack(f"<{len(value) // 2}H", value[: len(value) // 2 * 2])
    tags = [group << 16 | number for group, number in zip(halves[::2], halves[1::2], strict=False)]
    return len(value) == 4 * len(tags) and len(tags) <= rule.most and all(tag in known for tag in tags)


def table_bytes(descriptor: bytes, length: int) -> int:
    """The bytes that a lookup table of this descriptor has (PS3.3, section C.7.6.3.1.5), given that it has ``length``:
    the entries of 8 bits are of one byte or of two."""
    entries, bits = _described(descriptor)
    if bits == 8 and length < 2 * entries:
        return entries + entries % 2
    return 2 * entries


def segments_bytes(descriptor: bytes, value: bytes) -> int:
    """The bytes of the segments that give all entries of a lookup table (PS3.3, section C.7.9.2)."""
    entries, bits = _described(descriptor)
    size = 1 if bits == 8 else 2
    count = len(value) // size
    cells = value if size == 1 else struct.unpack(f"<{count}H", value[: 2 * count])
    produced = position = 0
    starts, sums = [], [0]  # of the segments that others may repeat
    while produced < entries and position + 2 < count:
        kind, length = cells[position], cells[position + 1]
        start = position * size
        if kind in (0, 1):
            starts.append(start)
            sums.append(sums[-1] + length)
            position += 2 + (length if kind == 0 else 1)
        elif kind == 2:  # repeats ``length`` segments from an offset in bytes on
            first = bisect_left(starts, int.from_bytes(value[start + 2 * size : start + 2 * size + 4], "little"))
            length = sums[min(first + length, len(starts))] - sums[first]
            position += 2 + 4 // size
        else:
            break
        produced += length
    end = min(position * size, len(value))
    return end + end % 2


def _described(descriptor: bytes) -> tuple[int, int]:
    entries, _, bits = struct.unpack("<3H", descriptor)
    return entries or 65536, bits
