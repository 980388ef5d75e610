"""Trains a model from a folder of labelled images and writes its bundle."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

from ml.datasets import load_samples, of_split, read_manifest
from ml.errors import OutputNotEmpty
from ml.specifications import specification_of


def train(
    model: str,
    data: Path,
    output: Path,
    epochs: int | None = None,
    seed: int = 7,
    outliers: Mapping[str, Sequence[Path]] | None = None,
) -> dict[str, Any]:
    """Train ``model`` on ``data`` (a ``manifest.csv`` with path, label and the splits train and val, perhaps test).

    ``epochs`` shortens the model's recipe. ``outliers`` are further files, by kind, on which abstention is measured.
    The bundle appears in ``output`` whole or not at all. Returns name, version, sha256 and metrics.

    Raises:
        UnknownModel, OutputNotEmpty, DatasetError, ImageError: before any training.
    """
    specification = specification_of(model)
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise OutputNotEmpty(output)
    samples = read_manifest(data, specification.labels)
    splits = ("train", "val", "test") if any(sample.split == "test" for sample in samples) else ("train", "val")
    images = {
        split: load_samples(of_split(samples, split), specification.labels, specification.input_size)
        for split in splits
    }

    # TensorFlow takes seconds to import: only a run that can start pays for it.
    import keras

    from ml.networks.compact_residual import build_compact_residual
    from ml.packaging import package
    from ml.training import Recipe, fit

    recipe = Recipe(seed=seed)
    recipe = replace(recipe, epochs=epochs or recipe.epochs)
    keras.utils.set_random_seed(seed)
    network = build_compact_residual(specification.input_size, len(specification.classes))
    output.parent.mkdir(parents=True, exist_ok=True)
    # Keras reports progress on standard output, which belongs to the result.
    with (
        redirect_stdout(sys.stderr),
        tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}-") as temporary,
    ):
        fit(network, images["train"], images["val"], recipe)
        folder = Path(temporary) / "bundle"
        folder.mkdir()
        bundle = package(specification, network, recipe, samples, images, outliers or {}, folder)
        folder.replace(output)
    return {
        "name": bundle.metadata.name,
        "version": bundle.metadata.version,
        "sha256": bundle.sha256,
        "metrics": bundle.metrics,
    }
