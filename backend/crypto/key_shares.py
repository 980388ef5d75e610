"""Keys by k of n: Shamir's secret sharing (Communications of the ACM, 1979) over GF(2^8).

The format is that of the npm package ``shamir-secret-sharing``, which the page uses: the values, then the point. A
share tells nothing of whether it was altered; what the key opens does."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from backend.crypto import field
from backend.crypto.errors import SharesRefused

MOST_SHARES = 255


def split_key(key: bytes, shares: int, threshold: int) -> list[bytes]:
    """``shares`` shares, any ``threshold`` of which give the key. Raises ValueError for numbers that make no sense."""
    if not key or not 2 <= threshold <= shares <= MOST_SHARES:
        raise ValueError(f"expected 2 to {MOST_SHARES} shares and a threshold of at most as many, of a key")
    coefficients = [key, *(secrets.token_bytes(len(key)) for _ in range(threshold - 1))]
    points = secrets.SystemRandom().sample(range(1, MOST_SHARES + 1), shares)
    return [field.evaluate(coefficients, point).tobytes() + bytes([point]) for point in points]


def combine_key(shares: Sequence[bytes]) -> bytes:
    """The key, if there are enough shares; with fewer, something else of the same length. Raises SharesRefused for
    shares that do not belong together."""
    points = [share[-1] if share else 0 for share in shares]
    if len(shares) < 2 or len({len(share) for share in shares}) != 1 or len(shares[0]) < 2:
        raise SharesRefused("shares", "expected at least two shares of one length")
    if 0 in points or len(set(points)) != len(points):
        raise SharesRefused("shares", "expected shares of different points from 1 to 255")
    return field.interpolate(points, [share[:-1] for share in shares], 0).tobytes()
