"""The envelope ``scanproof/envelope/1``: a file encrypted in chunks, so that any size needs little memory.

docs/ENVELOPE.md is the specification. Chunks are those of STREAM (Hoang, Reyhanitabar, Rogaway and Vizár: Online
Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance, CRYPTO 2015); the padding is Padmé (Nikitin et al.:
Reducing Metadata Leakage from Encrypted Files and Communication with PURBs, PETS 2019); the key commitment is made by
HKDF (RFC 5869), since AES-GCM does not commit to its key (Dodis et al.: Fast Message Franking, CRYPTO 2018)."""

from __future__ import annotations

import secrets
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.constant_time import bytes_eq
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from backend.crypto.errors import EnvelopeRefused

MAGIC = b"scanproof/envelope/1"
SUITE = 1
"""HKDF-SHA256 and AES-256-GCM."""
KEY_BYTES = 32
CHUNK_BYTES = 256 * 1024
"""Plaintext in each chunk but the last, unless the caller chooses otherwise."""
SMALLEST_CHUNK, LARGEST_CHUNK = 1024, 1024 * 1024
SMALLEST_PADDED, LARGEST_PADDED = 1024, 2**40
TAG_BYTES = 16
_FIELDS = struct.Struct(">20sBBI7sQ")
_COMMITMENT_BYTES = 32
HEADER_BYTES = _FIELDS.size + _COMMITMENT_BYTES
_LENGTH = struct.Struct(">Q")
_NONCE = struct.Struct(">7sIB")
_PREFIX_BYTES = 7
_COMMITMENT_LABEL = MAGIC + b" key commitment"
_PAYLOAD_LABEL = MAGIC + b" payload"


class Kind(IntEnum):
    """What an envelope holds. Each kind has keys of its own, so that one cannot stand for another."""

    FILE = 1
    OPENING = 2


@dataclass(frozen=True)
class _Header:
    kind: int
    chunk_bytes: int
    nonce_prefix: bytes
    padded: int

    def fields(self) -> bytes:
        return _FIELDS.pack(MAGIC, SUITE, self.kind, self.chunk_bytes, self.nonce_prefix, self.padded)


def padded_length(size: int) -> int:
    """The length, in bytes, to which a file of ``size`` bytes and its 8 bytes of length are padded: at most 12 % more
    from 1 KiB up, and less the larger it is."""
    length = max(size + _LENGTH.size, SMALLEST_PADDED)
    exponent = length.bit_length() - 1
    mask = (1 << (exponent - exponent.bit_length())) - 1
    return (length + mask) & ~mask


def encrypted_length(size: int, chunk_bytes: int = CHUNK_BYTES) -> int:
    """The length of the envelope of a file of ``size`` bytes."""
    padded = padded_length(size)
    return HEADER_BYTES + padded + TAG_BYTES * -(-padded // chunk_bytes)


def encrypt(source: BinaryIO, size: int, key: bytes, kind: Kind, *, chunk_bytes: int = CHUNK_BYTES) -> Iterator[bytes]:
    """The envelope of the ``size`` bytes of ``source``, piece by piece. ``key`` has 32 random bytes and is of this
    record alone. Raises ValueError for another key or chunk size, and where the source has another size."""
    return _encrypt(source, size, key, _Header(kind, chunk_bytes, secrets.token_bytes(_PREFIX_BYTES), 0))


def decrypt(source: BinaryIO, key: bytes, kind: Kind) -> Iterator[bytes]:
    """The file in an envelope, piece by piece. Each piece is authentic, and so is its place, but only after the last
    one is the file known to be whole: use nothing before. Raises EnvelopeRefused, and ValueError for a key that has
    not 32 bytes."""
    header, commitment = _read_header(source)
    if header.kind != kind:
        raise EnvelopeRefused("kind", f"expected an envelope of kind {int(kind)}, found {header.kind}")
    fields = header.fields()
    if not bytes_eq(commitment, _derive(key, fields, _COMMITMENT_LABEL)):
        raise EnvelopeRefused("key", "the envelope was made for another key, or its header was altered")
    cipher = AESGCM(_derive(key, fields, _PAYLOAD_LABEL))
    size = left = -1
    for index, length, last in _chunks(header):
        sealed = _read(source, length + TAG_BYTES)
        if len(sealed) < length + TAG_BYTES:
            raise EnvelopeRefused("truncated", f"the envelope ends within chunk {index}")
        try:
            piece = cipher.decrypt(_nonce(header, index, last), sealed, fields + commitment)
        except InvalidTag as error:
            raise EnvelopeRefused("chunk", f"chunk {index} was altered or is of another place or file") from error
        if index == 0:
            (size,) = _LENGTH.unpack_from(piece)
            if size > header.padded or padded_length(size) != header.padded:
                raise EnvelopeRefused("length", f"a file of {size} bytes does not pad to {header.padded}")
            piece, left = piece[_LENGTH.size :], size
        content, zeros = piece[:left], piece[left:]
        if any(zeros):
            raise EnvelopeRefused("padding", "the padding is not zero")
        left -= len(content)
        if content:
            yield content
    if source.read(1):
        raise EnvelopeRefused("extended", "bytes follow the last chunk")


def _encrypt(source: BinaryIO, size: int, key: bytes, draft: _Header) -> Iterator[bytes]:
    """``draft`` lacks the padded length. Vectors choose its nonce prefix; anything else takes random ones."""
    if not _is_chunk_size(draft.chunk_bytes):
        raise ValueError(f"expected a power of two from 1 KiB to 1 MiB, found chunks of {draft.chunk_bytes}")
    header = _Header(draft.kind, draft.chunk_bytes, draft.nonce_prefix, padded_length(size))
    fields = header.fields()
    commitment = _derive(key, fields, _COMMITMENT_LABEL)
    cipher = AESGCM(_derive(key, fields, _PAYLOAD_LABEL))

    def pieces() -> Iterator[bytes]:
        yield fields + commitment
        left = size
        for index, length, last in _chunks(header):
            start = _LENGTH.pack(size) if index == 0 else b""
            wanted = min(left, length - len(start))
            content = _read(source, wanted)
            if len(content) < wanted:
                raise ValueError(f"expected {size} bytes, found {size - left + len(content)}")
            left -= wanted
            piece = (start + content).ljust(length, b"\0")
            yield cipher.encrypt(_nonce(header, index, last), piece, fields + commitment)
        if source.read(1):
            raise ValueError(f"expected {size} bytes, found more")

    return pieces()


def _read_header(source: BinaryIO) -> tuple[_Header, bytes]:
    found = _read(source, HEADER_BYTES)
    if not found.startswith(MAGIC):
        raise EnvelopeRefused("format", f"expected an envelope, which begins with {MAGIC.decode()}")
    if len(found) < HEADER_BYTES:
        raise EnvelopeRefused("truncated", "the envelope ends within its header")
    _, suite, kind, chunk_bytes, prefix, padded = _FIELDS.unpack_from(found)
    if suite != SUITE:
        raise EnvelopeRefused("format", f"expected suite {SUITE}, found {suite}")
    if not _is_chunk_size(chunk_bytes):
        raise EnvelopeRefused("format", f"expected chunks of a power of two from 1 KiB to 1 MiB, found {chunk_bytes}")
    if not SMALLEST_PADDED <= padded <= LARGEST_PADDED:
        raise EnvelopeRefused("format", f"expected a padded length of 1 KiB to 1 TiB, found {padded}")
    return _Header(kind, chunk_bytes, prefix, padded), found[_FIELDS.size :]


def _is_chunk_size(length: int) -> bool:
    return SMALLEST_CHUNK <= length <= LARGEST_CHUNK and length & (length - 1) == 0


def _chunks(header: _Header) -> Iterator[tuple[int, int, bool]]:
    """Index and plaintext length of each chunk, and whether it is the last one."""
    count = -(-header.padded // header.chunk_bytes)
    for index in range(count):
        length = min(header.chunk_bytes, header.padded - index * header.chunk_bytes)
        yield index, length, index == count - 1


def _nonce(header: _Header, index: int, last: bool) -> bytes:
    return _NONCE.pack(header.nonce_prefix, index, last)


def _derive(key: bytes, fields: bytes, label: bytes) -> bytes:
    if len(key) != KEY_BYTES:
        raise ValueError(f"expected a key of {KEY_BYTES} bytes, found {len(key)}")
    return HKDF(algorithm=SHA256(), length=32, salt=fields, info=label).derive(key)


def _read(source: BinaryIO, length: int) -> bytes:
    """``length`` bytes, fewer only at the end: a pipe or a socket gives less at a time."""
    parts = []
    while length and (part := source.read(length)):
        parts.append(part)
        length -= len(part)
    return b"".join(parts)
