"""The fields of a slide that a model looks at: those with the most tissue, always the same."""

from __future__ import annotations

import numpy as np
import pytest

from ml.histology.fields import choose_fields, tissue_mask


def overview(*stained: tuple[int, int, int, int], size: tuple[int, int] = (200, 100)) -> np.ndarray:
    """White, with boxes (left, top, right, bottom) of pink."""
    picture = np.full((size[1], size[0], 3), 245, np.uint8)
    for left, top, right, bottom in stained:
        picture[top:bottom, left:right] = (210, 130, 180)
    return picture


def test_tissue_is_what_is_stained() -> None:
    mask = tissue_mask(overview((10, 20, 60, 50)))

    assert mask.sum() == 50 * 30
    assert mask[20:50, 10:60].all()


def test_a_picture_without_a_stain_has_no_tissue() -> None:
    noise = np.random.default_rng(3).integers(238, 246, (100, 200, 3)).astype(np.uint8)

    assert not tissue_mask(noise).any()
    assert choose_fields(noise, (2000, 1000), (500, 250), 48) == []


def test_the_fields_with_the_most_tissue_are_chosen_in_the_order_of_rows() -> None:
    # Fields of 50 x 25 in the overview: one whole, one of three fifths, one of less than half.
    picture = overview((150, 75, 200, 100), (50, 25, 80, 50), (0, 0, 20, 25))

    assert choose_fields(picture, (2000, 1000), (500, 250), 48) == [(500, 250), (1500, 750)]
    assert choose_fields(picture, (2000, 1000), (500, 250), 1) == [(1500, 750)]


def test_of_equal_ones_the_upper_left_are_chosen() -> None:
    assert choose_fields(overview((0, 0, 150, 100)), (2000, 1000), (500, 250), 4) == [
        (0, 0),
        (500, 0),
        (1000, 0),
        (0, 250),
    ]


@pytest.mark.parametrize("size", [(2500, 100), (100, 1500)])
def test_a_slide_smaller_than_a_field_has_none(size: tuple[int, int]) -> None:
    assert choose_fields(overview((0, 0, 100, 100)), (2000, 1000), size, 48) == []
