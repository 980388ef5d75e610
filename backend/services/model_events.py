"""Reading what the registry wrote of one model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from backend.domain import ModelEvent, TrainingAnchoredEvent

NO_PARENT = "0x" + "00" * 32
E = TypeVar("E", bound=ModelEvent)


def first(events: Sequence[ModelEvent], kind: type[E]) -> E | None:
    """The contract writes each kind once for a model, whatever a node says."""
    return next((event for event in events if isinstance(event, kind)), None)


def parent_of(training: TrainingAnchoredEvent) -> str | None:
    """What the training began from; None where that is no model of the registry."""
    return None if training.parent_model_id == NO_PARENT else training.parent_model_id
