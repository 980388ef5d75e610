"""Recognises a file by its first bytes, and names what is not supported."""

from __future__ import annotations

from backend.errors import UnsupportedImage
from ml.preprocessing.dicom_structure import is_dicom
from ml.preprocessing.images import is_nifti

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

MEDIA_TYPES = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "TIFF": "image/tiff",
    "BMP": "image/bmp",
    "WEBP": "image/webp",
    "DICOM": "application/dicom",
}
"""The supported kinds, as Pillow names them, and DICOM."""
VOLUME, VOLUME_TYPE = "NIFTI", "application/octet-stream"
"""A kind that is examined and not kept; it has no registered media type."""
_SUPPORTED = (
    (0, PNG_SIGNATURE, "PNG"),
    (0, b"\xff\xd8\xff", "JPEG"),
    (8, b"WEBP", "WEBP"),
    (0, b"II*\0", "TIFF"),
    (0, b"MM\0*", "TIFF"),
    (0, b"II+\0", "TIFF"),
    (0, b"MM\0+", "TIFF"),
    (0, b"BM", "BMP"),
)
_EXPECTED = "expected a PNG, JPEG, TIFF, BMP, WebP or DICOM image"
_OTHERS = (
    (0, b"GIF8", "a GIF"),
    (0, b"%PDF", "a PDF"),
    (8, b"avif", "an AVIF image"),
    (8, b"avis", "an AVIF image"),
    (8, b"heic", "a HEIC image"),
    (8, b"heix", "a HEIC image"),
    (8, b"mif1", "a HEIC or AVIF image"),
    (4, b"ftyp", "a HEIC, AVIF or video file"),
    (0, b"\0\0\0\x0cjP  ", "a JPEG 2000 image"),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000 image"),
    (0, b"\0\0\0\x0cJXL ", "a JPEG XL image"),
    (0, b"\xff\x0a", "a JPEG XL image"),
    (0, b"II\xbc\x01", "a JPEG XR image"),
    (0, b"8BPS", "a Photoshop file (PSD)"),
    (0, b"v/1\x01", "an OpenEXR image"),
    (0, b"\0\0\1\0", "an icon (ICO)"),
    (0, b"qoif", "a QOI image"),
    (0, b"NRRD000", "an NRRD file"),
    (0, b"SIMPLE  =", "a FITS file"),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 or MINC file"),
    (0, b"PK\3\4", "a ZIP archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
    *((0, b"P%d" % digit + blank, "a Netpbm image") for digit in range(1, 8) for blank in (b"\n", b" ", b"\r", b"\t")),
)


def sniff(content: bytes) -> str:
    """The kind of an image, see ``MEDIA_TYPES``. Raises UnsupportedImage with the name of any other known format."""
    # DICOM comes first: its preamble of 128 bytes may begin as any other format (PS3.10, section 7.1).
    if is_dicom(content):
        return "DICOM"
    if is_nifti(content):
        raise UnsupportedImage(
            f"{_EXPECTED}, found a NIfTI volume, which is classified slice by slice, but not recorded: take the DICOM "
            "series that it was made of, or save its slices as PNG and choose them together"
        )
    found = next((name for offset, magic, name in _OTHERS if content.startswith(magic, offset)), None)
    if found is None:
        for offset, magic, kind in _SUPPORTED:
            if content.startswith(magic, offset):
                return kind
    if found:
        raise UnsupportedImage(f"{_EXPECTED}, found {found}, which is not supported: convert it to PNG")
    begins = f"data that begins with {content[:8].hex(' ')}" if content else "an empty file"
    raise UnsupportedImage(f"{_EXPECTED}, found {begins}")


def not_supported(found: str, *, convert_to: str = "an 8-bit PNG") -> UnsupportedImage:
    """The error for a whole file of a kind that cannot be read exactly, or that browsers do not show."""
    return UnsupportedImage(
        f"expected an image that browsers show, found {found}, which is not supported: convert it to {convert_to}"
    )
