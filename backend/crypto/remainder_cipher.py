"""The pixel cipher by Chinese remainders of papers on image sharing, and how it is broken. It protects nothing.

A value of a pixel is known by its remainders modulo 16 and 17, since 16 * 17 = 272 is more than 256 (Chinese remainder
theorem). Both are multiplied by the key and joined to a number below 272 again; one that is no value of a pixel is
encrypted once more until it is, so that no two values become the same. Then the three colours change places.

The 128 numbers without a common divisor with 272 are its possible keys. One and its negative give negatives of each
other, so one of both is used: 64 keys. Equal pixels stay equal, so the entropy is that of the picture."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.crypto.errors import CryptoRefused

Pixels = NDArray[Any]
"""Of 8 bits, grey (height, width) or colour (height, width, 3)."""
_MODULI = (16, 17)
_PRODUCT = math.prod(_MODULI)
_VALUES = 256
KEYS = tuple(key for key in range(1, _PRODUCT // 2) if math.gcd(key, _PRODUCT) == 1)
"""The odd numbers from 1 to 135 without 17, 51, 85 and 119. The first changes nothing."""
_ORDERS = tuple(itertools.permutations(range(3)))
_AT_ONCE = 1024 * 1024
"""Pairs of neighbours that are counted in one step; bounds the memory."""


class CipherRefused(CryptoRefused):
    """A picture for which no key is better than the others."""


def encrypt(picture: Pixels, key: int) -> Pixels:
    """A picture of the same size. ``key`` is one of KEYS. Raises ValueError for another key or kind of picture."""
    return _coloured(_table(key)[_checked(picture)], _order(key))


def decrypt(picture: Pixels, key: int) -> Pixels:
    """What ``encrypt`` was given. Raises as it does."""
    return _coloured(np.argsort(_table(key)).astype(np.uint8)[_checked(picture)], np.argsort(_order(key)))


def find_key(picture: Pixels) -> int:
    """The key of an encrypted picture: of all KEYS the one after which neighbours differ least.

    Raises CipherRefused where several do equally well, as for one pixel or one colour; ValueError for another kind of
    picture."""
    neighbours = _neighbours(_checked(picture))
    differences = {}
    for key in KEYS:
        values = np.argsort(_table(key))
        differences[key] = int((neighbours * np.abs(values[:, None] - values)).sum())
    best, second = sorted(KEYS, key=differences.__getitem__)[:2]
    if differences[best] == differences[second]:
        raise CipherRefused("ambiguous", "the picture has too little detail: several keys make it equally smooth")
    return best


def _checked(picture: Pixels) -> Pixels:
    if picture.dtype != np.uint8 or picture.ndim not in (2, 3) or picture.shape[2:] not in ((), (3,)):
        raise ValueError("expected a grey or colour picture of 8 bits")
    return picture


def _table(key: int) -> NDArray[np.uint8]:
    """The encrypted value of each of the 256."""
    if key not in KEYS:
        raise ValueError(f"expected one of the {len(KEYS)} keys, found {key}")
    encrypted = _multiplied(np.arange(_VALUES), key)
    while (outside := encrypted >= _VALUES).any():
        encrypted[outside] = _multiplied(encrypted[outside], key)
    return encrypted.astype(np.uint8)


def _multiplied(values: NDArray[np.intp], key: int) -> NDArray[np.intp]:
    """By remainders, joined as the theorem says."""
    joined = np.zeros_like(values)
    for modulus in _MODULI:
        others = _PRODUCT // modulus
        joined += values % modulus * key % modulus * others * pow(others, -1, modulus)
    return joined % _PRODUCT


def _order(key: int) -> tuple[int, ...]:
    return _ORDERS[KEYS.index(key) % len(_ORDERS)]


def _coloured(picture: Pixels, order: Any) -> Pixels:
    return np.ascontiguousarray(picture[..., list(order)]) if picture.ndim == 3 else picture


def _neighbours(picture: Pixels) -> NDArray[np.int64]:
    """(256, 256): how often two values are beside or below each other in one colour."""
    counts = np.zeros(_VALUES * _VALUES, np.int64)
    for one, other in ((picture[:, :-1], picture[:, 1:]), (picture[:-1], picture[1:])):
        rows = max(1, _AT_ONCE // max(1, one[:1].size))
        for start in range(0, len(one), rows):
            pairs = one[start : start + rows].astype(np.uint16) * _VALUES + other[start : start + rows]
            counts += np.bincount(pairs.ravel(), minlength=len(counts))
    return counts.reshape(_VALUES, _VALUES)
