"""The layers of a model that Keras saved, read without TensorFlow. Source: https://keras.io/api/models/model_saving_apis

A ``.keras`` file is a ZIP with the architecture as ``config.json``, an ``.h5`` file has it as the attribute
``model_config``; both are JSON, and come from outside.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

CONFIG = "config.json"
MAX_CONFIG_BYTES = 16 * 1024 * 1024
LOGITS = "logits"
_WITH_WEIGHTS = frozenset(
    {"BatchNormalization", "Conv2D", "Dense", "DepthwiseConv2D", "Normalization", "SeparableConv2D"}
)


def saved_layers(path: Path) -> list[str] | None:
    """``described`` of each layer of the model; None for an ``.h5`` file of weights alone. Raises ValueError for a file
    that is damaged, or whose architecture takes over ``MAX_CONFIG_BYTES``."""
    config = _of_hdf5(path) if path.suffix == ".h5" else _of_zip(path)
    if config is None:
        return None
    if len(config) > MAX_CONFIG_BYTES:
        raise ValueError(f"expected an architecture of at most {MAX_CONFIG_BYTES:,} bytes, found a longer one")
    try:
        model = json.loads(config)
    except RecursionError:
        raise ValueError("expected an architecture in JSON, found one nested too deeply") from None
    return [each for kind, options in _layers(model) if (each := described(kind, options))]


def described(kind: str, options: Mapping[str, Any]) -> str | None:
    """A layer's class with its width and kernel, such as "Conv2D 64 [3, 3]"; None for a layer without weights, and for
    the last one, whose width is the number of classes."""
    if kind not in _WITH_WEIGHTS or options.get("name") == LOGITS:
        return None
    return f"{kind} {json.dumps([options.get(name) for name in ('filters', 'units', 'kernel_size')])}"


def _of_zip(path: Path) -> bytes:
    try:
        with zipfile.ZipFile(path) as archive, archive.open(CONFIG) as file:
            return file.read(MAX_CONFIG_BYTES + 1)
    except (zipfile.BadZipFile, KeyError, OSError, EOFError, RuntimeError, NotImplementedError) as exc:
        raise ValueError(f"expected a model that Keras saved: {exc}") from exc


def _of_hdf5(path: Path) -> bytes | None:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            found = file.attrs.get("model_config")
    except (OSError, KeyError, RuntimeError, TypeError, ValueError) as exc:
        raise ValueError(f"expected an HDF5 file: {exc}") from exc
    if isinstance(found, str):
        return found.encode()
    return found if isinstance(found, bytes) else None


def _layers(model: object) -> Iterator[tuple[str, dict[str, Any]]]:
    """Class and options of every layer, those of models within the model too."""
    waiting = [model]
    while waiting:
        layer = waiting.pop()
        options = layer.get("config") if isinstance(layer, dict) else None
        if not isinstance(layer, dict) or not isinstance(options, dict):
            continue
        if isinstance(inner := options.get("layers"), list):
            waiting += inner
        yield str(layer.get("class_name")), options
