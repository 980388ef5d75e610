"""Reads images labelled by their path: the public BreakHis tree, and folders named by class."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from ml.datasets.samples import Sample, check_label
from ml.errors import WrongChoice

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".dcm"}
SPLIT_FOLDERS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
BREAKHIS_PREFIX = "SOB_"
# Procedure, class, type, year, slide, magnification, number: SOB_B_A-14-22549AB-40-001.png (Spanhol et al., 2016).
BREAKHIS_NAME = re.compile(
    r"SOB_(?:B_(?P<benign>A|F|PT|TA)|M_(?P<malignant>DC|LC|MC|PC))"
    r"-[0-9]{2}-(?P<case>[0-9]+)[A-Z]*-(?P<magnification>40|100|200|400)-[0-9]{3,}\.[a-z]+",
    re.ASCII,
)


def image_files(folder: Path) -> list[Path]:
    """All images below ``folder``, sorted, without hidden files and those that macOS adds.

    Raises:
        WrongChoice: a link, as its target may lie outside the folder; or a folder that cannot be read.
    """
    try:
        return sorted(_walk(folder))
    except OSError as exc:
        raise unknown_layout(folder, f"cannot be read: {exc}") from exc


def read_breakhis(files: Sequence[Path]) -> list[Sample]:
    """BreakHis images, at any depth: class, tumour type, patient case and magnification are in the file's name.

    The letters after the slide's number distinguish the slides of one case: 22549AB and 22549CD are case 22549.

    Raises:
        WrongChoice: a name that does not parse, or a file in the folder of the other class.
    """
    return [_breakhis_sample(path) for path in files]


def read_class_folders(folder: Path, files: Sequence[Path], labels: Sequence[str] | None = None) -> list[Sample]:
    """``<label>/<image>`` or ``<split>/<label>/<image>`` where the split is one of ``SPLIT_FOLDERS`` in any case.

    Raises:
        WrongChoice: an image at another depth, or a folder that is not in ``labels`` where they are given.
    """
    return [_class_sample(folder, path, labels) for path in files]


def unknown_layout(folder: Path, reason: str) -> WrongChoice:
    return WrongChoice(
        f"{folder}: expected a manifest.csv, the BreakHis tree, or <label>/<image> or <split>/<label>/<image>; {reason}"
    )


def _walk(folder: Path) -> Iterator[Path]:
    pending = [folder]
    while pending:
        current = pending.pop()
        for entry in os.scandir(current):
            if entry.name.startswith(".") or entry.name == "__MACOSX":
                continue
            path = current / entry.name
            wanted = path.suffix.lower() in IMAGE_SUFFIXES
            if entry.is_symlink():
                if wanted or entry.is_dir():
                    raise WrongChoice(f"expected files and folders, found the link {path}")
            elif entry.is_dir():
                pending.append(path)
            elif wanted and entry.is_file():
                yield path


def _breakhis_sample(path: Path) -> Sample:
    found = BREAKHIS_NAME.fullmatch(path.name)
    if not found:
        raise WrongChoice(f"{path}: expected a name such as SOB_B_A-14-22549AB-40-001.png")
    label = "benign" if found["benign"] else "malignant"
    other = "malignant" if found["benign"] else "benign"
    if other in path.parts and label not in path.parts:
        raise WrongChoice(f"{path}: the name says {label}, the folder {other}")
    return Sample(
        path,
        label,
        group=found["case"],
        tumour_type=found[label],
        magnification=found["magnification"],
    )


def _class_sample(folder: Path, path: Path, labels: Sequence[str] | None) -> Sample:
    match path.relative_to(folder).parts:
        case (label, _) if label.lower() not in SPLIT_FOLDERS:
            split = ""
        case (top, label, _) if top.lower() in SPLIT_FOLDERS:
            split = SPLIT_FOLDERS[top.lower()]
        case _:
            raise unknown_layout(folder, f"found {path.relative_to(folder)}")
    check_label(label, labels)
    return Sample(path, label, split)
