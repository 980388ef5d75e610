"""The pixels that an outline encloses."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

Contours = Sequence[Sequence[tuple[float, float]]]
"""Closed polygons of (x, y) in pixels, even-odd rule; the centres of pixels lie at halves."""


def runs(contours: Contours, *, width: int, height: int) -> Iterator[tuple[int, int, int]]:
    """Row, first column and the column after the last of each run of pixels of an image of that size whose centres an
    odd number of the contours encloses."""
    edges = [
        (start, end)
        for contour in contours
        for start, end in zip(contour, (*contour[1:], *contour[:1]), strict=True)
        if start[1] != end[1]
    ]
    for row in range(height):
        middle = row + 0.5
        crossings = sorted(_crossing(start, end, middle) for start, end in edges if _spans(start, end, middle))
        for left, right in zip(crossings[::2], crossings[1::2], strict=True):
            first, after = _column(left, width), _column(right, width)
            if first < after:
                yield row, first, after


def pixels_inside(contours: Contours, *, width: int, height: int) -> int:
    return sum(after - first for _, first, after in runs(contours, width=width, height=height))


def _spans(start: tuple[float, float], end: tuple[float, float], y: float) -> bool:
    return min(start[1], end[1]) <= y < max(start[1], end[1])


def _crossing(start: tuple[float, float], end: tuple[float, float], y: float) -> float:
    return start[0] + (y - start[1]) * (end[0] - start[0]) / (end[1] - start[1])


def _column(x: float, width: int) -> int:
    """The first column whose centre is not left of ``x``."""
    return min(max(math.ceil(x - 0.5), 0), width)
