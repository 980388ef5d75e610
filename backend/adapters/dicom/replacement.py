"""What stands in place of identifiers: made with the sender's key, so that nobody else can link or guess them."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import date, timedelta
from functools import lru_cache
from typing import Protocol

KEY_BYTES = 32
MAX_SHIFT_DAYS = 3653
"""Dates move back by at least a day and at most ten years."""

_DATE = re.compile(r"(19|2[01])\d{6}")
_MADE_UID = re.compile(r"2\.25\.[1-9]\d{0,38}")
_MADE_ID = re.compile(r"SP-[0-9A-F]{12}")


class Replacement(Protocol):
    """New values for those of one patient. None where there is no valid one."""

    patient_id: str | None

    def uid(self, old: str) -> str | None: ...

    def date(self, old: str) -> str | None: ...


class KeyedReplacement:
    """By HMAC-SHA256 with the key of a sender. The same key gives the same values for the same UID and patient.

    ``patient`` are the values that tell one patient from another. A new UID is one of ``uuid_uid``. All dates
    of a patient move by the same number of days (PS3.15, section E.3.6).
    """

    def __init__(self, key: bytes, patient: str) -> None:
        self._key = key
        self.patient_id: str | None = "SP-" + self._digest("patient", patient)[:6].hex().upper()
        shift = int.from_bytes(self._digest("shift", patient)[:4])
        self._days = timedelta(days=1 + shift % MAX_SHIFT_DAYS)
        self.uid = lru_cache(maxsize=10_000)(self._uid)

    def date(self, old: str) -> str | None:
        found = parsed_date(old)
        return f"{found - self._days:%Y%m%d}" if found else None

    def _uid(self, old: str) -> str | None:
        return uuid_uid(self._digest("uid", old))

    def _digest(self, purpose: str, value: str) -> bytes:
        return hmac.digest(self._key, f"{purpose}\0{value}".encode("latin-1"), hashlib.sha256)


class NoReplacement:
    """Lets stand what a ``KeyedReplacement`` may have made, for the check of a de-identified file."""

    def __init__(self, patient_id: str) -> None:
        self.patient_id = patient_id if _MADE_ID.fullmatch(patient_id) else None

    def uid(self, old: str) -> str | None:
        return old if is_made_uid(old) else None

    def date(self, old: str) -> str | None:
        return old if parsed_date(old) else None


class OwnValues:
    """Replaces nothing."""

    def __init__(self, patient_id: str) -> None:
        self.patient_id: str | None = patient_id

    def uid(self, old: str) -> str | None:
        return old

    def date(self, old: str) -> str | None:
        return old


class OneForAll:
    """The same value for every UID, patient and date: what is left says nothing of who de-identified a file."""

    patient_id: str | None = "SP-000000000000"

    def uid(self, old: str) -> str | None:
        return "2.25.1"

    def date(self, old: str) -> str | None:
        return "19000101" if parsed_date(old) else None


def uuid_uid(digest: bytes) -> str:
    """A UUID of version 8 (RFC 9562) of the first 16 bytes, below 2.25 (PS3.5, section B.2)."""
    number = bytearray(digest[:16])
    number[6] = number[6] & 0x0F | 0x80
    number[8] = number[8] & 0x3F | 0x80
    return f"2.25.{int.from_bytes(number)}"


def is_made_uid(text: str) -> bool:
    """Whether ``text`` is a UID as a ``KeyedReplacement`` makes them."""
    return bool(_MADE_UID.fullmatch(text))


def parsed_date(text: str) -> date | None:
    """A date (DA) of the years 1900 to 2199; None for anything else."""
    if not _DATE.fullmatch(text):
        return None
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None
