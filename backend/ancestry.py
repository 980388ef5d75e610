"""The models that a model was trained from, as the registry's events tell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from backend.domain import (
    IndexedEvent,
    ModelEvent,
    ModelRegisteredEvent,
    ModelRetiredEvent,
    ModelStatus,
    RegisteredState,
    TrainingAnchoredEvent,
    first_of,
)

MAX_GENERATIONS = 1000
"""The most models of one ancestry that are read, with the model itself: a federated training has hundreds of rounds,
each a generation, and a false node can return any number."""
Ancestry = Mapping[str, Sequence[ModelEvent]]
"""The events of each model in chain order, from the model itself to the oldest one."""


def trace(model_id: str, parent_of: Callable[[str], str | None]) -> list[str]:
    """The model and those that it was trained from, at most MAX_GENERATIONS. Ends before a model that is there already:
    a false history may have a circle."""
    found: dict[str, None] = {}
    model: str | None = model_id
    while model and model not in found and len(found) < MAX_GENERATIONS:
        found[model] = None
        model = parent_of(model)
    return list(found)


def parent_in(events: Sequence[ModelEvent]) -> str | None:
    """The model that the model of these events was trained from, if any."""
    training = first_of(events, TrainingAnchoredEvent)
    return training.parent if training else None


def state_after(events: Sequence[ModelEvent]) -> RegisteredState:
    """What the registry stores of a model after these events of it."""
    registered = ModelStatus.IN_USE if first_of(events, ModelRegisteredEvent) else ModelStatus.UNKNOWN
    status = ModelStatus.RETIRED if first_of(events, ModelRetiredEvent) else registered
    training = first_of(events, TrainingAnchoredEvent)
    return RegisteredState(status, training.training_id if training else None)


def by_model(events: Iterable[IndexedEvent]) -> Mapping[str, list[ModelEvent]]:
    """The events of every model; an empty list for any other."""
    known: dict[str, list[ModelEvent]] = defaultdict(list)
    for event in events:
        if isinstance(event, ModelEvent):
            known[event.model_id].append(event)
    return known


def ancestry_in(events: Iterable[IndexedEvent], model_id: str) -> Ancestry:
    """The ancestry of a model in a history that is given as a whole, in chain order."""
    known = by_model(events)
    return {model: known[model] for model in trace(model_id, lambda each: parent_in(known[each]))}
