"""Text that is part of a picture is found, and can be made black. How much is found: ``tests.benchmarks``."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageDraw, ImageFont

from backend.adapters.images.burnt_in_text import MAX_SIDE, find
from backend.adapters.images.decoder_pool import DecoderPool
from backend.adapters.images.inspector import PillowInspector
from backend.adapters.images.text_finder import OcrTextFinder
from backend.domain import TextBox
from backend.errors import ImageTooLarge
from ml.datasets.phantom import phantom_png


def with_text(text: str, *, side: int = 256, height: int = 14, place: tuple[int, int] = (8, 6)) -> Image.Image:
    image = Image.open(io.BytesIO(phantom_png(256))).resize((side, side))
    ImageDraw.Draw(image).text(place, text, fill=255, font=ImageFont.load_default(height))
    return image


def png(image: Image.Image) -> bytes:
    output = io.BytesIO()
    image.save(output, "PNG")
    return output.getvalue()


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_name_is_found_where_it_is(mode: str) -> None:
    (box,) = find(with_text("DOE^JANE").convert(mode))
    assert (box.x, box.y) < (8, 10)
    assert 50 < box.width < 110
    assert 14 < box.height < 40


def test_the_places_of_a_large_picture_are_in_its_own_pixels() -> None:
    (box,) = find(with_text("DOE^JANE", side=2 * MAX_SIDE, height=60, place=(1200, 2000)))
    assert abs(box.x - 1200) < 40
    assert abs(box.y - 2000) < 60


@pytest.mark.parametrize("text", ["", "R"])
def test_a_slice_without_text_and_the_letter_of_a_side_raise_no_question(text: str) -> None:
    assert find(with_text(text)) == []


def test_a_picture_without_contrast_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.adapters.images.burnt_in_text._reader", None)
    assert find(Image.new("L", (64, 64), 7)) == []


def test_a_second_look_at_the_same_image_asks_no_process() -> None:
    pool = DecoderPool(processes=1)
    finder = OcrTextFinder(pool)
    content = png(Image.new("L", (64, 64)))
    assert finder.find(content) == []
    pool.close()
    pool._slots.acquire()
    assert finder.find(content) == []


@pytest.mark.parametrize("mode", ["L", "RGB", "P", "RGBA", "LA", "1", "I;16"])
def test_masked_places_are_black_and_everything_else_stays(mode: str) -> None:
    image = Image.linear_gradient("L").resize((40, 30)).point(lambda value: value // 2 + 100)
    image = Image.new(mode, (40, 30), 40_000) if mode == "I;16" else image.convert(mode)

    masked, facts = PillowInspector().mask(png(image), [TextBox(4, 6, 10, 5)])

    found, before = Image.open(io.BytesIO(masked)), image.convert("RGBA") if mode in ("P", "RGBA") else image
    assert (facts.width, facts.height, facts.media_type) == (40, 30, "image/png")
    inside, outside = found.crop((4, 6, 14, 11)), (0, 0, 40, 6)
    assert set(inside.convert("L" if mode != "I;16" else "I;16").tobytes()) == {0}
    assert found.crop(outside).convert(before.mode).tobytes() == before.crop(outside).tobytes()
    if mode == "I;16":
        assert found.mode == "I;16"


def test_a_mask_has_the_limits_of_an_upload() -> None:
    with pytest.raises(ImageTooLarge, match="expected one side at most 100 times the other"):
        PillowInspector().mask(png(Image.new("L", (1, 1000))), [TextBox(0, 0, 1, 1)])
