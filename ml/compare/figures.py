"""Computes the figures, curves and costs of a result from trained networks."""

from __future__ import annotations

import math
import os
import platform
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ml.bundle.litert import THREADS, LiteRtNetwork
from ml.compare.candidate import Trained
from ml.compare.cautions import PATIENT, unit
from ml.compare.curves import reliability, roc_curves
from ml.datasets import Sample
from ml.evaluation.metrics import summarise

if TYPE_CHECKING:
    import keras

RUNS = 30
EXAMPLES = 24
CURVES = ("loss", "val_loss", "accuracy", "val_accuracy", "auc", "val_auc")


def test_figures(
    trained: Sequence[Trained], tested: Sequence[Sample], labels: Sequence[str], folder: Path, seed: int
) -> dict[str, Any]:
    """The parts ``figures``, ``group_figures``, ``curves`` and ``examples`` of a result, over all divisions together.

    ``tested`` are the samples of the rows of ``trained``, in order. The bootstrap resamples groups where every sample
    has one. ``group_figures`` evaluate each patient once, by the mean of the probabilities; None where a patient has
    images of two classes, or patients are unknown.
    """
    probabilities = np.concatenate([each.probabilities for each in trained])
    truth = np.concatenate([each.truth for each in trained])
    groups = [sample.group for sample in tested] if all(sample.group for sample in tested) else None
    chosen = np.sort(np.random.default_rng(seed).permutation(len(tested))[:EXAMPLES])
    return {
        "figures": summarise(probabilities, truth, labels, groups),
        "group_figures": _by_group(probabilities, truth, labels, groups)
        if groups is not None and unit(tested) == PATIENT
        else None,
        "curves": {"roc": roc_curves(probabilities, truth, labels), "reliability": reliability(probabilities, truth)},
        "examples": [
            {
                "path": tested[row].path.relative_to(folder).as_posix(),
                "label": tested[row].label,
                "probabilities": dict(zip(labels, probabilities[row].round(4).tolist(), strict=True)),
            }
            for row in chosen
        ],
    }


def training_histories(trained: Sequence[Trained]) -> list[dict[str, list[float | None]]]:
    """Loss and figures by epoch, one history a division; None where a figure is undefined."""
    return [
        {
            name: [round(value, 4) if math.isfinite(value) else None for value in each.history[name]]
            for name in CURVES
            if name in each.history
        }
        for each in trained
    ]


def network_cost(network: keras.Model, trained: Sequence[Trained]) -> dict[str, Any]:
    """Seconds an epoch (the median), the exported file's size, and the least milliseconds of 30 runs of LiteRT on one
    image, without decoding and preprocessing it."""
    from ml.training.export import export_litert

    model = export_litert(network)
    litert = LiteRtNetwork(model)
    pixels = np.random.default_rng(0).random((1, *network.input_shape[1:]), np.float32)
    return {
        "seconds_per_epoch": round(statistics.median([s for each in trained for s in each.history["seconds"]]), 3),
        "bytes": len(model),
        "milliseconds": round(1000 * min(_seconds(litert, pixels) for _ in range(RUNS)), 3),
        "threads": THREADS,
        "machine": f"{os.cpu_count()} cores, {platform.machine()}",
    }


def parameter_counts(network: keras.Model) -> dict[str, int]:
    return {
        "total": network.count_params(),
        "trainable": sum(math.prod(weight.shape) for weight in network.trainable_weights),
    }


def _by_group(
    probabilities: np.ndarray, truth: np.ndarray, labels: Sequence[str], groups: Sequence[str]
) -> dict[str, Any] | None:
    names, rows = np.unique(groups, return_inverse=True)
    first = np.array([truth[rows == number][0] for number in range(len(names))])
    if (truth != first[rows]).any():
        return None
    means = np.array([probabilities[rows == number].mean(axis=0) for number in range(len(names))])
    return summarise(means, first, labels)


def _seconds(litert: LiteRtNetwork, pixels: np.ndarray) -> float:
    start = time.perf_counter()
    litert(pixels)
    return time.perf_counter() - start
