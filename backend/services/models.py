"""The installed models, and the names of their labels."""

from __future__ import annotations

from collections.abc import Sequence

from backend.domain import ABSTAINED_LABEL, SEALED_LABEL, ModelDescription, ModelFacts
from backend.errors import NotFound
from backend.ports import Classifier

ABSTAINED = ("abstained", "No answer")
SEALED = ("Sealed", "Known to whoever holds the opening")
_EVERY_MODELS = ((ABSTAINED[0], ABSTAINED_LABEL), (SEALED[0], SEALED_LABEL))


class ModelService:
    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier

    def all(self) -> Sequence[ModelDescription]:
        """The models that a person can choose, the default first."""
        return self._classifier.models()

    def facts(self, model_id: str) -> ModelFacts | None:
        """The model with that on-chain id (0x and SHA-256), if it is installed here."""
        model = self._find(model_id)
        return model.facts if model else None

    def weak(self, model_id: str) -> str | None:
        """Why that model's output is unreliable, as a sentence for people; None if there is no known reason."""
        model = self._find(model_id)
        return model.weak if model else None

    def label(self, model_id: str, code: int) -> tuple[str, str]:
        """Name and text of a label code. Codes have a meaning only together with their model."""
        if code == ABSTAINED_LABEL:
            return ABSTAINED
        if code == SEALED_LABEL:
            return SEALED
        model = self._find(model_id)
        for label in model.classes if model else ():
            if label.code == code:
                return label.label, label.text
        why = "which this model does not have" if model else "of a model that is not installed here"
        return f"code-{code}", f"Code {code}, {why}"

    def labels(self, model_id: str) -> list[str]:
        """The names of its labels; none for a model that is not installed here."""
        model = self._find(model_id)
        return [label.label for label in model.classes] if model else []

    def codes(self, label: str) -> list[tuple[str, int]]:
        """Model id and label code of every label with this name, case ignored."""
        wanted = label.lower()
        return [
            ("0x" + model.facts.sha256, code)
            for model in self._classifier.known()
            for name, code in [*_EVERY_MODELS, *((each.label, each.code) for each in model.classes)]
            if name.lower() == wanted
        ]

    def ids(self, name: str) -> list[str]:
        """The on-chain ids of the installed models of that name, case ignored."""
        models = self._classifier.known()
        return ["0x" + model.facts.sha256 for model in models if model.facts.name.lower() == name.lower()]

    def file(self, model_id: str, name: str) -> bytes:
        """A file of an offered model's bundle, or the listing of them. Raises NotFound, ClassificationFailed."""
        content = self._classifier.file(model_id.lower().removeprefix("0x"), name)
        if content is None:
            raise NotFound(f"the bundle of the model {model_id} lists no such file")
        return content

    def _find(self, model_id: str) -> ModelDescription | None:
        return self._classifier.describe(model_id.lower().removeprefix("0x"))
