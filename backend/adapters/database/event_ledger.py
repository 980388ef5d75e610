"""Events of all kinds as one list, in chain order."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Row,
    Select,
    String,
    and_,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.orm import InstrumentedAttribute, Session

from backend.adapters.database.event_tables import (
    CompromiseRow,
    DiagnosisRow,
    EventColumns,
    ModelRegistrationRow,
    ModelRetirementRow,
    RegistrationRow,
    ReviewRow,
    TrainingRow,
)
from backend.domain import BlockRef, LedgerEntry, LedgerKind, Verdict

_ALL = {
    "image_id": String,
    "model_id": String,
    "verdict": String,
    "label": Integer,
    "confidence": Integer,
    "classifier": String,
    "compromised_since": BigInteger,
}
_Column = InstrumentedAttribute[str] | InstrumentedAttribute[int]
_SOURCES: dict[LedgerKind, tuple[type[EventColumns], InstrumentedAttribute[str], tuple[_Column, ...]]] = {
    LedgerKind.IMAGE_REGISTERED: (RegistrationRow, RegistrationRow.uploader, (RegistrationRow.image_id,)),
    LedgerKind.DIAGNOSIS_RECORDED: (
        DiagnosisRow,
        DiagnosisRow.classifier,
        (DiagnosisRow.image_id, DiagnosisRow.model_id, DiagnosisRow.label, DiagnosisRow.confidence),
    ),
    LedgerKind.DIAGNOSIS_REVIEWED: (
        ReviewRow,
        ReviewRow.reviewer,
        (ReviewRow.image_id, DiagnosisRow.model_id, ReviewRow.label, ReviewRow.verdict),
    ),
    LedgerKind.MODEL_REGISTERED: (ModelRegistrationRow, ModelRegistrationRow.admin, (ModelRegistrationRow.model_id,)),
    LedgerKind.MODEL_RETIRED: (ModelRetirementRow, ModelRetirementRow.admin, (ModelRetirementRow.model_id,)),
    LedgerKind.TRAINING_ANCHORED: (TrainingRow, TrainingRow.admin, (TrainingRow.model_id,)),
    LedgerKind.CLASSIFIER_COMPROMISED: (CompromiseRow, CompromiseRow.admin, (CompromiseRow.classifier,)),
}


def entries(session: Session, ledger: int, limit: int, before: tuple[int, int] | None) -> list[LedgerEntry]:
    """As ``EventStore.entries``. Reads each table in its own order, and only as far as the page needs."""
    everything = union_all(*(_events(kind, ledger, before) for kind in _SOURCES))
    columns = everything.selected_columns
    newest_first = everything.order_by(columns.block_number.desc(), columns.log_index.desc())
    return [_entry(row) for row in session.execute(newest_first.limit(limit))]


def _events(kind: LedgerKind, ledger: int, before: tuple[int, int] | None) -> Select[*tuple[Any, ...]]:
    """The events of one kind, with the same columns for every kind."""
    table, who, own = _SOURCES[kind]
    columns: dict[str, ColumnElement[Any]] = {column.key: column.expression for column in own}
    if kind is LedgerKind.DIAGNOSIS_RECORDED:
        columns["compromised_since"] = _compromised_since()
    elif kind is LedgerKind.CLASSIFIER_COMPROMISED:
        columns["compromised_since"] = CompromiseRow.since.expression
    query = select(
        literal(kind.value).label("kind"),
        who.label("who"),
        # PostgreSQL gives a null without a type the type text.
        *(columns.get(name, cast(null(), type_)).label(name) for name, type_ in _ALL.items()),
        table.transaction_hash,
        table.block_number,
        table.log_index,
        table.block_hash,
        table.block_timestamp,
    ).where(table.ledger_id == ledger)
    if kind is LedgerKind.DIAGNOSIS_REVIEWED:
        reviewed = and_(DiagnosisRow.ledger_id == ledger, DiagnosisRow.diagnosis_id == ReviewRow.diagnosis_id)
        query = query.join_from(ReviewRow, DiagnosisRow, reviewed)
    return query if before is None else query.where(tuple_(table.block_number, table.log_index) < before)


def _compromised_since() -> ColumnElement[Any]:
    """As ``LedgerEntry.compromised_since`` of a diagnosis. Of the times that are reached, the earliest."""
    reached = or_(CompromiseRow.since <= DiagnosisRow.issued_at, CompromiseRow.since <= DiagnosisRow.block_timestamp)
    query = select(func.min(CompromiseRow.since)).where(
        CompromiseRow.ledger_id == DiagnosisRow.ledger_id,
        CompromiseRow.classifier == DiagnosisRow.classifier,
        reached,
    )
    return query.correlate(DiagnosisRow).scalar_subquery()


def _entry(row: Row[*tuple[Any, ...]]) -> LedgerEntry:
    return LedgerEntry(
        kind=LedgerKind(row.kind),
        who=row.who,
        image_id=row.image_id,
        model_id=row.model_id,
        label=row.label,
        confidence=row.confidence,
        verdict=None if row.verdict is None else Verdict(row.verdict),
        classifier=row.classifier,
        compromised_since=row.compromised_since,
        transaction_hash=row.transaction_hash,
        log_index=row.log_index,
        block=BlockRef(row.block_number, row.block_hash, row.block_timestamp),
    )
