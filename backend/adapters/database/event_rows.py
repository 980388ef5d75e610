"""Events to rows and back: a column is named as the field, but for the block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

from backend.adapters.database.event_tables import (
    DiagnosisRow,
    EventColumns,
    ModelRegistrationRow,
    ModelRetirementRow,
    RegistrationRow,
    ReviewRow,
    TrainingRow,
)
from backend.domain import (
    BlockRef,
    DiagnosisRecordedEvent,
    DiagnosisReviewedEvent,
    Event,
    ImageRegisteredEvent,
    ModelRegisteredEvent,
    ModelRetiredEvent,
    TrainingAnchoredEvent,
    Verdict,
)

TABLES: dict[type[Event], type[EventColumns]] = {
    ImageRegisteredEvent: RegistrationRow,
    DiagnosisRecordedEvent: DiagnosisRow,
    DiagnosisReviewedEvent: ReviewRow,
    ModelRegisteredEvent: ModelRegistrationRow,
    ModelRetiredEvent: ModelRetirementRow,
    TrainingAnchoredEvent: TrainingRow,
}
_EVENTS = {row: event for event, row in TABLES.items()}
_FIELDS = {event: [field.name for field in fields(event) if field.name != "block"] for event in TABLES}
_STORED = {**dict.fromkeys(("uploader", "classifier", "reviewer", "admin"), str.lower), "verdict": str}


def values_of(event: Event, ledger: int) -> dict[str, object]:
    """The values of its row. The chain gives hashes in lower case, and addresses with a checksum in their case."""
    values: dict[str, object] = {
        "ledger_id": ledger,
        "block_number": event.block.number,
        "block_hash": event.block.hash,
        "block_timestamp": event.block.timestamp,
    }
    for name in _FIELDS[type(event)]:
        value = getattr(event, name)
        values[name] = _STORED[name](value) if name in _STORED else value
    return values


def event_of(row: EventColumns) -> Event:
    """Addresses stay in lower case."""
    kind = _EVENTS[type(row)]
    values = {name: getattr(row, name) for name in _FIELDS[kind]}
    if "verdict" in values:
        values["verdict"] = Verdict(values["verdict"])
    return kind(**values, block=BlockRef(row.block_number, row.block_hash, row.block_timestamp))


def by_table(events: Sequence[Event], ledger: int) -> dict[type[EventColumns], list[dict[str, object]]]:
    """The values of all rows, by table, in the order of ``events``."""
    rows: dict[type[EventColumns], list[dict[str, object]]] = {}
    for event in events:
        rows.setdefault(TABLES[type(event)], []).append(values_of(event, ledger))
    return rows
