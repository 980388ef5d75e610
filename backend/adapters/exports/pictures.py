"""The pictures of exports: as the model saw them, with the outline, and with a line that says what they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from backend.adapters.images.decoder_pool import decoder_pool
from backend.contours import runs
from backend.exports import NOT_A_DIAGNOSIS, Picture, RecordFacts

LINE = (0, 229, 255)
"""The colour of outlines on the page."""
_INK, _STRIP = (255, 255, 255), (0, 0, 0)
_NARROWEST, _LONGEST, _LINE_PIXELS = 512, 2048, 2
_TEXT_SHARE, _SMALLEST_TEXT = 32, 16
_LINE_HEIGHT = 1.4


def pixels_of(picture: Picture) -> Image.Image:
    """Mode ``L`` or ``RGB``, as the model saw it. Raises UnsupportedImage, ImageTooLarge, ServerBusy."""
    with decoder_pool().decoded(picture.content, picture.decoding) as image:
        return image.copy()


def mask_of(picture: Picture) -> np.ndarray:
    """What the outline encloses: bool (height, width); all False without an outline."""
    mask = np.zeros((picture.height, picture.width), bool)
    contours = picture.outline.contours if picture.outline else ()
    for row, first, after in runs(contours, width=picture.width, height=picture.height):
        mask[row, first:after] = True
    return mask


@dataclass(frozen=True, slots=True)
class Drawing:
    """``image`` is RGB: the picture, each pixel ``scale`` pixels wide, above a strip of text. ``size`` is that of the
    picture in it."""

    image: Image.Image
    scale: float
    size: tuple[int, int]

    def place(self, mask: np.ndarray) -> np.ndarray:
        """A mask of the picture as one of the drawing."""
        scaled = np.asarray(Image.fromarray(mask).resize(self.size, Image.Resampling.NEAREST))
        return np.pad(scaled, ((0, self.image.height - scaled.shape[0]), (0, 0)))


def draw(picture: Picture, facts: RecordFacts) -> Drawing:
    """The picture with its outline drawn in, and below it what the result is; at a size that can be read and sent.
    Raises as ``pixels_of``."""
    scale = min(-(-_NARROWEST // picture.width), _LONGEST / max(picture.width, picture.height))
    scale = int(scale) if scale >= 1 else scale
    pixels = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    resampling = Image.Resampling.NEAREST if scale >= 1 else Image.Resampling.BOX
    with decoder_pool().decoded(picture.content, picture.decoding) as image:
        seen = image.resize(pixels, resampling).convert("RGB")
    size = max(_SMALLEST_TEXT, seen.width // _TEXT_SHARE)
    font = ImageFont.load_default(size)
    lines = [line for text in captions(picture, facts) for line in _wrapped(text, font, seen.width - size)]
    height = round(size * _LINE_HEIGHT)
    image = Image.new("RGB", (seen.width, seen.height + height * len(lines) + size // 2), _STRIP)
    image.paste(seen)
    drawing = ImageDraw.Draw(image)
    for contour in picture.outline.contours if picture.outline else ():
        # Pillow's coordinates are those of the centres of pixels.
        points = [(x * scale - 0.5, y * scale - 0.5) for x, y in contour]
        drawing.line([*points, *points[:2]], LINE, _LINE_PIXELS * max(1, seen.width // _NARROWEST), joint="curve")
    for number, line in enumerate(lines):
        drawing.text((size // 2, seen.height + size // 4 + number * height), line, _INK, font)
    return Drawing(image, scale, pixels)


def captions(picture: Picture, facts: RecordFacts) -> list[str]:
    """What stands below a picture."""
    diagnosis = facts.diagnosis
    result = "no answer" if diagnosis.abstained else f"{diagnosis.label_text}, {diagnosis.confidence:.1%}"
    overridden = diagnosis.current_label not in (None, diagnosis.label)
    slice_ = "" if picture.order is None or facts.study is None else f", slice {picture.order + 1}"
    return [
        NOT_A_DIAGNOSIS,
        f"{diagnosis.model.name} {diagnosis.model.version}: {result}{slice_}",
        f"Status: {diagnosis.status_text}" + (f", as {diagnosis.current_label_text}" if overridden else ""),
        f"Record {facts.image_id[:18]}… on chain {facts.chain_id}",
    ]


def _wrapped(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> list[str]:
    """Lines of at most ``width`` pixels, where words allow it."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
