"""Reads a folder of labelled images in any of the known layouts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ml.datasets.manifest import MANIFEST, read_rows
from ml.datasets.samples import Sample, check_label
from ml.datasets.trees import BREAKHIS_PREFIX, image_files, read_breakhis, read_class_folders, unknown_layout


def read_samples(folder: Path, labels: Sequence[str] | None = None) -> list[Sample]:
    """The labelled images in ``folder``: of its ``manifest.csv``, else of the BreakHis tree, else of class folders.

    A group may be in two splits; ``ml.datasets.duplicates.leakage`` finds that, and `read_manifest` refuses it.

    Raises:
        WrongChoice: none of the three, or not as documented, or a label that is not in ``labels`` where they are given.
    """
    if (folder / MANIFEST).exists():
        return read_rows(folder, labels)
    files = image_files(folder)
    if not files:
        raise unknown_layout(folder, "found no image")
    if not any(path.name.startswith(BREAKHIS_PREFIX) for path in files):
        return read_class_folders(folder, files, labels)
    samples = read_breakhis(files)
    for sample in samples:
        check_label(sample.label, labels)
    return samples
