"""Makes the bundle of a trained network: exported, calibrated, with its limits of abstention and its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from PIL import Image

from ml.bundle.bundle import WEIGHTS, Bundle, write_bundle
from ml.bundle.detector import MahalanobisDetector, threshold_at
from ml.bundle.kinds import DETECTOR, NETWORK
from ml.bundle.litert import LiteRtNetwork
from ml.bundle.metadata import LEARNED_FROM, TRAIN_AND_VAL, Abstention
from ml.datasets import LabelledImages, Sample, of_split
from ml.datasets.duplicates import selection_set, without_duplicates_of_train
from ml.evaluation.classifier import abstention_rates, evaluate_splits, probe_shortcuts
from ml.evaluation.outliers import draw_outliers
from ml.inference.calibration import fit_temperature
from ml.inference.single_network import Predictor
from ml.networks.weights import weights_to_bytes
from ml.training.export import export_litert
from ml.training.specifications import Specification

FALSE_ALARM_RATE = 0.01
COLOURFULNESS_LIMIT = 12.0
CONFIDENCE_LIMIT = 0.5


def package(
    specification: Specification,
    model: keras.Model,
    training: Mapping[str, Any],
    samples: Sequence[Sample],
    images: Mapping[str, LabelledImages],
    outliers: Mapping[str, Sequence[Path]],
    folder: Path,
    *,
    earlier: Bundle | None = None,
    with_weights: bool = True,
) -> Bundle:
    """Write the bundle of ``model`` to ``folder``, which exists and is empty.

    ``training`` describes how ``model`` was trained; ``with_weights`` adds its Keras weights. ``images`` has the splits
    train, val and optionally test. Temperature and limits are fitted on validation images that have no near-duplicate
    in train (``ml.datasets.duplicates.selection_set``); test is evaluated once, at the end. ``outliers`` are files on
    which the model should abstain.

    A network that learned from val takes the temperature and limits of ``earlier``, a version that did not; val is then
    part of train (``ml.training.refit.val_as_train``), in ``samples`` and ``images`` alike.
    """
    flatbuffer = export_litert(model)
    network = LiteRtNetwork(flatbuffer)
    train_features, _ = _outputs(network, images["train"])
    distinct = without_duplicates_of_train(samples, [split for split in images if split != "train"])
    detector = MahalanobisDetector.fit(train_features, images["train"].labels)
    if earlier:
        temperature, abstention = earlier.metadata.temperature, earlier.metadata.abstention
    else:
        val = _chosen(images["val"], of_split(samples, "val"), distinct["val"])
        temperature, abstention = _fitted_on(val, network, detector)
    metadata = specification.metadata(
        temperature=temperature,
        abstention=abstention,
        training=dict(training)
        | (_refit_of(earlier) if earlier else {})
        | {
            "parameters": model.count_params(),
            "images": len(images["train"].labels),
            "framework": f"Keras {keras.__version__}",
        },
    )
    bundle = Bundle.draft(metadata, flatbuffer, detector)
    metrics = _measure(Predictor(bundle), samples, distinct, images, outliers)
    files = {NETWORK: flatbuffer, DETECTOR: detector.to_bytes()}
    if with_weights:
        files[WEIGHTS] = weights_to_bytes(model)
    return write_bundle(folder, metadata, files, metrics)


def _fitted_on(val: LabelledImages, network: LiteRtNetwork, detector: MahalanobisDetector) -> tuple[float, Abstention]:
    """Temperature and limits, fitted on ``val``."""
    features, logits = _outputs(network, val)
    limits = Abstention(
        score=round(threshold_at(detector.score(features), FALSE_ALARM_RATE), 4),
        false_alarm_rate=FALSE_ALARM_RATE,
        colourfulness=COLOURFULNESS_LIMIT,
        confidence=CONFIDENCE_LIMIT,
    )
    return round(fit_temperature(logits, val.labels), 6), limits


def _refit_of(earlier: Bundle) -> dict[str, Any]:
    return {LEARNED_FROM: list(TRAIN_AND_VAL), "temperature_and_limits_of": earlier.title}


def _chosen(val: LabelledImages, rows: Sequence[Sample], distinct: Sequence[Sample]) -> LabelledImages:
    """The images of ``val``, whose samples are ``rows``, that are in the selection set."""
    chosen = {sample.path for sample in selection_set(rows, distinct)}
    kept = np.array([sample.path in chosen for sample in rows])
    return LabelledImages(val.pixels[kept], val.labels[kept])


def _outputs(network: LiteRtNetwork, images: LabelledImages) -> tuple[np.ndarray, np.ndarray]:
    outputs = [network(row[None]) for row in images.pixels]
    features = [output.required_features() for output in outputs]
    return np.stack(features), np.stack([output.logits for output in outputs])


def _measure(
    predictor: Predictor,
    samples: Sequence[Sample],
    distinct: Mapping[str, Sequence[Sample]],
    images: Mapping[str, LabelledImages],
    outliers: Mapping[str, Sequence[Path]],
) -> dict[str, object]:
    """Figures of val and test; short-cuts are probed on test, or on val where there is no test."""
    last = list(distinct)[-1]
    drawn: dict[str, Sequence[Path | Image.Image]] = dict(draw_outliers())
    return evaluate_splits(predictor, samples, distinct) | {
        "outliers": abstention_rates(predictor, drawn | dict(outliers)),
        "shortcuts": probe_shortcuts(predictor, images[last], of_split(samples, "train"), of_split(samples, last)),
    }
