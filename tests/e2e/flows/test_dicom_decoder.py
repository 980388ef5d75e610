"""The browser's decoder beside pydicom's: the same stored values of the same files, in the built page's own thread."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file

from tests.e2e.support import dicom
from tests.e2e.support.console import Console
from tests.e2e.support.device import worker_address
from tests.e2e.support.product import Product

_DECODE = """async ([name, encoded, frames]) => {
  window.decoder ??= new Worker(name, { type: "module" });
  const file = new Blob([Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0))]);
  window.key = (window.key ?? 0) + 1;
  const found = [];
  for (const frame of frames) {
    const reply = await new Promise((resolve, reject) => {
      window.decoder.onmessage = ({ data }) => resolve(data);
      window.decoder.onerror = ({ message }) => reject(new Error(message));
      window.decoder.postMessage({ id: 1, key: window.key, file, frame });
    });
    if (reply.problem) return reply.problem;
    const { values, ...rest } = reply.raster;
    const bytes = new Uint8Array(values.buffer);
    let text = "";
    for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
    found.push({ ...rest, frames: reply.frames, type: values.constructor.name, bytes: btoa(text) });
  }
  return found;
}"""
_TYPES = {"Uint8ClampedArray": np.uint8, "Uint16Array": np.uint16, "Int16Array": np.int16}
_EQUAL = (
    "693_J2KI.dcm", "CT_small.dcm", "ExplVR_BigEnd.dcm", "GDCMJ2K_TextGBR.dcm", "J2K_pixelrep_mismatch.dcm",
    "JPEG2000.dcm", "JPEGLSNearLossless_08.dcm", "JPEGLSNearLossless_16.dcm",
    "MR_small.dcm", "MR_small_RLE.dcm", "MR_small_bigendian.dcm", "MR_small_expb.dcm", "MR_small_implicit.dcm",
    "MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm", "MR_small_padded.dcm", "SC_rgb_gdcm_KY.dcm",
    "SC_rgb_jls_lossy_line.dcm", "SC_rgb_jls_lossy_sample.dcm", "SC_rgb_jpeg_dcmd.dcm", "SC_rgb_jpeg_gdcm.dcm",
    "SC_rgb_rle.dcm", "SC_rgb_rle_2frame.dcm", "SC_rgb_small_odd.dcm",
    "SC_rgb_small_odd_big_endian.dcm", "examples_jpeg2k.dcm", "examples_overlay.dcm", "examples_palette.dcm",
    "examples_rgb_color.dcm", "image_dfl.dcm", "liver_1frame.dcm", "liver_expb_1frame.dcm",
)  # fmt: skip
_LOSSY = (
    "JPGExtended.dcm", "SC_jpeg_no_color_transform.dcm", "SC_jpeg_no_color_transform_2.dcm", "SC_rgb_dcmtk_+eb+cr.dcm",
    "SC_rgb_dcmtk_+eb+cy+n1.dcm", "SC_rgb_dcmtk_+eb+cy+n2.dcm", "SC_rgb_dcmtk_+eb+cy+np.dcm",
    "SC_rgb_dcmtk_+eb+cy+s2.dcm", "SC_rgb_dcmtk_+eb+cy+s4.dcm", "SC_rgb_jpeg_dcmtk.dcm", "SC_rgb_jpeg_lossy_gdcm.dcm",
    "SC_rgb_jpeg_app14_dcmd.dcm", "SC_rgb_small_odd_jpeg.dcm", "SC_ybr_full_422_uncompressed.dcm",
    "examples_ybr_color.dcm", "SC_rgb_rle_16bit.dcm", "SC_rgb_rle_16bit_2frame.dcm",
)  # fmt: skip
"""Also where 16-bit or YCbCr colours become RGB of 8 bits, which is rounded."""
_REFUSED = {
    "rtdose.dcm": "Bits Allocated is 1 or 8 or 16, found 32",
    "rtdose_rle_1frame.dcm": "Bits Allocated is 1 or 8 or 16, found 32",
    "SC_rgb_rle_32bit.dcm": "Bits Allocated is 1 or 8 or 16, found 32",
    "MR_truncated.dcm": "expected",
    "JPEG2000-embedded-sequence-delimiter.dcm": "expected an image of 1 to 262144 pixels",
    "SC_rgb_jpeg.dcm": "expected a whole DICOM file",
    "rtplan.dcm": "expected a DICOM file with integer pixels",
    "rtstruct.dcm": "expected",
}


@pytest.fixture(scope="module")
def decode(browser: Any, running_product: Product) -> Iterator[Any]:
    """Decodes frames in one tab for all files: a list of rasters, or the problem."""
    page = browser.new_page()
    console = Console(page.context)
    page.goto(running_product.url)

    def decoded(content: bytes, frames: list[int]) -> Any:
        return page.evaluate(_DECODE, [worker_address("decoder"), base64.b64encode(content).decode(), frames])

    yield decoded
    page.close()
    assert console.problems == []


@pytest.mark.parametrize("name", [*_EQUAL, *_LOSSY])
def test_values_are_those_of_pydicom(decode: Any, name: str):
    path = get_testdata_file(name)
    dataset = pydicom.dcmread(path, force=True)
    frames = sorted({0, int(dataset.get("NumberOfFrames") or 1) - 1})

    found = decode(Path(path).read_bytes(), frames)

    assert isinstance(found, list), found
    for frame, raster in zip(frames, found, strict=True):
        values = np.frombuffer(base64.b64decode(raster["bytes"]), _TYPES[raster["type"]])
        expected = dicom.expected_values(dataset, frame)
        if raster["colour"]:
            values = values.reshape(-1, 4)[:, :3]
        difference = np.abs(values.reshape(expected.shape).astype(int) - expected.astype(int))
        assert difference.max() <= (0 if name in _EQUAL else 1), f"frame {frame}"


@pytest.mark.parametrize("name", _REFUSED)
def test_what_is_not_read_is_refused_in_words(decode: Any, name: str):
    assert _REFUSED[name] in decode(Path(get_testdata_file(name)).read_bytes(), [0])
