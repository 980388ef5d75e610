"""Keys by k of n, and the arithmetic of GF(2^8) below."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from backend.crypto import field
from backend.crypto.errors import SharesRefused
from backend.crypto.key_shares import combine_key, split_key

KEY = bytes(range(32))


def product(one: int, other: int) -> int:
    """By the definition: polynomials over GF(2) modulo x^8 + x^4 + x^3 + x + 1."""
    result = 0
    for bit in range(8):
        if other >> bit & 1:
            result ^= one << bit
    for bit in range(14, 7, -1):
        if result >> bit & 1:
            result ^= 0x11B << bit - 8
    return result


def test_products_are_those_of_the_definition() -> None:
    assert field.multiply(0x57, 0x83) == 0xC1  # the example of FIPS 197, 4.2
    assert all(field.multiply(one, other) == product(one, other) for one in range(256) for other in range(256))
    assert all(field.multiply(value, field.inverse(value)) == 1 for value in range(1, 256))
    with pytest.raises(ZeroDivisionError):
        field.inverse(0)


def test_a_polynomial_passes_through_its_points() -> None:
    coefficients = [b"\x05\x00", b"\x07\x80", b"\xff\x01"]
    points = [1, 9, 200]
    values = [field.evaluate(coefficients, point).tobytes() for point in points]
    assert values[1][0] == 0x05 ^ product(0x07, 9) ^ product(0xFF, product(9, 9))
    for at in (0, 1, 77):
        assert np.array_equal(field.interpolate(points, values, at), field.evaluate(coefficients, at))


def test_all_choices_of_eight_of_ten_give_the_key() -> None:
    shares = split_key(KEY, 10, 8)
    choices = list(itertools.combinations(shares, 8))
    assert len(choices) == 45
    assert all(combine_key(choice) == KEY for choice in choices)
    assert combine_key(shares) == KEY
    assert combine_key(shares[:7]) != KEY


def test_fewer_shares_fit_every_key() -> None:
    """Of 2 of 3, one share: for each first byte of the key there is exactly one value of another share."""
    share, other = split_key(KEY, 3, 2)[:2]
    points = [share[-1], other[-1]]
    possible = {field.interpolate(points, [share[:1], bytes([value])], 0).tobytes() for value in range(256)}
    assert len(possible) == 256


@pytest.mark.parametrize(("shares", "threshold"), [(1, 1), (3, 1), (3, 4), (256, 2)])
def test_numbers_must_make_sense(shares: int, threshold: int) -> None:
    with pytest.raises(ValueError, match="expected 2 to 255 shares and a threshold of at most as many, of a key"):
        split_key(KEY, shares, threshold)


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ([], "expected at least two shares of one length"),
        ([b"a\1"], "expected at least two shares of one length"),
        ([b"a\1", b"ab\2"], "expected at least two shares of one length"),
        ([b"\1", b"\2"], "expected at least two shares of one length"),
        ([b"a\1", b"b\1"], "expected shares of different points from 1 to 255"),
        ([b"a\0", b"b\1"], "expected shares of different points from 1 to 255"),
    ],
)
def test_shares_must_belong_together(shares: list[bytes], message: str) -> None:
    with pytest.raises(SharesRefused, match=message):
        combine_key(shares)
