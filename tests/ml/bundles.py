"""Bundles made of the shipped network for tests."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from ml.bundle.bundle import Bundle, load_bundle, write_bundle
from ml.bundle.metadata import ClassInfo
from ml.inference.registry import BUNDLES, Registry

SHIPPED = BUNDLES / "brain-mri"
FILES = ("model.tflite", "detector.npz")


def unpacked(name: str, folder: Path) -> Path:
    """A copy of a shipped bundle, also of a retired one, as the new folder ``folder``."""
    registry = Registry()
    with registry.files(registry.identity(name)) as files:
        return Path(shutil.copytree(files, folder))


def twin(models: Path, name: str = "twin", **changes: object) -> Bundle:
    """The shipped network under another name in the folder ``models``, with other metadata; of its training nothing is
    told, as if it had not learned from val."""
    shipped = load_bundle(SHIPPED)
    (models / name).mkdir()
    files = {file: (SHIPPED / file).read_bytes() for file in FILES}
    figures = {"test": {"images": 1, "accuracy": 0.5}}
    return write_bundle(
        models / name, replace(shipped.metadata, name=name, **{"training": {}} | changes), files, figures
    )


def gate(models: Path, *labels: str) -> Bundle:
    """A gate whose classes have these labels, in the order of the shipped network's."""
    classes = tuple(ClassInfo(label, code, label, "") for code, label in enumerate(labels, start=1))
    limits = replace(load_bundle(SHIPPED).metadata.abstention, score=None, colourfulness=None, confidence=None)
    return twin(models, "modality-gate", kind="gate", modality="any", classes=classes, abstention=limits)
