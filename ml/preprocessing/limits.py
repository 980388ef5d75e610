"""What an image file may take: so many pixels, and so many bytes when inflated."""

from __future__ import annotations

import zlib

from ml.errors import ImageError, ImageTooLarge

MAX_PIXELS = 40_000_000


def check_pixels(width: int, height: int) -> None:
    """Raises ImageTooLarge."""
    if width * height > MAX_PIXELS:
        raise ImageTooLarge(width * height, MAX_PIXELS)


def inflate(data: bytes, window_bits: int, most_bytes: int, *, kind: str, method: str) -> bytes:
    """``data`` of a file, which the message says is a ``kind`` whose data are of the ``method``; ``window_bits`` as
    ``zlib.decompressobj`` takes them. What follows the compressed data is left out.

    Raises ImageError: damaged, cut off, more than ``most_bytes``.
    """
    inflating = zlib.decompressobj(window_bits)
    try:
        plain = inflating.decompress(data, most_bytes + 1)
    except zlib.error as exc:
        raise ImageError(f"expected a whole {kind} file, found one whose {method} data are damaged: {exc}") from exc
    if len(plain) > most_bytes:
        raise ImageError(
            f"expected a {kind} file that inflates to at most {most_bytes:,} bytes, found one that goes on"
        )
    if not inflating.eof:
        raise ImageError(f"expected a whole {kind} file, found one whose {method} data are cut off")
    return plain
