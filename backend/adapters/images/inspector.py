"""Checks uploaded images: type, limits, integrity. Removes their metadata, because a pin can be permanent."""

from __future__ import annotations

import hashlib
import io
import logging
from collections.abc import Sequence

from PIL import Image, TiffImagePlugin

from backend.adapters.images import jpeg, png, webp
from backend.adapters.images.reencoded import TURNS, as_png, check_tiff
from backend.adapters.images.stripped import Findings
from backend.adapters.ipfs.unixfs import cid_of
from backend.domain import MAX_IMAGE_BYTES, ImageFacts
from backend.errors import ImageTooLarge, UnsupportedImage

MAX_PIXELS = 40_000_000
MEDIA_TYPES = ("image/png", "image/jpeg", "image/tiff", "image/bmp", "image/webp")

logger = logging.getLogger(__name__)
_MAGIC = (
    (0, png.SIGNATURE, "PNG"),
    (0, b"\xff\xd8\xff", "JPEG"),
    (8, b"WEBP", "WEBP"),
    (0, b"II*\0", "TIFF"),
    (0, b"MM\0*", "TIFF"),
    (0, b"II+\0", "TIFF"),
    (0, b"MM\0+", "TIFF"),
    (0, b"BM", "BMP"),
)
_OTHER_MAGIC = (
    (0, b"GIF8", "a GIF"),
    (0, b"%PDF", "a PDF"),
    (128, b"DICM", "a DICOM file"),
    (4, b"ftyp", "a HEIC, AVIF or video file"),
    (0, b"PK\3\4", "a ZIP archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
)
_STRIPPERS = {"PNG": png.strip, "JPEG": jpeg.strip, "WEBP": webp.strip}


class PillowInspector:
    """Port ImageInspector. PNG, JPEG and WebP keep their picture data unchanged; TIFF and BMP become PNG.

    An image with an EXIF orientation is turned upright and becomes PNG too. The same upload always gives the same
    bytes. A JPEG has no checksums: damage in its compressed data that still decodes is not detected.
    """

    max_bytes: int = MAX_IMAGE_BYTES
    max_pixels: int = MAX_PIXELS
    media_types: Sequence[str] = MEDIA_TYPES

    def accept(self, content: bytes) -> tuple[bytes, ImageFacts]:
        _check_bytes(content)
        kind = _sniff(content)
        findings = Findings()
        try:
            clean, image = _clean(kind, content, findings)
        except (UnsupportedImage, ImageTooLarge):
            raise
        except Image.DecompressionBombError as exc:
            raise ImageTooLarge(f"expected at most {MAX_PIXELS} pixels, found many more") from exc
        except Exception as exc:  # Pillow's readers raise many types on damaged data
            logger.info("refused a %s: %s", kind, exc)
            raise UnsupportedImage(f"expected a whole {kind} image, found one that is cut off or damaged") from exc
        _check_bytes(clean, " in the PNG that it becomes" if clean is not content else "")
        if findings.orientation != 1:
            findings.removed.add("orientation")
        return clean, ImageFacts(
            cid=cid_of(clean),
            sha256=hashlib.sha256(clean).hexdigest(),
            size=len(clean),
            width=image.width,
            height=image.height,
            media_type=str(Image.MIME[_sniff(clean)]),
            stripped=tuple(sorted(findings.removed)),
        )


def _clean(kind: str, content: bytes, findings: Findings) -> tuple[bytes, Image.Image]:
    """The bytes to pin, and their decoded image."""
    strip = _STRIPPERS.get(kind)
    clean = strip(content, findings) if strip else content
    image: Image.Image = Image.open(io.BytesIO(clean), formats=[kind])
    if image.width * image.height > MAX_PIXELS:
        raise ImageTooLarge(
            f"expected at most {MAX_PIXELS} pixels, found {image.width} x {image.height} = {image.width * image.height}"
        )
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        check_tiff(image, findings)
    if kind == "PNG":
        png.check_picture_data(clean)
    image.load()
    if strip is None:
        return as_png(image), image
    if findings.orientation == 1:
        return clean, image
    if kind == "PNG" and png.is_deep_colour(clean):
        raise UnsupportedImage(
            "expected an upright PNG, found 16-bit colours with an EXIF orientation: save it upright"
        )
    upright = image.transpose(TURNS[findings.orientation])
    return as_png(upright), upright


def _sniff(content: bytes) -> str:
    for offset, magic, kind in _MAGIC:
        if content.startswith(magic, offset):
            return kind
    found = next((name for offset, magic, name in _OTHER_MAGIC if content.startswith(magic, offset)), None)
    if found is None:
        found = f"data that begins with {content[:8].hex(' ')}" if content else "an empty file"
    raise UnsupportedImage(f"expected a PNG, JPEG, TIFF, BMP or WebP image, found {found}")


def _check_bytes(content: bytes, where: str = "") -> None:
    if len(content) > MAX_IMAGE_BYTES:
        raise ImageTooLarge(f"expected at most {MAX_IMAGE_BYTES} bytes, found {len(content)}{where}")
