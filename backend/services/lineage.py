"""The registry's information about a model: registration, retirement, and the trainings in its ancestry."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from backend.ancestry import state_after
from backend.deadlines import time_limit
from backend.domain import (
    ModelEvent,
    ModelRegisteredEvent,
    ModelRetiredEvent,
    ModelStatus,
    RegisteredState,
    TrainingAnchoredEvent,
    first_of,
)
from backend.errors import ChainError, InvalidCid, LogsIncomplete, StorageError
from backend.ports import Chain, ObjectStore
from backend.services.event_index import REFRESHED_WITHIN_S, EventIndex
from backend.services.hidden_events import lacking_of_model, list_of
from backend.services.models import ModelService

MAX_TRAININGS = 100
"""The most trainings in one answer. The parent of the last one tells where to continue."""


@dataclass(frozen=True, slots=True)
class Lineage:
    """``name`` is None when the model is not installed here. ``trainings`` are the newest first; each is of the parent
    of the one before it. ``card_available``: whether the store of this server has the card."""

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
        """The registry's state of each model; None for all while the chain cannot be reached."""
        try:
            return self._chain.model_states(model_ids)
        except ChainError:
            return [None] * len(model_ids)

    def lineage(self, model_id: str) -> Lineage:
        """The lineage of a model, installed here or not. Its status is UNKNOWN if the registry does not know it. Raises
        LogsIncomplete when the contract has more than the node showed, ChainError."""
        events = self._index.events_of_model(model_id)
        self._require_all(model_id, events)
        registered = first_of(events, ModelRegisteredEvent)
        retired = first_of(events, ModelRetiredEvent)
        facts = self._models.facts(model_id)
        return Lineage(
            model_id=model_id,
            name=facts.name if facts else None,
            status=state_after(events).status,
            registered=registered,
            retired=retired,
            card_available=registered is not None and self._available(registered.card_cid),
            trainings=self._trainings(events),
        )

    def _require_all(self, model_id: str, events: Sequence[ModelEvent]) -> None:
        """What is indexed is shown although the contract cannot be asked."""
        with time_limit(REFRESHED_WITHIN_S):
            (stored,) = self.states([model_id])
        lacking = list(lacking_of_model(model_id, stored, events)) if stored else []
        if lacking:
            raise LogsIncomplete(self._chain.head().number, list_of(lacking))

    def _trainings(self, events: Sequence[ModelEvent]) -> tuple[TrainingAnchoredEvent, ...]:
        """The contract guarantees that every ancestry ends; a node's answer may not.

        A parent is anchored before its children: an index that contains theirs contains its own.
        """
        found: dict[str, TrainingAnchoredEvent] = {}
        while training := first_of(events, TrainingAnchoredEvent):
            found[training.model_id] = training
            if training.parent is None or training.parent in found or len(found) == MAX_TRAININGS:
                break
            events = self._index.known_events_of_model(training.parent)
        return tuple(found.values())

    def _available(self, cid: str) -> bool:
        """Asks only until the card was found once: each view of a record needs this, and a hosted store answers some
        sixty requests a minute."""
        with suppress(InvalidCid, StorageError):
            if cid not in self._cards and self._store.has(cid):
                self._cards.add(cid)
        return cid in self._cards
