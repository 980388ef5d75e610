"""The errors of ``ml``: a class for each one that a caller handles in its own way. A message says what was expected
and what was found.

MlError
├── WrongChoice             an option names something that does not exist, is not allowed, or does not fit the others
├── ImageError              the bytes cannot be read as an image
│   └── ImageTooLarge
├── BundleError             a model bundle is refused
│   └── BundleNotFound
└── ResultInvalid           a file is no result of ``scanproof compare``
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


class MlError(Exception):
    """The root of the tree."""


class WrongChoice(MlError):
    """An option names something that does not exist, is not allowed, or does not fit the others: an unknown model or
    recipe, a folder of images with other labels. Raised before anything was computed or written."""


class ImageError(MlError):
    """The bytes cannot be read as an image."""


class ImageTooLarge(ImageError):
    def __init__(self, pixels: int, limit: int) -> None:
        super().__init__(f"expected at most {limit:,} pixels, found {pixels:,}")
        self.pixels = pixels
        self.limit = limit


class BundleError(MlError):
    """A model bundle is refused."""


class BundleNotFound(BundleError):
    def __init__(self, name: str, available: Iterable[str]) -> None:
        self.name = name
        self.available = tuple(available)
        super().__init__(f"no model named {name!r}; available: {', '.join(self.available) or 'none'}")


class ResultInvalid(MlError):
    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason
