"""The envelope of private images: the vectors of docs/vectors/envelope-1, padding, streaming, and what is refused."""

from __future__ import annotations

import json
import tracemalloc
from io import BytesIO
from typing import Any, BinaryIO, cast

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from backend.crypto import envelope
from backend.crypto.envelope import HEADER_BYTES, Kind, decrypt, encrypt, encrypted_length, padded_length
from backend.crypto.errors import CryptoRefused, EnvelopeRefused, OpeningRefused
from backend.crypto.openings import (
    MAX_OPENING_BYTES,
    Opening,
    commitment,
    decrypt_opening,
    read_opening,
    sha256_of,
)
from tests.backend.crypto import envelope_vectors
from tests.backend.crypto.envelope_vectors import KEY, OTHER_KEY, VECTORS, write_envelope

FILES = {path.stem: json.loads(path.read_text()) for path in VECTORS.glob("*.json") if "envelope" in path.read_text()}


def open_vector(vector: dict[str, Any]) -> bytes:
    source, key = BytesIO(bytes.fromhex(vector["envelope"])), bytes.fromhex(vector["key"])
    content = b"".join(decrypt(source, key, Kind(vector["kind"])))
    if vector["kind"] == Kind.OPENING:
        read_opening(content)
    return content


def test_the_vectors_are_the_ones_that_are_written() -> None:
    assert dict(envelope_vectors.vectors()) == FILES


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("good_")])
def test_vectors_that_must_be_read(name: str) -> None:
    vector = FILES[name]
    content = open_vector(vector)
    assert content.hex() == vector["plaintext"]
    assert write_envelope(content, kind=vector["kind"]).hex() == vector["envelope"]


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("fail_")])
def test_vectors_that_must_be_refused(name: str) -> None:
    with pytest.raises(CryptoRefused) as refused:
        open_vector(FILES[name])
    assert refused.value.reason == FILES[name]["reason"]


def test_the_key_commitment_refuses_what_aes_gcm_alone_accepts() -> None:
    made = envelope_vectors.for_two_keys()
    header, chunk = made[:HEADER_BYTES], made[HEADER_BYTES:]
    for key in (KEY, OTHER_KEY):
        payload_key = envelope._derive(key, header[:-32], envelope._PAYLOAD_LABEL)
        assert AESGCM(payload_key).decrypt(b"prefix!" + bytes(4) + b"\1", chunk, header)
    with pytest.raises(EnvelopeRefused, match="the envelope was made for another key, or its header was altered"):
        list(decrypt(BytesIO(made), OTHER_KEY, Kind.FILE))


@pytest.mark.parametrize("size", [0, 1, 1015, 1016, 1017, 2039, 2040, 2041, 262_136, 262_137, 600_000])
def test_a_file_of_any_size_comes_back(size: int) -> None:
    content = bytes(index % 256 for index in range(size))
    sealed = b"".join(encrypt(BytesIO(content), size, KEY, Kind.FILE))
    assert len(sealed) == encrypted_length(size)
    assert b"".join(decrypt(BytesIO(sealed), KEY, Kind.FILE)) == content
    assert sealed != b"".join(encrypt(BytesIO(content), size, KEY, Kind.FILE))


def test_every_altered_byte_is_noticed() -> None:
    sealed = write_envelope(b"a picture")
    for place in range(len(sealed)):
        altered = bytearray(sealed)
        altered[place] ^= 0x20
        with pytest.raises(EnvelopeRefused):
            list(decrypt(BytesIO(altered), KEY, Kind.FILE))


def test_the_padding_hides_the_last_bits_of_the_size() -> None:
    lengths = {padded_length(size) for size in range(1_000_000, 1_030_000)}
    assert len(lengths) <= 3
    assert padded_length(0) == padded_length(1016) == 1024
    assert all(
        size + 8 <= padded_length(size) <= max(1024, 1.12 * (size + 8))
        for size in [*range(5000), *(2**power + delta for power in range(13, 41) for delta in (-9, -8, 0, 1, 12345))]
    )


class Endless:
    """A source of ``size`` bytes, given a few at a time, as a socket does."""

    def __init__(self, size: int) -> None:
        self.left = size

    def read(self, length: int) -> bytes:
        given = min(length, self.left, 50_000)
        self.left -= given
        return bytes(given)


def test_a_large_file_needs_little_memory() -> None:
    size = 20 * 1024 * 1024

    class Pipe:
        """The envelope as it is made."""

        pieces = encrypt(cast(BinaryIO, Endless(size)), size, KEY, Kind.FILE)
        rest = b""

        def read(self, length: int) -> bytes:
            self.rest = self.rest or next(self.pieces, b"")
            given, self.rest = self.rest[:length], self.rest[length:]
            return given

    tracemalloc.start()
    try:
        total = sum(len(piece) for piece in decrypt(cast(BinaryIO, Pipe()), KEY, Kind.FILE))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total == size
    assert peak < 2 * 1024 * 1024


def test_wrong_use_is_said() -> None:
    with pytest.raises(ValueError, match="expected a key of 32 bytes, found 16"):
        list(encrypt(BytesIO(b""), 0, bytes(16), Kind.FILE))
    with pytest.raises(ValueError, match="expected a power of two from 1 KiB to 1 MiB, found chunks of 1000"):
        encrypt(BytesIO(b""), 0, KEY, Kind.FILE, chunk_bytes=1000)
    with pytest.raises(ValueError, match="expected 5 bytes, found 3"):
        list(encrypt(BytesIO(b"abc"), 5, KEY, Kind.FILE))
    with pytest.raises(ValueError, match="expected 2 bytes, found more"):
        list(encrypt(BytesIO(b"abc"), 2, KEY, Kind.FILE))


def test_an_opening_travels_under_the_same_key() -> None:
    opening = Opening.new('{"label":"glioma"}')
    sealed = opening.encrypt(KEY)
    assert decrypt_opening(sealed, KEY) == opening
    assert b"glioma" not in sealed
    with pytest.raises(EnvelopeRefused, match="expected an envelope of kind 1, found 2"):
        list(decrypt(BytesIO(sealed), KEY, Kind.FILE))
    assert Opening.new("{}").salt != opening.salt


def test_an_opening_proves_the_file() -> None:
    opening = Opening(bytes(32), "{}")
    recorded = commitment(opening.salt, sha256_of(BytesIO(b"picture")))
    assert recorded.hex() == "9aba9aee52b41756648ac82a4f624f5999bce53bd125d14e1127986f8d555313"
    opening.check(BytesIO(b"picture"), recorded)
    for other, file in ((opening, b"another"), (Opening(b"\1" * 32, "{}"), b"picture")):
        with pytest.raises(OpeningRefused, match="the decrypted file is not the one that the record commits to"):
            other.check(BytesIO(file), recorded)
    with pytest.raises(ValueError, match="expected a salt and a hash of 32 bytes each"):
        commitment(b"", bytes(32))


def test_an_opening_has_a_largest_size() -> None:
    with pytest.raises(ValueError, match="expected an opening of at most 1048576 bytes, found"):
        Opening(bytes(32), "a" * MAX_OPENING_BYTES).encrypt(KEY)
    with pytest.raises(OpeningRefused, match="expected an opening of at most 1048576 bytes"):
        decrypt_opening(bytes(2 * MAX_OPENING_BYTES), KEY)
