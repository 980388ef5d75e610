"""Draws an outline as a transparent overlay for the image."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw

from ml.segmentation.segmenter import Segmentation

LINE = (0, 229, 255, 255)
FILL = (0, 229, 255, 64)
LINE_WIDTH = 2


def outline_overlay(found: Segmentation) -> bytes:
    """PNG (RGBA) in the proportions of the original, its size capped at a longest side of 512 pixels."""
    height, width = found.mask.shape
    layer = Image.new("RGBA", (width, height))
    layer.paste(FILL, mask=Image.fromarray(found.mask))
    drawing = ImageDraw.Draw(layer)
    for contour in found.contours:
        line = [(x * width / found.size[0] - 0.5, y * height / found.size[1] - 0.5) for x, y in contour]
        drawing.line([*line, *line[:2]], LINE, LINE_WIDTH, joint="curve")
    file = io.BytesIO()
    layer.save(file, "PNG")
    return file.getvalue()
