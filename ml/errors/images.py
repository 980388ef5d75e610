"""Bytes that cannot be read as an image."""

from __future__ import annotations

from ml.errors.root import MlError


class ImageError(MlError):
    """The bytes cannot be read as an image."""


class ImageCorrupt(ImageError):
    def __init__(self, reason: str) -> None:
        super().__init__(f"expected a complete image file, found damaged data: {reason}")
        self.reason = reason


class ImageUnsupported(ImageError):
    def __init__(self, found: str) -> None:
        super().__init__(f"expected a PNG, JPEG, TIFF, BMP or WebP image, found {found}")
        self.found = found


class ImageTooLarge(ImageError):
    def __init__(self, pixels: int, limit: int) -> None:
        super().__init__(f"expected at most {limit:,} pixels, found {pixels:,}")
        self.pixels = pixels
        self.limit = limit
