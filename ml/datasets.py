"""Labelled images listed in a ``manifest.csv``."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ml.errors import (
    ImageCorrupt,
    ImageError,
    ManifestFileMissing,
    ManifestInvalid,
    SplitLeak,
    SplitMissing,
    UnknownLabel,
)
from ml.images import decode_image
from ml.preprocess import preprocess


@dataclass(frozen=True, slots=True)
class Sample:
    """One row of a manifest. ``split`` and ``group`` are empty where the manifest has no such column."""

    path: Path
    label: str
    split: str
    group: str


@dataclass(frozen=True, slots=True)
class LabelledImages:
    """Network inputs, float32 (N, S, S, 1) in [0, 1], and class indices, int64 (N,)."""

    pixels: np.ndarray
    labels: np.ndarray


def read_manifest(folder: Path, labels: Sequence[str]) -> list[Sample]:
    """Read ``folder/manifest.csv``: columns path and label, and split and group where there are any.

    Raises:
        ManifestInvalid: no such file, a column is missing, or there is no row.
        UnknownLabel: a label that is not in ``labels``.
        ManifestFileMissing: a path that is not there, or that leads out of ``folder``.
        SplitLeak: near-duplicates (one group) in two splits.
    """
    manifest = folder / "manifest.csv"
    try:
        with manifest.open(newline="", encoding="utf-8") as file:
            rows = csv.DictReader(file)
            missing = {"path", "label"} - set(rows.fieldnames or ())
            if missing:
                raise ManifestInvalid(
                    manifest, f"expected the columns path and label, {', '.join(sorted(missing))} missing"
                )
            samples = [_sample(folder, row, labels) for row in rows]
    except FileNotFoundError as exc:
        raise ManifestInvalid(manifest, "there is no such file") from exc
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        raise ManifestInvalid(manifest, f"cannot be read: {exc}") from exc
    if not samples:
        raise ManifestInvalid(manifest, "expected at least one row, found none")
    _check_groups(samples)
    return samples


def of_split(samples: Sequence[Sample], split: str) -> list[Sample]:
    """The samples of one split; raises SplitMissing where there are none."""
    chosen = [sample for sample in samples if sample.split == split]
    if not chosen:
        raise SplitMissing(split, {sample.split for sample in samples if sample.split})
    return chosen


def load_samples(samples: Sequence[Sample], labels: Sequence[str], size: int) -> LabelledImages:
    """Decode and preprocess every sample.

    Raises:
        ImageError: a file cannot be decoded; the message names it.
    """
    pixels = np.empty((len(samples), size, size, 1), np.float32)
    for row, sample in enumerate(samples):
        try:
            pixels[row] = preprocess(decode_image(sample.path.read_bytes()), size).pixels[0]
        except ImageError as exc:
            raise ImageCorrupt(f"{sample.path}: {exc}") from exc
    return LabelledImages(pixels, np.array([labels.index(sample.label) for sample in samples], np.int64))


def _sample(folder: Path, row: dict[str, str], labels: Sequence[str]) -> Sample:
    if row["label"] not in labels:
        raise UnknownLabel(row["label"], labels)
    path = folder / (row["path"] or "")
    if not path.is_file() or not path.resolve().is_relative_to(folder.resolve()):
        raise ManifestFileMissing(path)
    return Sample(path, row["label"], row.get("split") or "", row.get("group") or "")


def _check_groups(samples: Iterable[Sample]) -> None:
    splits: dict[str, str] = {}
    for sample in samples:
        if sample.group and splits.setdefault(sample.group, sample.split) != sample.split:
            raise SplitLeak(sample.group, {sample.split, splits[sample.group]})
