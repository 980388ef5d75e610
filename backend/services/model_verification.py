"""Verifies the model of a diagnosis on the chain: in use at that time, its card, and its training's ancestry."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from backend.ancestry import MAX_GENERATIONS, Ancestry
from backend.cids import raw_cid
from backend.domain import (
    BlockRef,
    Check,
    DiagnosisRecordedEvent,
    Event,
    ModelRegisteredEvent,
    ModelRetiredEvent,
    TrainingAnchoredEvent,
    first_of,
    position,
)
from backend.errors import ImageTooLarge, InvalidCid, NotFound, StorageError, StorageRefused, StorageUnavailable
from backend.ports import ObjectReader, RegistryHistory
from backend.services.origin import OriginVerifier

MAX_DOCUMENT_BYTES = 256 * 1024
"""The limit for a model card, a training record and its metrics: one block, whose CID follows from its SHA-256."""
PROVEN_GENERATIONS = 100
"""The most models of an ancestry whose registry state is compared: each takes two words of a storage proof."""
_SHOWN_GENERATIONS = 3
_UNAVAILABLE = (NotFound, StorageUnavailable, StorageRefused)


def models_of(chain: RegistryHistory, events: Sequence[Event], *, generations: int = MAX_GENERATIONS) -> Ancestry:
    """The models of the diagnoses among ``events`` and those that they were trained from, with the events of each, back
    over so many generations. Raises ChainError."""
    models = sorted({event.model_id for event in events if isinstance(event, DiagnosisRecordedEvent)})
    return dict(each for model in models for each in islice(chain.ancestry(model).items(), generations))


class ModelVerifier:
    """Verifies what the registry says of a model, whether or not it is installed here."""

    def __init__(self, chain: RegistryHistory, store: ObjectReader) -> None:
        self._chain = chain
        self._store = store

    def checks(self, diagnosis: DiagnosisRecordedEvent) -> list[Check]:
        """Raises ChainError."""
        ancestry = self._chain.ancestry(diagnosis.model_id)
        events = ancestry[diagnosis.model_id]
        registered = first_of(events, ModelRegisteredEvent)
        retired = first_of(events, ModelRetiredEvent)
        training = first_of(events, TrainingAnchoredEvent)
        origins = OriginVerifier(self._chain)
        return [
            _in_use(diagnosis, registered, retired),
            *(origins.of_model(event) for event in (registered, retired, training) if event),
            self._card(registered),
            self._training(training, ancestry),
        ]

    def _card(self, registered: ModelRegisteredEvent | None) -> Check:
        if registered is None:
            return Check("model card", False, "the model's card", "not checked: no registration that names a card")
        cid = registered.card_cid
        try:
            content = self._store.get(cid, max_bytes=MAX_DOCUMENT_BYTES)
        except _UNAVAILABLE as error:
            # The CID on the chain commits to the card; no record depends on its text.
            return Check("model card", True, cid, f"{cid}, which is not available: {error}")
        except (StorageError, ImageTooLarge, InvalidCid) as error:
            return Check("model card", False, cid, str(error))
        return Check("model card", True, cid, f"{cid} ({len(content):,} bytes)")

    def _training(self, training: TrainingAnchoredEvent | None, ancestry: Ancestry) -> Check:
        """From the training of the model itself back to the first one."""

        def check(passed: bool, found: str) -> Check:
            return Check("model training", passed, "each training anchored after that of its parent model", found)

        if training is None:
            return check(True, "none anchored")
        if damage := self._damaged(training):
            return check(False, damage)
        steps = [_described(training)]
        while (parent := training.parent) and len(steps) < MAX_GENERATIONS:
            earlier = first_of(ancestry.get(parent, ()), TrainingAnchoredEvent)
            if earlier is None:
                return check(False, f"none anchored of the parent {parent}")
            if position(earlier) >= position(training):
                return check(False, f"the parent {parent} anchored in block {earlier.block.number}, not before")
            training = earlier
            steps.append(_described(training))
        found = ", started from ".join(steps[:_SHOWN_GENERATIONS])
        if len(steps) > _SHOWN_GENERATIONS:
            found += f", and so on over {len(steps)} generations"
        return check(True, found + ("; older ones were not checked" if parent else ""))

    def _damaged(self, training: TrainingAnchoredEvent) -> str | None:
        """The damage of the published record or metrics; None also when they are not available."""
        for hash_ in (training.training_id, training.metrics_hash):
            try:
                self._store.get(raw_cid(hash_), max_bytes=MAX_DOCUMENT_BYTES)
            except (*_UNAVAILABLE, ImageTooLarge):
                # Whoever anchors a training after a diagnosis must not be able to make that one fail.
                continue
            except StorageError as error:
                return str(error)
        return None


def _in_use(
    diagnosis: DiagnosisRecordedEvent, registered: ModelRegisteredEvent | None, retired: ModelRetiredEvent | None
) -> Check:
    moment = position(diagnosis)
    expected = f"model {diagnosis.model_id} registered and not retired at block {diagnosis.block.number}"
    if registered is None or position(registered) > moment:
        passed, found = False, "never registered before it"
    elif retired is not None and position(retired) < moment:
        passed, found = False, f"retired in {_named(retired.block)}"
    else:
        passed = True
        found = f"registered in {_named(registered.block)} by {registered.admin}, card {registered.card_cid}"
        if retired is not None:
            found += f"; retired later, in {_named(retired.block)}"
    return Check("model in use", passed, expected, found)


def _described(training: TrainingAnchoredEvent) -> str:
    parties = f"{training.participants} participant{'s' if training.participants > 1 else ''}"
    return f"training {training.training_id} with {parties}, anchored in {_named(training.block)}"


def _named(block: BlockRef) -> str:
    return f"block {block.number}"
