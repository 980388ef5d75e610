"""Originals beside their copies without identifiers."""

from __future__ import annotations

import io

import numpy as np
import pydicom
import pytest

from backend.adapters.dicom.deidentification import deidentify, fingerprint
from backend.domain import Fingerprint, SlicePlace
from backend.services.clean_copies import PlacedImage, pair
from tests.backend.adapters.dicom.multiframe import enhanced, jpegs
from tests.backend.received import series
from tests.dicoms import sample


def image(name: str, patient: str, digest: str, *, clean: bool, series: str = "1") -> PlacedImage:
    place = SlicePlace(patient=patient, study=f"{patient}.1", series=series, number=1, position=None)
    return PlacedImage(name, place, Fingerprint(digest, clean=clean))


def patients(images: list[PlacedImage]) -> tuple[dict[int, str], list[str | None]]:
    found = pair(images)
    return found.copies, [place and place.patient for place in found.places]


def test_an_original_is_left_for_its_copy_and_its_patient_is_the_same() -> None:
    images = [
        image("a", "Doe", "1", clean=False),
        image("a-clean", "SP-1", "1", clean=True),
        image("b", "Doe", "2", clean=False),
        image("c-clean", "SP-1", "3", clean=True),
        PlacedImage("photo.png", None, None),
    ]
    assert patients(images) == ({0: "a-clean"}, ["SP-1", "SP-1", "SP-1", "SP-1", None])


def test_two_copies_of_one_original_are_one() -> None:
    images = [image(name, name, "1", clean=name != "Doe") for name in ("SP-1", "Doe", "SP-2")]
    assert patients(images) == ({1: "SP-1", 2: "SP-1"}, ["SP-1", "SP-1", "SP-1"])


def test_images_of_two_patients_stay_those_of_two() -> None:
    alike = [image(name, name, "1", clean=name == "SP-1") for name in ("Doe", "Roe", "SP-1")]
    assert patients(alike) == ({}, ["Doe", "Roe", "SP-1"])
    copies = [image("a", "SP-1", "1", clean=True), image("b", "SP-2", "1", clean=True)]
    assert patients(copies) == ({}, ["SP-1", "SP-2"])


@pytest.mark.parametrize(
    "original",
    [series(1)[0], enhanced([0.0, 5.0]), jpegs("basic"), sample("CT_small.dcm"), sample("ExplVR_BigEnd.dcm")],
    ids=["MR", "enhanced", "JPEG", "CT", "big endian"],
)
def test_a_file_and_its_copies_have_one_fingerprint(original: bytes) -> None:
    copies = [deidentify(original, bytes([key]) * 32).content for key in (1, 2)]
    assert copies[0] != copies[1]
    first, *others = (fingerprint(content) for content in (original, *copies))
    assert {each.digest for each in others} == {first.digest}
    assert [first.clean, *(each.clean for each in others)] == [False, True, True]


def test_a_picture_of_one_shade_is_paired_with_none() -> None:
    (empty,) = series(1, pictures=[np.zeros((16, 16), np.uint16)])
    assert fingerprint(empty) == Fingerprint("", clean=False)
    images = [image("a", "Doe", "", clean=False), image("b", "SP-1", "", clean=True)]
    assert patients(images) == ({}, ["Doe", "SP-1"])


def test_other_pixels_or_another_place_have_another_fingerprint() -> None:
    one, other = series(2, pictures=[np.eye(16, dtype=np.uint16)[:, 1:]] * 2)
    changed = pydicom.dcmread(io.BytesIO(one))
    changed.PixelData = changed.PixelData[::-1]
    file = io.BytesIO()
    changed.save_as(file)
    assert len({fingerprint(content).digest for content in (one, other, file.getvalue())}) == 3
