"""The picture with the outline and the result drawn in."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from backend.adapters.exports.pictures import LINE, captions, draw, pixels_of
from backend.domain import DiagnosisStatus
from tests.backend.adapters.exports.conftest import Read
from tests.backend.adapters.exports.facts import SIDE, clean, facts, picture, study


def test_outline_and_result_are_drawn(read: Read) -> None:
    found = read("sc", facts())

    assert (found.SOPClassUID.name, found.Modality) == ("Secondary Capture Image Storage", "OT")
    assert list(found.PixelSpacing) == [0.5 / 8, 0.25 / 8]
    assert found.SeriesDescription == "ScanProof: AI result, not a diagnosis"
    assert "scanproof verify" in found.ImageComments
    pixels = found.pixel_array
    assert pixels.shape[1] == 512 > SIDE
    drawn = np.argwhere((pixels == LINE).all(2)) / 8
    assert drawn.min(0).round().tolist() == [20, 10]
    assert drawn.max(0).round().tolist() == [40, 30]
    below = pixels[512:]
    assert (below == 255).any() and (below[:, -4:] == 0).all()


@pytest.mark.parametrize(
    ("size", "expected"), [((64, 64), (512, 512)), ((600, 300), (600, 300)), ((3000, 1500), (2048, 1024))]
)
def test_a_small_picture_is_enlarged_and_a_large_one_made_smaller(size: tuple[int, int], expected: tuple) -> None:
    file = io.BytesIO()
    Image.new("L", size, 70).save(file, "PNG")
    shown = picture(file.getvalue(), width=size[0], height=size[1])
    drawing = draw(shown, facts(shown))
    assert (drawing.image.width, drawing.size) == (expected[0], expected)
    mask = np.zeros((size[1], size[0]), bool)
    mask[: size[1] // 2] = True
    placed = drawing.place(mask)
    assert placed.shape == (drawing.image.height, drawing.image.width)
    assert placed[: expected[1] // 2].all() and not placed[expected[1] // 2 :].any()


def test_without_an_outline_the_picture_is_what_the_model_saw(read: Read) -> None:
    shown = picture(clean(), outlined=False)
    pixels = read("sc", facts(shown)).pixel_array
    assert np.array_equal(pixels[:512:8, ::8, 0], np.asarray(pixels_of(shown)))


def test_the_picture_of_a_study_is_the_one_in_the_middle(read: Read) -> None:
    pictures = [picture(clean(number), order=number - 1) for number in (1, 2, 3)]
    made = facts(*pictures, study=study(3))
    assert made.shown == pictures[1]
    assert captions(made.shown, made)[1] == "brain-mri 2.1.0: Glioma, 91.2%, slice 2"


def test_the_lines_say_what_it_is() -> None:
    made = facts()
    assert captions(made.shown, made) == [
        "AI result, not a diagnosis",
        "brain-mri 2.1.0: Glioma, 91.2%",
        "Status: unverified: asserted by an AI model, reviewed by no clinician",
        f"Record {made.image_id[:18]}… on chain 31337",
    ]
    declined = facts(abstained=True, status=DiagnosisStatus.ABSTAINED)
    assert captions(declined.shown, declined)[1] == "brain-mri 2.1.0: no answer"


def test_the_label_of_a_clinician_stands_beside_that_of_the_model() -> None:
    made = facts(status=DiagnosisStatus.OVERRIDDEN, current_label="notumor", current_label_text="No tumour")
    assert captions(made.shown, made)[1:3] == [
        "brain-mri 2.1.0: Glioma, 91.2%",
        "Status: overridden by a clinician, as No tumour",
    ]


def test_long_lines_are_wrapped() -> None:
    short, long = facts(), facts(label_text="A label that nobody can read in one line of a small picture, " * 3)
    assert draw(long.shown, long).image.height > draw(short.shown, short).image.height
