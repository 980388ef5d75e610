"""Threshold images: every choice restores the file, fewer tell nothing, and whatever was altered is named."""

from __future__ import annotations

import hashlib
import itertools
import json
import random
import struct
import zlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from backend.crypto import field, image_shares
from backend.crypto.errors import CryptoRefused, SharesRefused
from backend.crypto.image_shares import HEADER_BYTES, MAX_FILE_BYTES, SALT_BYTES, Share, combine, read_share, split
from backend.crypto.noise_png import SIGNATURE, read_png, write_png
from backend.crypto.sealing import MAGIC, is_sealed, seal, unseal
from backend.crypto.wraps import new_rsa_key, read_recipient_key
from tests.backend.crypto.share_vectors import VECTORS, chunk

FILES = {path.stem: json.loads(path.read_text()) for path in VECTORS.glob("*.json")}
CONTENT = bytes(range(256)) * 8 + b"the end"
MEBIBYTE = 1024 * 1024


def shares_of(
    content: bytes = CONTENT, *, compact: bool = False, signer: Ed25519PrivateKey | None = None
) -> list[Share]:
    return [read_share(made) for made in split(content, shares=10, threshold=8, compact=compact, signer=signer)]


def open_vector(vector: dict[str, Any]) -> bytes:
    keys = [read_recipient_key(pem.encode()) for pem in vector["keys"]]
    documents = [read_png(bytes.fromhex(picture), 10_000) for picture in vector["pictures"]]
    return combine([read_share(unseal(made, keys) if is_sealed(made) else made) for made in documents])


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("good_")])
def test_vectors_that_must_be_combined(name: str) -> None:
    assert open_vector(FILES[name]).hex() == FILES[name]["content"]


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("fail_")])
def test_vectors_that_must_be_refused(name: str) -> None:
    with pytest.raises(CryptoRefused) as refused:
        open_vector(FILES[name])
    assert refused.value.reason == FILES[name]["reason"]


@pytest.mark.parametrize("compact", [False, True])
@pytest.mark.parametrize("content", [b"", b"\0", CONTENT])
def test_all_choices_of_eight_of_ten_restore_the_file(content: bytes, compact: bool) -> None:
    shares = shares_of(content, compact=compact)
    choices = list(itertools.combinations(shares, 8))
    assert len(choices) == 45
    assert all(combine(choice) == content for choice in choices)
    assert combine([*reversed(shares), shares[0]]) == content


@pytest.mark.parametrize("compact", [False, True])
@pytest.mark.parametrize(("count", "threshold"), [(2, 2), (5, 3), (255, 2), (255, 255)])
def test_any_numbers_work(count: int, threshold: int, compact: bool) -> None:
    made = [read_share(made) for made in split(b"picture", shares=count, threshold=threshold, compact=compact)]
    assert [share.index for share in made] == list(range(1, count + 1))
    assert combine(random.Random(count).sample(made, threshold)) == b"picture"


def test_seven_of_ten_fit_every_file() -> None:
    """For any other file there is an eighth share with which the seven give it."""
    shares = shares_of()[:7]
    points, values = [share.index for share in shares], [share.payload for share in shares]
    other = random.Random(7).randbytes(len(values[0]))
    eighth = field.interpolate([0, *points], [other, *values], 10).tobytes()
    assert field.interpolate([*points, 10], [*values, eighth], 0).tobytes() == other


@pytest.mark.parametrize("compact", [False, True])
def test_shares_look_like_noise(compact: bool) -> None:
    for made in split(bytes(500_000), shares=3, threshold=2, compact=compact):
        counts = np.bincount(np.frombuffer(read_share(made).payload, np.uint8), minlength=256)
        frequencies = counts / counts.sum()
        assert -(frequencies * np.log2(frequencies)).sum() > 7.99
        assert b"\0" * 8 not in made[:HEADER_BYTES].replace(struct.pack(">Q", 500_000), b"")


def test_compact_shares_together_are_little_more_than_the_file() -> None:
    for size in (MEBIBYTE, MEBIBYTE + 4321, 2 * MEBIBYTE):
        content = random.Random(size).randbytes(size)
        pictures = [write_png(made) for made in split(content, shares=10, threshold=8, compact=True)]
        assert sum(map(len, pictures)) <= 1.26 * size
        assert combine([read_share(read_png(picture, MEBIBYTE)) for picture in pictures[2:]]) == content


@pytest.mark.parametrize("compact", [False, True])
def test_every_altered_byte_is_noticed(compact: bool) -> None:
    document = next(split(b"picture", shares=3, threshold=2, compact=compact)) + bytes(5)
    for place in range(len(document)):
        altered = bytearray(document)
        altered[place] ^= 1
        with pytest.raises(SharesRefused) as refused:
            read_share(bytes(altered))
        assert refused.value.reason in ("altered", "format")
    for cut in (0, 10, HEADER_BYTES, len(document) - 6):
        with pytest.raises(SharesRefused):
            read_share(document[:cut])


def test_shares_of_two_sets_are_not_mixed() -> None:
    mine, other = shares_of(), shares_of()
    with pytest.raises(SharesRefused, match="expected shares of one set, found some of another one") as refused:
        combine([*mine[:7], other[8]])
    assert (refused.value.reason, refused.value.indexes) == ("sets", (9,))


def test_two_contents_of_one_index_are_refused() -> None:
    shares = shares_of()
    with pytest.raises(SharesRefused, match="two shares have the index 3, with different contents") as refused:
        combine([*shares, replace(shares[2], payload=b"another")])
    assert refused.value.indexes == (3,)


def test_too_few_shares_are_refused() -> None:
    with pytest.raises(SharesRefused, match="expected at least 8 shares of the set, found 7"):
        combine([*shares_of()[:7]] * 2)
    with pytest.raises(SharesRefused, match="expected at least 2 shares of the set, found 0"):
        combine([])


@pytest.mark.parametrize("compact", [False, True])
def test_a_signer_who_lies_is_noticed(compact: bool) -> None:
    """A wrong share with a good signature: only who made the set can write it."""
    shares = shares_of(compact=compact)
    wrong = replace(shares[3], payload=shares[3].payload[:-1] + bytes([shares[3].payload[-1] ^ 1]))
    with pytest.raises(SharesRefused, match="the shares do not give the file that their signer committed to"):
        combine([*shares[:3], wrong, *shares[4:]])


def test_a_set_is_signed_by_a_key_of_its_own_or_by_a_given_one() -> None:
    signer = Ed25519PrivateKey.generate()
    assert {share.set.signer for share in shares_of(signer=signer)} == {signer.public_key().public_bytes_raw()}
    assert shares_of()[0].set.signer != shares_of()[0].set.signer


@pytest.mark.parametrize(
    "numbers",
    [{"mode": 3}, {"threshold": 1}, {"threshold": 11}, {"length": MAX_FILE_BYTES + 1}, {"index": 0}, {"index": 11}],
)
def test_signed_numbers_that_make_no_sense_are_refused(numbers: dict[str, int]) -> None:
    signer, share = Ed25519PrivateKey.generate(), shares_of()[0]
    index = numbers.pop("index", 1)
    made = replace(share.set, signer=signer.public_key().public_bytes_raw(), **numbers)
    with pytest.raises(SharesRefused, match="the share's header has numbers that make no sense"):
        read_share(image_shares._write(made, index, share.payload, signer))


def test_wrong_use_is_said() -> None:
    for shares, threshold in ((10, 1), (3, 4), (256, 3)):
        with pytest.raises(ValueError, match="expected 2 to 255 shares and a threshold from 2 to as many"):
            split(b"", shares=shares, threshold=threshold)
    with pytest.raises(ValueError, match="expected a file of at most 33554432 bytes, found 33554433"):
        split(bytes(MAX_FILE_BYTES + 1), shares=2, threshold=2)
    with pytest.raises(
        ValueError, match="at most 1073741824 bytes, found 1107296256: choose a lower threshold or compact"
    ):
        split(bytes(MAX_FILE_BYTES), shares=33, threshold=33)


@pytest.mark.parametrize("key", [X25519PrivateKey.generate(), new_rsa_key()], ids=["x25519", "rsa"])
def test_a_share_is_sealed_to_its_receiver(key: X25519PrivateKey) -> None:
    document = next(split(CONTENT, shares=3, threshold=2))
    sealed = seal(document, key.public_key())
    assert is_sealed(sealed)
    assert not is_sealed(document)
    assert document[HEADER_BYTES : HEADER_BYTES + 64] not in sealed
    assert unseal(sealed + bytes(3), [X25519PrivateKey.generate(), key]) == document
    with pytest.raises(CryptoRefused, match="sealed to another key, or altered"):
        unseal(sealed, [X25519PrivateKey.generate()])
    for place in (0, 18, 21, 24, 40, len(sealed) - 1):
        altered = bytearray(sealed)
        altered[place] ^= 1
        with pytest.raises(CryptoRefused):
            unseal(bytes(altered), [key])
    with pytest.raises(CryptoRefused, match="the sealed bytes were altered or cut off"):
        unseal(sealed[:-1], [key])
    with pytest.raises(CryptoRefused, match="expected sealed bytes, which begin with"):
        unseal(MAGIC, [key])


@pytest.mark.parametrize("length", [1, 2, 255, 10_000, 131_400])
def test_pixels_are_the_bytes(length: int) -> None:
    content = random.Random(length).randbytes(length - 1) + b"\1"
    picture = write_png(content)
    assert read_png(picture, 2 * length).rstrip(b"\0") == content


def test_a_picture_can_be_seen_with_other_programs() -> None:
    from io import BytesIO

    from PIL import Image

    content = random.Random(1).randbytes(50_000)
    with Image.open(BytesIO(write_png(content))) as picture:
        assert picture.mode == "L"
        assert 1 <= picture.width / picture.height <= 4
        assert picture.tobytes()[:50_000] == content


def header(width: int, height: int, depth: int = 8, colour: int = 0) -> bytes:
    return struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)


GREY = header(2, 2)


def png(header: bytes, rows: bytes, *, end: bytes = b"") -> bytes:
    return SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"") + end


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (b"GIF89a", "it is no PNG file"),
        (write_png(b"share")[:-1], "the chunk IEND is missing or damaged"),
        (SIGNATURE, "unpack_from requires"),
        (write_png(b"share")[:-20] + bytes(20), "the chunk IDAT is missing or damaged"),
        (png(GREY, bytes(6), end=b"more"), "bytes follow its end"),
        (
            png(header(2, 2, 8, 2), bytes(14)),
            "it is not of 8-bit grey with at most 100 pixels",
        ),
        (png(header(2, 2, 16, 0), bytes(10)), "it is not of 8-bit grey"),
        (png(header(0, 2, 8, 0), bytes(2)), "it is not of 8-bit grey"),
        (png(header(50, 50, 8, 0), bytes(2550)), "with at most 100 pixels"),
        (png(GREY, bytes(5)), "its rows are not those of its header"),
        (png(GREY, bytes(5_000_000)), "its rows are not those of its header"),
        (png(GREY, b"\1" + bytes(5)), "its rows are not those of its header"),
        (png(header(10, 10), bytes(110)), "its rows are compressed"),
        (png(GREY, bytes(6)).replace(b"IDAT", b"iDAT"), "the chunk IDAT"),
    ],
)
def test_other_pictures_are_refused(picture: bytes, message: str) -> None:
    with pytest.raises(SharesRefused, match=message) as refused:
        read_png(picture, 100)
    assert refused.value.reason == "png"


def test_the_commitment_tells_nothing_without_the_salt() -> None:
    share = shares_of()[0]
    salt = bytes(SALT_BYTES)
    assert share.set.commitment != hashlib.sha256(salt + hashlib.sha256(CONTENT).digest()).digest()
    assert share.set.commitment != shares_of()[0].set.commitment
