"""Images that are re-encoded as PNG with the same pixels: TIFF, BMP, and images with an EXIF orientation."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image, ImageDraw

from backend.adapters.images import limits
from backend.adapters.images.formats import not_supported
from backend.domain import TextBox

_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def mask(content: bytes, boxes: Sequence[TextBox]) -> bytes:
    """An image with the places ``boxes`` black, as a PNG of the same depth. Raises UnsupportedImage, ImageTooLarge."""
    image: Image.Image = Image.open(io.BytesIO(content))
    limits.check_size(image.width, image.height)
    image.load()
    if image.mode == "P":  # in which 0 is any colour
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    draw = ImageDraw.Draw(image)
    for box in boxes:
        draw.rectangle((box.x, box.y, box.x + box.width - 1, box.y + box.height - 1), fill=0)
    return as_png(image)


def as_png(image: Image.Image) -> bytes:
    """The pixels, palette, transparency and colour profile of ``image``.

    Raises UnsupportedImage for other modes, ImageTooLarge for the profile.
    """
    profile = image.info.get("icc_profile")
    limits.check_profile(len(profile or b""))
    if image.mode == "I;16B":
        # Pillow's convert() would clip the values at 255.
        image = Image.frombytes("I;16", image.size, image.tobytes(), "raw", "I;16B")
    if image.mode not in _MODES:
        raise not_supported(f"an image with {image.mode} pixels", convert_to="grey or RGB")
    buffer = io.BytesIO()
    # Level 4 takes a third of the default's time for a photograph, and 4 % more bytes.
    image.save(buffer, "PNG", icc_profile=profile, compress_level=4)
    return buffer.getvalue()
