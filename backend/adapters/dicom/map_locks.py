"""What opens the sender's map: the sender's key, or a passphrase, as a map that the page made has.

The first bytes of the file, up to the nonce, say which, and with them its AES-256 key is derived:

- ``scanproof-map/1`` and a line feed, a salt of 32 bytes: HKDF-SHA256 (RFC 5869) of the sender's key.
- ``scanproof-map/2`` and a line feed, a number of iterations in 4 bytes (big endian), a salt of 32 bytes:
  PBKDF2-HMAC-SHA256 (RFC 8018) of the passphrase, in NFKC and UTF-8. WebCrypto has it, and no other derivation of a key
  from a passphrase.
"""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from backend.errors import ConfigurationError

SHORTEST_PASSPHRASE, LONGEST_PASSPHRASE = 12, 1024
"""In characters."""
ITERATIONS = 600_000
_MOST_ITERATIONS = 10_000_000
_SALT_BYTES, _COUNT_BYTES, _KEY_BYTES = 32, 4, 32
_INFO = b"scanproof/map/1"


class Lock(Protocol):
    """``magic`` is what a file that it opens begins with, ``head_bytes`` the length of all before the nonce, and
    ``wanted`` says what opens such a file."""

    magic: bytes
    head_bytes: int
    wanted: str

    def new_head(self) -> bytes: ...

    def key(self, head: bytes) -> bytes:
        """The AES-256 key of a file with that head. Raises ValueError for a head that has no key."""
        ...


class SenderKey:
    """Opens the maps that were made with the sender's ``key``."""

    magic = b"scanproof-map/1\n"
    head_bytes = len(magic) + _SALT_BYTES
    wanted = "is opened by the sender's key: leave --passphrase out"

    def __init__(self, key: bytes) -> None:
        self._key = key

    def new_head(self) -> bytes:
        return self.magic + secrets.token_bytes(_SALT_BYTES)

    def key(self, head: bytes) -> bytes:
        salt = head.removeprefix(self.magic)
        return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=salt, info=_INFO).derive(self._key)


class Passphrase:
    """Opens the maps that were made with a passphrase of SHORTEST_PASSPHRASE characters or more."""

    magic = b"scanproof-map/2\n"
    head_bytes = len(magic) + _COUNT_BYTES + _SALT_BYTES
    wanted = "is opened by a passphrase: name the file that holds it with --passphrase"

    def __init__(self, text: str) -> None:
        self._secret = unicodedata.normalize("NFKC", text).encode()

    def new_head(self) -> bytes:
        return self.magic + ITERATIONS.to_bytes(_COUNT_BYTES) + secrets.token_bytes(_SALT_BYTES)

    def key(self, head: bytes) -> bytes:
        rest = head.removeprefix(self.magic)
        iterations, salt = int.from_bytes(rest[:_COUNT_BYTES]), rest[_COUNT_BYTES:]
        if not ITERATIONS <= iterations <= _MOST_ITERATIONS:
            raise ValueError(f"expected {ITERATIONS:,} to {_MOST_ITERATIONS:,} iterations, found {iterations:,}")
        return hashlib.pbkdf2_hmac("sha256", self._secret, salt, iterations, _KEY_BYTES)


def load_passphrase(file: Path) -> str:
    """The first line of ``file``, which only its owner may read. Raises ConfigurationError."""
    try:
        if file.stat().st_mode & 0o077:
            raise ConfigurationError(f"the passphrase {file} can be read by other users: run chmod 600 on it")
        with file.open(encoding="utf-8", newline="") as stream:
            text = stream.readline(LONGEST_PASSPHRASE + 3).rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"the passphrase {file} cannot be used: {error}") from error
    if not SHORTEST_PASSPHRASE <= len(text) <= LONGEST_PASSPHRASE:
        raise ConfigurationError(
            f"expected a passphrase of {SHORTEST_PASSPHRASE} to {LONGEST_PASSPHRASE:,} characters in the first line of "
            f"{file}, found {len(text):,}"
        )
    return text
