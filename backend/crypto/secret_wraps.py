"""Keys wrapped by a secret of their owner: password, recovery phrase, or a passkey's PRF output.

docs/ENVELOPE.md is the specification. Each wrap commits to its key: without that, one wrap could be made that many
passwords open (Len, Grubbs and Ristenpart: Partitioning Oracle Attacks, USENIX Security 2021)."""

from __future__ import annotations

import json
import re
import secrets
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.constant_time import bytes_eq
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from backend.crypto.errors import WrapRefused
from backend.crypto.phrases import entropy_of
from backend.crypto.wraps import KEY_BYTES, LABEL

SCHEMA = "scanproof.secret-wrap/1"
METHODS = ("password", "phrase", "prf")
SALT_BYTES = 32
PRF_BYTES = 32
MAX_WRAP_BYTES = 4096
SHORTEST_PASSWORD, LONGEST_PASSWORD = 1, 1024
"""Bytes of UTF-8. How good a password must be is decided where it is chosen."""
_WRAPPED_BYTES = KEY_BYTES + 16
_NONCE = bytes(12)
"""A key encrypts once: the salt makes it another one for each wrap."""


@dataclass(frozen=True)
class Argon2Cost:
    """The cost of Argon2id (RFC 9106); the default is the second choice of its section 4. What a wrap asks for is
    bounded: less protects little, more is a way to stop the reader."""

    memory_kib: int = 64 * 1024
    iterations: int = 3
    lanes: int = 4

    def is_bounded(self) -> bool:
        """From OWASP's smallest (19 MiB, 2 passes) to 256 MiB, 10 passes and 4 lanes."""
        return 19 * 1024 <= self.memory_kib <= 256 * 1024 and 2 <= self.iterations <= 10 and 1 <= self.lanes <= 4


@dataclass(frozen=True)
class SecretWrap:
    """``method`` is one of METHODS; ``cost`` is that of a password, else None."""

    method: str
    salt: bytes
    commitment: bytes
    wrapped: bytes
    cost: Argon2Cost | None = None

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        cost = self.cost and {
            "iterations": self.cost.iterations,
            "lanes": self.cost.lanes,
            "memoryKiB": self.cost.memory_kib,
        }
        values = {"commitment": self.commitment.hex(), "salt": self.salt.hex(), "wrapped": self.wrapped.hex()}
        return {"schema": SCHEMA, "method": self.method, **values, **({"argon2id": cost} if cost else {})}

    def text(self) -> str:
        return json.dumps(self.document(), separators=(",", ":"), sort_keys=True)


def wrap_by_password(key: bytes, password: str, bound_to: bytes, cost: Argon2Cost | None = None) -> SecretWrap:
    """``bound_to`` names what the wrap is good for, such as the account. Raises ValueError for a cost out of bounds."""
    cost = cost or Argon2Cost()
    if not cost.is_bounded():
        raise ValueError(f"expected a cost within the bounds, found {cost}")
    salt = secrets.token_bytes(SALT_BYTES)
    return _wrap(key, "password", salt, _stretched(password, salt, cost), bound_to, cost)


def unwrap_by_password(wrap: SecretWrap, password: str, bound_to: bytes) -> bytes:
    """Raises WrapRefused for another password, an altered wrap, or one bound to something else."""
    _expect(wrap, "password")
    return _unwrap(wrap, _stretched(password, wrap.salt, wrap.cost or Argon2Cost()), bound_to)


def wrap_by_phrase(key: bytes, phrase: str, bound_to: bytes) -> SecretWrap:
    """Raises WrapRefused for a phrase that is none."""
    return _wrap(key, "phrase", secrets.token_bytes(SALT_BYTES), entropy_of(phrase), bound_to)


def unwrap_by_phrase(wrap: SecretWrap, phrase: str, bound_to: bytes) -> bytes:
    """Raises WrapRefused as ``unwrap_by_password`` does, and for a phrase that is none."""
    _expect(wrap, "phrase")
    return _unwrap(wrap, entropy_of(phrase), bound_to)


def wrap_by_prf(key: bytes, output: bytes, bound_to: bytes) -> SecretWrap:
    """``output`` is the 32 bytes that a passkey's PRF extension gives (WebAuthn Level 3, 10.1.4)."""
    return _wrap(key, "prf", secrets.token_bytes(SALT_BYTES), _checked_prf(output), bound_to)


def unwrap_by_prf(wrap: SecretWrap, output: bytes, bound_to: bytes) -> bytes:
    """Raises WrapRefused as ``unwrap_by_password`` does."""
    _expect(wrap, "prf")
    return _unwrap(wrap, _checked_prf(output), bound_to)


def read_secret_wrap(text: str) -> SecretWrap:
    """Raises WrapRefused for a document that is not of the form, or whose cost is out of bounds."""
    try:
        if len(text) > MAX_WRAP_BYTES:
            raise ValueError("too long")
        fields = json.loads(text)
        cost = _read_cost(fields["argon2id"]) if fields["method"] == "password" else None
        values = (
            _hex(fields["salt"], SALT_BYTES),
            _hex(fields["commitment"], 32),
            _hex(fields["wrapped"], _WRAPPED_BYTES),
        )
        wrap = SecretWrap(fields["method"], *values, cost)
        if wrap.method not in METHODS or wrap.document() != fields:
            raise ValueError("another form")
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise WrapRefused("wrap format", f"expected {SCHEMA} with its fields and nothing else") from error
    if wrap.cost and not wrap.cost.is_bounded():
        expected = "19,456 to 262,144 KiB, 2 to 10 iterations, 1 to 4 lanes"
        raise WrapRefused("argon2id", f"expected Argon2id with {expected}, found {fields['argon2id']}")
    return wrap


def _read_cost(fields: Mapping[str, Any]) -> Argon2Cost:
    values = [fields["memoryKiB"], fields["iterations"], fields["lanes"]]
    if any(type(value) is not int for value in values):
        raise TypeError("expected whole numbers")
    return Argon2Cost(*values)


def _hex(text: str, length: int) -> bytes:
    if not re.fullmatch(f"[0-9a-f]{{{2 * length}}}", text):
        raise ValueError(f"expected {length} bytes in hex")
    return bytes.fromhex(text)


def _expect(wrap: SecretWrap, method: str) -> None:
    if wrap.method != method:
        raise WrapRefused("wrap", f"expected a wrap by {method}, found one by {wrap.method}")


def _stretched(password: str, salt: bytes, cost: Argon2Cost) -> bytes:
    """A password is the same in every form that Unicode has for it (NFC, as in RFC 8265)."""
    try:
        text = unicodedata.normalize("NFC", password).encode()
    except UnicodeEncodeError as error:
        raise WrapRefused("password", "expected a password of Unicode characters") from error
    if not SHORTEST_PASSWORD <= len(text) <= LONGEST_PASSWORD:
        raise WrapRefused("password", f"expected a password of 1 to {LONGEST_PASSWORD} bytes, found {len(text)}")
    derivation = Argon2id(
        salt=salt, length=32, iterations=cost.iterations, lanes=cost.lanes, memory_cost=cost.memory_kib
    )
    return derivation.derive(text)


def _checked_prf(output: bytes) -> bytes:
    if len(output) != PRF_BYTES:
        raise ValueError(f"expected {PRF_BYTES} bytes of a passkey, found {len(output)}")
    return output


def _wrap(
    key: bytes, method: str, salt: bytes, secret: bytes, bound_to: bytes, cost: Argon2Cost | None = None
) -> SecretWrap:
    if len(key) != KEY_BYTES:
        raise ValueError(f"expected a key of {KEY_BYTES} bytes, found {len(key)}")
    wrapping_key, commitment = _derive(method, salt, secret)
    return SecretWrap(method, salt, commitment, AESGCM(wrapping_key).encrypt(_NONCE, key, LABEL + bound_to), cost)


def _unwrap(wrap: SecretWrap, secret: bytes, bound_to: bytes) -> bytes:
    wrapping_key, commitment = _derive(wrap.method, wrap.salt, secret)
    if not bytes_eq(commitment, wrap.commitment):
        raise WrapRefused("secret", f"this is not the {wrap.method} that the key was wrapped by")
    try:
        return AESGCM(wrapping_key).decrypt(_NONCE, wrap.wrapped, LABEL + bound_to)
    except InvalidTag as error:
        raise WrapRefused("wrap", "the wrapped key was altered, or is good for something else") from error


def _derive(method: str, salt: bytes, secret: bytes) -> tuple[bytes, bytes]:
    derived = HKDF(algorithm=SHA256(), length=64, salt=salt, info=LABEL + b" " + method.encode()).derive(secret)
    return derived[:32], derived[32:]
