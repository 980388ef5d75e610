"""The vectors of docs/vectors/envelope-1: ``python -m tests.backend.crypto.envelope_vectors`` writes them again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import BytesIO
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from backend.crypto import envelope
from backend.crypto.envelope import HEADER_BYTES, TAG_BYTES, Kind
from backend.crypto.openings import Opening
from backend.settings import ROOT

VECTORS = ROOT / "docs" / "vectors" / "envelope-1"
KEY = bytes(range(32))
OTHER_KEY = bytes(range(32, 64))
_POLYNOMIAL = 0xE1 << 120


def write_envelope(content: bytes, key: bytes = KEY, kind: int = Kind.FILE, prefix: bytes = b"prefix!") -> bytes:
    """With the smallest chunks and a nonce prefix that does not change."""
    draft = envelope._Header(kind, envelope.SMALLEST_CHUNK, prefix, 0)
    return b"".join(envelope._encrypt(BytesIO(content), len(content), key, draft))


def vectors() -> Iterator[tuple[str, dict[str, Any]]]:
    """Names and contents of all files about envelopes and openings."""
    content = bytes(index * 7 % 251 for index in range(3000))
    whole = write_envelope(content)
    opening = Opening(bytes(range(64, 96)), '{"label":"notumor","name":"Müller \\u2028 \U0001f9e0"}').document()
    for name, file, kind in (
        ("empty", b"", Kind.FILE),
        ("one_byte", b"\x01", Kind.FILE),
        ("padding_fills_chunk", content[:1016], Kind.FILE),
        ("many_chunks", content, Kind.FILE),
        ("opening", opening, Kind.OPENING),
    ):
        yield f"good_{name}", _vector(write_envelope(file, kind=kind), kind=kind, plaintext=file.hex())

    first, second = HEADER_BYTES, HEADER_BYTES + 1024 + TAG_BYTES
    third = second + 1024 + TAG_BYTES
    other = write_envelope(content[::-1], prefix=b"another")
    for name, refused, reason in (
        ("no_envelope", content[:200], "format"),
        ("version_2", whole.replace(b"envelope/1", b"envelope/2"), "format"),
        ("suite_2", _changed(whole, 20, 2), "format"),
        ("chunk_of_no_power_of_two", _changed(whole, 25, 1), "format"),
        ("chunk_of_two_mebibytes", whole[:22] + (2**21).to_bytes(4) + whole[26:], "format"),
        ("padded_length_zero", whole[:33] + bytes(8) + whole[41:], "format"),
        ("padded_length_enormous", whole[:33] + b"\xff" * 8 + whole[41:], "format"),
        ("altered_padded_length", whole[:33] + (3008).to_bytes(8) + whole[41:], "key"),
        ("altered_nonce_prefix", _changed(whole, 26, 0), "key"),
        ("altered_key_commitment", _changed(whole, 41, whole[41] ^ 1), "key"),
        ("altered_chunk", _changed(whole, first, whole[first] ^ 1), "chunk"),
        ("altered_tag", _changed(whole, -1, whole[-1] ^ 1), "chunk"),
        ("reordered", whole[:first] + whole[second:third] + whole[first:second] + whole[third:], "chunk"),
        ("chunk_of_another_file", whole[:first] + other[first:second] + whole[second:], "chunk"),
        ("header_of_another_file", other[:first] + whole[first:], "chunk"),
        ("truncated_header", whole[:60], "truncated"),
        ("truncated_chunk", whole[:-1], "truncated"),
        ("truncated_last_chunk", whole[:third], "truncated"),
        ("nothing_but_header", whole[:first], "truncated"),
        ("extended", whole + b"\0", "extended"),
        ("extended_by_a_chunk", whole + whole[third:], "extended"),
        ("length_too_large", _of_plaintext((5000).to_bytes(8) + bytes(1016)), "length"),
        ("length_enormous", _of_plaintext(b"\xff" * 8 + bytes(1016)), "length"),
        ("padding_not_zero", _of_plaintext((3).to_bytes(8) + b"abc" + bytes(1012) + b"\1"), "padding"),
    ):
        yield f"fail_{name}", _vector(refused, reason=reason)
    yield "fail_another_key", _vector(whole, key=OTHER_KEY, reason="key")
    yield "fail_made_for_two_keys", _vector(for_two_keys(), key=OTHER_KEY, reason="key")
    yield "fail_another_kind", _vector(whole, kind=Kind.OPENING, reason="kind")
    yield "fail_altered_kind", _vector(_changed(whole, 21, 2), kind=Kind.OPENING, reason="key")
    for name, document in (
        ("opening_not_canonical", opening.replace(b',"salt"', b', "salt"')),
        ("opening_with_more", opening.replace(b"{", b'{"a":1,', 1)),
        ("opening_of_another_schema", opening.replace(b"opening/1", b"opening/2")),
        ("opening_with_short_salt", opening.replace(b"4041", b"")),
        ("opening_with_upper_case_salt", opening.replace(b"4a4b", b"4A4B")),
        ("opening_that_is_no_object", b"[]"),
        ("opening_that_is_no_json", b"\xff"),
    ):
        sealed = write_envelope(document, kind=Kind.OPENING)
        yield f"fail_{name}", _vector(sealed, kind=Kind.OPENING, reason="opening")


def for_two_keys() -> bytes:
    """An envelope with the key commitment of KEY, whose one chunk is authentic under the payload keys of both KEY and
    OTHER_KEY: one block of the ciphertext solves the equation of the two tags (Dodis et al., CRYPTO 2018)."""
    made = write_envelope(b"")
    header, sealed = made[:HEADER_BYTES], bytearray(made[HEADER_BYTES:-TAG_BYTES])
    sealed[:16] = bytes(16)
    nonce = b"prefix!" + bytes(4) + b"\1"
    sides = []
    for key in (KEY, OTHER_KEY):
        payload_key = envelope._derive(key, header[:-32], envelope._PAYLOAD_LABEL)
        encryptor = Cipher(algorithms.AES(payload_key), modes.ECB()).encryptor()
        hash_key = int.from_bytes(encryptor.update(bytes(16)))
        mask = int.from_bytes(encryptor.update(nonce + (1).to_bytes(4)))
        sides.append((hash_key, mask ^ _ghash(hash_key, header, bytes(sealed))))
    exponent = len(sealed) // 16 + 1
    (one, one_tag), (two, two_tag) = sides
    factor = _power(one, exponent) ^ _power(two, exponent)
    block = _product(one_tag ^ two_tag, _power(factor, 2**128 - 2))
    sealed[:16] = block.to_bytes(16)
    return header + bytes(sealed) + (one_tag ^ _product(block, _power(one, exponent))).to_bytes(16)


def _ghash(hash_key: int, header: bytes, sealed: bytes) -> int:
    """GHASH of NIST SP 800-38D, 6.4, of the associated data ``header`` and the ciphertext ``sealed``."""
    lengths = (len(header) * 8).to_bytes(8) + (len(sealed) * 8).to_bytes(8)
    blocks = header.ljust(-(-len(header) // 16) * 16, b"\0") + sealed + lengths
    value = 0
    for at in range(0, len(blocks), 16):
        value = _product(value ^ int.from_bytes(blocks[at : at + 16]), hash_key)
    return value


def _product(one: int, other: int) -> int:
    """In GF(2^128) with the bits of NIST SP 800-38D, 6.3."""
    product = 0
    for bit in range(127, -1, -1):
        if one >> bit & 1:
            product ^= other
        other = other >> 1 ^ (_POLYNOMIAL if other & 1 else 0)
    return product


def _power(base: int, exponent: int) -> int:
    result = 1 << 127
    while exponent:
        if exponent & 1:
            result = _product(result, base)
        base, exponent = _product(base, base), exponent >> 1
    return result


def _of_plaintext(padded: bytes) -> bytes:
    """An authentic envelope of a padded plaintext that ``encrypt`` would not make."""
    header = write_envelope(b"")[:HEADER_BYTES]
    payload_key = envelope._derive(KEY, header[:-32], envelope._PAYLOAD_LABEL)
    return header + AESGCM(payload_key).encrypt(b"prefix!" + bytes(4) + b"\1", padded, header)


def _changed(content: bytes, place: int, value: int) -> bytes:
    changed = bytearray(content)
    changed[place] = value
    return bytes(changed)


def _vector(sealed: bytes, *, key: bytes = KEY, kind: int = Kind.FILE, **expected: str) -> dict[str, Any]:
    return {"key": key.hex(), "kind": int(kind), "envelope": sealed.hex(), **expected}


if __name__ == "__main__":
    for vector_name, vector in vectors():
        (VECTORS / f"{vector_name}.json").write_text(json.dumps(vector, indent=1) + "\n")
