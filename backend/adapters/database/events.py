"""Copies of the chain's events, advanced and rewound in whole transactions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from sqlalchemy import and_, delete, exists, or_, select, tuple_
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend.adapters.database.engine import Database
from backend.adapters.database.event_rows import diagnosis, registration, row_of
from backend.adapters.database.models import CheckpointRow, DiagnosisRow, LedgerRow, RegistrationRow
from backend.domain import Checkpoint, Event, Record

KEPT_CHECKPOINTS = 256
"""A reorganisation deeper than this is read again from the contract's first block."""


class SqlEventStore:
    """``backend.ports.EventStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ledger(self, chain_id: int, contract: str) -> int:
        key = {"chain_id": chain_id, "contract": contract.lower()}
        query = select(LedgerRow.id).filter_by(**key)
        with self._database.read() as session:
            found = session.scalar(query)
        if found is not None:
            return found
        self._database.insert(LedgerRow(**key))
        with self._database.read() as session:
            return session.scalars(query).one()

    def checkpoints(self, ledger: int) -> Sequence[Checkpoint]:
        with self._database.read() as session:
            return _checkpoints(session, ledger)

    def advance(self, ledger: int, previous: Checkpoint | None, upto: Checkpoint, events: Sequence[Event]) -> bool:
        try:
            with self._database.write() as session:
                _lock(session, ledger)
                kept = _checkpoints(session, ledger)
                if (kept[0] if kept else None) != previous:
                    return False
                session.add(CheckpointRow(ledger_id=ledger, number=upto.number, hash=upto.hash))
                session.add_all(row_of(event, ledger) for event in events)
                for old in kept[KEPT_CHECKPOINTS - 1 :]:
                    session.execute(delete(CheckpointRow).filter_by(ledger_id=ledger, number=old.number))
        except IntegrityError:
            return False
        return True

    def rewind(self, ledger: int, newest: Checkpoint, ancestor: Checkpoint | None) -> bool:
        above = ancestor.number if ancestor else -1
        with self._database.write() as session:
            _lock(session, ledger)
            if _checkpoints(session, ledger, limit=1) != [newest]:
                return False
            session.execute(
                delete(CheckpointRow).where(CheckpointRow.ledger_id == ledger, CheckpointRow.number > above)
            )
            for row in (RegistrationRow, DiagnosisRow):
                session.execute(delete(row).where(row.ledger_id == ledger, row.block_number > above))
        return True

    def find(self, ledger: int, image_id: str) -> Record | None:
        query = select(RegistrationRow).filter_by(ledger_id=ledger, image_id=image_id.lower())
        with self._database.read() as session:
            found = _records(session, ledger, session.scalars(query).all())
        return found[0] if found else None

    def search(
        self,
        ledger: int,
        text: str | None,
        labels: Sequence[tuple[str, int]],
        limit: int,
        before: tuple[int, int] | None,
    ) -> Sequence[Record]:
        query = select(RegistrationRow).where(RegistrationRow.ledger_id == ledger)
        if text is not None:
            query = query.where(_matches(text, labels))
        if before is not None:
            query = query.where(tuple_(RegistrationRow.block_number, RegistrationRow.log_index) < before)
        query = query.order_by(RegistrationRow.block_number.desc(), RegistrationRow.log_index.desc()).limit(limit)
        with self._database.read() as session:
            return _records(session, ledger, session.scalars(query).all())


def _matches(text: str, labels: Sequence[tuple[str, int]]):
    of_diagnosis = or_(
        DiagnosisRow.transaction_hash == text,
        *(and_(DiagnosisRow.model_id == model, DiagnosisRow.label == code) for model, code in labels),
    )
    return or_(
        RegistrationRow.image_id == text,
        RegistrationRow.cid == text,
        RegistrationRow.uploader == text,
        RegistrationRow.transaction_hash == text,
        exists().where(
            DiagnosisRow.ledger_id == RegistrationRow.ledger_id,
            DiagnosisRow.image_id == RegistrationRow.image_id,
            of_diagnosis,
        ),
    )


def _records(session: Session, ledger: int, images: Iterable[RegistrationRow]) -> list[Record]:
    ids = [image.image_id for image in images]
    query = (
        select(DiagnosisRow)
        .where(DiagnosisRow.ledger_id == ledger, DiagnosisRow.image_id.in_(ids))
        .order_by(DiagnosisRow.image_id, DiagnosisRow.block_number, DiagnosisRow.log_index)
    )
    grouped = groupby(session.scalars(query), key=lambda row: row.image_id)
    diagnoses = {image_id: tuple(diagnosis(row) for row in rows) for image_id, rows in grouped}
    return [Record(registration(image), diagnoses.get(image.image_id, ())) for image in images]


def _lock(session: Session, ledger: int) -> None:
    """One writer a ledger. SQLite has one writer in all and needs no more."""
    session.get(LedgerRow, ledger, with_for_update=True)


def _checkpoints(session: Session, ledger: int, limit: int | None = None) -> list[Checkpoint]:
    query = select(CheckpointRow).filter_by(ledger_id=ledger).order_by(CheckpointRow.number.desc()).limit(limit)
    return [Checkpoint(row.number, row.hash) for row in session.scalars(query)]
