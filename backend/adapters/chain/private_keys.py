"""What a private key of an Ethereum account looks like."""

from __future__ import annotations

import re

_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""Of secp256k1: private keys are smaller (SEC 2)."""


def is_private_key(text: str) -> bool:
    """Whether ``text`` is 64 hex digits, with or without 0x, and a number that is a key."""
    return bool(re.fullmatch(r"(0x)?[0-9a-fA-F]{64}", text)) and 0 < int(text, 16) < _ORDER
