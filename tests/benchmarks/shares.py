"""``python -m tests.benchmarks.shares``: a file of 1 MiB in 10 shares, 8 of which restore it, beside ``hashlib`` over
the same bytes; perfect and compact. Figures to reach: split in 0.5 s, combine in 0.1 s, compact shares together at most
1.26 times the file."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable
from typing import TypeVar

from backend.crypto.image_shares import combine, read_share, split
from backend.crypto.noise_png import read_png, write_png

MEBIBYTE = 1024 * 1024
ROUNDS = 5
Result = TypeVar("Result")


def main() -> None:
    content = random.Random(1).randbytes(MEBIBYTE)
    hashing, _ = fastest(lambda: hashlib.sha256(content).digest())
    for compact in (False, True):
        splitting, pictures = fastest(
            lambda: [write_png(document) for document in split(content, shares=10, threshold=8, compact=compact)]  # noqa: B023
        )
        # The worst choice for compact shares: two stripes are missing.
        combining, restored = fastest(
            lambda: combine([read_share(read_png(picture, 2 * MEBIBYTE)) for picture in pictures[2:]])  # noqa: B023
        )
        assert restored == content
        total = sum(map(len, pictures)) / len(content)
        print(f"{'compact' if compact else 'perfect'}: {total:.4f} times the file in total")
        print(f"  split   {splitting:.3f} s, {splitting / hashing:,.0f} times SHA-256 of the file")
        print(f"  combine {combining:.3f} s, {combining / hashing:,.0f} times SHA-256 of the file")


def fastest(work: Callable[[], Result]) -> tuple[float, Result]:
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        result = work()
        times.append(time.perf_counter() - start)
    return min(times), result


if __name__ == "__main__":
    main()
