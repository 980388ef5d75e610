"""Image analysis: figures against values worked out by hand, pictures, degenerate and hostile images."""

from __future__ import annotations

import io
import math
import subprocess
import sys

import cv2
import numpy as np
import pytest
from PIL import Image, ImageFilter

from ml.analysis import Analysis, Step, analyse
from ml.analysis.regions import brightest_region, connected, count_regions, head_mask, nuclei, otsu_threshold, outlined
from ml.analysis.statistics import first_order
from ml.analysis.texture import cooccurrence, texture
from ml.datasets.phantom import phantom_png
from ml.errors import ImageError

NAMES = ["original", "resized", "grey", "filtered", "histogram", "texture", "threshold", "region"]
# Haralick's four-level example, which the documentation of scikit-image uses as well.
HARALICK = np.array([[0, 0, 1, 1], [0, 0, 1, 1], [0, 2, 2, 2], [2, 2, 3, 3]], np.uint8)


def named(step: Step) -> dict[str, float]:
    return {figure.name: figure.value for figure in step.figures}


def step(analysis: Analysis, name: str) -> Step:
    return next(step for step in analysis.steps if step.name == name)


def drawn_head(tumour: bool) -> np.ndarray:
    """A bright skull around a grey brain, with a brighter disc of radius 15 in it or without."""
    y, x = np.mgrid[:200, :200]
    distance = np.hypot(x - 100, y - 100)
    image = np.where(distance < 90, 220, 5)
    image[distance < 80] = 100 + (x + y)[distance < 80] % 9
    if tumour:
        image[np.hypot(x - 120, y - 90) < 15] = 200
    return image.astype(np.uint8)


def stained() -> np.ndarray:
    """Four violet discs of radius 8 on pink, as hematoxylin and eosin colour nuclei and what lies between them."""
    y, x = np.mgrid[:120, :160]
    image = np.full((120, 160, 3), (236, 170, 205), np.uint8)
    for centre in ((30, 40), (30, 120), (90, 40), (90, 120)):
        image[np.hypot(y - centre[0], x - centre[1]) < 8] = (80, 50, 140)
    return image


def test_first_order_statistics() -> None:
    figures = {figure.name: figure.value for figure in first_order(np.array([[10, 10, 20], [40, 50, 230]], np.uint8))}

    assert figures["mean"] == 60
    assert figures["median"] == 30  # between 20 and 40
    assert figures["mode"] == 10
    assert figures["variance"] == pytest.approx((50**2 + 50**2 + 40**2 + 20**2 + 10**2 + 170**2) / 6)
    assert figures["deviation"] == pytest.approx(math.sqrt(figures["variance"]))


def test_texture_against_the_definition() -> None:
    matrix = cooccurrence(HARALICK)
    expected = {name: [] for name in ("contrast", "dissimilarity", "homogeneity", "energy", "correlation")}
    for dy, dx in ((0, 1), (-1, 1), (-1, 0), (-1, -1)):
        p = np.zeros((4, 4))
        for y in range(4):
            for x in range(4):
                if 0 <= y + dy < 4 and 0 <= x + dx < 4:
                    pair = HARALICK[y, x], HARALICK[y + dy, x + dx]
                    p[pair] += 1
                    p[pair[::-1]] += 1
        p /= p.sum()
        i, j = np.mgrid[:4, :4]
        mean = (p * i).sum()
        expected["contrast"].append((p * (i - j) ** 2).sum())
        expected["dissimilarity"].append((p * abs(i - j)).sum())
        expected["homogeneity"].append((p / (1 + (i - j) ** 2)).sum())
        expected["energy"].append(math.sqrt((p**2).sum()))
        expected["correlation"].append((p * (i - mean) * (j - mean)).sum() / (p * (i - mean) ** 2).sum())

    assert {figure.name: figure.value for figure in texture(matrix)} == pytest.approx(
        {name: np.mean(values) for name, values in expected.items()}
    )


def test_the_threshold_is_that_of_scikit_image() -> None:
    from skimage.filters import threshold_otsu

    random = np.random.default_rng(7)
    for shape in ((1, 1), (1, 2), (5, 7), (64, 64)):
        for brightest in (1, 3, 40, 256):
            grey = random.integers(0, brightest, shape).astype(np.uint8)
            assert otsu_threshold(grey) == threshold_otsu(grey)


@pytest.mark.parametrize("diagonally", [True, False])
def test_regions_are_those_of_opencv(diagonally: bool) -> None:
    random = np.random.default_rng(8)
    masks = [random.random(random.integers(1, 40, 2)) > random.random() for _ in range(200)]
    spiral = np.zeros((41, 41), bool)
    spiral[::2] = True
    spiral[1::4, -1] = spiral[3::4, 0] = True
    for mask in [*masks, spiral, np.zeros((3, 4), bool)]:
        found = connected(mask, diagonally=diagonally)
        count, expected = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8 if diagonally else 4)
        assert found.max() == count - 1
        assert ((found > 0) == mask).all()
        assert len(np.unique(np.stack([found.ravel(), expected.ravel()]), axis=1).T) == len(np.unique(expected))
        first = [int(np.flatnonzero(found == number)[0]) for number in range(1, count)]
        assert first == sorted(first)
    assert count_regions(spiral) == 1


def test_the_threshold_and_the_head_are_those_of_opencv() -> None:
    random = np.random.default_rng(9)
    for side in (4, 20, 60):
        grey = np.asarray(
            Image.fromarray(random.integers(0, 256, (side, side), np.uint8)).filter(ImageFilter.GaussianBlur(1))
        )
        threshold, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_OTSU)
        assert otsu_threshold(grey) == threshold
        head = head_mask(grey)
        contours, _ = cv2.findContours(head.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        filled = cv2.drawContours(np.zeros(grey.shape, np.uint8), contours, -1, 1, cv2.FILLED)
        assert len(contours) == 1
        assert (head == (filled > 0)).all()


def test_the_brightest_region_is_the_disc_and_not_the_skull() -> None:
    image = drawn_head(tumour=True)
    head = head_mask(image)
    found = brightest_region(image, head)
    y, x = np.mgrid[:200, :200]
    disc = np.hypot(x - 120, y - 90) < 15

    assert head.sum() == pytest.approx(math.pi * 90**2, rel=0.02)
    assert 2 * (found & disc).sum() / (found.sum() + disc.sum()) > 0.95


def test_nuclei_are_counted_and_measured() -> None:
    image = stained()
    region = step(analyse(Image.fromarray(image)), "region")

    assert region.title == "Nuclei"
    assert named(region)["regions"] == 4
    assert named(region)["area"] == pytest.approx(4 * math.pi * 8**2, rel=0.1)
    assert nuclei(image)[30, 40] and not nuclei(image)[60, 80]


def test_the_outline_lies_on_the_regions_edge() -> None:
    mask = np.zeros((20, 30), bool)
    mask[5:10, 10:20] = True
    drawn = outlined(np.full((20, 30), 90, np.uint8), mask, thickness=1)
    coloured = (drawn != 90).any(axis=2)

    assert drawn.shape == (20, 30, 3)
    assert coloured[5, 10:20].all() and coloured[5:10, 10].all()
    assert not coloured[7, 15] and not coloured[3, 3]


def test_the_steps_their_sizes_and_areas_in_pixels_of_the_original() -> None:
    image = Image.fromarray(drawn_head(tumour=True)).resize((1000, 1000), Image.Resampling.BICUBIC)
    analysis = analyse(image)

    assert [each.name for each in analysis.steps] == NAMES
    assert not analysis.stained
    assert {each.name: each.size for each in analysis.steps} == {
        **dict.fromkeys(("resized", "grey", "filtered", "threshold", "region"), (512, 512)),
        "original": (1000, 1000),
        "histogram": (256, 128),
        "texture": (256, 256),
    }
    assert named(step(analysis, "region"))["area"] == pytest.approx(math.pi * 75**2, rel=0.1)


@pytest.mark.parametrize(("size", "resized"), [((700, 460), (512, 336)), ((60, 40), (120, 80)), ((4000, 3), (512, 1))])
def test_proportions_are_kept_and_little_is_not_blown_up(size: tuple[int, int], resized: tuple[int, int]) -> None:
    assert step(analyse(Image.new("L", size, 40)), "resized").size == resized


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (2, 2), (64, 64)])
@pytest.mark.parametrize("colour", [0, 128, 255, (200, 40, 160)])
def test_plain_and_tiny_images_have_defined_figures(size: tuple[int, int], colour) -> None:
    image = Image.new("L" if isinstance(colour, int) else "RGB", size, colour)
    analysis = analyse(image)
    values = {(each.name, f.name): f.value for each in analysis.steps for f in each.figures}

    assert all(math.isfinite(value) for value in values.values())
    assert values["histogram", "variance"] == 0
    assert values["region", "area"] == 0
    assert all(Image.open(io.BytesIO(each.png())).size == each.size for each in analysis.steps)


def test_uniform_images_have_defined_figures() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (128, 128), np.uint8)
    for image in (drawn_head(tumour=False), noise):
        assert all(math.isfinite(f.value) for each in analyse(Image.fromarray(image)).steps for f in each.figures)


def test_the_same_bytes_give_the_same_figures_and_pictures() -> None:
    content = phantom_png(300)
    first, second = analyse(content), analyse(content)

    assert [each.figures for each in first.steps] == [each.figures for each in second.steps]
    assert [each.png() for each in first.steps] == [each.png() for each in second.steps]


def test_untrusted_bytes_are_refused_as_everywhere() -> None:
    with pytest.raises(ImageError, match="expected a PNG, JPEG, TIFF, BMP, WebP or DICOM image"):
        analyse(b"GIF89a")
    with pytest.raises(ImageError, match="found damaged data"):
        analyse(phantom_png(200)[:2000])


def test_deep_and_transparent_images_are_analysed() -> None:
    deep = Image.fromarray((drawn_head(tumour=True).astype(np.uint16)) * 200)
    transparent = Image.merge("LA", (Image.fromarray(drawn_head(tumour=True)), Image.new("L", (200, 200), 255)))
    for image in (deep, transparent):
        file = io.BytesIO()
        image.save(file, "PNG")
        assert named(step(analyse(file.getvalue()), "region"))["area"] > 0


def test_the_libraries_are_loaded_when_they_are_needed_only() -> None:
    heavy = {"cv2", "skimage", "scipy", "tensorflow"}
    code = f"import sys, ml.analysis, ml.guidance.next_steps; print({heavy} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"
