"""Pictures that are unlike each other, and folders of labelled ones."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image


def noise(seed: int) -> Image.Image:
    """Soft grey noise, 64 x 64 pixels: no two seeds give near-duplicates."""
    values = np.random.default_rng(seed).integers(0, 256, (12, 12), np.uint8)
    return Image.fromarray(values).resize((64, 64), Image.Resampling.BICUBIC)


def write_collection(folder: Path, pictures: Iterable[tuple[str, str, int, Image.Image]]) -> Path:
    """``folder``, which is there, with the images of ``pictures`` as 0.png, 1.png, … and a manifest of what stands
    before each: split, label and group."""
    with (folder / "manifest.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["split", "path", "label", "group"])
        for number, (split, label, group, image) in enumerate(pictures):
            image.save(folder / f"{number}.png")
            rows.writerow([split, f"{number}.png", label, group])
    return folder
