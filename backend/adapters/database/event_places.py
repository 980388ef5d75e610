"""Where the copies of the chain's events are on the chain, and all of them in its order."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from backend.adapters.database.event_rows import TABLES, event_of
from backend.adapters.database.event_tables import (
    CompromiseRow,
    DiagnosisRow,
    EventColumns,
    RegistrationRow,
    ReviewRow,
    RoleChangeRow,
)
from backend.domain import IndexedEvent, position


def blocks_of_image(session: Session, ledger: int, image_id: str) -> list[int]:
    """As ``EventStore.blocks_of_image``."""
    numbers: set[int] = set()
    for table in (RegistrationRow, DiagnosisRow, ReviewRow):
        numbers.update(_blocks(session, ledger, table, table.image_id == image_id))
    return sorted(numbers)


def blocks_of_role(session: Session, ledger: int, role: str, account: str) -> list[int]:
    """As ``EventStore.blocks_of_role``."""
    conditions = (RoleChangeRow.role == role, RoleChangeRow.account == account)
    return sorted(_blocks(session, ledger, RoleChangeRow, *conditions))


def blocks_of_reports(session: Session, ledger: int, classifier: str) -> list[int]:
    """As ``EventStore.blocks_of_reports``."""
    return sorted(_blocks(session, ledger, CompromiseRow, CompromiseRow.classifier == classifier))


def all_events(session: Session, ledger: int, first: int, last: int) -> Sequence[IndexedEvent]:
    """As ``EventStore.all_events``."""
    found: list[IndexedEvent] = []
    for table in TABLES.values():
        query = select(table).where(table.ledger_id == ledger, table.block_number.between(first, last))
        found += [event_of(row) for row in session.scalars(query)]
    return sorted(found, key=position)


def _blocks(session: Session, ledger: int, table: type[EventColumns], *conditions: ColumnElement[bool]) -> set[int]:
    return set(session.scalars(select(table.block_number).where(table.ledger_id == ledger, *conditions)))
