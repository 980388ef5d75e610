"""Checks that network, metadata, metrics and card of a bundle agree."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any

from ml.bundle.card import write_card
from ml.bundle.kinds import METADATA
from ml.bundle.litert import tensor_shapes
from ml.bundle.metadata import Metadata
from ml.bundle.procedures import procedure_of
from ml.errors import BundleError

MEASURED = "files"
"""The key of metrics.json that lists the files that were measured, with their SHA-256."""


def check_network(metadata: Metadata, model: bytes, path: Path) -> None:
    """Check that ``metadata`` fit the flatbuffer ``model``: input shape and number of classes.

    Raises:
        BundleError: they do not, or ``model`` is no flatbuffer with the input ``pixels`` and the output ``logits``.
    """
    procedure = procedure_of(metadata.preprocessing)
    found_shape, expected_shape = (metadata.input_size, metadata.channels), (procedure.size, procedure.channels)
    if found_shape != expected_shape:
        place = path.with_name(METADATA)
        raise BundleError(
            f"{place}: expected input_size and channels {expected_shape}, as {procedure.id} gives, found {found_shape}"
        )
    try:
        inputs, outputs = tensor_shapes(model)
        found, classes = inputs["pixels"], outputs["logits"][-1]
    except (ValueError, RuntimeError, KeyError, IndexError) as exc:
        raise BundleError(f"{path}: expected a network with pixels and logits: {exc}") from exc
    if found != procedure.input_shape:
        raise _network_mismatch(path, "the input", procedure.input_shape, found)
    if classes != len(metadata.classes):
        raise _network_mismatch(path, "the number of classes", len(metadata.classes), classes)


def measured(files: Mapping[str, bytes]) -> dict[str, str]:
    """The SHA-256 of each file by name, as metrics.json records the files that were measured."""
    return {name: hashlib.sha256(files[name]).hexdigest() for name in sorted(files)}


def check_metrics(metrics: Mapping[str, Any], files: Mapping[str, bytes], path: Path) -> None:
    """Check that the figures were measured with exactly these ``files``. Raises BundleError."""
    expected = measured(files)
    recorded = metrics.get(MEASURED)
    found = recorded if isinstance(recorded, dict) else {}
    for name in sorted({*expected, *found}):
        if expected.get(name) != found.get(name):
            raise BundleError(
                f"{path}: expected figures measured with {name} {expected.get(name)}, found {found.get(name)}"
            )


def check_card(metadata: Metadata, metrics: dict[str, Any], card: str, path: Path) -> None:
    """Check that the card is byte for byte the one that metadata and metrics give.

    Raises:
        BundleError: with the first line that differs, counted from 1; or no card can be made from ``metrics``.
    """
    try:
        expected = write_card(metadata, metrics)
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        raise BundleError(f"{path}: expected figures that a card can be made from: {exc!r}") from exc
    if card == expected:
        return
    for number, (wanted, found) in enumerate(zip_longest(expected.split("\n"), card.split("\n")), start=1):
        if wanted != found:
            raise BundleError(
                f"{path}, line {number}: expected {wanted or ''!r}, as metadata and metrics give, found {found or ''!r}"
            )


def _network_mismatch(path: Path, what: str, expected: object, found: object) -> BundleError:
    return BundleError(f"{path}: expected {what} {expected}, as the metadata say, found {found}")
