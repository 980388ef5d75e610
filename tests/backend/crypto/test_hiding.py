"""Bytes inside a picture, which comes back bit for bit; and the measures of pictures."""

from __future__ import annotations

import random

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from backend.crypto import measures
from backend.crypto.hiding import MAX_PIXELS, HidingRefused, Pixels, hide, reveal

KIBIBYTE = random.Random(1).randbytes(1024)


def scan(seed: int = 1) -> Pixels:
    """A slice with a black background, bone at the end of the range, and noise."""
    numbers = np.random.default_rng(seed)
    rows, columns = np.mgrid[-1:1:256j, -1:1:256j]
    inside = rows**2 / 0.8 + columns**2 / 0.6
    tissue = 120 + 60 * np.sin(4 * rows) * np.cos(3 * columns) + numbers.normal(0, 2, (256, 256))
    picture = np.where(inside < 0.8, tissue, np.where(inside < 1, 250 + numbers.normal(0, 5, (256, 256)), 0))
    return np.clip(picture, 0, 255).astype(np.uint8)


def test_a_kibibyte_fits_a_slice_at_48_decibels_and_leaves_no_trace() -> None:
    picture = scan()
    marked = hide(picture, KIBIBYTE)
    message, restored = reveal(marked)
    assert message == KIBIBYTE
    assert np.array_equal(restored, picture)
    assert measures.psnr(picture, marked) >= 48.13
    assert np.abs(picture.astype(int) - marked).max() == 1
    assert restored.dtype == picture.dtype


@pytest.mark.parametrize("length", [0, 1, 100, 2000])
@pytest.mark.parametrize("shape", [(200, 130), (120, 90, 3)])
@pytest.mark.parametrize("kind", ["ramp", "edges", "noise of the ends"])
def test_pictures_of_all_kinds_come_back(kind: str, shape: tuple[int, ...], length: int) -> None:
    numbers = np.random.default_rng(length)
    ramp = np.broadcast_to(np.linspace(0, 255, shape[1]).reshape(1, -1, *(1,) * (len(shape) - 2)), shape)
    picture = {
        "ramp": ramp,
        "edges": np.where(ramp > 128, 255, 0),
        "noise of the ends": numbers.choice([0, 0, 0, 1, 254, 255], p=[0.3, 0.2, 0.2, 0.2, 0.05, 0.05], size=shape),
    }[kind].astype(np.uint8)
    message = random.Random(length).randbytes(length)
    try:
        marked = hide(picture, message)
    except HidingRefused as refused:
        assert refused.reason == "capacity"
        assert length > 0 or kind == "noise of the ends"
        return
    revealed, restored = reveal(marked)
    assert revealed == message
    assert np.array_equal(restored, picture)


def test_a_picture_of_twelve_bits_keeps_its_range() -> None:
    picture = (scan().astype(np.uint16) * 16 + 15).clip(0, 4095)
    picture[:, 100:] = 4095
    marked = hide(picture, b"Doe, Jane", maximum=4095)
    assert int(marked.max()) <= 4095
    revealed, restored = reveal(marked)
    assert revealed == b"Doe, Jane"
    assert np.array_equal(restored, picture)
    assert restored.dtype == np.uint16


def test_a_flat_picture_has_room() -> None:
    for value in (0, 7, 255):
        flat = np.full((100, 100), value, np.uint8)
        assert np.array_equal(reveal(hide(flat, b"text"))[1], flat)


def test_too_much_is_refused() -> None:
    for shape in ((256, 256), (3, 3), (0, 5), (2, 400), (60, 60)):
        picture = scan()[: shape[0], : shape[1]] if shape != (2, 400) else np.zeros(shape, np.uint8)
        with pytest.raises(HidingRefused, match="the picture has too little room for 100,000 bytes"):
            hide(picture, bytes(100_000))


def test_other_pictures_are_refused() -> None:
    for picture in (np.zeros((9, 9), np.float64), np.zeros((9, 9, 4), np.uint8), np.zeros(9, np.uint8)):
        with pytest.raises(ValueError, match="expected a grey or colour picture of 8 or 16 bits"):
            hide(picture, b"")
    with pytest.raises(ValueError, match="expected values from 0 to 100, found 200"):
        hide(np.full((9, 9), 200, np.uint8), b"", maximum=100)
    with pytest.raises(ValueError, match="expected at most 67108864 values, found 67108866"):
        reveal(np.broadcast_to(np.zeros((), np.uint8), (2, MAX_PIXELS // 2 + 1)))


def test_a_picture_without_a_message_says_so() -> None:
    for picture in (scan(), np.zeros((1, 1), np.uint8)):
        with pytest.raises(HidingRefused, match="nothing is hidden in this picture") as refused:
            reveal(picture)
        assert refused.value.reason == "nothing"


def test_an_altered_picture_is_never_restored_wrongly() -> None:
    picture, refused = scan(), 0
    marked = hide(picture, KIBIBYTE)
    numbers = random.Random(3)
    for place in [*range(0, 400, 7), *(numbers.randrange(marked.size) for _ in range(100))]:
        altered = marked.copy()
        altered.flat[place] ^= 1
        try:
            message, restored = reveal(altered)
        except HidingRefused:
            refused += 1
        else:
            assert message == KIBIBYTE
            assert np.array_equal(restored, picture)
    assert refused > 100


def test_measures_are_those_of_other_programs() -> None:
    one, other = scan(1), scan(2)
    assert measures.psnr(one, other) == pytest.approx(peak_signal_noise_ratio(one, other))
    expected = structural_similarity(one, other, gaussian_weights=True, sigma=1.5, use_sample_covariance=False)
    assert measures.ssim(one, other) == pytest.approx(expected, abs=1e-9)
    colour = np.dstack([one, other, one]), np.dstack([other, other, one])
    expected = structural_similarity(
        *colour, channel_axis=2, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert measures.ssim(*colour) == pytest.approx(expected, abs=1e-9)
    assert measures.psnr(one, one) == float("inf")
    assert measures.ssim(one, one) == pytest.approx(1)


def test_noise_has_the_figures_of_noise() -> None:
    numbers = np.random.default_rng(5)
    one, other = numbers.integers(0, 256, (2, 400, 400), dtype=np.uint8)
    assert measures.entropy(one) == pytest.approx(8, abs=0.01)
    assert measures.npcr(one, other) == pytest.approx(255 / 256, abs=0.002)
    assert measures.uaci(one, other) == pytest.approx(0.3346, abs=0.005)
    assert all(abs(measures.correlation(one, direction)) < 0.02 for direction in measures.DIRECTIONS)


def test_small_pictures_have_known_figures() -> None:
    checks = np.array([[0, 255], [255, 0]] * 2, np.uint8)
    assert measures.entropy(checks) == 1
    assert measures.entropy(np.zeros((3, 3), np.uint8)) == 0
    assert measures.histogram(checks)[[0, 255]].tolist() == [4, 4]
    assert measures.correlation(checks, "horizontal") == pytest.approx(-1)
    assert measures.correlation(checks, "diagonal") == pytest.approx(1)
    assert measures.correlation(np.zeros((3, 3), np.uint8), "vertical") == 0
    assert measures.npcr(checks, 255 - checks) == measures.uaci(checks, 255 - checks) == 1
    with pytest.raises(ValueError, match="expected two pictures of one size"):
        measures.psnr(checks, checks[:1])
    with pytest.raises(ValueError, match="expected a picture of 8 bits"):
        measures.entropy(np.zeros((2, 2)))
    with pytest.raises(ValueError, match="expected sides of at least 11 pixels"):
        measures.ssim(checks, checks)


def test_a_chessboard_of_16_bits_has_too_little_room() -> None:
    """Its most frequent errors are larger than the header can name."""
    rows, columns = np.indices((64, 64))
    picture = ((rows + columns) % 2 * 65_535).astype(np.uint16)

    with pytest.raises(HidingRefused, match="too little room") as refused:
        hide(picture, b"Doe")
    assert refused.value.reason == "capacity"
