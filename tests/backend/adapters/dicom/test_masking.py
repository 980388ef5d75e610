"""Places of a DICOM image become black, and nothing else changes."""

from __future__ import annotations

import io

import numpy as np
import pydicom
import pytest

from backend.adapters.dicom.deidentification import identifiers_left
from backend.adapters.dicom.masking import mask
from backend.domain import TextBox
from backend.errors import UnsupportedImage
from tests.backend.adapters.dicom.corpus import PLACES, case_of
from tests.dicoms import deidentified, dicom

BOX = TextBox(2, 1, 4, 3)
GREY = (np.arange(96, dtype=np.uint16).reshape(8, 12) + 100) * 10


def places(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What is within the box, and what is not."""
    inside = np.zeros(pixels.shape[:2], bool)
    inside[1:4, 2:6] = True
    return pixels[inside], pixels[~inside]


@pytest.mark.parametrize(
    ("pixels", "values", "black"),
    [
        (GREY, {}, GREY.min()),
        (GREY, {"PhotometricInterpretation": "MONOCHROME1"}, GREY.max()),
        (GREY.astype(np.int16) - 1500, {}, -500),
        (np.dstack([GREY // 10] * 3).astype(np.uint8), {}, 100),
    ],
    ids=["unsigned", "MONOCHROME1", "signed", "RGB"],
)
def test_places_are_black(pixels: np.ndarray, values: dict, black: int) -> None:
    content = deidentified(dicom(pixels, **values))
    masked = mask(content, [BOX])
    found = pydicom.dcmread(io.BytesIO(masked)).pixel_array
    (inside, outside), (_, before) = places(found), places(pixels)
    assert (inside == black).all()
    assert (outside == before).all()
    assert identifiers_left(masked) == ()
    assert mask(content, []) == content


def test_every_frame_and_every_plane_is_masked() -> None:
    frames = np.stack([GREY, GREY + 7])
    found = pydicom.dcmread(io.BytesIO(mask(deidentified(dicom(frames)), [BOX]))).pixel_array
    assert [(places(frame)[0] == frame.min()).all() for frame in found] == [True, True]

    planes = np.dstack([GREY // 10] * 3).astype(np.uint8)
    content = dicom(planes, PlanarConfiguration=1, PixelData=planes.transpose(2, 0, 1).tobytes())
    found = pydicom.dcmread(io.BytesIO(mask(deidentified(content), [BOX]))).pixel_array
    assert (places(found)[0] == 100).all()
    assert (places(found)[1] == places(planes)[1]).all()


def test_compressed_pixels_are_refused() -> None:
    content, _ = case_of(4, PLACES[:2])
    with pytest.raises(UnsupportedImage, match="expected uncompressed grey or RGB pixels to make text black"):
        mask(deidentified(content), [BOX])
