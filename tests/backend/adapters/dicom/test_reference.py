"""What a DICOM image says of itself, and what a decoder that was taken over may say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backend.adapters.dicom.reference import PooledDicomReader, values_of
from backend.domain import DicomReference
from backend.errors import UnsupportedImage
from tests.backend.adapters.exports import facts
from tests.dicoms import dicom


class TakenOver:
    """A pool whose process answers with ``values`` in place of a file's."""

    def __init__(self, **values: Any) -> None:
        self._values = values

    def refer(self, content: bytes) -> dict[str, Any]:
        found = values_of(content) | self._values
        return {name: value for name, value in found.items() if value is not None}


def test_the_reference_of_a_slice() -> None:
    found = PooledDicomReader().reference(facts.original())
    assert found == DicomReference(
        sop_class="1.2.840.10008.5.1.4.1.1.4",
        sop_instance=f"{facts.SERIES}.1",
        study=facts.STUDY,
        series=facts.SERIES,
        frame_of_reference=f"{facts.STUDY}.9",
        modality="MR",
        series_number=3,
        instance_number=1,
        rows=64,
        columns=64,
        spacing=(0.5, 0.25),
        position=(-8.0, -16.0, 4.0),
        orientation=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
        thickness=4.0,
        patient_id="MRN-17",
        patient_name="Doe^Jane",
        patient_sex="F",
        study_date="20260203",
    )


def test_what_a_file_does_not_say_is_none() -> None:
    content = dicom(np.zeros((4, 4), np.uint8), StudyInstanceUID="1.2", SeriesInstanceUID="1.3")
    found = PooledDicomReader().reference(content)
    assert found is not None
    assert (found.frame_of_reference, found.patient_name, found.series_number) == ("", "", None)
    assert (found.spacing, found.position, found.orientation, found.thickness) == (None, None, None, None)


def test_a_file_of_another_format_has_none() -> None:
    assert PooledDicomReader().reference(facts.png()) is None


@pytest.mark.parametrize(
    "values",
    [
        {"study": ""},
        {"series": "1.2/../3"},
        {"sop_instance": "1." + "2" * 70},
        {"frame_of_reference": "none"},
        {"rows": "many"},
        {"spacing": None},
        {"position": 7},
    ],
)
def test_an_answer_without_what_every_image_has_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedImage, match="expected a DICOM image with the UIDs of its study"):
        PooledDicomReader(TakenOver(**values)).reference(facts.original())


def test_numbers_that_no_image_has_are_left_out_and_text_is_made_safe() -> None:
    pool = TakenOver(spacing=[float("nan"), 1.0], position=[1e99, 0, 0], patient_name="Doe\x1b[2J" + "x" * 99)
    found = PooledDicomReader(pool).reference(facts.original())
    assert found is not None
    assert (found.spacing, found.position) == (None, None)
    assert found.patient_name == ("Doe\\x1b[2J" + "x" * 99)[:64]
