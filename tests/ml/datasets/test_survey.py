from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from ml.datasets import Sample
from ml.datasets.class_frequencies import class_frequency_chart
from ml.datasets.survey import Survey, survey

GRADIENT, RADIAL = Image.linear_gradient("L"), Image.radial_gradient("L")
MANDELBROT = Image.effect_mandelbrot((256, 256), (-2.0, -1.5, 1.0, 1.5), 50)


def picture(folder: Path, name: str, image: Image.Image = GRADIENT) -> Path:
    image.resize((20, 30)).save(folder / name)
    return folder / name


@pytest.fixture
def found(tmp_path: Path) -> Survey:
    (tmp_path / "bad.png").write_bytes(b"not an image")
    return survey(
        [
            Sample(tmp_path / "bad.png", "notumor", "test", "11"),
            Sample(picture(tmp_path, "a.png"), "glioma", "train", "10"),
            Sample(picture(tmp_path, "b.png", RADIAL), "glioma", "test", "9"),
            Sample(picture(tmp_path, "c.png"), "notumor", "test", "9", magnification="100"),
            Sample(picture(tmp_path, "d.png", MANDELBROT), "notumor", "train", "9"),
        ]
    )


def test_what_is_there_is_counted(found: Survey) -> None:
    assert found.sizes == ((20, 30),) * 4
    assert found.counts("label") == {"glioma": 2, "notumor": 2}
    assert found.counts("magnification") == {"100": 1}
    assert found.counts("fold") == {}
    assert list(found.counts("group")) == ["9", "10"]
    assert found.labels_by_part() == {"glioma": {"train": 1, "test": 1}, "notumor": {"train": 1, "test": 1}}


def test_failed_checks_say_what_is_wrong(found: Survey) -> None:
    assert [(check.passed, check.name, check.detail) for check in found.checks] == [
        (
            False,
            "every file is an image",
            "1 damaged: bad.png (expected a PNG, JPEG, TIFF, BMP, WebP or DICOM image, "
            "found 12 bytes that begin with 6e6f7420616e2069)",
        ),
        (False, "no group lies in two splits", "1 groups: 9"),
        (False, "no near-duplicates lie in two splits", "1 sets: a.png (glioma, train) = c.png (notumor, test)"),
        (False, "near-duplicates have one label", "1 sets: a.png (glioma, train) = c.png (notumor, test)"),
    ]


def test_checks_say_what_cannot_be_checked(tmp_path: Path) -> None:
    alone = survey([Sample(picture(tmp_path, "a.png"), "glioma", group="1")])
    unknown = survey([Sample(picture(tmp_path, "a.png"), "glioma", "train")])
    assert [check.detail for check in alone.checks[1:3]] == ["there are no splits"] * 2
    assert unknown.checks[1].detail == "no groups are known"
    assert all(check.passed for check in (*alone.checks, *unknown.checks))


def test_nothing_readable_is_no_reason_to_fail(tmp_path: Path) -> None:
    found = survey([Sample(tmp_path / "gone.png", "glioma")])
    assert found.samples == ()
    assert found.checks[0].detail.startswith("1 damaged: gone.png ([Errno 2]")


def test_many_examples_are_cut(tmp_path: Path) -> None:
    found = survey([Sample(tmp_path / f"{n}.png", "glioma") for n in range(1001)])
    assert found.checks[0].detail.startswith("1,001 damaged: 0.png (")
    assert found.checks[0].detail.endswith("; …")


def test_folds_come_in_order(tmp_path: Path) -> None:
    path = picture(tmp_path, "a.png")
    found = survey([Sample(path, "x", fold=fold) for fold in ("10", "9", "0" * 5000 + "1", "a")])
    assert list(found.counts("fold"))[:2] == ["9", "10"]


def test_the_chart_has_a_bar_a_class_with_its_height() -> None:
    png = class_frequency_chart("a_$b$", {"x": {"train": 30, "test": 10}, "y_{": {"train": 5, "test": 5}})
    colours = Image.open(io.BytesIO(png)).convert("RGB").getcolors(1 << 20)
    areas = {colour: count for count, colour in colours}
    train, test = areas[0x2F, 0x6D, 0xB5], areas[0xE0, 0x96, 0x2F]
    assert train / test == pytest.approx(35 / 15, rel=0.15)
