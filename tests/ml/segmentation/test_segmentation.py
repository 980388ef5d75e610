"""Masks: how two are compared, how they are read, and how they travel between an original and the network."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from ml.datasets import of_split
from ml.errors import MlError
from ml.inference.activation import placed
from ml.preprocessing.grey_image import preprocess
from ml.segmentation.data import load_masked, read_masked_manifest, to_network
from ml.segmentation.evaluation import dice, evaluate_outlines, intersection_over_union, resized, threshold_method
from ml.segmentation.segmenter import contours_of, simplify, strongest_region

COLUMNS = ["split", "image", "mask", "label", "block"]


def drawn(size: tuple[int, int], border: int = 0) -> tuple[Image.Image, np.ndarray]:
    """A grey head with a bright tumour, ``border`` black pixels around it; and the tumour's mask."""
    width, height = size
    head, mask = Image.new("L", size, 20), Image.new("L", size)
    ImageDraw.Draw(head).ellipse((0, 0, width - 1, height - 1), 110)
    where = (width * 0.55, height * 0.25, width * 0.8, height * 0.5)
    ImageDraw.Draw(head).ellipse(where, 230)
    ImageDraw.Draw(mask).ellipse(where, 255)
    whole = (width + 2 * border, height + 2 * border)
    image, outline = Image.new("L", whole), Image.new("L", whole)
    image.paste(head, (border, border))
    outline.paste(mask, (border, border))
    return image, np.asarray(outline) > 127


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    image, mask = drawn((60, 70))
    image.save(tmp_path / "image.png")
    Image.fromarray(mask).save(tmp_path / "mask.png")
    return tmp_path


def write_manifest(folder: Path, *rows: list[str], columns: list[str] = COLUMNS) -> None:
    with (folder / "manifest.csv").open("w", newline="") as file:
        csv.writer(file).writerows([columns, *rows])


ROW = ["train", "image.png", "mask.png", "glioma", "1"]


@pytest.mark.parametrize(
    ("found", "truth", "expected_dice", "expected_iou"),
    [
        ([1, 1, 0, 0], [1, 1, 0, 0], 1.0, 1.0),
        ([1, 1, 0, 0], [0, 1, 1, 0], 0.5, 1 / 3),
        ([1, 1, 1, 1], [0, 0, 0, 1], 0.4, 0.25),
        ([1, 0, 0, 0], [0, 1, 0, 0], 0.0, 0.0),
        ([0, 0, 0, 0], [1, 1, 0, 0], 0.0, 0.0),
        ([0, 0, 0, 0], [0, 0, 0, 0], 1.0, 1.0),
    ],
)
def test_agreement_of_masks_by_hand(
    found: list[int], truth: list[int], expected_dice: float, expected_iou: float
) -> None:
    masks = (np.array(found, bool).reshape(2, 2), np.array(truth, bool).reshape(2, 2))
    assert dice(*masks) == pytest.approx(expected_dice)
    assert intersection_over_union(*masks) == pytest.approx(expected_iou)


@pytest.mark.parametrize(
    ("size", "border"), [((256, 256), 0), ((61, 200), 0), ((333, 120), 0), ((90, 90), 40), ((700, 650), 111)]
)
@pytest.mark.parametrize("turn", [None, *(Image.Transpose.ROTATE_90, Image.Transpose.FLIP_LEFT_RIGHT)])
def test_a_mask_comes_back_from_the_network_where_it_was(
    size: tuple[int, int], border: int, turn: Image.Transpose | None
) -> None:
    image, mask = drawn(size, border)
    if turn is not None:
        image, mask = image.transpose(turn), np.asarray(Image.fromarray(mask).transpose(turn))
    seen = preprocess(image, 128)
    back = placed(to_network(mask, seen)[..., 0], seen, min(512, max(image.size))) >= 0.5
    assert dice(resized(back, image.size), mask) > 0.95


def test_a_mask_lies_over_the_network_pixels_that_show_its_tumour() -> None:
    image, mask = drawn((120, 200), border=30)
    seen = preprocess(image, 64)
    assert dice(seen.pixels[0, :, :, 0] > 0.75, to_network(mask, seen)[..., 0] > 0.5) > 0.9


@pytest.mark.parametrize(("size", "cells"), [((96, 96), (96, 96)), ((131, 77), (131, 77)), ((2000, 1500), (512, 384))])
def test_the_polygon_of_a_disc_has_its_centre_and_its_radius(size: tuple[int, int], cells: tuple[int, int]) -> None:
    (width, height), scale = cells, size[0] / cells[0]
    y, x = np.mgrid[:height, :width]
    laid = 1 / (1 + np.exp(np.hypot(x - width // 2, y - height // 3) - height / 5))
    (contour,) = contours_of(laid.astype(np.float32), 0.5, size)
    corners = np.array(contour)
    middle, half = (corners.max(axis=0) + corners.min(axis=0)) / 2, (corners.max(axis=0) - corners.min(axis=0)) / 2
    assert middle == pytest.approx(((width // 2 + 0.5) * scale, (height // 3 + 0.5) * scale), abs=0.2 * scale)
    assert half == pytest.approx(height / 5 * scale, abs=0.4 * scale)


def test_a_region_at_the_edge_is_closed_and_a_hole_is_a_polygon_of_its_own() -> None:
    laid = np.zeros((20, 30), np.float32)
    laid[:, :12] = 1
    laid[8:12, 4:8] = 0
    outer, hole = contours_of(laid, 0.5, (30, 20))
    assert (np.min(outer, axis=0).tolist(), np.max(outer, axis=0).tolist()) == ([0, 0], [12, 20])
    assert (np.min(hole, axis=0).tolist(), np.max(hole, axis=0).tolist()) == ([4, 8], [8, 12])


@pytest.mark.parametrize("closed", [False, True])
def test_a_line_is_simplified_as_scikit_image_does(closed: bool) -> None:
    from skimage.measure import approximate_polygon

    random = np.random.default_rng(7)
    for points in (2, 3, 10, 100, 300):
        line = random.normal(0, 0.4, (points, 2)).cumsum(axis=0)
        line = np.vstack([line, line[:1]]) if closed else line
        assert np.array_equal(simplify(line, 0.25), approximate_polygon(line, 0.25))


def test_outlining_does_not_load_scipy() -> None:
    program = (
        "import sys; from ml.datasets.phantom import phantom_png; from ml.inference.registry import Registry;"
        "assert Registry().get('tumour-outline').predict(phantom_png()).size; print('scipy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_regions_that_touch_at_a_corner_are_one() -> None:
    probabilities = np.kron(np.eye(2, dtype=np.float32), np.full((4, 4), 0.9, np.float32))
    assert np.array_equal(strongest_region(probabilities, 0.5), probabilities)


def test_the_region_with_most_evidence_stays_and_does_not_change() -> None:
    probabilities = np.zeros((20, 20), np.float32)
    probabilities[2:8, 2:8] = 0.9
    alone = probabilities.copy()
    probabilities[10:18, 10:16] = 0.6
    probabilities[15:17, 2:4] = 0.95
    assert np.array_equal(strongest_region(probabilities, 0.5), alone)


def test_of_nothing_nothing_stays() -> None:
    assert not strongest_region(np.zeros((8, 8), np.float32), 0.5).any()


def test_the_threshold_method_finds_a_bright_tumour_and_nothing_on_a_plain_image() -> None:
    image, mask = drawn((256, 256))
    assert dice(threshold_method(image), mask) > 0.8
    assert not threshold_method(Image.new("L", (64, 64), 90)).any()


def test_figures_are_of_all_slices_and_by_kind_of_tumour(folder: Path) -> None:
    write_manifest(folder, ROW, ["train", "image.png", "mask.png", "pituitary", "1"])
    samples = read_masked_manifest(folder)
    _, mask = drawn((60, 70))
    outlines = iter([mask, np.zeros_like(mask)])
    figures = evaluate_outlines(lambda image: next(outlines), samples)
    expected = {"images": 2, "blocks": 2, "dice": 0.5, "dice_median": 0.5, "iou": 0.5, "found": 0.5, "missed": 0.5}
    assert {name: figures[name] for name in expected} == expected
    assert figures["dice_interval"] == (0.0, 1.0)
    assert [row["dice"] for row in figures["by_label"].values()] == [1.0, 0.0]


def test_rows_are_read_with_their_split(folder: Path) -> None:
    write_manifest(folder, ROW, ["val", *ROW[1:4], "2"])
    samples = read_masked_manifest(folder)
    assert [sample.block for sample in of_split(samples, "val")] == ["2"]
    images = load_masked(samples, 32)
    assert images.pixels.shape == images.masks.shape == (2, 32, 32, 1)
    assert images.masks.min() == 0 and images.masks.max() == 1


def test_a_manifest_without_a_column_is_refused(folder: Path) -> None:
    write_manifest(folder, ROW[:2], columns=COLUMNS[:2])
    reason = "expected the columns split, image, mask, label, block; block, label, mask missing"
    with pytest.raises(MlError, match=reason):
        read_masked_manifest(folder)


def test_no_manifest_and_one_without_rows_are_refused(folder: Path) -> None:
    with pytest.raises(MlError, match=r"cannot be read: .*No such file or directory"):
        read_masked_manifest(folder)
    write_manifest(folder)
    with pytest.raises(MlError, match="expected at least one row, found none"):
        read_masked_manifest(folder)


@pytest.mark.parametrize("path", ["none.png", "../outside.png"])
def test_a_path_that_leads_nowhere_or_out_is_refused(folder: Path, path: str) -> None:
    (folder.parent / "outside.png").write_bytes(b"")
    write_manifest(folder, ["train", "image.png", path, "glioma", "1"])
    with pytest.raises(MlError, match=f"the manifest names .*{path}, but there is no such file"):
        read_masked_manifest(folder)


def test_one_block_in_two_splits_is_refused(folder: Path) -> None:
    write_manifest(folder, ROW, ["test", *ROW[1:]])
    with pytest.raises(MlError, match=r"^group glioma 1 must lie in one split, found it in test, train$"):
        read_masked_manifest(folder)


def test_a_mask_of_another_size_than_its_image_is_refused(folder: Path) -> None:
    Image.new("1", (60, 71)).save(folder / "mask.png")
    write_manifest(folder, ROW)
    reason = "expected a mask of 60 x 70 pixels, as its image, found 60 x 71$"
    with pytest.raises(MlError, match=reason):
        load_masked(read_masked_manifest(folder), 32)
