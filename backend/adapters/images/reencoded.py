"""Images that are re-encoded as PNG with the same pixels: TIFF, BMP, and images with an EXIF orientation."""

from __future__ import annotations

import io

from PIL import Image, TiffImagePlugin

from backend.adapters.images.stripped import OTHER, Findings
from backend.errors import UnsupportedImage

_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")
_WHITE_IS_ZERO = 0
_PHOTOMETRIC, _BITS, _ORIENTATION, _SUB_IMAGES = 262, 258, 274, 330
_TIFF_NAMES = {
    34665: "EXIF", 34853: "GPS position", 700: "XMP", 33723: "IPTC", 34377: "IPTC", _SUB_IMAGES: "thumbnail",
    **dict.fromkeys((269, 270, 271, 272, 285, 305, 315, 316, 33432), "text"),
    306: "time",
}  # fmt: skip
# The tags with which TIFF 6.0 describes the pixels' layout and colour, and the colour profile.
_TIFF_LAYOUT = {*range(254, 267), *range(273, 285), *range(290, 298), 301, *range(317, 348), *range(512, 533), 34675}

TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def as_png(image: Image.Image) -> bytes:
    """The pixels, palette, transparency and colour profile of ``image``. Raises UnsupportedImage for other modes."""
    profile = image.info.get("icc_profile")
    if image.mode == "I;16B":
        # Pillow's convert() would clip the values at 255.
        image = Image.frombytes("I;16", image.size, image.tobytes(), "raw", "I;16B")
    if image.mode not in _MODES:
        raise UnsupportedImage(f"expected grey, palette or RGB pixels, found {image.mode}, which a PNG cannot hold")
    buffer = io.BytesIO()
    # Level 4 takes a third of the default's time for a photograph, and 4 % more bytes.
    image.save(buffer, "PNG", icc_profile=profile, compress_level=4)
    return buffer.getvalue()


def check_tiff(image: TiffImagePlugin.TiffImageFile, findings: Findings) -> None:
    """Note a TIFF's metadata; refuse files that Pillow would not decode exactly. Raises UnsupportedImage."""
    try:
        image.seek(1)
    except EOFError:
        image.seek(0)
    else:
        raise UnsupportedImage("expected one image, found a TIFF with several pages")
    tags = image.tag_v2
    bits = tags.get(_BITS, (1,))
    if max(bits) > 8 and len(bits) > 1:
        raise UnsupportedImage(f"expected a colour TIFF with 8 bits a channel, found {max(bits)}: save it as PNG first")
    if max(bits) > 8 and tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
        raise UnsupportedImage(
            "expected a 16-bit TIFF in which zero is black, found zero as white: save it as PNG first"
        )
    if tags.get(_ORIENTATION, 1) in TURNS:
        findings.orientation = tags[_ORIENTATION]
    findings.removed |= {_TIFF_NAMES.get(tag, OTHER) for tag in tags if tag not in _TIFF_LAYOUT - {_SUB_IMAGES}}
