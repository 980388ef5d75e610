"""Labelled images: one as a sample, many as the network's input."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
from PIL import Image

from ml import progress
from ml.errors import ImageError, WrongChoice
from ml.preprocessing.grey_image import preprocess
from ml.preprocessing.images import damaged, decode_image

MAX_FILE_BYTES = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Sample:
    """A labelled image file; what is not known is the empty string.

    Images of one ``group`` must be in one split: a patient case, a block of slices, a set of near-duplicates.
    ``magnification`` is a number without its X, such as "100"; ``tumour_type`` BreakHis's letters, such as "DC".
    """

    path: Path
    label: str
    split: str = ""
    group: str = ""
    fold: str = ""
    tumour_type: str = ""
    magnification: str = ""

    @property
    def part(self) -> str:
        """The split, or the fold where there are no splits."""
        return self.split or (f"fold {self.fold}" if self.fold else "")


@dataclass(frozen=True, slots=True)
class LabelledImages:
    """Network inputs, float32 (N, S, S, C) in [0, 1], and class indices, int64 (N,)."""

    pixels: np.ndarray
    labels: np.ndarray


class InSplit(Protocol):
    """A sample of any type that has a file and a split."""

    @property
    def path(self) -> Path: ...

    @property
    def split(self) -> str: ...


AnySample = TypeVar("AnySample", bound=InSplit)


def of_split(samples: Sequence[AnySample], split: str) -> list[AnySample]:
    """The samples of one split. Raises WrongChoice where there are none."""
    chosen = [sample for sample in samples if sample.split == split]
    if not chosen:
        raise WrongChoice(missing_split(samples, split))
    return chosen


def missing_split(samples: Sequence[InSplit], split: str) -> str:
    """The message that no sample is in ``split``."""
    found = sorted({sample.split for sample in samples if sample.split})
    return f"expected rows of the split {split!r}, found the splits {', '.join(found) or 'none'}"


def check_label(label: str, labels: Sequence[str] | None) -> None:
    """Raises WrongChoice where ``labels`` are given and ``label`` is none of them."""
    if labels is not None and label not in labels:
        raise WrongChoice(f"expected one of the labels {', '.join(labels)}, found {label!r}")


def read_image(path: Path) -> Image.Image:
    """The file as ``ml.preprocessing.images.decode_image`` gives it.

    Raises:
        ImageError: it cannot be read or decoded; the message names it.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
        return decode_image(path.read_bytes())
    except (OSError, ImageError) as exc:
        raise damaged(f"{path}: {exc}") from exc


def load_samples(samples: Sequence[Sample], labels: Sequence[str], size: int) -> LabelledImages:
    """``load_through`` the grey preprocessing of ``ml.preprocessing.grey_image`` at ``size`` x ``size``."""
    return load_through(samples, labels, lambda image: preprocess(image, size).pixels[0])


def load_resized(samples: Sequence[Sample], labels: Sequence[str], shape: tuple[int, int, int]) -> LabelledImages:
    """``load_through`` the resizing of the source systems: whole images to ``shape`` (H, W, C), grey where C is 1."""
    height, width, channels = shape
    mode = "L" if channels == 1 else "RGB"

    def resize(image: Image.Image) -> np.ndarray:
        resized = image.convert(mode).resize((width, height), Image.Resampling.BILINEAR)
        return np.asarray(resized, np.float32).reshape(shape) / 255.0

    return load_through(samples, labels, resize)


def load_through(
    samples: Sequence[Sample], labels: Sequence[str], prepare: Callable[[Image.Image], np.ndarray]
) -> LabelledImages:
    """Decode and ``prepare`` every sample, at least one: to float32 of the same shape.

    Raises:
        ImageError: a file cannot be decoded; the message names it.
        WrongChoice: a label that is not in ``labels``.
    """
    for sample in samples:
        check_label(sample.label, labels)
    first = prepare(read_image(samples[0].path))
    # Filled in place: a list of them would take twice the memory.
    pixels = np.empty((len(samples), *first.shape), np.float32)
    pixels[0] = first
    for row, sample in enumerate(progress.counted(samples[1:], "read images"), 1):
        pixels[row] = prepare(read_image(sample.path))
    index = {label: position for position, label in enumerate(labels)}
    return LabelledImages(pixels, np.array([index[sample.label] for sample in samples], np.int64))
