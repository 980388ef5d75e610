"""A few megabytes at most, encrypted to one receiver: the format ``scanproof/sealed/1`` of docs/SHARES.md.

For shares, of which ten clear ones that anybody can fetch are the file, and for text that is hidden in a picture."""

from __future__ import annotations

import hashlib
import secrets
import struct
from collections.abc import Iterable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from backend.crypto.errors import CryptoRefused, WrapRefused
from backend.crypto.wraps import KEY_BYTES, Recipient, RecipientKey, unwrap, wrap

MAGIC = b"scanproof/sealed/1"
_FIELDS = struct.Struct(">18sHI")
_MOST_WRAP_BYTES = 1024
_NONCE = bytes(12)
"""The key encrypts once."""
MOST_ADDED_BYTES = _FIELDS.size + _MOST_WRAP_BYTES + 16


class SealedRefused(CryptoRefused):
    """Sealed bytes that are altered, or for another receiver."""


def seal(content: bytes, recipient: Recipient) -> bytes:
    """Raises WrapRefused for an RSA key that is too short."""
    key = secrets.token_bytes(KEY_BYTES)
    sealed = AESGCM(key).encrypt(_NONCE, content, MAGIC)
    wrapped = wrap(key, recipient, _bound_to(sealed))
    return _FIELDS.pack(MAGIC, len(wrapped), len(sealed)) + wrapped + sealed


def is_sealed(content: bytes) -> bool:
    return content.startswith(MAGIC)


def unseal(content: bytes, keys: Iterable[RecipientKey]) -> bytes:
    """What is sealed to any of these keys; zeros may follow, as pixels have them. Raises SealedRefused."""
    if len(content) < _FIELDS.size or not is_sealed(content):
        raise SealedRefused("format", f"expected sealed bytes, which begin with {MAGIC.decode()}")
    _, wrap_bytes, sealed_bytes = _FIELDS.unpack_from(content)
    start, end = _FIELDS.size + wrap_bytes, _FIELDS.size + wrap_bytes + sealed_bytes
    if wrap_bytes > _MOST_WRAP_BYTES or end > len(content) or any(content[end:]):
        raise SealedRefused("altered", "the sealed bytes were altered or cut off")
    wrapped, sealed = content[_FIELDS.size : start], content[start:end]
    for key in keys:
        try:
            return AESGCM(unwrap(wrapped, key, _bound_to(sealed))).decrypt(_NONCE, sealed, MAGIC)
        except (WrapRefused, InvalidTag):
            continue
    raise SealedRefused("recipient", "sealed to another key, or altered")


def _bound_to(sealed: bytes) -> bytes:
    return hashlib.sha256(sealed).hexdigest().encode()
