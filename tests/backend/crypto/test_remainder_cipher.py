"""The cipher by Chinese remainders gives every picture back, and so does who has no key."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend.crypto import measures
from backend.crypto.remainder_cipher import KEYS, CipherRefused, Pixels, decrypt, encrypt, find_key
from backend.settings import ROOT
from tests.backend.crypto.test_hiding import scan

SAMPLES = Path(os.environ.get("SCANPROOF_DATA", ROOT / "../shared/data")) / "samples"


def coloured() -> Pixels:
    """A bright picture whose colours differ."""
    return np.dstack([255 - scan(1) // 4, 160 + scan(2) // 4, 255 - scan(3) // 3])


def test_the_keys_are_half_of_the_units_of_272() -> None:
    units = {number for number in range(272) if math.gcd(number, 272) == 1}
    assert len(units) == 128
    assert set(KEYS) | {272 - key for key in KEYS} == units
    assert len(KEYS) == 64


def test_values_are_multiplied_by_their_remainders() -> None:
    """Modulo 272: 5 * 55 = 275 is 3, and 15 * 55 = 825 is 9."""
    picture = np.array([[0, 1, 5, 15]], np.uint8)
    assert encrypt(picture, 55).tolist() == [[0, 55, 3, 9]]
    for key in KEYS:
        values = encrypt(np.arange(256, dtype=np.uint8).reshape(16, 16), key).ravel()
        assert sorted(values) == list(range(256))
        for value in range(256):
            expected = value * key % 272
            while expected > 255:
                expected = expected * key % 272
            assert values[value] == expected


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (31, 1), (40, 50), (1, 1, 3), (33, 20, 3)])
def test_pictures_of_all_sizes_come_back(shape: tuple[int, ...]) -> None:
    picture = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    for key in KEYS:
        encrypted = encrypt(picture, key)
        assert (encrypted.shape, encrypted.dtype) == (picture.shape, picture.dtype)
        assert np.array_equal(decrypt(encrypted, key), picture)


def test_colours_change_places() -> None:
    picture = np.zeros((4, 4, 3), np.uint8)
    picture[..., 0] = 1
    places = {int(np.argmax(encrypt(picture, key)[0, 0])) for key in KEYS}
    assert places == {0, 1, 2}


@pytest.mark.parametrize("picture", [scan(), coloured(), 255 - scan()], ids=["slice", "colour", "negative"])
def test_every_key_is_found_without_it(picture: Pixels) -> None:
    for key in KEYS:
        assert find_key(encrypt(picture, key)) == key


@pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"the public images are not at {SAMPLES}: set SCANPROOF_DATA")
@pytest.mark.parametrize("name", ["mri_glioma_1.jpg", "SOB_M_DC-14-12312-100-005.png"])
def test_every_key_is_found_in_public_images(name: str) -> None:
    with Image.open(SAMPLES / name) as opened:
        picture = np.asarray(opened)
    for key in KEYS:
        encrypted = encrypt(picture, key)
        assert find_key(encrypted) == key
        assert np.array_equal(decrypt(encrypted, key), picture)


def test_the_entropy_of_a_picture_stays() -> None:
    for key in KEYS:
        assert measures.entropy(encrypt(scan(), key)) == pytest.approx(measures.entropy(scan()))


@pytest.mark.parametrize("picture", [np.zeros((1, 1), np.uint8), np.full((9, 9, 3), 200, np.uint8)])
def test_no_key_is_guessed_where_all_do_equally_well(picture: Pixels) -> None:
    with pytest.raises(CipherRefused, match="the picture has too little detail") as refused:
        find_key(encrypt(picture, 5))
    assert refused.value.reason == "ambiguous"


def test_a_long_row_is_counted_whole() -> None:
    picture = np.cumsum(np.random.default_rng(2).integers(-1, 2, (2, 1_100_000)), axis=1).astype(np.uint8)
    assert find_key(encrypt(picture, 93)) == 93


@pytest.mark.parametrize(
    "picture", [np.zeros((9, 9)), np.zeros((9, 9), np.uint16), np.zeros((9, 9, 4), np.uint8), np.zeros(9, np.uint8)]
)
def test_other_pictures_are_refused(picture: Pixels) -> None:
    for step in (lambda: encrypt(picture, 1), lambda: decrypt(picture, 1), lambda: find_key(picture)):
        with pytest.raises(ValueError, match="expected a grey or colour picture of 8 bits"):
            step()


@pytest.mark.parametrize("key", [-1, 0, 2, 17, 137, 2**40])
def test_other_keys_are_refused(key: int) -> None:
    with pytest.raises(ValueError, match=f"expected one of the 64 keys, found {key}"):
        encrypt(scan(), key)
