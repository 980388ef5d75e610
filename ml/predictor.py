"""Classifies one image with one bundle: numpy, Pillow and LiteRT, no TensorFlow."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from ml.bundle import METADATA, MODEL, Bundle
from ml.calibration import softmax
from ml.errors import BundleMetadataInvalid
from ml.images import decode_image
from ml.litert import LiteRtNetwork, NetworkOutput
from ml.metadata import ABSTAINED_CODE, ABSTAINED_LABEL
from ml.ood import colourfulness
from ml.preprocess import Box, Preprocessed, preprocess, preprocessing_id

MAP_SIZE = 64


@dataclass(frozen=True, slots=True)
class Prediction:
    """A bundle's answer for one image; the same bytes always give the same numbers.

    ``label`` is "abstained" and ``code`` 0 where the model declines, and ``reason`` then says why. ``probabilities``
    (label to [0, 1], calibrated, six decimals) and ``confidence``, the largest of them, are what the network thinks in
    either case. ``ood_score`` over ``threshold`` means unlike the training data. ``activation_map`` is float32 in
    [0, 1] for the most probable class, laid out like the whole original image with a longest side of 64; ``crop`` is
    the part of the original that was looked at and ``size`` its (width, height), in pixels. ``duration``: seconds.
    """

    label: str
    code: int
    confidence: float
    probabilities: dict[str, float]
    abstained: bool
    reason: str | None
    ood_score: float
    threshold: float
    activation_map: np.ndarray
    crop: Box
    size: tuple[int, int]
    duration: float


class Predictor:
    """A bundle ready to classify. Threads may share it.

    Example:
        >>> Predictor(load_bundle(Path("ml/bundles/brain-mri"))).predict(Path("scan.jpg").read_bytes()).label
        'glioma'
    """

    def __init__(self, bundle: Bundle) -> None:
        """Raises BundleMetadataInvalid where the metadata do not fit this code or the network."""
        self.bundle = bundle
        metadata = bundle.metadata
        expected = preprocessing_id(metadata.input_size)
        if metadata.preprocessing != expected:
            reason = f"expected the preprocessing {expected}, found {metadata.preprocessing}"
            raise BundleMetadataInvalid(Path(METADATA), reason)
        try:
            self.network = LiteRtNetwork(bundle.model)
            output = self.network(np.zeros(self.network.input_shape, np.float32))
            bundle.detector.score(output.features[None])
        except (ValueError, RuntimeError, TypeError, KeyError) as exc:
            raise BundleMetadataInvalid(Path(MODEL), f"expected a network that fits the detector: {exc}") from exc
        found = (self.network.input_shape[1], len(output.logits))
        if found != (metadata.input_size, len(metadata.classes)):
            reason = f"expected an input size of {found[0]} and {found[1]} classes, as the network has, found "
            reason += f"{metadata.input_size} and {len(metadata.classes)}"
            raise BundleMetadataInvalid(Path(METADATA), reason)

    def predict(self, source: bytes | Image.Image) -> Prediction:
        """Classify an image file's bytes, or an open image.

        Raises:
            ImageError: see ``ml.images.decode_image``.
        """
        started = time.perf_counter()
        metadata = self.bundle.metadata
        image = decode_image(source)
        seen = preprocess(image, metadata.input_size)
        output = self.network(seen.pixels)
        values = [round(float(value), 6) for value in softmax(output.logits[None], metadata.temperature)[0]]
        top = int(np.argmax(values))
        score = round(float(self.bundle.detector.score(output.features[None])[0]), 4)
        reason = self._reason_to_abstain(score, colourfulness(image), values[top])
        return Prediction(
            label=ABSTAINED_LABEL if reason else metadata.classes[top].label,
            code=ABSTAINED_CODE if reason else metadata.classes[top].code,
            confidence=values[top],
            probabilities=dict(zip(metadata.labels, values, strict=True)),
            abstained=reason is not None,
            reason=reason,
            ood_score=score,
            threshold=metadata.abstention.score,
            activation_map=_activation_map(output, top, seen),
            crop=seen.crop,
            size=seen.size,
            duration=time.perf_counter() - started,
        )

    def _reason_to_abstain(self, score: float, colour: float, confidence: float) -> str | None:
        limits = self.bundle.metadata.abstention
        modality = self.bundle.metadata.modality
        if colour > limits.colourfulness:
            return f"a {modality} image is grey; the colourfulness is {colour:.1f}, the limit {limits.colourfulness:g}"
        if score > limits.score:
            return f"unlike the {modality} images of the training data: score {score:.2f}, limit {limits.score:.2f}"
        if confidence < limits.confidence:
            return f"no class is probable enough: the highest is {confidence:.2f}, the limit {limits.confidence:.2f}"
        return None


def _activation_map(output: NetworkOutput, top: int, seen: Preprocessed) -> np.ndarray:
    evidence = np.maximum(output.activation_maps[:, :, top], 0.0)
    evidence = evidence / max(float(evidence.max()), 1e-6)
    width, height = seen.size
    step = max(width, height) / MAP_SIZE
    size = (max(1, round(width / step)), max(1, round(height / step)))
    square = seen.square
    cell = (square.right - square.left) / evidence.shape[1]
    # PIL maps an output pixel to an input position: x_in = a * x_out + c, both in pixels.
    placement = (width / size[0] / cell, 0, -square.left / cell, 0, height / size[1] / cell, -square.top / cell)
    padded = Image.fromarray(np.pad(evidence.astype(np.float32), 1, mode="edge"))
    placement = (placement[0], 0, placement[2] + 1, 0, placement[4], placement[5] + 1)
    placed = padded.transform(size, Image.Transform.AFFINE, placement, Image.Resampling.BILINEAR)
    return np.clip(np.asarray(placed, np.float32), 0.0, 1.0) * _inside(seen.crop, seen.size, size)


def _inside(crop: Box, original: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
    """One where a cell's centre lies in ``crop``, zero elsewhere; (height, width) of ``size``."""
    x = (np.arange(size[0]) + 0.5) * original[0] / size[0]
    y = (np.arange(size[1]) + 0.5) * original[1] / size[1]
    columns = (x >= crop.left) & (x < crop.right)
    rows = (y >= crop.top) & (y < crop.bottom)
    return np.outer(rows, columns).astype(np.float32)
