"""Classifies a pinned image. A model gets only bytes that were fetched by CID."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from typing import TYPE_CHECKING, NamedTuple

from backend.cids import raw_cid
from backend.domain import (
    Classification,
    GateOpinion,
    ImageFacts,
    ModelFacts,
    Recognition,
    SealedManifest,
    SlideAnswer,
)
from backend.errors import CidMismatch, NotFound
from backend.ports import Classifications, Classifier, Kinds, ObjectStore
from backend.services import manifests
from backend.services.intake import IntakeService
from backend.services.kind_sources import refuse_other_magnification, with_opinion
from backend.services.slide_classification import SlideClassification
from backend.services.slides import SlideService

if TYPE_CHECKING:
    from ml.inference.prediction import Prediction


@dataclass(frozen=True, slots=True)
class Choice:
    """The model that classifies an image, and the gate's opinion of it; None where no gate is installed."""

    model: ModelFacts
    opinion: GateOpinion | None


class Inference(NamedTuple):
    """A model's output for an image, and the manifest of it."""

    manifest: bytes
    prediction: Prediction
    activation_map: bytes | None


class ClassificationService:
    def __init__(
        self,
        classifications: Classifications,
        intake: IntakeService,
        store: ObjectStore,
        classifier: Classifier,
        kinds: Kinds,
        slides: SlideService,
        fields: SlideClassification,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._classifications = classifications
        self._kinds = kinds
        self._slides = slides
        self._fields = fields
        self._intake = intake
        self._store = store
        self._classifier = classifier
        self._now = now

    def classify(self, cid: str, model_name: str | None) -> tuple[Classification, bool]:
        """The classification of a known image by a model (None: the one for its modality), and whether it was made now.
        An abstention by the gate, unless the gate recognises the model's modality. A repeated one is read from the
        database alone.

        Raises InvalidCid, NotFound, StorageError, ClassificationFailed; OtherMagnification for an image that was
        stated to be at another one than the model's, MagnificationsDiffer for one of which several are stated.
        """
        facts = self._intake.find(cid)
        if facts.slide:
            return self._classify_slide(cid, model_name)
        image = cache(lambda: self._image(facts))
        choice, recognition = self._choose(cid, model_name, image)
        if recognition and choice.opinion:
            self._classifications.add_recognition(recognition, partial(with_opinion, opinion=choice.opinion))
        self._check_magnification(cid, choice.model)
        found = self._classifications.find(cid, self._classifier.decoding, choice.model.sha256)
        if found and (manifest := manifests.read(found.manifest)) and manifest.gate_asked:
            return found, False
        return self._make(choice, *image(), former=found)

    def seal(self, cid: str, model_name: str | None) -> Classification:
        """A classification for its caller only: nothing of the result is stored, pinned or logged, nor the output of
        the gate.

        Its manifest has a new salt, so that its hash is always different and reveals nothing. Raises as ``classify``.
        """
        facts = self._intake.find(cid)
        if facts.slide:
            made, _ = self._classified_slide(cid, self._fields.model(model_name), manifests.new_salt())
            self._classifications.add_sealed(SealedManifest(made.manifest_hash, made.cid, made.model.sha256))
            return made
        image = cache(lambda: self._image(facts))
        choice, _ = self._choose(cid, model_name, image)
        self._check_magnification(cid, choice.model)
        made, _ = self._classified(choice, *image(), manifests.new_salt())
        self._classifications.add_sealed(SealedManifest(made.manifest_hash, made.cid, made.model.sha256))
        return made

    def choose(self, cid: str, model_name: str | None, image: Callable[[], tuple[ImageFacts, bytes]]) -> ModelFacts:
        """As ``choose_model`` for a known image; ``image`` fetches it if the gate is asked. Raises as ``classify``."""
        return self._choose(cid, model_name, image)[0].model

    def _choose(
        self, cid: str, model_name: str | None, image: Callable[[], tuple[ImageFacts, bytes]]
    ) -> tuple[Choice, Recognition | None]:
        """The choice, and the gate's output if the gate was asked now."""
        new: list[Recognition] = []

        def recognise(gate: ModelFacts) -> GateOpinion:
            if found := self._classifications.recognition(cid, self._classifier.decoding, gate.sha256):
                return GateOpinion(gate, found.modality)
            opinion = self._classifier.recognise(gate, image()[1])
            new.append(Recognition(cid, self._classifier.decoding, gate.sha256, opinion.modality))
            return opinion

        return choose_model(self._classifier, model_name, recognise), next(iter(new), None)

    def manifest(self, manifest_hash: str) -> bytes:
        """The canonical bytes of a manifest by its SHA-256 in hex. Raises NotFound, StorageError."""
        if found := self._classifications.of_manifest(manifest_hash):
            return found.manifest
        cid = raw_cid(manifest_hash)
        if not self._store.has(cid):
            raise NotFound(f"no manifest with the SHA-256 {manifest_hash} is stored here")
        return self._store.get(cid, max_bytes=manifests.MAX_MANIFEST_BYTES)

    def _check_magnification(self, cid: str, model: ModelFacts) -> None:
        # None of an image of a former release that was never shown.
        refuse_other_magnification(self._classifier, model, self._kinds.find([cid]).get(cid))

    def _image(self, facts: ImageFacts) -> tuple[ImageFacts, bytes]:
        content = self._intake.content_of(facts)
        _check_bytes(facts, content)
        return facts, content

    def _make(
        self, choice: Choice, facts: ImageFacts, content: bytes, former: Classification | None
    ) -> tuple[Classification, bool]:
        """``former``: the classification of a release that did not ask the gate about named models."""
        made, features = self._classified(choice, facts, content)
        return self._keep(made, features, former)

    def _classify_slide(self, cid: str, model_name: str | None) -> tuple[Classification, bool]:
        model = self._fields.model(model_name)
        self._check_magnification(cid, model)
        if found := self._classifications.find(cid, self._classifier.decoding, model.sha256):
            return found, False
        made, opinion = self._classified_slide(cid, model)
        if opinion:
            recognition = Recognition(cid, self._classifier.decoding, opinion.gate.sha256, opinion.modality)
            self._classifications.add_recognition(recognition, partial(with_opinion, opinion=opinion))
        return self._keep(made, None, former=None)

    def _classified_slide(
        self, cid: str, model: ModelFacts, salt: str | None = None
    ) -> tuple[Classification, GateOpinion | None]:
        with self._slides.open(cid) as slide:
            answer, opinion = self._fields.answer(slide, model, self._classifier.gate())
        manifest = manifests.build(
            image=slide.facts,
            model=model,
            preprocessing=self._classifier.preprocessing(model),
            prediction=answer,
            time=self._now(),
            salt=salt,
            decoding=self._classifier.decoding,
            opinion=opinion,
        )
        return self._described(slide.facts, model, manifest, answer, None), opinion

    def _keep(
        self, made: Classification, features: bytes | None, former: Classification | None
    ) -> tuple[Classification, bool]:
        stored = self._store.put(made.manifest, name=f"{made.manifest_hash}.json", media_type="application/json")
        if stored.cid != made.manifest_cid:
            raise CidMismatch(made.manifest_cid, stored.cid)
        if self._store_result(made, features, former):
            return made, True
        # Another request was faster, so its manifest is used. Of the same second, it is equal to this one.
        winner = self._classifications.find(made.cid, made.decoding, made.model.sha256)
        if winner is None:
            raise NotFound(f"the image {made.cid} was removed while it was classified")
        if winner.manifest_cid != stored.cid:
            self._store.delete(stored)
        return winner, False

    def _store_result(self, made: Classification, features: bytes | None, former: Classification | None) -> bool:
        if former:
            return self._classifications.replace(former, made, features)
        return self._classifications.add(made, features)

    def _classified(
        self, choice: Choice, facts: ImageFacts, content: bytes, salt: str | None = None
    ) -> tuple[Classification, bytes | None]:
        """With the features of the image, as they are stored; None where the model gives none."""
        manifest, prediction, activation_map = infer(self._classifier, choice, facts, content, self._now, salt)
        return self._described(facts, choice.model, manifest, prediction, activation_map), pack_features(prediction)

    def _described(
        self,
        facts: ImageFacts,
        model: ModelFacts,
        manifest: bytes,
        prediction: Prediction | SlideAnswer,
        activation_map: bytes | None,
    ) -> Classification:
        manifest_hash = manifests.digest_of(manifest)
        return Classification(
            cid=facts.cid,
            decoding=self._classifier.decoding,
            model=model,
            label=prediction.label,
            label_code=prediction.code,
            confidence=round(prediction.confidence, manifests.DECIMALS),
            probabilities={label: round(p, manifests.DECIMALS) for label, p in prediction.probabilities.items()},
            abstained=prediction.abstained,
            reason=prediction.reason,
            manifest=manifest,
            manifest_hash=manifest_hash,
            manifest_cid=raw_cid(manifest_hash),
            activation_map=activation_map,
        )


def _check_bytes(facts: ImageFacts, content: bytes) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != facts.sha256:
        raise CidMismatch(f"{facts.cid} with SHA-256 {facts.sha256}", f"SHA-256 {found}")


def pack_features(prediction: Prediction) -> bytes | None:
    """The features of a public image as they are stored: float16 in little-endian order."""
    return None if prediction.features is None else prediction.features.astype("<f2").tobytes()


def choose_model(classifier: Classifier, name: str | None, recognise: Callable[[ModelFacts], GateOpinion]) -> Choice:
    """The named model if ``recognise``, which asks the gate, returns its modality; without a name, the model for that
    modality.

    If the gate recognises no modality, or another one than the named model's, the gate is the model, and abstains.
    Without a gate, the named model or the default one. Raises NotFound, ClassificationFailed, and the errors of
    ``recognise``.
    """
    named = classifier.resolve(name) if name else None
    gate = classifier.gate()
    if gate is None:
        return Choice(named or classifier.resolve(None), None)
    opinion = recognise(gate)
    if opinion.modality is None or (named and named.modality != opinion.modality):
        return Choice(gate, opinion)
    return Choice(named or classifier.for_modality(opinion.modality), opinion)


def infer(
    classifier: Classifier,
    choice: Choice,
    facts: ImageFacts,
    content: bytes,
    now: Callable[[], datetime],
    salt: str | None = None,
) -> Inference:
    """What the chosen model says of the image ``content``; ``salt`` as in ``manifests.build``.

    Raises UnsupportedImage, ImageTooLarge, ServerBusy, ClassificationFailed.
    """
    prediction, activation_map = classifier.predict(choice.model, content)
    manifest = manifests.build(
        image=facts,
        model=choice.model,
        preprocessing=classifier.preprocessing(choice.model),
        prediction=prediction,
        time=now(),
        salt=salt,
        decoding=classifier.decoding,
        opinion=choice.opinion,
    )
    return Inference(manifest, prediction, activation_map)
