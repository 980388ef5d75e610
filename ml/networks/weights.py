"""Loads and saves the weights of a network, and refuses files that do not fit it."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ml.bundle.files import weights_file
from ml.errors import WrongChoice
from ml.networks.zoo import WEIGHT_FILES

Weights = str | Path | None


def load_file(model: keras.Model, path: Path) -> None:
    """Fill ``model`` from Keras weights (``.h5``, ``.keras``) or from ``weights_to_bytes`` (``.npz``).

    Raises:
        WrongChoice: there is no such file; or it is of another kind, damaged, or of another network.
    """
    weights_file(path)
    if path.suffix not in WEIGHT_FILES:
        raise WrongChoice(f"{path}: expected a file that ends in {', '.join(WEIGHT_FILES)}")
    if path.suffix == ".npz":
        load_weights(model, path)
        return
    try:
        model.load_weights(path)
    except (ValueError, OSError, KeyError, zipfile.BadZipFile) as exc:
        raise _unfit(path, model, exc) from exc


def weights_to_bytes(model: keras.Model) -> bytes:
    """All weights by their path in the network, as a float16 ``npz`` archive."""
    file = io.BytesIO()
    values: dict[str, Any] = {weight.path: np.asarray(weight).astype(np.float16) for weight in model.weights}
    np.savez(file, **values)
    return file.getvalue()


def load_weights(model: keras.Model, path: Path) -> None:
    """Load the weights of ``weights_to_bytes`` into a network of the same architecture.

    Raises:
        WrongChoice: the file is no such archive, lacks a weight of the network or has one of another shape.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            found = {weight.path: arrays[weight.path].astype(np.float32) for weight in model.weights}
        for weight in model.weights:
            weight.assign(found[weight.path])
    except (KeyError, ValueError, OSError, EOFError, zipfile.BadZipFile) as exc:
        raise _unfit(path, model, exc) from exc


def restored(model: keras.Model, weights: Weights) -> keras.Model:
    """``model``, a network without an ImageNet backbone, with the weights of a file where ``weights`` names one.

    Raises:
        WrongChoice: see ``load_file``.
    """
    if weights is not None:
        load_file(model, Path(weights))
    return model


def _unfit(path: Path, model: keras.Model, error: Exception) -> WrongChoice:
    """Of Keras's own message, which may list every layer, the first line."""
    reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return WrongChoice(f"{path}: expected weights of {model.name}: {reason}")
