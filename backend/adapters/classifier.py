"""The shipped model bundles behind the port Classifier."""

from __future__ import annotations

from collections.abc import Sequence

from backend.adapters.ml_images import one_image, told
from backend.domain import ModelFacts
from backend.errors import ClassificationFailed, NotFound
from ml import errors as ml_errors
from ml.bundle.bundle import Bundle
from ml.bundle.kinds import KINDS
from ml.inference.overlay import activation_overlay
from ml.inference.prediction import Prediction
from ml.inference.registry import DEFAULT_MODALITY, Model, Registry


class BundleClassifier:
    """Each bundle is verified and loaded when it is first needed, and then stays in memory. Threads may share it.

    A bundle that is refused is not listed; the log says why.
    """

    def __init__(self, registry: Registry | None = None) -> None:
        self._registry = registry or Registry()

    def models(self) -> Sequence[dict]:
        default = self._default_name()
        bundles = [model.bundle for model in self._registry.usable()]
        return [_described(bundle) for bundle in sorted(bundles, key=lambda bundle: _place(bundle, default))]

    def resolve(self, name: str | None, image: bytes | None = None) -> ModelFacts:
        with told(name or "the choice of a model"):
            if name is not None:
                bundle = self._registry.get(name).bundle
                self._refuse_other_kinds(bundle)
            elif image is None:
                bundle = self._registry.default(DEFAULT_MODALITY).bundle
            else:
                with one_image():
                    bundle = self._registry.for_image(image).bundle
        return facts_of(bundle)

    def preprocessing(self, model: ModelFacts) -> dict:
        metadata = self._model(model).bundle.metadata
        return {"id": metadata.preprocessing, "temperature": metadata.temperature}

    def predict(self, model: ModelFacts, image: bytes) -> tuple[Prediction, bytes | None]:
        """``ml.inference.prediction.Prediction``, and the activation map as RGBA PNG to lay over the image."""
        with told(model.name):
            with one_image():
                prediction = self._model(model).predict(image)
            return prediction, None if prediction.activation_map is None else activation_overlay(prediction)

    def check(self) -> None:
        """Raises NotFound or ClassificationFailed unless the default model can be used."""
        self.resolve(None)

    def _default_name(self) -> str | None:
        try:
            return self.resolve(None).name
        except (NotFound, ClassificationFailed):
            return None

    def _model(self, model: ModelFacts) -> Model:
        try:
            return self._registry.by_sha256(model.sha256)
        except ml_errors.BundleNotFound as error:
            raise NotFound(f"the model {model.name} with SHA-256 {model.sha256} is not installed") from error

    def _refuse_other_kinds(self, bundle: Bundle) -> None:
        metadata = bundle.metadata
        if not KINDS[metadata.kind].classifies:
            names = [each["name"] for each in self.models() if KINDS[each["kind"]].classifies]
            raise NotFound(
                f"expected a model that classifies ({', '.join(names)}), found {metadata.name}, a {metadata.kind}"
            )


def _place(bundle: Bundle, default: str | None) -> tuple[bool, int]:
    """The default first, then kind by kind as ``KINDS`` has them."""
    return bundle.metadata.name != default, list(KINDS).index(bundle.metadata.kind)


def facts_of(bundle: Bundle) -> ModelFacts:
    metadata = bundle.metadata
    return ModelFacts(metadata.name, metadata.version, bundle.sha256, metadata.modality)


def _described(bundle: Bundle) -> dict:
    facts = facts_of(bundle)
    return {
        "name": facts.name,
        "version": facts.version,
        "sha256": facts.sha256,
        "kind": bundle.metadata.kind,
        "modality": facts.modality,
        "architecture": bundle.metadata.architecture,
        "weak": bundle.metadata.weak,
        "classes": [{"label": info.label, "code": info.code, "text": info.name} for info in bundle.metadata.classes],
        "metrics": bundle.metrics,
        "card": bundle.card,
    }
