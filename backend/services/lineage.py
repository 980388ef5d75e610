"""What the registry knows of a model: when it was registered and retired, and the trainings that it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from backend.domain import (
    ModelEvent,
    ModelRegisteredEvent,
    ModelRetiredEvent,
    ModelStatus,
    RegisteredState,
    TrainingAnchoredEvent,
)
from backend.errors import ChainError, InvalidCid, StorageError
from backend.ports import Chain, ObjectStore
from backend.services.event_index import EventIndex
from backend.services.model_events import first, parent_of
from backend.services.models import ModelService

MAX_TRAININGS = 100
"""Where more went before, the last one's parent tells from where to go on."""


@dataclass(frozen=True, slots=True)
class Lineage:
    """``name`` is None where the model is not installed here; ``trainings`` are the newest first, each of the parent of
    the one before. ``card_available``: whether the card can be had from the store here."""

    model_id: str
    name: str | None
    status: ModelStatus
    registered: ModelRegisteredEvent | None
    retired: ModelRetiredEvent | None
    card_available: bool
    trainings: tuple[TrainingAnchoredEvent, ...]


class LineageService:
    def __init__(self, chain: Chain, index: EventIndex, store: ObjectStore, models: ModelService) -> None:
        self._chain = chain
        self._index = index
        self._store = store
        self._models = models
        self._cards: set[str] = set()

    def states(self, model_ids: Sequence[str]) -> Sequence[RegisteredState | None]:
        """What the registry holds of each model; None for all while the chain cannot be asked."""
        try:
            return self._chain.model_states(model_ids)
        except ChainError:
            return [None] * len(model_ids)

    def lineage(self, model_id: str) -> Lineage:
        """Of a model, installed here or not; one that the registry never saw is unknown. Raises ChainError."""
        events = self._index.events_of_model(model_id)
        registered = first(events, ModelRegisteredEvent)
        retired = first(events, ModelRetiredEvent)
        facts = self._models.facts(model_id)
        known = ModelStatus.IN_USE if registered else ModelStatus.UNKNOWN
        return Lineage(
            model_id=model_id,
            name=facts.name if facts else None,
            status=ModelStatus.RETIRED if retired else known,
            registered=registered,
            retired=retired,
            card_available=bool(registered) and self._available(registered.card_cid),
            trainings=self._trainings(events),
        )

    def _trainings(self, events: Sequence[ModelEvent]) -> tuple[TrainingAnchoredEvent, ...]:
        """The contract makes every way back end; whatever node answers here need not.

        A parent is anchored before its children: who has read theirs has read its own.
        """
        found: dict[str, TrainingAnchoredEvent] = {}
        while training := first(events, TrainingAnchoredEvent):
            found[training.model_id] = training
            parent = parent_of(training)
            if parent is None or parent in found or len(found) == MAX_TRAININGS:
                break
            events = self._index.known_events_of_model(parent)
        return tuple(found.values())

    def _available(self, cid: str) -> bool:
        """A card that was there once is not asked for again: each view of a record does, and a hosted store answers
        some sixty questions a minute."""
        with suppress(InvalidCid, StorageError):
            if cid not in self._cards and self._store.has(cid):
                self._cards.add(cid)
        return cid in self._cards
