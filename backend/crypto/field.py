"""Arithmetic in GF(2^8) with the polynomial of AES (FIPS 197, 4.2), on whole arrays of bytes."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
_POLYNOMIAL = 0x11B
ORDER = 255
"""Of the multiplicative group."""


def multiply(one: int, other: int) -> int:
    return int(_products()[one, other])


def inverse(value: int) -> int:
    """Raises ZeroDivisionError for 0."""
    if not value:
        raise ZeroDivisionError("0 has no inverse")
    exponents, logarithms = _tables()
    return exponents[(ORDER - logarithms[value]) % ORDER]


def scale(values: bytes | bytearray | memoryview, factor: int) -> Bytes:
    """Each byte times ``factor``. ``bytes.translate`` is several times as fast as an index in numpy."""
    return np.frombuffer(bytes(values).translate(_products()[factor].tobytes()), np.uint8)


def evaluate(coefficients: Sequence[bytes], point: int) -> Bytes:
    """The polynomials, one a byte, whose coefficients begin with the constant: their values at ``point`` (Horner)."""
    value = np.frombuffer(coefficients[-1], np.uint8)
    for coefficient in reversed(coefficients[:-1]):
        value = scale(value.tobytes(), point) ^ np.frombuffer(coefficient, np.uint8)
    return value


def interpolate(points: Sequence[int], values: Sequence[bytes], at: int) -> Bytes:
    """The value at ``at`` of the polynomials of least degree with ``values`` at ``points``, which differ (Lagrange)."""
    total = np.zeros(len(values[0]), np.uint8)
    for weight, value in zip(weights(points, at), values, strict=True):
        if weight:
            total ^= scale(value, weight)
    return total


def weights(points: Sequence[int], at: int) -> list[int]:
    """What each point's value is multiplied by, to give the value at ``at``."""
    result = []
    for point in points:
        numerator = denominator = 1
        for other in points:
            if other != point:
                numerator = multiply(numerator, at ^ other)
                denominator = multiply(denominator, point ^ other)
        result.append(multiply(numerator, inverse(denominator)))
    return result


@functools.cache
def _tables() -> tuple[list[int], list[int]]:
    exponents, logarithms = [0] * ORDER, [0] * 256
    value = 1
    for power in range(ORDER):
        exponents[power], logarithms[value] = value, power
        value ^= value << 1  # times 3, a generator
        if value & 0x100:
            value ^= _POLYNOMIAL
    return exponents, logarithms


@functools.cache
def _products() -> Bytes:
    exponents, logarithms = map(np.array, _tables())
    table: Bytes = exponents[(logarithms[:, None] + logarithms[None, :]) % ORDER].astype(np.uint8)
    table[0, :] = table[:, 0] = 0
    return table
