"""Every error of ``ml``.

MlError
├── ImageError                  the bytes cannot be read as an image
│   ├── ImageCorrupt
│   ├── ImageUnsupported
│   └── ImageTooLarge
├── DatasetError                a manifest or its files are not as documented
│   ├── ManifestInvalid
│   ├── ManifestFileMissing
│   ├── UnknownLabel
│   ├── SplitLeak
│   └── SplitMissing
├── TrainingError               a training run cannot start
│   ├── UnknownModel
│   └── OutputNotEmpty
└── BundleError                 a model bundle is refused
    ├── BundleNotFound
    ├── BundleFileMissing
    ├── BundleFileUnlisted
    ├── BundleHashMismatch
    └── BundleMetadataInvalid
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


class MlError(Exception):
    """The root of the tree."""


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


class DatasetError(MlError):
    """A manifest or one of its files is not as documented."""


class ManifestInvalid(DatasetError):
    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class ManifestFileMissing(DatasetError):
    def __init__(self, path: Path) -> None:
        super().__init__(f"the manifest names {path}, but there is no such file")
        self.path = path


class UnknownLabel(DatasetError):
    def __init__(self, label: str, known: Iterable[str]) -> None:
        self.label = label
        self.known = tuple(known)
        super().__init__(f"expected one of the labels {', '.join(self.known)}, found {label!r}")


class SplitLeak(DatasetError):
    def __init__(self, group: str, splits: Iterable[str]) -> None:
        self.group = group
        self.splits = tuple(sorted(splits))
        super().__init__(f"group {group} must lie in one split, found it in {', '.join(self.splits)}")


class SplitMissing(DatasetError):
    def __init__(self, split: str, found: Iterable[str]) -> None:
        self.split = split
        self.found = tuple(sorted(found))
        super().__init__(f"expected rows of the split {split!r}, found the splits {', '.join(self.found) or 'none'}")


class TrainingError(MlError):
    """A training run cannot start."""


class UnknownModel(TrainingError):
    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.name = name
        self.known = tuple(known)
        super().__init__(f"expected one of the models {', '.join(self.known)}, found {name!r}")


class OutputNotEmpty(TrainingError):
    def __init__(self, path: Path) -> None:
        super().__init__(f"expected a new or empty folder, found files in {path}")
        self.path = path


class BundleError(MlError):
    """A model bundle is refused."""


class BundleNotFound(BundleError):
    def __init__(self, name: str, available: Iterable[str]) -> None:
        self.name = name
        self.available = tuple(available)
        super().__init__(f"no model named {name!r}; available: {', '.join(self.available) or 'none'}")


class BundleFileMissing(BundleError):
    def __init__(self, path: Path) -> None:
        super().__init__(f"the bundle lacks {path}")
        self.path = path


class BundleFileUnlisted(BundleError):
    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is not listed in the bundle's SHA256SUMS")
        self.path = path


class BundleHashMismatch(BundleError):
    def __init__(self, path: Path, expected: str, found: str) -> None:
        super().__init__(f"{path}: expected SHA-256 {expected}, found {found}")
        self.path = path
        self.expected = expected
        self.found = found


class BundleMetadataInvalid(BundleError):
    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason
