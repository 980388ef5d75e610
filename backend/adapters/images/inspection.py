"""Checks uploaded images: type, limits, integrity. Removes their metadata, because a pin can be permanent.

Hostile bytes are read here: run it in a process of its own, see ``decoder_process``.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import BmpImagePlugin, Image, TiffImagePlugin, UnidentifiedImageError, WebPImagePlugin

from backend.adapters.images import jpeg, limits, png, tiff, webp
from backend.adapters.images.formats import VOLUME, not_supported, sniff
from backend.adapters.images.reencoded import TURNS, as_png
from backend.adapters.images.stripped import Findings
from backend.domain import DicomAttributes
from backend.errors import ImageTooLarge, UnsupportedImage
from ml import errors as ml_errors
from ml.preprocessing.images import is_nifti

if TYPE_CHECKING:
    from ml.preprocessing.dicom import Place

logger = logging.getLogger(__name__)
_STRIPPERS = {"PNG": png.strip, "JPEG": jpeg.strip, "WEBP": webp.strip}
# Pillow registers a reader when its module is imported.
_READERS = (BmpImagePlugin, TiffImagePlugin, WebPImagePlugin)


@dataclass(frozen=True, slots=True)
class Inspected:
    """The bytes to pin, their size in pixels and kind (see ``formats``); ``stripped`` names the removed metadata.

    ``frames`` counts the pictures of a DICOM file, ``place`` is where it belongs, and ``attributes`` what it says of
    its picture.
    """

    content: bytes
    width: int
    height: int
    kind: str
    stripped: tuple[str, ...]
    frames: int = 1
    place: Place | None = None
    attributes: DicomAttributes | None = None


def inspect(content: bytes, *, pinned: bool = False, kept: bool = True) -> Inspected:
    """PNG, JPEG and WebP keep their picture data unchanged; TIFF and BMP become PNG.

    An image with an EXIF orientation is turned upright and becomes PNG too. The same upload always gives the same
    bytes. A JPEG has no checksums: damage that leaves its compressed data well-formed is not detected. Raises
    UnsupportedImage, ImageTooLarge, IdentifiersLeft.

    A DICOM file stays as it is; its first frame is decoded. Its pixels must be square, as those that models were
    trained on. Where it is ``kept``, it has one frame, and nothing in it may identify anybody. A NIfTI volume is not
    kept: its lowest slice is decoded.

    ``pinned`` bytes may have been accepted by an earlier release, which had fewer checks: it is enough that they are an
    image.
    """
    limits.check_bytes(content)
    if not kept and is_nifti(content):
        return _inspect_volume(content)
    kind = sniff(content)
    if kind == "DICOM":
        return _inspect_dicom(content, kept=kept and not pinned, pinned=pinned)
    if kind == "TIFF" and not pinned:
        _refuse_slide(content)
    findings = Findings()
    try:
        clean, image = _clean(kind, content, findings, pinned=pinned)
    except (UnsupportedImage, ImageTooLarge, MemoryError):
        raise
    except Image.DecompressionBombError as exc:
        raise ImageTooLarge(f"expected at most {limits.MAX_PIXELS} pixels, found many more") from exc
    except Exception as exc:  # Pillow's readers raise many types on damaged data
        logger.info("refused a %s: %s", kind, exc)
        if other := _unsupported(kind, content, exc):
            raise other from exc
        raise UnsupportedImage(f"expected a whole {kind} image, found one that is cut off or damaged") from exc
    limits.check_bytes(clean, " in the PNG that it becomes" if clean is not content else "")
    if findings.orientation != 1:
        findings.removed.add("orientation")
    return Inspected(
        content=clean,
        width=image.width,
        height=image.height,
        kind=sniff(clean),
        stripped=tuple(sorted(findings.removed)),
    )


def _refuse_slide(content: bytes) -> None:
    # Imported here: other images need none of it.
    from backend.adapters.slides.structure import is_slide

    if is_slide(io.BytesIO(content)):
        raise UnsupportedImage(
            "expected an image, found a whole-slide image, which is read by region: send it to /api/v1/slides"
        )


def _inspect_dicom(content: bytes, *, kept: bool, pinned: bool) -> Inspected:
    # Imported here: pydicom is slow to import, and other images need none of it.
    from backend.adapters.dicom.deidentification import check
    from ml.preprocessing.dicom import DicomFile

    with _translate_image_errors():
        file = DicomFile(content)
        file.picture(0)
        compressed = file.jpeg(0)
        if not pinned:
            file.check_square()
    seen = file.description
    limits.check_size(seen.columns, seen.rows)
    if compressed:
        # Decoders fill what is missing with grey.
        jpeg.check_encapsulated(compressed)
    if kept:
        # A model would see the first only.
        if seen.frames > 1:
            raise UnsupportedImage(f"expected a DICOM file of one frame, found one of {seen.frames}")
        check(content)
    attributes = DicomAttributes(seen.modality, seen.body_part, seen.sequence, seen.study_date, seen.spacing)
    return Inspected(content, seen.columns, seen.rows, "DICOM", (), seen.frames, seen.place, attributes)


def _inspect_volume(content: bytes) -> Inspected:
    from ml.preprocessing.nifti import picture

    with _translate_image_errors():
        image, slices = picture(content)
    return Inspected(content, image.width, image.height, VOLUME, (), slices)


@contextmanager
def _translate_image_errors() -> Iterator[None]:
    try:
        yield
    except ml_errors.ImageTooLarge as exc:
        raise ImageTooLarge(str(exc)) from exc
    except ml_errors.ImageError as exc:
        raise UnsupportedImage(str(exc)) from exc


def _clean(kind: str, content: bytes, findings: Findings, *, pinned: bool) -> tuple[bytes, Image.Image]:
    """The bytes to pin, and their decoded image."""
    strip = _STRIPPERS.get(kind)
    clean = strip(content, findings) if strip else content
    if kind == "JPEG" and not pinned:
        jpeg.check_picture_data(clean)
    if kind == "TIFF" and (header := tiff.read_header(content)):
        tiff.check_header(header)
    image: Image.Image = Image.open(io.BytesIO(clean), formats=[kind])
    (limits.check_pixels if pinned else limits.check_size)(image.width, image.height)
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        tiff.check_image(image, findings)
    if kind == "PNG":
        if not pinned:
            png.check_depth(clean)
        png.check_picture_data(clean)
    image.load()
    if strip is None:
        return as_png(image), image
    if findings.orientation == 1:
        return clean, image
    upright = image.transpose(TURNS[findings.orientation])
    return as_png(upright), upright


def _unsupported(kind: str, content: bytes, failure: Exception) -> UnsupportedImage | None:
    """Why a file that Pillow did not read is of a kind that it cannot read; None for a damaged one."""
    if kind == "TIFF" and (header := tiff.read_header(content)):
        return tiff.unsupported(header, opened=not isinstance(failure, UnidentifiedImageError))
    if kind == "BMP" and str(failure).startswith("Unsupported BMP"):
        bits, compression = int.from_bytes(content[28:30], "little"), int.from_bytes(content[30:34], "little")
        return not_supported(f"a BMP with {bits}-bit pixels in an unusual layout (compression {compression})")
    return None
