"""Shares encrypted to their receivers, one each: the format ``scanproof/sealed-share/1`` of docs/SHARES.md.

Ten clear shares that anybody can fetch are the file; sealed ones are nothing without their receivers."""

from __future__ import annotations

import hashlib
import secrets
import struct
from collections.abc import Iterable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from backend.crypto.errors import SharesRefused, WrapRefused
from backend.crypto.image_shares import MAX_SHARE_BYTES
from backend.crypto.wraps import KEY_BYTES, Recipient, RecipientKey, unwrap, wrap

MAGIC = b"scanproof/sealed-share/1"
_FIELDS = struct.Struct(">24sHI")
_MOST_WRAP_BYTES = 1024
_TAG_BYTES = 16
_NONCE = bytes(12)
"""The key encrypts once."""
MAX_SEALED_BYTES = _FIELDS.size + _MOST_WRAP_BYTES + MAX_SHARE_BYTES + _TAG_BYTES


def seal(document: bytes, recipient: Recipient) -> bytes:
    """The document of a share for one receiver. Raises WrapRefused for an RSA key that is too short."""
    key = secrets.token_bytes(KEY_BYTES)
    sealed = AESGCM(key).encrypt(_NONCE, document, MAGIC)
    wrapped = wrap(key, recipient, _bound_to(sealed))
    return _FIELDS.pack(MAGIC, len(wrapped), len(sealed)) + wrapped + sealed


def is_sealed(document: bytes) -> bool:
    return document.startswith(MAGIC)


def unseal(document: bytes, keys: Iterable[RecipientKey]) -> bytes:
    """The share for any of these keys; zeros may follow, as pixels have them. Raises SharesRefused."""
    if len(document) < _FIELDS.size or not is_sealed(document):
        raise SharesRefused("format", f"expected a sealed share, which begins with {MAGIC.decode()}")
    _, wrap_bytes, sealed_bytes = _FIELDS.unpack_from(document)
    start, end = _FIELDS.size + wrap_bytes, _FIELDS.size + wrap_bytes + sealed_bytes
    if wrap_bytes > _MOST_WRAP_BYTES or end > len(document) or any(document[end:]):
        raise SharesRefused("altered", "the sealed share was altered or cut off")
    wrapped, sealed = document[_FIELDS.size : start], document[start:end]
    for key in keys:
        try:
            return AESGCM(unwrap(wrapped, key, _bound_to(sealed))).decrypt(_NONCE, sealed, MAGIC)
        except (WrapRefused, InvalidTag):
            continue
    raise SharesRefused("recipient", "the share is sealed to another key, or was altered")


def _bound_to(sealed: bytes) -> bytes:
    return hashlib.sha256(sealed).hexdigest().encode()
