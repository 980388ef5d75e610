"""Checks of what stands in a path."""

from __future__ import annotations

import re

from backend.cids import parse_cid
from backend.errors import InvalidInput


def cid_in_path(text: str) -> str:
    """A CID in the one form that is stored: upper case and version 0 name the same bytes. Raises InvalidCid."""
    return str(parse_cid(text))


def hash_in_path(name: str, text: str) -> str:
    """A 32-byte hash with 0x, in lower case. Raises InvalidInput."""
    if not re.fullmatch(r"0x[0-9a-fA-F]{64}", text):
        raise InvalidInput(f"{name} must be 0x and 64 hex digits, not {text[:80]!r}")
    return text.lower()
