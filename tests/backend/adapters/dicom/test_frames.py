"""Each frame of a DICOM file becomes a file: with its own picture and place, and without anything of the others."""

from __future__ import annotations

import hashlib
import io
import json
import warnings
import zlib
from base64 import b64decode

import numpy as np
import pydicom
import pytest

from backend.adapters.dicom.deidentification import deidentify, identifiers_left, with_own_values
from backend.adapters.dicom.frames import MAX_FRAMES, count, split
from backend.adapters.images.inspector import PillowInspector
from backend.domain import MAX_STUDY_FILE_BYTES
from backend.errors import IdentifiersLeft, ImageTooLarge, UnsupportedImage
from ml.preprocessing.dicom import DicomFile
from tests.backend.adapters.dicom import multiframe
from tests.backend.adapters.dicom.multiframe import FILES, KEY, MASKS, classic, enhanced, jpegs
from tests.dicoms import SAMPLES, dataset, dicom, sample, written


def frames_of(content: bytes) -> list[bytes]:
    return split(deidentify(content, KEY).content)


def pictures(content: bytes) -> list[np.ndarray]:
    file = DicomFile(content)
    return [np.asarray(file.picture(number)[0]) for number in range(file.description.frames)]


@pytest.mark.parametrize("name", [name for name in FILES if name != "bits"])
def test_each_frame_is_a_file_with_the_picture_that_it_had(name: str) -> None:
    parts = frames_of(FILES[name])
    assert len(parts) == count(FILES[name])
    for part, expected in zip(parts, pictures(FILES[name]), strict=True):
        (found,) = pictures(part)
        assert np.array_equal(found, expected)
        assert identifiers_left(part) == ()


def test_frames_of_single_bits_begin_within_a_byte() -> None:
    """pydicom does not read such frames of the whole one by one."""
    assert [pictures(part)[0].tolist() for part in frames_of(FILES["bits"])] == (255 * MASKS).tolist()


@pytest.mark.parametrize(
    "name", ["SC_rgb_rle_2frame.dcm", "SC_rgb_rle_16bit_2frame.dcm", "examples_ybr_color.dcm", "rtdose.dcm"]
)
def test_samples_of_pydicom(name: str) -> None:
    """Of a dose of 32 bits nothing is shown, but its frames are told apart."""
    content = sample(name)
    parts = frames_of(content)
    first = pydicom.dcmread(io.BytesIO(parts[0]))
    assert {identifiers_left(part) for part in (parts[0], parts[-1])} == {()}
    assert first.InConcatenationTotalNumber == len(parts) == count(content)
    if first.BitsAllocated <= 16:
        whole = DicomFile(content)
        for number in (0, len(parts) - 1):
            assert np.array_equal(np.asarray(whole.picture(number)[0]), pictures(parts[number])[0])


def test_all_other_samples_of_pydicom_have_one_frame_or_are_refused_by_name() -> None:
    several = {path.name for path in SAMPLES.glob("*.dcm") if count(path.read_bytes()) > 1}
    assert {"rtdose.dcm", "rtdose_rle.dcm", "examples_ybr_color.dcm"} <= several
    for name in sorted(several):
        assert len(frames_of(sample(name))) > 1


def test_a_frame_says_of_which_object_it_is_a_part() -> None:
    whole = pydicom.dcmread(io.BytesIO(deidentify(classic(), KEY).content))
    parts = [pydicom.dcmread(io.BytesIO(part)) for part in frames_of(classic())]
    assert {part.SOPInstanceUIDOfConcatenationSource for part in parts} == {whole.SOPInstanceUID}
    assert len({part.ConcatenationUID for part in parts}) == 1
    assert [part.ConcatenationFrameOffsetNumber for part in parts] == [0, 1, 2]
    assert [(part.InConcatenationNumber, part.InConcatenationTotalNumber) for part in parts] == [(1, 3), (2, 3), (3, 3)]
    assert len({part.SOPInstanceUID for part in parts}) == 3
    assert {part.file_meta.MediaStorageSOPInstanceUID for part in parts} == {part.SOPInstanceUID for part in parts}
    assert all(part.NumberOfFrames == 1 and "FrameTimeVector" not in part for part in parts)
    assert {(part.StudyInstanceUID, part.SOPClassUID) for part in parts} == {
        (whole.StudyInstanceUID, whole.SOPClassUID)
    }


def test_a_frame_of_an_enhanced_image_keeps_its_own_groups() -> None:
    parts = frames_of(enhanced([3.0, -1.5]))
    read = [pydicom.dcmread(io.BytesIO(part)) for part in parts]
    windows = [part.PerFrameFunctionalGroupsSequence[0].FrameVOILUTSequence[0].WindowCenter for part in read]
    assert windows == [110, 210]
    assert all(len(part.PerFrameFunctionalGroupsSequence) == 1 for part in read)
    assert b"Jane" not in b"".join(parts)
    places = [DicomFile(part).description.place for part in parts]
    assert [(place.position, place.frame) for place in places] == [(3.0, 0), (-1.5, 1)]


def test_groups_of_too_few_frames_leave_the_shared_ones() -> None:
    whole = pydicom.dcmread(io.BytesIO(enhanced([1.0, 2.0])))
    del whole.PerFrameFunctionalGroupsSequence[1]
    _, last = frames_of(written(whole))
    assert "PerFrameFunctionalGroupsSequence" not in pydicom.dcmread(io.BytesIO(last))


def test_the_same_file_gives_the_same_frames_which_are_like_no_others() -> None:
    assert frames_of(classic()) == frames_of(classic())
    assert not set(frames_of(classic())) & set(frames_of(classic(SOPInstanceUID="1.2.3.9")))


def test_the_golden_vectors_of_the_page_are_of_these_rules() -> None:
    """If it fails: ``python -m tests.backend.adapters.dicom.multiframe``, then see whether the page gives the same."""
    kept = json.loads(multiframe.FILE.read_bytes())
    assert set(kept["files"]) == set(FILES)
    for each in kept["files"].values():
        content = zlib.decompress(b64decode(each["input"]), -15)
        assert [hashlib.sha256(part).hexdigest() for part in frames_of(content)] == each["frames"]


def lying(frames: int) -> bytes:
    made = dataset(np.zeros((2, 4, 6), np.uint8))
    made.NumberOfFrames = frames
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return written(made)


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (lying(3), UnsupportedImage, "expected the pixels of 3 frames in a DICOM file, found fewer"),
        (lying(MAX_FRAMES + 1), ImageTooLarge, "expected a DICOM file of at most 2,000 frames, found 2,001"),
        (lying(0), ImageTooLarge, "expected a DICOM file of at most 2,000 frames, found 0"),
        (
            jpegs("none").replace(b"\x28\0\x08\0IS\x02\x002 ", b"\x28\0\x08\0IS\x02\x003 "),
            UnsupportedImage,
            "expected the compressed data of 3 frames in a DICOM file, found others",
        ),
    ],
    ids=["fewer", "many", "none", "fewer compressed"],
)
def test_frames_that_cannot_be_separated(content: bytes, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        frames_of(content)


def test_offsets_that_lie_are_no_guide() -> None:
    """The table is only believed where it names the first fragment, and each frame once, in order."""
    content = deidentify(jpegs("basic", 3), KEY).content
    at = content.index(b"\xfe\xff\0\xe0\x08\0\0\0") + 8
    swapped = content[:at] + content[at + 4 : at + 8] + content[at : at + 4] + content[at + 8 :]
    with pytest.raises(UnsupportedImage, match="expected the compressed data of 2 frames"):
        split(swapped)


def test_pixels_that_are_no_integers_are_refused() -> None:
    made = dataset(np.zeros((2, 4, 6), np.uint8))
    del made.PixelData
    made.FloatPixelData = np.zeros((2, 4, 6), np.float32).tobytes()
    with pytest.raises(UnsupportedImage, match="expected a DICOM file with integer pixels, found none"):
        frames_of(written(made))


def test_a_file_that_cannot_be_read_counts_as_one_frame() -> None:
    assert count(classic()[:300]) == 1
    assert count(b"no DICOM") == 1


def test_what_is_kept_of_nobody_has_its_own_values() -> None:
    """A series of single frames and of several stays one series where identifiers are allowed."""
    content = classic(StudyDate="20260102")
    own = with_own_values(content)
    assert DicomFile(own).description.place == DicomFile(content).description.place
    assert pydicom.dcmread(io.BytesIO(own)).StudyDate == "20260102"


def test_the_inspector_splits_in_a_process_of_its_own() -> None:
    inspector = PillowInspector()
    clean = deidentify(classic(), KEY).content
    assert inspector.split(clean) == split(clean)
    assert inspector.split(classic(), kept=False) == split(with_own_values(classic()))
    assert inspector.split(dicom(np.zeros((4, 6), np.uint8))) == []
    with pytest.raises(IdentifiersLeft, match="Patient's Name"):
        inspector.split(classic())
    with pytest.raises(ImageTooLarge, match="expected a DICOM file of at most 201,326,592 bytes, found a larger one"):
        inspector.split(bytes(MAX_STUDY_FILE_BYTES + 1))
