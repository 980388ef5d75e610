"""Converts events to rows and back. A column has the name of the field, except for the block's columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, overload

from backend.adapters.database.event_tables import (
    CompromiseRow,
    DiagnosisRow,
    EventColumns,
    ModelRegistrationRow,
    ModelRetirementRow,
    RegistrationRow,
    ReviewRow,
    RoleChangeRow,
    TrainingRow,
)
from backend.domain import (
    BlockRef,
    ClassifierCompromisedEvent,
    DiagnosisRecordedEvent,
    DiagnosisReviewedEvent,
    ImageRegisteredEvent,
    IndexedEvent,
    ModelEvent,
    ModelRegisteredEvent,
    ModelRetiredEvent,
    RoleChangedEvent,
    TrainingAnchoredEvent,
    Verdict,
)

TABLES: dict[type[IndexedEvent], type[EventColumns]] = {
    ImageRegisteredEvent: RegistrationRow,
    DiagnosisRecordedEvent: DiagnosisRow,
    DiagnosisReviewedEvent: ReviewRow,
    ModelRegisteredEvent: ModelRegistrationRow,
    ModelRetiredEvent: ModelRetirementRow,
    TrainingAnchoredEvent: TrainingRow,
    RoleChangedEvent: RoleChangeRow,
    ClassifierCompromisedEvent: CompromiseRow,
}
_EVENTS: dict[type[EventColumns], type[IndexedEvent]] = {row: event for event, row in TABLES.items()}
_FIELDS = {event: [field.name for field in fields(event) if field.name != "block"] for event in TABLES}
_ADDRESSES = {"uploader", "classifier", "reviewer", "admin", "account", "sender"}


def values_of(event: IndexedEvent, ledger: int) -> dict[str, object]:
    """The values of its row. The chain gives hashes in lower case; addresses lose the upper case of their checksum."""
    values: dict[str, object] = {
        "ledger_id": ledger,
        "block_number": event.block.number,
        "block_hash": event.block.hash,
        "block_timestamp": event.block.timestamp,
    }
    for name in _FIELDS[type(event)]:
        value = getattr(event, name)
        values[name] = value.lower() if name in _ADDRESSES else value.value if isinstance(value, Verdict) else value
    return values


@overload
def event_of(row: RegistrationRow) -> ImageRegisteredEvent: ...
@overload
def event_of(row: DiagnosisRow) -> DiagnosisRecordedEvent: ...
@overload
def event_of(row: ReviewRow) -> DiagnosisReviewedEvent: ...
@overload
def event_of(row: CompromiseRow) -> ClassifierCompromisedEvent: ...
@overload
def event_of(row: ModelRegistrationRow | ModelRetirementRow | TrainingRow) -> ModelEvent: ...
@overload
def event_of(row: RoleChangeRow) -> RoleChangedEvent: ...
@overload
def event_of(row: EventColumns) -> IndexedEvent: ...
def event_of(row: EventColumns) -> IndexedEvent:
    """Addresses stay in lower case."""
    kind = _EVENTS[type(row)]
    values: dict[str, Any] = {name: getattr(row, name) for name in _FIELDS[kind]}
    if "verdict" in values:
        values["verdict"] = Verdict(values["verdict"])
    return kind(**values, block=BlockRef(row.block_number, row.block_hash, row.block_timestamp))


def by_table(events: Sequence[IndexedEvent], ledger: int) -> dict[type[EventColumns], list[dict[str, object]]]:
    """The values of all rows, by table, in the order of ``events``."""
    rows: dict[type[EventColumns], list[dict[str, object]]] = {}
    for event in events:
        rows.setdefault(TABLES[type(event)], []).append(values_of(event, ledger))
    return rows
