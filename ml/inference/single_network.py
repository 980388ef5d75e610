"""Classifies an image with one network, by numpy, Pillow and LiteRT, without TensorFlow."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from PIL import Image

from ml.bundle.bundle import Bundle
from ml.bundle.kinds import NETWORK
from ml.bundle.litert import LiteRtNetwork, NetworkOutput
from ml.bundle.procedures import procedure_of
from ml.errors import BundleError
from ml.inference.activation import placed_map
from ml.inference.calibration import softmax
from ml.inference.prediction import Prediction, decide
from ml.preprocessing.grey_image import Preprocessed
from ml.preprocessing.images import decode_image


@dataclass(frozen=True, slots=True)
class Examination:
    """A network's output for one image, before the decision. ``ood_score`` is None without a detector."""

    seen: Preprocessed
    output: NetworkOutput
    ood_score: float | None

    def activation_map(self, top: int) -> np.ndarray | None:
        """The map of one class over the whole original, see ``Prediction``."""
        maps = self.output.activation_maps
        return None if maps is None else placed_map(maps[:, :, top], self.seen)


class Predictor:
    """A bundle with one network. Thread-safe.

    Example:
        >>> Predictor(load_bundle(Path("ml/bundles/brain-mri"))).predict(Path("scan.jpg").read_bytes()).label
        'glioma'
    """

    members = ()

    def __init__(self, bundle: Bundle) -> None:
        """Raises BundleError where network and detector do not fit."""
        self.bundle = bundle
        self._procedure = procedure_of(bundle.metadata.preprocessing)
        try:
            self.network = LiteRtNetwork(bundle.model)
            self._ood_score(self.network(np.zeros(self.network.input_shape, np.float32)))
        except (ValueError, RuntimeError, TypeError, KeyError) as exc:
            raise BundleError(f"{NETWORK}: expected a network that fits the detector: {exc}") from exc

    @classmethod
    def open(cls, bundle: Bundle, by_sha256: object) -> Self:
        """The opener of the kind, see ``Kind.open``: one network needs no other bundle."""
        return cls(bundle)

    def predict(self, source: bytes | Image.Image) -> Prediction:
        """Classify an image file's bytes, or an open image.

        Raises:
            ImageError: see ``ml.preprocessing.images.decode_image``.
        """
        started = time.perf_counter()
        metadata = self.bundle.metadata
        image = decode_image(source)
        found = self.examine(self.prepare(image))
        probabilities = softmax(found.output.logits[None], metadata.temperature)[0]
        made = decide(metadata, image, found.seen, probabilities, found.ood_score, found.activation_map, started)
        return replace(made, features=found.output.features)

    def prepare(self, image: Image.Image) -> Preprocessed:
        """The network's input from a decoded image."""
        return self._procedure.run(image)

    def examine(self, seen: Preprocessed) -> Examination:
        """Run the network on an image that ``prepare`` preprocessed."""
        output = self.network(seen.pixels)
        return Examination(seen, output, self._ood_score(output))

    def _ood_score(self, output: NetworkOutput) -> float | None:
        detector = self.bundle.detector
        return None if detector is None else float(detector.score(output.required_features()[None])[0])
