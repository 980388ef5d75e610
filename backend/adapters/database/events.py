"""Copies of the chain's events, advanced and rewound in whole transactions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from sqlalchemy import Table, delete, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend.adapters.database import event_ledger, event_places, event_search
from backend.adapters.database.engine import Database
from backend.adapters.database.event_rows import TABLES, by_table
from backend.adapters.database.event_tables import CheckpointRow, LedgerRow, ReviewRow
from backend.domain import Checkpoint, DiagnosisStatus, IndexedEvent, LedgerEntry, ModelEvent, Record, RecordFilter
from backend.errors import DatabaseUnavailable

KEPT_CHECKPOINTS = 256
"""After a reorganisation deeper than this, the index is read again from the contract's first block."""
_ATTEMPTS = 20


class SqlEventStore:
    """Port EventStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def has_ledger(self, chain_id: int, contract: str) -> bool:
        query = select(LedgerRow.id).filter_by(chain_id=chain_id, contract=contract.lower())
        with self._database.read() as session:
            return session.scalar(query) is not None

    def ledger(self, chain_id: int, contract: str) -> int:
        address = contract.lower()
        query = select(LedgerRow.id).filter_by(chain_id=chain_id, contract=address)
        for _ in range(_ATTEMPTS):
            with self._database.read() as session:
                found = session.scalar(query)
                # The id is part of the row's checksum, so that it must be known before the row is written.
                newest = session.scalar(select(func.max(LedgerRow.id))) if found is None else None
            if found is not None:
                return found
            # Another process may be faster, with this ledger or with another one.
            self._database.insert(LedgerRow(id=(newest or 0) + 1, chain_id=chain_id, contract=address))
        raise DatabaseUnavailable("other processes add contracts to the index at the same time: try again")

    def checkpoints(self, ledger: int, limit: int | None = None) -> Sequence[Checkpoint]:
        with self._database.read() as session:
            return _checkpoints(session, ledger, limit)

    def advance(
        self, ledger: int, previous: Checkpoint | None, upto: Checkpoint, events: Sequence[IndexedEvent]
    ) -> bool:
        try:
            with self._database.write() as session:
                _lock(session, ledger)
                kept = _checkpoints(session, ledger)
                if (kept[0] if kept else None) != previous:
                    return False
                session.add(CheckpointRow(ledger_id=ledger, number=upto.number, hash=upto.hash))
                for row, values in by_table(events, ledger).items():
                    session.execute(insert(cast(Table, row.__table__)), values)
                for old in kept[KEPT_CHECKPOINTS - 1 :]:
                    session.execute(delete(CheckpointRow).filter_by(ledger_id=ledger, number=old.number))
        except IntegrityError:
            return False
        return True

    def rewind(self, ledger: int, newest: Checkpoint, ancestor: Checkpoint | None) -> bool:
        with self._database.write() as session:
            _lock(session, ledger)
            if _checkpoints(session, ledger, limit=1) != [newest]:
                return False
            # Without an ancestor there is no bound: a damaged row may have any number.
            newer = [CheckpointRow.number > ancestor.number] if ancestor else []
            session.execute(delete(CheckpointRow).where(CheckpointRow.ledger_id == ledger, *newer))
            for row in TABLES.values():
                newer = [row.block_number > ancestor.number] if ancestor else []
                session.execute(delete(row).where(row.ledger_id == ledger, *newer))
        return True

    def find(self, ledger: int, image_id: str) -> Record | None:
        with self._database.read() as session:
            return event_search.record_of(session, ledger, image_id.lower())

    def find_review(self, ledger: int, review_id: str) -> Record | None:
        query = select(ReviewRow.image_id).filter_by(ledger_id=ledger, review_id=review_id.lower())
        with self._database.read() as session:
            image_id = session.scalar(query)
            return None if image_id is None else event_search.record_of(session, ledger, image_id)

    def blocks_of_image(self, ledger: int, image_id: str) -> Sequence[int]:
        with self._database.read() as session:
            return event_places.blocks_of_image(session, ledger, image_id.lower())

    def blocks_of_role(self, ledger: int, role: str, account: str) -> Sequence[int]:
        with self._database.read() as session:
            return event_places.blocks_of_role(session, ledger, role, account.lower())

    def blocks_of_reports(self, ledger: int, classifier: str) -> Sequence[int]:
        with self._database.read() as session:
            return event_places.blocks_of_reports(session, ledger, classifier.lower())

    def all_events(self, ledger: int, first: int, last: int) -> Sequence[IndexedEvent]:
        with self._database.read() as session:
            return event_places.all_events(session, ledger, first, last)

    def events_of_model(self, ledger: int, model_id: str) -> Sequence[ModelEvent]:
        with self._database.read() as session:
            return event_search.events_of_model(session, ledger, model_id.lower())

    def entries(self, ledger: int, limit: int, before: tuple[int, int] | None) -> Sequence[LedgerEntry]:
        with self._database.read() as session:
            return event_ledger.entries(session, ledger, limit, before)

    def search(self, ledger: int, wanted: RecordFilter, limit: int, before: tuple[int, int] | None) -> Sequence[Record]:
        with self._database.read() as session:
            return event_search.search(session, ledger, wanted, limit, before)

    def queue(
        self, ledger: int, status: DiagnosisStatus, limit: int, after: tuple[int, int] | None
    ) -> Sequence[Record]:
        with self._database.read() as session:
            return event_search.queue(session, ledger, status, limit, after)


def _lock(session: Session, ledger: int) -> None:
    """Allow one writer for each ledger. SQLite has only one writer for the whole database anyway."""
    session.get(LedgerRow, ledger, with_for_update=True)


def _checkpoints(session: Session, ledger: int, limit: int | None = None) -> list[Checkpoint]:
    query = select(CheckpointRow).filter_by(ledger_id=ledger).order_by(CheckpointRow.number.desc()).limit(limit)
    return [Checkpoint(row.number, row.hash) for row in session.scalars(query)]
