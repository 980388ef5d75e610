"""Checking the model of a diagnosis on the chain: in use at that moment, its card, and the way back to its training."""

from __future__ import annotations

from backend.cids import raw_cid
from backend.domain import (
    BlockRef,
    Check,
    DiagnosisRecordedEvent,
    ModelRegisteredEvent,
    ModelRetiredEvent,
    TrainingAnchoredEvent,
    position,
)
from backend.errors import ImageTooLarge, InvalidCid, NotFound, StorageError, StorageRefused, StorageUnavailable
from backend.ports import Chain, ObjectReader
from backend.services.model_events import first, parent_of

MAX_DOCUMENT_BYTES = 256 * 1024
"""Of a model card, a training record or its figures: one block, whose CID is its SHA-256."""
MAX_GENERATIONS = 100
"""How far back a walk goes: rounds of federated training may be many, and a node that lies knows no end."""
_SHOWN_GENERATIONS = 3
_NOT_TO_BE_HAD = (NotFound, StorageUnavailable, StorageRefused)


class ModelVerifier:
    """What the registry says of models. Nothing of what is installed here counts."""

    def __init__(self, chain: Chain, store: ObjectReader) -> None:
        self._chain = chain
        self._store = store

    def checks(self, diagnosis: DiagnosisRecordedEvent) -> list[Check]:
        """Raises ChainError."""
        events = self._chain.events_of_model(diagnosis.model_id)
        registered = first(events, ModelRegisteredEvent)
        in_use = _in_use(diagnosis, registered, first(events, ModelRetiredEvent))
        return [in_use, self._card(registered), self._training(first(events, TrainingAnchoredEvent))]

    def _card(self, registered: ModelRegisteredEvent | None) -> Check:
        if registered is None:
            return Check("model card", False, "the model's card", "not checked: no registration that names a card")
        cid = registered.card_cid
        try:
            content = self._store.get(cid, max_bytes=MAX_DOCUMENT_BYTES)
        except _NOT_TO_BE_HAD as error:
            # The CID on the chain stays a commitment to the card; nothing that was recorded rests on its text.
            return Check("model card", True, cid, f"{cid}, which cannot be had: {error}")
        except (StorageError, ImageTooLarge, InvalidCid) as error:
            return Check("model card", False, cid, str(error))
        return Check("model card", True, cid, f"{cid} ({len(content):,} bytes)")

    def _training(self, training: TrainingAnchoredEvent | None) -> Check:
        """From the training of the model itself back to the first one."""

        def check(passed: bool, found: str) -> Check:
            return Check(
                "model training", passed, "each training anchored after that of the model it began from", found
            )

        if training is None:
            return check(True, "none anchored")
        if damage := self._damaged(training):
            return check(False, damage)
        steps = [_described(training)]
        while (parent := parent_of(training)) and len(steps) < MAX_GENERATIONS:
            earlier = first(self._chain.events_of_model(parent), TrainingAnchoredEvent)
            if earlier is None:
                return check(False, f"none anchored of the parent {parent}")
            if position(earlier) >= position(training):
                return check(False, f"the parent {parent} anchored in block {earlier.block.number}, not before")
            training = earlier
            steps.append(_described(training))
        found = ", begun from ".join(steps[:_SHOWN_GENERATIONS])
        if len(steps) > _SHOWN_GENERATIONS:
            found += f", and so on over {len(steps)} generations"
        return check(True, found + ("; older ones were not looked at" if parent else ""))

    def _damaged(self, training: TrainingAnchoredEvent) -> str | None:
        """What is wrong with the published record or figures; None also when they cannot be had."""
        for hash_ in (training.training_id, training.metrics_hash):
            try:
                self._store.get(raw_cid(hash_), max_bytes=MAX_DOCUMENT_BYTES)
            except _NOT_TO_BE_HAD:
                continue
            except (StorageError, ImageTooLarge) as error:
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
