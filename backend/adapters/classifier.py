"""The shipped model bundles behind the port Classifier."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from backend.domain import ModelFacts
from backend.errors import ClassificationFailed, ImageTooLarge, NotFound, UnsupportedImage
from ml import errors as ml_errors
from ml.bundle import Bundle
from ml.overlay import activation_overlay
from ml.predictor import Prediction, Predictor
from ml.registry import Registry

DEFAULT_MODALITY = "brain-mri"


class BundleClassifier:
    """Each bundle is verified and loaded when it is first needed, and then stays in memory. Threads may share it.

    A bundle that is refused is not listed; the log says why.
    """

    def __init__(self, registry: Registry | None = None) -> None:
        self._registry = registry or Registry()
        # A decoded image can take hundreds of MB: one at a time keeps the process small.
        self._decoding = threading.Lock()

    def models(self) -> Sequence[dict]:
        default = self._default_name()
        bundles = sorted(
            (p.bundle for p in self._registry.usable()), key=lambda bundle: bundle.metadata.name != default
        )
        return [_described(bundle) for bundle in bundles]

    def resolve(self, name: str | None) -> ModelFacts:
        try:
            predictor = self._registry.default(DEFAULT_MODALITY) if name is None else self._registry.get(name)
        except ml_errors.BundleNotFound as error:
            raise NotFound(str(error)) from error
        except ml_errors.BundleError as error:
            raise ClassificationFailed(f"the model is refused: {error}") from error
        return _facts(predictor.bundle)

    def preprocessing(self, model: ModelFacts) -> dict:
        metadata = self._predictor(model).bundle.metadata
        return {"id": metadata.preprocessing, "temperature": metadata.temperature}

    def predict(self, model: ModelFacts, image: bytes) -> tuple[Prediction, bytes | None]:
        """``ml.predictor.Prediction``, and the activation map as RGBA PNG to lay over the image."""
        try:
            with self._decoding:
                prediction = self._predictor(model).predict(image)
            return prediction, activation_overlay(prediction)
        except ml_errors.ImageTooLarge as error:
            raise ImageTooLarge(str(error)) from error
        except ml_errors.ImageError as error:
            raise UnsupportedImage(str(error)) from error
        except (RuntimeError, ValueError) as error:
            raise ClassificationFailed(f"{model.name} failed on this image") from error

    def check(self) -> None:
        """Raises NotFound or ClassificationFailed unless the default model can be used."""
        self.resolve(None)

    def _default_name(self) -> str | None:
        try:
            return self.resolve(None).name
        except (NotFound, ClassificationFailed):
            return None

    def _predictor(self, model: ModelFacts) -> Predictor:
        try:
            return self._registry.by_sha256(model.sha256)
        except ml_errors.BundleNotFound as error:
            raise NotFound(f"the model {model.name} with SHA-256 {model.sha256} is not installed") from error


def _facts(bundle: Bundle) -> ModelFacts:
    metadata = bundle.metadata
    return ModelFacts(metadata.name, metadata.version, bundle.sha256, metadata.modality)


def _described(bundle: Bundle) -> dict:
    facts = _facts(bundle)
    return {
        "name": facts.name,
        "version": facts.version,
        "sha256": facts.sha256,
        "modality": facts.modality,
        "classes": [{"label": info.label, "code": info.code, "text": info.name} for info in bundle.metadata.classes],
        "metrics": bundle.metrics,
        "card": bundle.card,
    }
