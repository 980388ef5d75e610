"""What a person is asked before an image is pinned."""

from __future__ import annotations

import hashlib
import io
from dataclasses import asdict

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image, ImageDraw, ImageFont

from backend.adapters.images.decoded_images import DecodedImages
from backend.adapters.images.text_finder import OcrTextFinder
from backend.adapters.models.bundled import BundledModels
from backend.container import Container
from backend.domain import TextBox
from backend.errors import ImageTooLarge, TextInImage, UnrecognisedImage, UnsupportedImage
from backend.services.screening import Answers, ScreeningService
from ml.datasets.phantom import phantom_png
from tests.backend.services.conftest import CLIENT
from tests.dicoms import deidentified, dicom


class SlowFinder:
    def find(self, content: bytes) -> list[TextBox]:
        raise ImageTooLarge("expected an image that takes at most 30 s to decode, found one that takes too long")


@pytest.fixture(scope="module")
def named_slice() -> bytes:
    """A slice with a name in it."""
    image = Image.open(io.BytesIO(phantom_png(256, 7)))
    ImageDraw.Draw(image).text((8, 6), "DOE^JANE 1961", fill=255, font=ImageFont.load_default(14))
    output = io.BytesIO()
    image.save(output, "PNG")
    return output.getvalue()


@pytest.fixture(scope="module")
def photo() -> bytes:
    """No kind of image that the gate knows."""
    output = io.BytesIO()
    Image.radial_gradient("L").convert("RGB").save(output, "PNG")
    return output.getvalue()


@pytest.fixture(scope="module")
def models() -> BundledModels:
    return BundledModels(images=DecodedImages())


def screening(models: BundledModels, *, public: bool) -> ScreeningService:
    return ScreeningService(OcrTextFinder(), models, public=public)


def test_text_is_asked_about_and_nothing_is_pinned(container: Container, named_slice: bytes) -> None:
    with pytest.raises(TextInImage, match="expected a picture without text that may identify somebody") as asked:
        container.intake.accept(named_slice, client=CLIENT)
    (box,) = asked.value.extension["boxes"]
    assert box["y"] < 10
    assert not container.store.has(container.inspector.accept(named_slice)[1].cid)


def test_text_that_identifies_nobody_is_kept(container: Container, named_slice: bytes) -> None:
    found = container.intake.accept(named_slice, client=CLIENT, answers=Answers(text="keep"))
    assert container.intake.content(found.facts.cid)[1] == container.inspector.accept(named_slice)[0]
    assert not container.intake.accept(named_slice, client=CLIENT).created


def test_masked_text_is_gone(container: Container, named_slice: bytes) -> None:
    found = container.intake.accept(named_slice, client=CLIENT, answers=Answers(text="mask"))
    assert found.facts.stripped == ("text in the picture",)
    pinned = container.intake.content(found.facts.cid)[1]
    assert container.intake.accept(pinned, client=CLIENT).created is False
    assert OcrTextFinder().find(pinned) == []
    assert not container.intake.accept(named_slice, client=CLIENT, answers=Answers(text="mask")).created


def test_a_photo_is_asked_about_for_a_public_store_only(models: BundledModels, photo: bytes) -> None:
    assert screening(models, public=False).check(photo, Answers()) == []
    assert screening(models, public=True).check(photo, Answers(pin_anyway=True)) == []
    with pytest.raises(UnrecognisedImage, match="send pinAnyway=true to pin it all the same"):
        screening(models, public=True).check(photo, Answers())


def test_an_upload_asks_the_gate_whose_opinion_its_classification_finds(container: Container) -> None:
    content = phantom_png(seed=81_004)
    container.intake.accept(content, client=CLIENT)
    pinned, _ = container.inspector.accept(content)
    models, gate = container.classifier, container.classifier.gate()
    assert isinstance(models, BundledModels)
    assert gate
    assert (gate.sha256, models.decoding, hashlib.sha256(pinned).digest()) in models._opinions


def test_a_private_upload_does_not_depend_on_the_gate(models: BundledModels) -> None:
    assert screening(models, public=False).check(b"no image", Answers(text="keep")) == []
    with pytest.raises(UnsupportedImage):
        screening(models, public=True).check(b"no image", Answers(text="keep"))


def test_a_photo_of_a_screen_is_asked_about_twice(models: BundledModels, named_slice: bytes) -> None:
    class Declining(BundledModels):
        def recognise(self, gate, image, decoding=None):
            return type("Opinion", (), {"modality": None})

    public = screening(Declining(images=DecodedImages()), public=True)
    with pytest.raises(UnrecognisedImage):
        public.check(named_slice, Answers())
    with pytest.raises(TextInImage):
        public.check(named_slice, Answers(pin_anyway=True))
    assert public.check(named_slice, Answers(pin_anyway=True, text="keep")) == []


@pytest.mark.parametrize("text", ["ask", "mask"])
def test_an_image_in_which_text_cannot_be_looked_for_is_asked_about(models: BundledModels, photo: bytes, text) -> None:
    slow = ScreeningService(SlowFinder(), models, public=False)
    with pytest.raises(TextInImage, match="could not look for text") as asked:
        slow.check(photo, Answers(text=text))
    assert asked.value.extension == {"boxes": []}
    assert slow.check(photo, Answers(text="keep")) == []


def test_the_api_gives_the_places_and_takes_the_answer(client: FlaskClient, named_slice: bytes) -> None:
    def post(**fields: str):
        return client.post("/api/v1/images", data={"file": (io.BytesIO(named_slice), "a.png"), **fields})

    asked = post()
    assert (asked.status_code, asked.json["type"]) == (409, "urn:scanproof:problem:text-in-image")
    assert asked.json["boxes"] == [asdict(box) for box in OcrTextFinder().find(named_slice)]
    assert post(text="shout").status_code == 400
    masked = post(text="mask")
    assert (masked.status_code, masked.json["stripped"]) == (201, ["text in the picture"])
    assert post(text="keep").status_code == 201
    assert post().status_code == 200


def test_a_name_in_a_dicom_picture_is_found_and_made_black(container: Container, named_slice: bytes) -> None:
    content = deidentified(dicom(np.asarray(Image.open(io.BytesIO(named_slice)))))
    with pytest.raises(TextInImage):
        container.intake.accept(content, client=CLIENT)
    found = container.intake.accept(content, client=CLIENT, answers=Answers(text="mask"))
    assert found.facts.media_type == "application/dicom"
    assert OcrTextFinder().find(container.intake.content(found.facts.cid)[1]) == []
