"""The limits of an image that are checked from its headers, before anything is decoded."""

from __future__ import annotations

from backend.domain import MAX_IMAGE_BYTES
from backend.errors import ImageTooLarge
from ml.preprocessing import limits

MAX_PIXELS = limits.MAX_PIXELS
MAX_SIDE = 32_767
MAX_RATIO = 100
MAX_SCANNED_PIXELS = 800_000_000
"""Each scan of a progressive JPEG passes over every pixel: 20 scans of the largest image, where encoders write ten, and
18 of four channels."""
MAX_PROFILE_BYTES = 1024 * 1024
MAX_TIFF_PARTS = 65_536


def check_bytes(content: bytes, where: str = "") -> None:
    """Raises ImageTooLarge; ``where`` is added to its message."""
    if len(content) > MAX_IMAGE_BYTES:
        raise ImageTooLarge(f"expected at most {MAX_IMAGE_BYTES} bytes, found {len(content)}{where}")


def check_pixels(width: int, height: int) -> None:
    """Raises ImageTooLarge."""
    if width * height > MAX_PIXELS:
        raise ImageTooLarge(f"expected at most {MAX_PIXELS} pixels, found {width} x {height} = {width * height}")


def check_size(width: int, height: int) -> None:
    """Pixels, sides and their ratio. Raises ImageTooLarge."""
    check_pixels(width, height)
    if max(width, height) > MAX_SIDE:
        raise ImageTooLarge(f"expected sides of at most {MAX_SIDE} pixels, found {width} x {height}")
    if max(width, height) > MAX_RATIO * min(width, height):
        raise ImageTooLarge(f"expected one side at most {MAX_RATIO} times the other, found {width} x {height}")


def check_scans(width: int, height: int, scans: int) -> None:
    """Raises ImageTooLarge for a JPEG of more scans than there is time for."""
    if width * height * scans > MAX_SCANNED_PIXELS:
        raise ImageTooLarge(
            f"expected at most {MAX_SCANNED_PIXELS} pixels in all scans together, found {scans} scans of "
            f"{width} x {height} pixels"
        )


def check_profile(size: int) -> None:
    """Raises ImageTooLarge."""
    if size > MAX_PROFILE_BYTES:
        raise ImageTooLarge(f"expected a colour profile of at most {MAX_PROFILE_BYTES} bytes, found a larger one")


def check_parts(count: int) -> None:
    """Raises ImageTooLarge for a TIFF in too many strips or tiles."""
    if count > MAX_TIFF_PARTS:
        raise ImageTooLarge(f"expected at most {MAX_TIFF_PARTS} strips or tiles, found {count}")
