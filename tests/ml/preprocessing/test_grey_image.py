from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageOps

from ml.preprocessing.grey_image import Box, preprocess, preprocessing_id


def test_the_id_names_the_size() -> None:
    assert preprocessing_id(128) == "grey-crop-pad-128-v1"


def test_shape_range_and_type(head: Image.Image) -> None:
    pixels = preprocess(head, 128).pixels
    assert (pixels.shape, pixels.dtype) == ((1, 128, 128, 1), np.float32)
    assert (pixels.min(), pixels.max()) == (0.0, 1.0)


def test_the_same_image_gives_the_same_numbers(head: Image.Image) -> None:
    assert np.array_equal(preprocess(head, 128).pixels, preprocess(head.copy(), 128).pixels)


@pytest.mark.parametrize("fill", [0, 255, 40])
def test_a_uniform_border_is_cropped_whatever_its_brightness(head: Image.Image, fill: int) -> None:
    framed = ImageOps.expand(head, border=(60, 20, 30, 50), fill=fill)
    crop = preprocess(framed, 128).crop
    assert (crop.left, crop.top) == pytest.approx((60, 20), abs=10)
    assert (crop.right, crop.bottom) == pytest.approx((260, 260), abs=10)


def test_a_white_frame_around_a_black_border_is_cropped(head: Image.Image) -> None:
    framed = ImageOps.expand(ImageOps.expand(head, 40, fill=0), 10, fill=255)
    crop = preprocess(framed, 128).crop
    assert (crop.left, crop.top, crop.right, crop.bottom) == pytest.approx((50, 50, 250, 290), abs=10)


def test_the_width_of_the_border_hardly_matters(head: Image.Image) -> None:
    narrow = preprocess(ImageOps.expand(head, 12, fill=0), 128).pixels
    wide = preprocess(ImageOps.expand(head, 72, fill=0), 128).pixels
    assert np.abs(narrow - wide).mean() < 0.05


def test_contrast_and_brightness_do_not_matter(head: Image.Image) -> None:
    darker = head.point(lambda value: value // 2 + 9)
    assert np.abs(preprocess(head, 128).pixels - preprocess(darker, 128).pixels).mean() < 0.02


def test_the_padded_square_covers_the_crop(head: Image.Image) -> None:
    seen = preprocess(head, 128)
    assert seen.size == (200, 240)
    assert seen.crop == Box(0, 0, 200, 240)
    assert seen.square.bottom - seen.square.top == pytest.approx(240)
    assert seen.square.right - seen.square.left == pytest.approx(240)
    assert seen.square.left == pytest.approx(-20, abs=2)
    assert not seen.pixels[0, :, :10, 0].any()


def test_colour_is_weighed_as_luma() -> None:
    halves = Image.new("RGB", (64, 64), (255, 0, 0))
    halves.paste((0, 255, 0), (32, 0, 64, 64))
    pixels = preprocess(halves, 128).pixels[0, :, :, 0]
    assert pixels[64, 20] < pixels[64, 100]


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (2, 3), (4000, 37)])
def test_odd_sizes_pass(size: tuple[int, int]) -> None:
    seen = preprocess(Image.new("L", size, 90), 128)
    assert np.isfinite(seen.pixels).all()
    assert (seen.crop.right, seen.crop.bottom) == size


def test_a_blank_image_is_taken_whole() -> None:
    seen = preprocess(Image.new("L", (300, 200)), 128)
    assert seen.crop == Box(0, 0, 300, 200)
    assert not seen.pixels.any()
