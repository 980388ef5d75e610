"""DICOM files and 16-bit pictures in the viewer: as the model sees them, and with every window of their values."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect
from pydicom.data import get_testdata_file

from ml.preprocessing.dicom import picture
from ml.preprocessing.images import decode_image
from tests.e2e.support import images
from tests.e2e.support.site import Site
from tests.e2e.support.viewer import Viewer

_FILES = (
    "693_J2KI.dcm", "CT_small.dcm", "J2K_pixelrep_mismatch.dcm", "JPEG2000.dcm", "JPGExtended.dcm", "MR_small.dcm",
    "examples_overlay.dcm", "examples_palette.dcm", "examples_ybr_color.dcm", "image_dfl.dcm", "liver_1frame.dcm",
    "SC_rgb_rle_16bit.dcm", "SC_ybr_full_422_uncompressed.dcm", "examples_jpeg2k.dcm", "JPEGLSNearLossless_16.dcm",
)  # fmt: skip


def choose(site: Site, name: str) -> bytes:
    content = Path(get_testdata_file(name)).read_bytes()
    # As scanners name them: no system knows the type of such a file.
    site.choose(content, name="IM000001", media_type="")
    return content


def test_files_are_shown_as_the_model_sees_them(site: Site, viewer: Viewer):
    site.open()
    for name in _FILES:
        content = choose(site, name)
        expected = np.asarray(picture(content)[0].convert("RGB")).astype(int)
        difference = np.abs(viewer.colours().astype(int) - expected)
        assert difference.max() <= 1, name
        site.button("Choose another image").click()


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_a_16_bit_picture_is_shown_as_the_model_sees_it(site: Site, viewer: Viewer, kind: str):
    image = images.deep_mri()
    if kind == "TIFF":
        output = io.BytesIO()
        Image.open(io.BytesIO(image)).save(output, "TIFF", compression="tiff_lzw")
        image = output.getvalue()
    site.open().choose(image, name=f"slice.{kind}", media_type=f"image/{kind.lower()}")

    assert np.array_equal(viewer.pixels(), np.asarray(decode_image(image).convert("L")))


def test_values_have_windows_and_lengths_in_millimetres(site: Site, viewer: Viewer):
    site.open()
    choose(site, "CT_small.dcm")
    viewer.pixels()
    site.page.get_by_label("Brightness window").select_option(label="Bone")
    expect(viewer.shown).to_contain_text("Window 2,500, level 480")
    values = _hounsfield("CT_small.dcm")
    bone = np.clip((values - 479.5) / 2499 + 0.5, 0, 1) * 255
    assert np.array_equal(viewer.pixels(), np.rint(bone))

    viewer.tool("Drag to measure").click()
    scale = viewer.zoom() / 100
    viewer.drag((90, 0))
    spacing = 0.661468
    expect(site.page.get_by_test_id("lengths")).to_contain_text(f"{90 / scale * spacing:.1f}\u00a0mm")
    expect(site.page.get_by_test_id("scale")).to_contain_text("mm")


def test_a_pinned_file_keeps_its_values_windows_and_spacing(site: Site, viewer: Viewer):
    site.open()
    content = choose(site, "CT_small.dcm")
    site.button("Pin and classify").click()
    expect(site.heading("Result")).to_be_visible()
    expect(site.page.get_by_test_id("scale")).to_contain_text("mm")

    expected = np.asarray(picture(content)[0].convert("L")).astype(int)
    assert np.abs(viewer.pixels().astype(int) - expected).max() <= 1
    site.page.get_by_label("Brightness window").select_option(label="Bone")
    expect(viewer.shown).to_contain_text("Window 2,500, level 480")


def test_a_file_that_is_not_read_says_why(site: Site):
    """A dose of several frames: whose pixels are known when the study is made."""
    site.open()
    choose(site, "rtdose.dcm")

    expect(site.page.get_by_test_id("not-shown")).to_contain_text("This file cannot be shown: expected")
    site.button("Go on as a study").click()
    expect(site.page.get_by_test_id("notice")).to_contain_text("expected pixels of 1, 8 or 16 bits, found 32 bits")


def _hounsfield(name: str) -> np.ndarray:
    import pydicom

    dataset = pydicom.dcmread(get_testdata_file(name))
    return dataset.pixel_array * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept)
