"""The outline as a segmentation, read by highdicom."""

from __future__ import annotations

import io
from dataclasses import replace

import highdicom
import numpy as np
import pytest

from backend.adapters.exports.pictures import mask_of
from backend.adapters.exports.writers import write
from backend.errors import Conflict
from backend.exports import RecordFacts, outline_facts
from tests.backend.adapters.exports.documents import STATES
from tests.backend.adapters.exports.facts import (
    AREA,
    OUTLINE,
    REVIEWER,
    SIDE,
    clean,
    facts,
    original,
    picture,
    png,
    study,
)
from tests.dicoms import deidentified


def segmented(record: RecordFacts) -> highdicom.seg.Segmentation:
    return highdicom.seg.segread(io.BytesIO(write("seg", record, None).content))


def test_the_segment_is_what_the_outline_encloses() -> None:
    found = segmented(facts())

    assert found.SegmentationType == "BINARY"
    assert np.array_equal(found.pixel_array.astype(bool), mask_of(picture(clean())))
    assert found.pixel_array.sum() == AREA
    (description,) = found.SegmentSequence
    assert (description.SegmentLabel, description.SegmentAlgorithmType) == ("Glioma", "AUTOMATIC")
    (algorithm,) = description.SegmentationAlgorithmIdentificationSequence
    assert (algorithm.AlgorithmName, algorithm.AlgorithmVersion) == ("tumour-outline", "1.0.0")
    assert "cd" * 32 in algorithm.AlgorithmParameters
    (source,) = found.ReferencedSeriesSequence[0].ReferencedInstanceSequence
    reference = picture(clean()).dicom
    assert reference is not None
    assert source.ReferencedSOPInstanceUID == reference.sop_instance
    assert (found.FrameOfReferenceUID, found.StudyInstanceUID) == (reference.frame_of_reference, reference.study)


def test_an_outline_that_a_clinician_drew_is_manual() -> None:
    outline = outline_facts(OUTLINE[:1], reviewer=REVIEWER, width=SIDE, height=SIDE, spacing=None)
    found = segmented(facts(picture(clean(), outline=outline)))

    (description,) = found.SegmentSequence
    assert description.SegmentAlgorithmType == "MANUAL"
    assert "SegmentationAlgorithmIdentificationSequence" not in description
    assert found.pixel_array.sum() == 400


@pytest.mark.parametrize(
    ("state", "label"),
    [("overridden", "Meningioma"), ("overridden under a seal", "Outline"), ("withdrawn", "Outline")],
)
def test_an_outline_never_has_a_label_that_is_not_valid_any_more(state: str, label: str) -> None:
    found = segmented(replace(facts(), diagnosis=STATES[state]))
    assert found.SegmentSequence[0].SegmentLabel == label


def test_each_outlined_slice_of_a_study_is_a_frame() -> None:
    pictures = [picture(clean(number), order=number - 1, outlined=number != 2) for number in (1, 2, 3)]
    pictures.append(picture(deidentified(original(4, PixelSpacing=[1, 1])), order=3))
    found = segmented(facts(*pictures, study=study(4)))

    assert found.NumberOfFrames == 2
    frames = found.get_pixels_by_source_instance(
        [each.dicom.sop_instance for each in pictures[:3:2] if each.dicom], ignore_spatial_locations=True
    )
    assert [frame.sum() for frame in frames] == [AREA, AREA]


def test_the_outlines_of_model_and_clinician_are_two_segments_on_their_slices() -> None:
    own = outline_facts(OUTLINE[:1], reviewer=REVIEWER, width=SIDE, height=SIDE, spacing=None)
    by_model = picture(clean(1), order=0)
    again = picture(deidentified(original(3, ImagePositionPatient=[-8, -16, 8.0])), order=1)
    by_clinician = picture(clean(2), order=2, outline=own)
    found = segmented(facts(by_model, again, by_clinician, study=study(3)))

    assert [each.SegmentAlgorithmType for each in found.SegmentSequence] == ["AUTOMATIC", "MANUAL"]
    assert found.SegmentSequence[0].TrackingUID != found.SegmentSequence[1].TrackingUID
    named = {
        frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber: (
            frame.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID,
            pixels.sum(),
        )
        for frame, pixels in zip(found.PerFrameFunctionalGroupsSequence, found.pixel_array, strict=True)
    }
    first, second = (each.dicom.sop_instance for each in (by_model, by_clinician) if each.dicom)
    assert found.NumberOfFrames == 2
    assert named == {1: (first, AREA), 2: (second, 400)}


def test_an_image_of_another_format_is_segmented_on_its_secondary_capture() -> None:
    found = segmented(facts(picture(png())))

    assert found.pixel_array.shape[1] == 512
    assert found.pixel_array.sum() == AREA * 64
    assert found.pixel_array[512:].sum() == 0


def test_a_position_that_a_scanner_shows_twice_is_one_frame() -> None:
    again = picture(deidentified(original(2, ImagePositionPatient=[-8, -16, 4.0])), order=1)
    record = facts(picture(clean(), order=0), again, study=study(2))
    assert segmented(record).NumberOfFrames == 1
    assert write("sr", record, None).content


@pytest.mark.parametrize("missing", ["FrameOfReferenceUID", "ImagePositionPatient", "SliceThickness"])
def test_a_file_without_a_place_in_the_patient_is_segmented_on_its_secondary_capture(missing: str) -> None:
    found = segmented(facts(picture(deidentified(original(**{missing: None})))))
    assert found.pixel_array.sum() == AREA * 64
    assert "FrameOfReferenceUID" not in found


def test_without_an_outline_there_is_nothing_to_write() -> None:
    record = facts(picture(clean(), outlined=False))
    with pytest.raises(Conflict, match="nothing is outlined on this record: the classifier found no tumour"):
        write("seg", record, None)
    other = replace(record, pictures=(picture(png(), outlined=False),))
    with pytest.raises(Conflict):
        write("seg", other, None)
