"""The public keys of accounts, the wraps of their private keys, and the log that shows each change of a key."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum


class AccountKeyKind(StrEnum):
    """How content keys are wrapped for it: by HPKE, or by RSA-OAEP."""

    X25519 = "x25519"
    RSA = "rsa"


class KeyChange(StrEnum):
    ADDED = "added"
    ENDED = "ended"


class WrapMethod(StrEnum):
    """The secret of the owner by which a private key is wrapped."""

    PASSWORD = "password"  # noqa: S105 - the name of a method
    PHRASE = "phrase"
    PRF = "prf"


@dataclass(frozen=True, slots=True)
class KeyWrap:
    """``document`` is a ``scanproof.secret-wrap/1`` (docs/ENVELOPE.md), ``wrap_id`` its SHA-256 in hex. ``passkey_id``
    is the passkey whose PRF output opens it, None for other methods."""

    wrap_id: str
    method: WrapMethod
    passkey_id: str | None
    document: str


@dataclass(frozen=True, slots=True)
class AccountKey:
    """``public_key`` is the SubjectPublicKeyInfo in DER (RFC 5280), ``key_id`` its SHA-256 in hex. Times are in Unix
    seconds; nothing new is encrypted to a key that ended."""

    key_id: str
    account_id: str
    kind: AccountKeyKind
    public_key: bytes
    created_at: int
    ended_at: int | None = None


FIRST_PREVIOUS = "0" * 64
"""What the first entry of the log names as the entry before it."""


@dataclass(frozen=True, slots=True)
class KeyLogEntry:
    """An entry of the log of all accounts' keys: ``sequence`` counts from 1 without a gap, ``previous`` is the hash of
    the entry before."""

    sequence: int
    account_id: str
    event: KeyChange
    key_id: str
    at: int
    previous: str

    @property
    def entry_hash(self) -> str:
        """SHA-256, in hex, of the entry as canonical JSON (RFC 8785) with the names of the API."""
        values = {
            "accountId": self.account_id,
            "at": self.at,
            "event": self.event.value,
            "keyId": self.key_id,
            "previous": self.previous,
            "sequence": self.sequence,
        }
        return hashlib.sha256(json.dumps(values, separators=(",", ":"), sort_keys=True).encode()).hexdigest()
