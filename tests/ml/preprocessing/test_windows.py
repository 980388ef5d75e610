"""Windows as PS3.3, section C.11.2, has them, and a range that borders, text and dots do not change."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from ml.preprocessing.windows import (
    LINEAR,
    LINEAR_EXACT,
    SIGMOID,
    Table,
    Window,
    range_window,
    robust_range,
    to_eight_bits,
)


def tissue(head: Image.Image, offset: int = 0) -> np.ndarray:
    """Twelve-bit values, as scanners write them."""
    return np.asarray(head).astype(np.uint16) * 4 + offset


def test_the_linear_function_of_the_standard() -> None:
    window = Window(40.0, 400.0, LINEAR)
    values = np.array([-161.0, -160.0, 39.5, 40.0, 239.0, 240.0])
    # C.11.2.1.2.1: ((x - (c - 0.5)) / (w - 1) + 0.5), black up to c - 0.5 - (w - 1) / 2, white above c - 0.5 + ...
    assert window.apply(values) == pytest.approx([0.0, 0.0, 0.5, 0.5 + 0.5 / 399, 1.0, 1.0], abs=1e-12)


def test_the_exact_linear_function_has_no_half_and_no_one() -> None:
    values = np.array([-160.0, 40.0, 140.0, 240.0])
    assert Window(40.0, 400.0, LINEAR_EXACT).apply(values) == pytest.approx([0.0, 0.5, 0.75, 1.0])


def test_a_width_of_one_is_a_threshold() -> None:
    assert Window(10.0, 1.0, LINEAR).apply(np.array([9.0, 9.5, 10.0])).tolist() == [0.0, 0.0, 1.0]


def test_the_sigmoid_is_one_half_at_the_centre_and_never_overflows() -> None:
    found = Window(40.0, 400.0, SIGMOID).apply(np.array([-1e9, 40.0, 140.0, 1e9]))
    assert found == pytest.approx([0.0, 0.5, 1 / (1 + np.exp(-1.0)), 1.0], abs=1e-12)


def test_a_table_goes_on_at_both_ends() -> None:
    table = Table(10, np.array([0.1, 0.4, 0.9]))
    assert table.apply(np.array([-5.0, 10.4, 11.0, 99.0])).tolist() == [0.1, 0.1, 0.4, 0.9]


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "int32", "float32"])
def test_eight_bits_are_rounded_once_whatever_the_type(dtype: str) -> None:
    values = np.arange(-100, 101).astype(dtype).reshape(3, 67) if dtype[0] != "u" else np.arange(201, dtype=dtype)[None]
    window = range_window(float(values.min()), float(values.max()), "bits")
    brightness = np.linspace(0, 255, 201).reshape(values.shape)
    assert np.abs(to_eight_bits(values, window.apply) - brightness).max() <= 0.5 + 1e-9


def test_blocks_of_rows_give_the_picture_of_the_whole(monkeypatch: pytest.MonkeyPatch, head: Image.Image) -> None:
    values, window = tissue(head), range_window(0.0, 900.0, "bits")
    whole = to_eight_bits(values, window.apply)
    monkeypatch.setattr("ml.preprocessing.windows.BLOCK_PIXELS", 1000)
    assert np.array_equal(to_eight_bits(values, window.apply), whole)
    assert robust_range(values) == robust_range(tissue(head))


def spoilt(values: np.ndarray, kind: str) -> np.ndarray:
    """``values`` with what a scanner, a viewer or an export adds to a picture."""
    random, values = np.random.default_rng(3), values.copy()
    if kind.startswith("text"):
        top, size = map(int, kind.split("-")[1:])
        layer = Image.new("L", values.shape[::-1])
        ImageDraw.Draw(layer).text((5, 5), "HOSPITAL\nDOE^JANE\n1970", fill=255, font=ImageFont.load_default(size))
        share = np.asarray(layer) / 255
        return np.rint(values * (1 - share) + top * share).astype(np.uint16)
    if kind.startswith("frame"):
        return np.pad(values, 60, constant_values=int(kind.split("-")[1]))
    if kind == "block":
        values[:20, :120] = 65535
        values[40:60, :120] = 60000
    elif kind == "mask":
        rows, columns = np.ogrid[: len(values), : values.shape[1]]
        values[np.hypot(rows - 120, columns - 100) > 115] = 63536
    elif kind == "lines":
        values[::40] = 50000
    else:
        dots = random.random(values.shape) < float(kind)
        values[dots] = random.integers(3000, 65536, dots.sum())
    return values


MARKS = [
    *("text-65535-12", "text-65535-24", "text-4095-12", "text-4095-24", "text-2500-12"),
    *("frame-0", "frame-65535", "frame-4095", "frame-300", "block", "mask", "lines", "0.0001", "0.02", "0.05"),
]


@pytest.mark.parametrize("kind", MARKS)
def test_marks_and_borders_do_not_change_the_range(head: Image.Image, kind: str) -> None:
    values = tissue(head)
    low, high = robust_range(values)
    assert high > 500
    assert robust_range(spoilt(values, kind)) == pytest.approx((low, high), abs=0.02 * high)


@pytest.mark.parametrize("kind", ["0.02", "lines", "block"])
def test_dark_marks_do_not_either(head: Image.Image, kind: str) -> None:
    values = 65535 - spoilt(tissue(head), kind)
    low, high = robust_range(65535 - tissue(head))
    assert robust_range(values) == pytest.approx((low, high), abs=0.02 * (high - low))


def test_a_small_bright_object_is_no_mark() -> None:
    random = np.random.default_rng(5)
    values = random.integers(0, 60, (256, 256)).astype(np.uint16)
    values[100:130, 100:130] = random.integers(300, 1000, (30, 30))
    assert robust_range(values)[1] > 700


def test_a_frame_around_a_frame_is_left_out(head: Image.Image) -> None:
    framed = np.pad(tissue(head), 20, constant_values=0)
    assert robust_range(np.pad(framed, 30, constant_values=65535)) == robust_range(framed) == robust_range(tissue(head))


def test_padding_is_left_out() -> None:
    values = np.arange(10_000).reshape(100, 100) % 1000
    values[:50] = -2000 + np.arange(5000).reshape(50, 100) % 100
    low, high = robust_range(values.astype(np.int16), (-2000, -1901))
    assert (low, high) == pytest.approx((5, 994), abs=2)


@pytest.mark.parametrize("dtype", ["uint16", "int32", "float32"])
def test_few_levels_are_all_picture(dtype: str) -> None:
    values = np.zeros((100, 100), dtype)
    values[0, :20] = 9
    assert robust_range(values) == (0.0, 9.0)
    assert robust_range(np.full((5, 5), 7, dtype)) == (7.0, 7.0)
