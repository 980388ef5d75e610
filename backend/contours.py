"""What an outline encloses: its pixels, and its area as geometry."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

Point = tuple[float, float]
Contour = Sequence[Point]
Contours = Sequence[Contour]
"""Closed polygons of (x, y) in pixels, even-odd rule; the centres of pixels lie at halves."""


def runs(contours: Contours, *, width: int, height: int) -> Iterator[tuple[int, int, int]]:
    """Row, first column and the column after the last of each run of pixels of an image of that size whose centres an
    odd number of the contours encloses."""
    edges = [(start, end) for contour in contours for start, end in _edges(contour) if start[1] != end[1]]
    for row in range(height):
        middle = row + 0.5
        crossings = sorted(_crossing(start, end, middle) for start, end in edges if _spans(start, end, middle))
        for left, right in zip(crossings[::2], crossings[1::2], strict=True):
            first, after = _column(left, width), _column(right, width)
            if first < after:
                yield row, first, after


def pixels_inside(contours: Contours, *, width: int, height: int) -> int:
    return sum(after - first for _, first, after in runs(contours, width=width, height=height))


def enclosed_area(contours: Contours) -> float:
    """The area in pixels that an odd number of the closed polygons encloses, if none cross: as the page computes it."""

    def depth(contour: Contour) -> int:
        return sum(_contains(other, contour[0]) for other in contours if other is not contour)

    return sum(_area(contour) * (-1 if depth(contour) % 2 else 1) for contour in contours)


def _spans(start: Point, end: Point, y: float) -> bool:
    return min(start[1], end[1]) <= y < max(start[1], end[1])


def _crossing(start: Point, end: Point, y: float) -> float:
    return start[0] + (y - start[1]) * (end[0] - start[0]) / (end[1] - start[1])


def _column(x: float, width: int) -> int:
    """The first column whose centre is not left of ``x``."""
    return min(max(math.ceil(x - 0.5), 0), width)


def _area(contour: Contour) -> float:
    """By the shoelace formula."""
    return abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in _edges(contour))) / 2


def _contains(contour: Contour, point: Point) -> bool:
    """Whether a ray from the point to the right crosses the contour an odd number of times."""
    x, y = point
    crossed = [
        (y1 > y) != (y2 > y) and x < x1 + (x2 - x1) * (y - y1) / (y2 - y1) for (x1, y1), (x2, y2) in _edges(contour)
    ]
    return sum(crossed) % 2 == 1


def _edges(contour: Contour) -> Iterator[tuple[Point, Point]]:
    return zip(contour, (*contour[1:], *contour[:1]), strict=True)
