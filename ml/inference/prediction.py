"""A model's answer for one image, and the decision to abstain."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from PIL import Image

from ml.bundle.bundle import Bundle
from ml.bundle.metadata import ABSTAINED_CODE, ABSTAINED_LABEL, Metadata
from ml.preprocessing.grey_image import Box, Preprocessed
from ml.preprocessing.images import colourfulness


@dataclass(frozen=True, slots=True)
class Prediction:
    """A model's answer for one image. All but ``duration`` depends on the image's bytes alone.

    Where the model declines, ``label`` is "abstained", ``code`` 0 and ``reason`` says why. ``probabilities`` (label to
    [0, 1], calibrated, six decimals) and ``confidence``, the largest of them, are the network's in either case. An
    ``ood_score`` above ``threshold`` means out of distribution; both are None where the model has no such score.
    ``features`` (D,) are what the network's last layer saw, None where it gives none.
    ``activation_map`` is float32 in [0, 1] for the most probable class, in the proportions of the original image with a
    longest side of 64, or None. ``crop`` is the part of the original that the network received, ``size`` the original's
    (width, height), in pixels. ``duration`` is in seconds.
    """

    label: str
    code: int
    confidence: float
    probabilities: dict[str, float]
    abstained: bool
    reason: str | None
    ood_score: float | None
    threshold: float | None
    activation_map: np.ndarray | None
    crop: Box
    size: tuple[int, int]
    duration: float
    features: np.ndarray | None = None


class Classifier(Protocol):
    """What answers an image with a label: one network, an ensemble or the gate."""

    bundle: Bundle

    def predict(self, source: bytes | Image.Image) -> Prediction: ...


def decide(
    metadata: Metadata,
    image: Image.Image,
    seen: Preprocessed,
    probabilities: np.ndarray,
    ood_score: float | None,
    activation_map: Callable[[int], np.ndarray | None],
    started: float,
) -> Prediction:
    """The answer, or the abstention, that ``metadata`` prescribe for calibrated ``probabilities`` (K,).

    ``activation_map`` draws the map of a class by its index; ``started`` is a time of ``time.perf_counter``.
    """
    values = [round(float(value), 6) for value in probabilities]
    top = int(np.argmax(values))
    score = None if ood_score is None else round(float(ood_score), 4)
    reason = _reason_to_abstain(metadata, score, image, values[top])
    return Prediction(
        label=ABSTAINED_LABEL if reason else metadata.classes[top].label,
        code=ABSTAINED_CODE if reason else metadata.classes[top].code,
        confidence=values[top],
        probabilities=dict(zip(metadata.labels, values, strict=True)),
        abstained=reason is not None,
        reason=reason,
        ood_score=score,
        threshold=metadata.abstention.score if metadata.abstention else None,
        activation_map=activation_map(top),
        crop=seen.crop,
        size=seen.size,
        duration=time.perf_counter() - started,
    )


def _reason_to_abstain(metadata: Metadata, score: float | None, image: Image.Image, confidence: float) -> str | None:
    limits, modality = metadata.abstention, metadata.modality
    if limits is None:
        return None
    if limits.colourfulness is not None and (colour := colourfulness(image)) > limits.colourfulness:
        return f"a {modality} image is grey; the colourfulness is {colour:.1f}, the limit {limits.colourfulness:g}"
    if limits.score is not None and score is not None and score > limits.score:
        return f"unlike the {modality} images of the training data: score {score:.2f}, limit {limits.score:.2f}"
    if limits.confidence is not None and confidence < limits.confidence:
        return f"no class is probable enough: the highest is {confidence:.2f}, the limit {limits.confidence:.2f}"
    return None
