"""Manifests, folders of images and splits that are not as documented."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ml.errors.root import MlError


class DatasetError(MlError):
    """A manifest or one of its files is not as documented."""


class DatasetUnknown(DatasetError):
    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(
            f"{folder}: expected a manifest.csv, the BreakHis tree, or <label>/<image> or <split>/<label>/<image>; "
            f"{reason}"
        )
        self.folder = folder
        self.reason = reason


class DatasetLink(DatasetError):
    def __init__(self, path: Path) -> None:
        super().__init__(f"expected files and folders, found the link {path}")
        self.path = path


class BreakHisNameInvalid(DatasetError):
    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


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


class NothingApart(DatasetError):
    def __init__(self, splits: str, images: int) -> None:
        self.splits = splits
        self.images = images
        super().__init__(f"expected images without near-duplicates in {splits}, found none among {images:,}")


class TooFewGroups(DatasetError):
    def __init__(self, groups: int, parts: int) -> None:
        super().__init__(f"expected at least {parts} groups (patients) for {parts} parts, found {groups}")
        self.groups = groups
        self.parts = parts


class ChartUnavailable(DatasetError):
    def __init__(self) -> None:
        super().__init__(
            "expected matplotlib to draw a chart with, found that it is not installed: uv sync --group dev"
        )


class MaskInvalid(DatasetError):
    def __init__(self, path: Path, expected: tuple[int, int], found: tuple[int, int]) -> None:
        super().__init__(
            f"{path}: expected a mask of {expected[0]} x {expected[1]} pixels, as its image, "
            f"found {found[0]} x {found[1]}"
        )
        self.path = path
        self.expected = expected
        self.found = found
