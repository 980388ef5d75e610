"""Which pixels and which area an outline encloses."""

from __future__ import annotations

import pytest

from backend.contours import Contours, enclosed_area, pixels_inside, runs

SQUARE = [(1.0, 1.0), (4.0, 1.0), (4.0, 3.0), (1.0, 3.0)]
HOLE = [(2.0, 1.0), (3.0, 1.0), (3.0, 2.0), (2.0, 2.0)]


@pytest.mark.parametrize(
    ("contours", "expected"),
    [
        ([], []),
        ([SQUARE], [(1, 1, 4), (2, 1, 4)]),
        ([SQUARE, HOLE], [(1, 1, 2), (1, 3, 4), (2, 1, 4)]),
        ([[(-5.0, -5.0), (9.0, -5.0), (9.0, 9.0), (-5.0, 9.0)]], [(row, 0, 5) for row in range(4)]),
        ([[(1.6, 0.0), (2.4, 0.0), (2.4, 4.0), (1.6, 4.0)]], []),
        ([[(7.0, 0.0), (9.0, 0.0), (9.0, 4.0), (7.0, 4.0)]], []),
    ],
)
def test_the_pixels_whose_centres_an_odd_number_of_contours_encloses(
    contours: Contours, expected: list[tuple[int, int, int]]
) -> None:
    assert list(runs(contours, width=5, height=4)) == expected
    assert pixels_inside(contours, width=5, height=4) == sum(after - first for _, first, after in expected)


def test_the_area_leaves_out_holes_and_adds_islands() -> None:
    def square(low: float, high: float) -> tuple[tuple[float, float], ...]:
        return ((low, low), (high, low), (high, high), (low, high))

    assert enclosed_area((square(0, 10),)) == 100
    assert enclosed_area((square(0, 10), square(2, 8))) == 64
    assert enclosed_area((square(0, 10), square(2, 8)[::-1], square(4, 6))) == 68
    assert enclosed_area(()) == 0
