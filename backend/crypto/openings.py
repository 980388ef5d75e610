"""What opens a private record: the salt of its commitment and its inference manifest, encrypted beside the image."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO

from backend.crypto import envelope
from backend.crypto.envelope import Kind
from backend.crypto.errors import OpeningRefused

SCHEMA = "scanproof.opening/1"
SALT_BYTES = 32
MAX_OPENING_BYTES = 1024 * 1024
MAX_SEALED_BYTES = envelope.encrypted_length(MAX_OPENING_BYTES, envelope.SMALLEST_CHUNK)
"""Of an opening's envelope."""
_READ_BYTES = 1024 * 1024


def commitment(salt: bytes, file_sha256: bytes) -> bytes:
    """SHA-256(salt ‖ SHA-256 of the plaintext file): the ``commitment`` of a private record. It says nothing about the
    file to whom the salt is unknown. Raises ValueError for a salt or a hash that has not 32 bytes."""
    if len(salt) != SALT_BYTES or len(file_sha256) != hashlib.sha256().digest_size:
        raise ValueError("expected a salt and a hash of 32 bytes each")
    return hashlib.sha256(salt + file_sha256).digest()


def sha256_of(source: BinaryIO) -> bytes:
    """The hash of what is left in ``source``, read piece by piece."""
    digest = hashlib.sha256()
    while part := source.read(_READ_BYTES):
        digest.update(part)
    return digest.digest()


@dataclass(frozen=True)
class Opening:
    """``manifest`` is the inference manifest's canonical JSON, whose SHA-256 is the record's ``manifestHash``."""

    salt: bytes
    manifest: str

    @classmethod
    def new(cls, manifest: str) -> Opening:
        """With a salt that nobody else has."""
        return cls(secrets.token_bytes(SALT_BYTES), manifest)

    def document(self) -> bytes:
        """Canonical JSON (RFC 8785)."""
        fields = {"manifest": self.manifest, "salt": self.salt.hex(), "schema": SCHEMA}
        return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()

    def encrypt(self, key: bytes) -> bytes:
        """The envelope of kind OPENING under the image's content key."""
        document = self.document()
        if len(document) > MAX_OPENING_BYTES:
            raise ValueError(f"expected an opening of at most {MAX_OPENING_BYTES} bytes, found {len(document)}")
        return b"".join(envelope.encrypt(BytesIO(document), len(document), key, Kind.OPENING))

    def check(self, source: BinaryIO, expected: bytes) -> None:
        """Raises OpeningRefused where the decrypted file in ``source`` is not the one of the commitment."""
        if commitment(self.salt, sha256_of(source)) != expected:
            raise OpeningRefused("commitment", "the decrypted file is not the one that the record commits to")


def decrypt_opening(sealed: bytes, key: bytes) -> Opening:
    """Raises EnvelopeRefused and OpeningRefused."""
    if len(sealed) > MAX_SEALED_BYTES:
        raise OpeningRefused("size", f"expected an opening of at most {MAX_OPENING_BYTES} bytes")
    return read_opening(b"".join(envelope.decrypt(BytesIO(sealed), key, Kind.OPENING)))


def read_opening(document: bytes) -> Opening:
    """Raises OpeningRefused for anything but the canonical form."""
    try:
        fields = json.loads(document)
        salt, manifest = fields["salt"], fields["manifest"]
        if isinstance(manifest, str) and isinstance(salt, str) and re.fullmatch("[0-9a-f]{64}", salt):
            opening = Opening(bytes.fromhex(salt), manifest)
            if opening.document() == document:
                return opening
    except (ValueError, LookupError, TypeError, RecursionError):
        pass
    raise OpeningRefused("opening", f"expected {SCHEMA} in canonical JSON with a salt of 32 bytes and a manifest")
