"""Reads images and their annotators' masks, listed in a ``manifest.csv``."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from ml.datasets.manifest import MANIFEST, file_within
from ml.datasets.splits import check_groups
from ml.errors import MlError, WrongChoice
from ml.preprocessing.grey_image import Preprocessed, preprocess
from ml.preprocessing.images import decode_image

COLUMNS = ("split", "image", "mask", "label", "block")


@dataclass(frozen=True, slots=True)
class MaskedSample:
    """One row: the image at ``path`` and its mask. ``label`` is the kind of tumour; ``block``, unique within the label,
    a run of neighbouring slice numbers."""

    path: Path
    mask: Path
    label: str
    split: str
    block: str


@dataclass(frozen=True, slots=True)
class MaskedImages:
    """Network inputs and targets, float32 (N, S, S, 1) in [0, 1]; a target pixel is the share that the mask covers."""

    pixels: np.ndarray
    masks: np.ndarray


def read_masked_manifest(folder: Path, _labels: Sequence[str] = ()) -> list[MaskedSample]:
    """Read ``folder/manifest.csv`` with the columns split, image, mask, label and block. The labels of a model do not
    matter: those of the manifest are kinds of tumours.

    Raises:
        WrongChoice: no such file, no row, or a column is missing; a path that is not there, or leads out of ``folder``;
            one block in two splits.
    """
    manifest = folder / MANIFEST
    try:
        with manifest.open(newline="", encoding="utf-8") as file:
            rows = csv.DictReader(file, restval="")
            missing = sorted(set(COLUMNS) - set(rows.fieldnames or ()))
            if missing:
                raise WrongChoice(
                    f"{manifest}: expected the columns {', '.join(COLUMNS)}; {', '.join(missing)} missing"
                )
            samples = [_sample(folder, row) for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        raise WrongChoice(f"{manifest}: cannot be read: {exc}") from exc
    if not samples:
        raise WrongChoice(f"{manifest}: expected at least one row, found none")
    check_groups((f"{sample.label} {sample.block}", sample.split) for sample in samples)
    return samples


def load_masked(samples: Sequence[MaskedSample], size: int) -> MaskedImages:
    """Decode and preprocess all rows at ``size`` pixels, as serving does. Raises MlError."""
    pixels, masks = [], []
    for sample in samples:
        seen = preprocess(decode_image(sample.path.read_bytes()), size)
        pixels.append(seen.pixels[0])
        masks.append(to_network(read_mask(sample.mask, seen.size), seen))
    return MaskedImages(np.stack(pixels), np.stack(masks))


def read_mask(path: Path, size: tuple[int, int]) -> np.ndarray:
    """The mask as bool (height, width). Raises MlError where its size is not that of its image, (width, height)."""
    mask = np.asarray(decode_image(path.read_bytes()).convert("L")) > 127
    if mask.shape[::-1] != size:
        raise MlError(
            f"{path}: expected a mask of {size[0]} x {size[1]} pixels, as its image, "
            f"found {mask.shape[1]} x {mask.shape[0]}"
        )
    return mask


def to_network(mask: np.ndarray, seen: Preprocessed) -> np.ndarray:
    """Map a mask of the original, bool (height, width), to the network's pixels: float32 (S, S, 1) in [0, 1]."""
    size = seen.pixels.shape[1]
    crop, square = seen.crop, seen.square
    scale = size / (square.right - square.left)
    left, top = round((crop.left - square.left) * scale), round((crop.top - square.top) * scale)
    width = max(1, round((crop.right - crop.left) * scale))
    height = max(1, round((crop.bottom - crop.top) * scale))
    content = Image.fromarray(mask.astype(np.float32)).resize(
        (width, height), Image.Resampling.BOX, (crop.left, crop.top, crop.right, crop.bottom)
    )
    target = np.zeros((size, size, 1), np.float32)
    target[top : top + height, left : left + width, 0] = np.asarray(content)
    return target


def _sample(folder: Path, row: dict[str, str]) -> MaskedSample:
    image, mask = folder / row["image"], folder / row["mask"]
    for path in (image, mask):
        file_within(folder.resolve(), path)
    return MaskedSample(image, mask, label=row["label"], split=row["split"], block=row["block"])
