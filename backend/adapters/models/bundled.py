"""The models of ``ml`` as the ports Classifier, Outliner and ModelCatalogue; the results of comparisons."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend.adapters.images.decoded_images import DecodedImages
from backend.adapters.ipfs.unixfs import cid_of
from backend.domain import GateOpinion, ModelDescription, ModelDocuments, ModelFacts, ModelLabel, Outline, Preprocessing
from backend.errors import ClassificationFailed, NotFound, ResultsUnreadable
from ml import errors as ml_errors
from ml.bundle.bundle import Bundle, BundleDocuments
from ml.bundle.kinds import KINDS, Answer
from ml.compare.results import RESULTS, read_results
from ml.inference.overlay import activation_overlay
from ml.inference.prediction import Prediction
from ml.inference.registry import DEFAULT_MODALITY, Model, Registry
from ml.preprocessing.images import DECODING

if TYPE_CHECKING:
    from ml.analysis.steps import Analysis

OPINIONS_KEPT = 1000
TRAINING_SCHEMA = "scanproof.training/1"

_log = logging.getLogger(__name__)


class BundledModels:
    """Ports Classifier, Outliner and ModelCatalogue. Thread-safe.

    Verifies a bundle at its first look-up and loads it at its first use. A refused bundle is not listed; the log says
    why. The last ``OPINIONS_KEPT`` opinions of gates are kept in memory: an upload asks, and its classification too.
    """

    decoding: int = DECODING

    def __init__(self, registry: Registry | None = None, images: DecodedImages | None = None) -> None:
        self._registry = registry or Registry()
        self._images = images or DecodedImages()
        self._descriptions: dict[str, ModelDescription] = {}
        self._refused: set[str] = set()
        self._opinions: OrderedDict[tuple[str, int, bytes], GateOpinion] = OrderedDict()
        self._opinions_lock = threading.Lock()

    def models(self) -> Sequence[ModelDescription]:
        default = self._default_sha256()
        models = [self._describe(bundle) for bundle in self._registry.bundles()]
        return sorted(models, key=lambda model: (model.facts.sha256 != default, list(KINDS).index(model.kind)))

    def describe(self, sha256: str) -> ModelDescription | None:
        if sha256 not in self._descriptions:
            if sha256 in self._refused:
                return None
            try:
                self._describe(self._registry.documents(sha256))
            except ml_errors.BundleNotFound:
                return None
            except ml_errors.BundleError as error:
                self._refused.add(sha256)
                _log.error("the model %s is refused: %s", sha256, error)
                return None
        return self._descriptions[sha256]

    def known(self) -> Sequence[ModelDescription]:
        retired = map(self.describe, self._registry.retired.identities())
        return [*self.models(), *filter(None, retired)]

    def file(self, sha256: str, name: str) -> bytes | None:
        with _translate_bundle_errors(sha256):
            return self._registry.file(sha256, name)

    def resolve(self, name: str | None) -> ModelFacts:
        with _translate_bundle_errors(name or "the default model"):
            if name is None:
                return facts_of(self._registry.default(DEFAULT_MODALITY).bundle)
            bundle = self._registry.bundle(name)
            self._refuse_other_kinds(bundle)
            return facts_of(bundle)

    def gate(self) -> ModelFacts | None:
        gate = self._registry.gate()
        return facts_of(gate.bundle) if gate else None

    def recognise(self, gate: ModelFacts, image: bytes, decoding: int | None = None) -> GateOpinion:
        key = gate.sha256, decoding or DECODING, hashlib.sha256(image).digest()
        with self._opinions_lock:
            if found := self._opinions.get(key):
                return found
        with _translate_bundle_errors(gate.name), self._images.open(image, decoding or DECODING) as pixels:
            opened = self._model(gate)
            if _answer(opened) is not Answer.MODALITY:
                raise ClassificationFailed(f"{gate.name} is no gate")
            seen = opened.predict(pixels)
        opinion = GateOpinion(gate, None if seen.abstained else seen.label)
        with self._opinions_lock:
            self._opinions[key] = opinion
            if len(self._opinions) > OPINIONS_KEPT:
                self._opinions.popitem(last=False)
        return opinion

    def for_modality(self, modality: str) -> ModelFacts:
        with _translate_bundle_errors(modality):
            return facts_of(self._registry.default(modality).bundle)

    def preprocessing(self, model: ModelFacts) -> Preprocessing:
        metadata = self._model(model).bundle.metadata
        return {"id": metadata.preprocessing, "temperature": metadata.temperature}

    def magnification(self, model: ModelFacts) -> int | None:
        description = self.describe(model.sha256)
        return description.magnification if description else None

    def least_confidence(self, model: ModelFacts) -> float | None:
        limits = self._model(model).bundle.metadata.abstention
        return limits.confidence if limits else None

    def predict(self, model: ModelFacts, image: bytes, decoding: int | None = None) -> tuple[Prediction, bytes | None]:
        with _translate_bundle_errors(model.name):
            with self._images.open(image, decoding or DECODING) as pixels:
                opened = self._model(model)
                if _answer(opened) is Answer.OUTLINE:
                    raise ClassificationFailed(f"{model.name} outlines and does not classify")
                prediction = opened.predict(pixels)
            if _answer(opened) is Answer.MODALITY:
                # Imported here: the classifiers need none of it.
                from ml.gate.gate import decline

                prediction = decline(prediction)
            return prediction, activation_overlay(prediction)

    def outline(self, modality: str, image: bytes) -> Outline | None:
        # Imported here, because its libraries are slow to import and only outlines need them.
        from ml.segmentation.overlay import outline_overlay

        model = self._registry.outliner(modality)
        if model is None:
            return None
        with _translate_bundle_errors(model.bundle.metadata.name), self._images.open(image) as pixels:
            found = model.predict(pixels)
        return Outline(
            model=facts_of(model.bundle),
            reason=None if found.contours else "the model that outlines tumours finds none on this slice",
            contours=found.contours,
            pixels=found.pixels,
            share=found.share,
            probability=found.probability,
            overlay=outline_overlay(found) if found.contours else None,
        )

    def check(self) -> None:
        """Raises NotFound or ClassificationFailed unless the default model can be used."""
        self.resolve(None)

    def identities(self) -> Mapping[str, str]:
        return self._registry.identities()

    def retired_identities(self) -> Mapping[str, str]:
        return self._registry.retired.names()

    def document(self, cid: str) -> bytes | None:
        """The published document of an installed model with that CID: its card, training record or metrics."""
        for name in self.identities():
            with suppress(NotFound, ClassificationFailed):
                found = self.documents(name)
                for content in (found.card, found.training, found.metrics):
                    if cid_of(content) == cid:
                        return content
        return None

    def documents(self, name: str) -> ModelDocuments:
        """The training record describes architecture, data and procedure, and lists the members of an ensemble. All of
        it is also in the bundle."""
        import rfc8785

        with _translate_bundle_errors(name):
            model = self._registry.get(name)
        bundle = model.bundle
        facts, metadata = facts_of(bundle), bundle.metadata
        training: dict[str, Any] = {
            "schema": TRAINING_SCHEMA,
            "model": {"name": facts.name, "version": facts.version, "sha256": facts.sha256},
            "architecture": metadata.architecture,
            "data": metadata.data,
            "training": metadata.training,
            "created": metadata.created,
        }
        if members := [member.bundle for member in model.members]:
            training["members"] = [{"name": each.metadata.name, "sha256": each.sha256} for each in members]
        return ModelDocuments(
            facts=facts,
            labels=max(info.code for info in metadata.classes),
            card=bundle.card.encode(),
            training=rfc8785.dumps(training),
            metrics=rfc8785.dumps(bundle.metrics),
        )

    def _default_sha256(self) -> str | None:
        try:
            return self.resolve(None).sha256
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
            names = [model.facts.name for model in self.models() if KINDS[model.kind].classifies]
            raise NotFound(
                f"expected a model that classifies ({', '.join(names)}), found {metadata.name}, a {metadata.kind}"
            )

    def _describe(self, bundle: BundleDocuments) -> ModelDescription:
        """Cached without limit of time: the SHA-256 covers everything in a description."""
        if bundle.sha256 not in self._descriptions:
            metadata = bundle.metadata
            self._descriptions[bundle.sha256] = ModelDescription(
                facts=facts_of(bundle),
                kind=metadata.kind,
                architecture=metadata.architecture,
                weak=metadata.weak,
                classes=tuple(ModelLabel(info.label, info.code, info.name) for info in metadata.classes),
                metrics=bundle.metrics,
                card=bundle.card,
                magnification=metadata.magnification,
            )
        return self._descriptions[bundle.sha256]


class ResultFiles:
    """The results of `scanproof compare`, read at first use, and again after a file has changed."""

    def __init__(self, folder: Path = RESULTS) -> None:
        self._folder = folder
        self._read: tuple[list[tuple[str, int]], dict[str, Any]] | None = None

    def overview(self) -> dict[str, Any]:
        """``results`` of the networks (schema "scanproof.result/1"), ``comparisons``, ``published`` and
        ``not_trained``, ready for JSON. Raises ResultsUnreadable."""
        from ml.compare.overview import overview

        files = sorted(self._folder.glob("*.json"))
        stamps = [(path.name, path.stat().st_mtime_ns) for path in files]
        if self._read is None or self._read[0] != stamps:
            try:
                self._read = stamps, overview(read_results(self._folder))
            except ml_errors.ResultInvalid as exc:
                raise ResultsUnreadable(str(exc)) from exc
        return self._read[1]


def analyse(image: bytes, images: DecodedImages) -> Analysis:
    """The steps of the image's analysis, from preprocessing to regions. Raises UnsupportedImage, ImageTooLarge,
    ServerBusy."""
    from ml.analysis.pipeline import analyse

    with images.open(image) as pixels:
        return analyse(pixels)


def _answer(model: Model) -> Answer:
    return KINDS[model.bundle.metadata.kind].answer


def facts_of(bundle: BundleDocuments) -> ModelFacts:
    metadata = bundle.metadata
    return ModelFacts(metadata.name, metadata.version, bundle.sha256, metadata.modality)


@contextmanager
def _translate_bundle_errors(name: str) -> Iterator[None]:
    """Translate the errors of ``ml`` about the model ``name`` to NotFound and ClassificationFailed."""
    try:
        yield
    except ml_errors.BundleNotFound as error:
        raise NotFound(str(error)) from error
    except ml_errors.BundleError as error:
        raise ClassificationFailed(f"the model is refused: {error}") from error
    except (RuntimeError, ValueError) as error:
        raise ClassificationFailed(f"{name} failed on this image") from error
