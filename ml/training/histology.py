"""Trains the histology classifier: evaluated by patient and as in the literature, then fitted on all images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ml import progress
from ml.bundle.bundle import Bundle, write_bundle
from ml.bundle.detector import MahalanobisDetector, threshold_at
from ml.bundle.files import new_folder
from ml.bundle.kinds import DETECTOR, NETWORK
from ml.bundle.litert import LiteRtNetwork
from ml.bundle.metadata import Abstention
from ml.bundle.procedures import procedure_of
from ml.datasets import Sample, load_through, read_manifest
from ml.datasets.splits import grouped_folds, paper_split
from ml.evaluation.metrics import areas, summarise
from ml.histology.tiles import GRID
from ml.inference.calibration import fit_temperature, softmax
from ml.training.choices import TrainingJob
from ml.training.linear_head import Head, Measured, fit_head, out_of_fold, out_of_fold_probabilities
from ml.training.specifications import Specification

if TYPE_CHECKING:
    import keras

FALSE_ALARM_RATE = 0.05
COMPONENTS = 24
"""The number of principal components that the out-of-distribution detector uses."""

CONFIDENCE_LIMIT = 0.6
OTHER_SEEDS = 10


def train_histology(job: TrainingJob) -> Bundle:
    """Fit the classifier on ``job.data``, a manifest with patients and folds.

    The figures ``grouped`` come from cross-validation by patient, ``paper`` from one random split with the seed. The
    weights of the bundle are fitted on all images afterwards, and not evaluated.

    Raises:
        WrongChoice: the data have other labels, or too few patients.
        MlError: an image is wrong. Both before any fitting.
    """
    specification = job.specification
    samples = read_manifest(job.data, specification.labels)
    _folds(samples)
    procedure = procedure_of(specification.preprocessing)
    images = load_through(samples, specification.labels, lambda image: procedure.run(image).pixels[0])
    with new_folder(job.output) as folder:
        return package(specification, samples, images.pixels, images.labels, folder, seed=job.choices.seed)


def package(
    specification: Specification,
    samples: Sequence[Sample],
    tiles: np.ndarray,
    labels: np.ndarray,
    folder: Path,
    *,
    seed: int,
) -> Bundle:
    """``train_histology`` with the measures of every tile, float32 (N, ROWS, COLUMNS, F), and class indices (N,)."""
    from ml.training.export import convert

    patients = np.array([sample.group for sample in samples])
    data = Measured(tiles.mean(axis=(1, 2)), labels, patients, _folds(samples))
    progress.report("cross-validation by patient")
    probabilities = out_of_fold_probabilities(data)
    head = fit_head(data)
    flatbuffer = convert(serving_network(head, data.measures))
    features = np.stack([LiteRtNetwork(flatbuffer)(each[None]).required_features() for each in tiles])
    detector = MahalanobisDetector.fit(features, labels)
    metadata = specification.metadata(
        temperature=round(fit_temperature(out_of_fold(data), labels), 6),
        abstention=Abstention(
            score=round(threshold_at(_outlier_scores(data), FALSE_ALARM_RATE), 4),
            false_alarm_rate=FALSE_ALARM_RATE,
            colourfulness=None,
            confidence=CONFIDENCE_LIMIT,
        ),
        training={
            "classifier": "linear discriminant analysis with Ledoit-Wolf shrinkage",
            "measures_a_tile": tiles.shape[-1],
            "tiles": tiles.shape[1] * tiles.shape[2],
            "looked_at": "the middle, 700 x 460",
            "images": len(labels),
            "patients": len(np.unique(patients)),
            "paper_split_seed": seed,
        },
    )
    grouped = _grouped_figures(probabilities, data, specification.labels)
    metrics = {"grouped": grouped, "paper": _paper_figures(data, samples, specification.labels, seed)}
    metadata = replace(metadata, weaknesses=(_in_words(grouped), *metadata.weaknesses))
    return write_bundle(folder, metadata, {NETWORK: flatbuffer, DETECTOR: detector.to_bytes()}, metrics)


def serving_network(head: Head, measures: np.ndarray) -> keras.Model:
    """From ``pixels`` (1, ROWS, COLUMNS, F) to ``logits``, ``activation_maps``, each tile's evidence, whose mean are
    the logits, and ``features``, the principal components of the ``measures`` (N, F) that ``head`` was fitted on."""
    import keras

    constants = [value.astype(np.float32) for value in (head.mean, 1 / head.scale, head.weights[:, None])]
    components = _components(head, measures).astype(np.float32)
    pixels = keras.Input((*GRID, len(head.mean)), name="pixels")
    scaled = (pixels - constants[0]) * constants[1]
    evidence = keras.ops.matmul(scaled, constants[2]) + np.float32(head.bias)
    maps = keras.ops.concatenate([-evidence, evidence], axis=-1)
    logit = keras.ops.mean(evidence, axis=(1, 2))
    features = keras.ops.matmul(keras.ops.mean(scaled, axis=(1, 2)), components)
    logits = keras.ops.concatenate([keras.ops.zeros_like(logit), logit], axis=1)
    return keras.Model(pixels, {"logits": logits, "activation_maps": maps, "features": features})


def _folds(samples: Sequence[Sample]) -> np.ndarray:
    """The fold (N,) in which each sample is tested."""
    found = np.empty(len(samples), object)
    for fold in grouped_folds(samples):
        for row, sample in enumerate(fold):
            if sample.split == "test":
                found[row] = sample.fold
    return found


def _components(head: Head, measures: np.ndarray) -> np.ndarray:
    """The principal components of the scaled measures, (F, D), at most ``COMPONENTS``."""
    return np.linalg.svd(head.scaled(measures), full_matrices=False)[2][:COMPONENTS].T


def _outlier_scores(data: Measured) -> np.ndarray:
    """The score of each image (N,) by a detector that was fitted without its fold."""
    scores = np.empty(len(data.labels))
    for fold in np.unique(data.folds):
        tested = data.folds == fold
        known = data.where(~tested)
        head = fit_head(known)
        project = _components(head, known.measures)
        detector = MahalanobisDetector.fit(head.scaled(known.measures) @ project, known.labels)
        scores[tested] = detector.score(head.scaled(data.measures[tested]) @ project)
    return scores


def _grouped_figures(probabilities: np.ndarray, data: Measured, names: Sequence[str]) -> dict[str, Any]:
    """Figures over all images, by fold, and by patient with the mean over their images. Only the limit of confidence
    makes it abstain."""
    right = probabilities.argmax(axis=1) == data.labels
    answered = probabilities.max(axis=1) >= CONFIDENCE_LIMIT
    images = [np.flatnonzero(data.patients == patient) for patient in np.unique(data.patients)]
    voted = np.array([probabilities[rows].mean(axis=0) for rows in images])
    folds = [data.folds == fold for fold in np.unique(data.folds)]
    return summarise(probabilities, data.labels, names, list(data.patients)) | {
        "abstention": {
            "rate": round(float(1 - answered.mean()), 4),
            "accuracy_when_answering": round(float(right[answered].mean()), 4) if answered.any() else None,
        },
        "auc_by_fold": [_auc(probabilities[fold, 1], data.labels[fold]) for fold in folds],
        "patients": summarise(voted, data.labels[[rows[0] for rows in images]], names),
    }


def _paper_figures(data: Measured, samples: Sequence[Sample], names: Sequence[str], seed: int) -> dict[str, Any]:
    """Figures of the split with ``seed``; ``other_seeds`` are means over further splits, to show the variation."""
    probabilities, labels = _paper_run(data, samples, seed)
    others = [_paper_run(data, samples, seed + 1 + number) for number in range(OTHER_SEEDS)]
    return summarise(probabilities, labels, names) | {
        "other_seeds": {
            "splits": OTHER_SEEDS,
            "accuracy": round(float(np.mean([(p.argmax(axis=1) == y).mean() for p, y in others])), 4),
            "macro_auc": round(float(np.mean([_auc(p[:, 1], y) for p, y in others])), 4),
        }
    }


def _paper_run(data: Measured, samples: Sequence[Sample], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (n, 2) and class indices (n,) of the test part."""
    splits = np.array([sample.split for sample in paper_split(samples, seed)])
    train, val, test = (data.where(splits == split) for split in ("train", "val", "test"))
    head = fit_head(train)
    temperature = fit_temperature(head.logits(val.measures), val.labels)
    return softmax(head.logits(test.measures), temperature), test.labels


def _auc(scores: np.ndarray, labels: np.ndarray) -> float:
    return round(float(areas(scores, labels == 1, np.ones((1, len(labels))))[0][0]), 4)


def _in_words(grouped: dict[str, Any]) -> str:
    patients = grouped["patients"]
    low, high = patients["macro_auc_interval"]
    return (
        f"The AUC of the grouped protocol over all images ({grouped['macro_auc']:.2f}) compares logits of five models. "
        f"It is {np.mean(grouped['auc_by_fold']):.2f} within a fold, on average, and {patients['macro_auc']:.2f} "
        f"({low:.2f} to {high:.2f}) over the {patients['images']} patients, each with the mean of its images: too few "
        "to rely on."
    )
