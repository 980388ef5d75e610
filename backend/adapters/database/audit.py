"""Finds and corrects rows that are not what was written, without trusting what they contain."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from itertools import chain
from typing import Any, cast

from sqlalchemy import (
    Boolean,
    ColumnClause,
    Table,
    UniqueConstraint,
    and_,
    delete,
    insert,
    literal_column,
    or_,
    select,
    text,
    tuple_,
    type_coerce,
    update,
)
from sqlalchemy.exc import DatabaseError, IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.types import NullType

from backend.adapters.database import checksums
from backend.adapters.database.engine import Database
from backend.adapters.database.event_rows import TABLES, by_table
from backend.adapters.database.event_tables import CheckpointRow, EventColumns, LedgerRow
from backend.adapters.database.tables import Base, ClassificationRow, ImageRow, StatementRow, StudyRow
from backend.adapters.database.uploads import slide_values
from backend.cids import find_cid, parse_cid, raw_cid
from backend.domain import DamagedRow, ImageFacts, IndexedEvent
from backend.errors import DatabaseUnavailable

ROWS_AT_ONCE = 100
_MESSAGES = 20
_COMPARED = tuple(TABLES.values())
"""The tables of the events that ``Chain.read`` gives."""
_ROWID: ColumnClause[Any] = literal_column("rowid")
_REDONE = {
    "recognitions": "removed: the image's kind is recognised again when it is needed",
    "attestations": "removed: it is signed again when it is asked for",
    "statements": "removed: it is read again from the store when it is needed",
    "studies": "removed: it is read again from the store when the record is shown",
    "image_kinds": "removed: it is read again from the image when it is shown; what its uploader said of it is lost",
    "kind_statements": "removed: what one source said of an image beside another is lost, until it is said again",
    "image_features": "removed: they are computed again when similar images are looked for",
    "received_series": "removed: it is made again from its files",
    "dicom_instances": "removed: it is read again from its file",
    "skipped_dicoms": "removed: the image is looked at again when DICOM objects are searched for",
    "sessions": "removed: its owner signs in again",
    "devices": "removed: that browser is known again at its next sign-in",
    "unconfirmed_accounts": "removed: the person registers again",
    "recovery_codes": "removed: the person has one less",
    "challenges": "removed: the person tries again",
    "resets": "removed: the person asks for another link",
    "classifications": "removed: the image is classified again when it is asked for",
}
"""What is lost with a row of these tables can be made again."""


class SqlAudit:
    """Port RowAudit. SQLite numbers its rows, so that one with a damaged key can be found; elsewhere the key has to."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def tables(self) -> Sequence[str]:
        return tuple(name for name, table in Base.metadata.tables.items() if checksums.CHECKSUM in table.columns)

    def structure(self) -> Sequence[str]:
        with self._raw() as session:
            if not _is_sqlite(session):
                return ()
            try:
                found = [row[0] for row in session.execute(text(f"PRAGMA integrity_check({_MESSAGES})"))]
                foreign = [
                    f"a row of {row[0]} refers to a row of {row[2]} that is missing"
                    for row in session.execute(text("PRAGMA foreign_key_check"))
                ]
            except DatabaseError as error:
                return (str(error.orig),)
        return tuple(message for message in [*found, *foreign] if message != "ok")

    def rebuild_indexes(self) -> None:
        with self._change() as session:
            session.execute(text("REINDEX"))

    def damaged(self, table: str, after: object) -> tuple[Sequence[DamagedRow], int, object]:
        described = Base.metadata.tables[table]
        with self._raw() as session:
            place = _place(session, described)
            labels = [column.label(f"place_{column.name}") for column in place]
            query = select(*labels, *_unconverted(described)).select_from(described).order_by(*place)
            if after is not None:
                query = query.where(tuple_(*place) > after)
            rows = [dict(row) for row in session.execute(query.limit(ROWS_AT_ONCE)).mappings()]
        places = [tuple(row.pop(label.name) for label in labels) for row in rows]
        damaged = [
            DamagedRow(table, checksums.name_of(described, row), where, row)
            for where, row in zip(places, rows, strict=True)
            if row[checksums.CHECKSUM] != checksums.checksum_of(described, row)
        ]
        return damaged, len(rows), places[-1] if len(rows) == ROWS_AT_ONCE else None

    def correct(self, row: DamagedRow) -> bool:
        table = Base.metadata.tables[row.table]
        changes = checksums.corrected(table, row.values)
        if changes is None:
            return False
        try:
            with self._database.write() as session:
                if _is_sqlite(session):
                    # A key may change, to which other rows refer.
                    session.execute(text("PRAGMA defer_foreign_keys=ON"))
                session.execute(update(table).where(_is_at(session, row)).values(_as_stored(table, changes)))
        except IntegrityError:
            # Meanwhile another row has its key.
            return False
        return True

    def discard(self, row: DamagedRow) -> str | None:
        table = Base.metadata.tables[row.table]
        if row.table in ("ledgers", "checkpoints"):
            index: list[type[Base]] = [*TABLES.values(), CheckpointRow, LedgerRow]
            with self._change() as session:
                for each in index:
                    session.execute(delete(each))
            return "removed with the index, which is read again from the chain"
        if row.table not in _REDONE:
            return None
        with self._change() as session:
            session.execute(delete(table).where(_is_at(session, row)))
        return _REDONE[row.table]

    def restore_image(self, row: DamagedRow, facts: ImageFacts) -> None:
        table = Base.metadata.tables[row.table]
        slide = slide_values(facts.slide)
        values = {
            **row.values,
            **asdict(facts),
            "stripped": json.dumps(facts.stripped),
            "slide": slide and json.dumps(slide),
        }
        values[checksums.CHECKSUM] = checksums.checksum_of(table, values)
        with self._change() as session:
            session.execute(update(table).where(_is_at(session, row)).values(_as_stored(table, values)))

    def named(self) -> Sequence[str]:
        with self._raw() as session:
            images = list(session.scalars(select(ImageRow.cid)))
            manifests = list(session.scalars(select(ClassificationRow.manifest_cid)))
            statements = list(session.scalars(select(StatementRow.reason_hash)))
            documents = session.execute(select(StudyRow.cid, StudyRow.slices_cid, StudyRow.manifests_cid)).all()
        # A damaged CID is named by the finding of its own row.
        found = map(find_cid, [*images, *manifests, *map(_cid_of_hash, statements), *chain(*documents)])
        return [str(cid) for cid in found if cid]

    def copy(self, cid: str) -> bytes | None:
        with self._database.read() as session:
            manifest = session.scalar(select(ClassificationRow.manifest).filter_by(manifest_cid=cid))
            if manifest is not None:
                return manifest
            study = session.scalar(select(StudyRow.manifest).filter_by(cid=cid))
            if study is not None:
                return study
            reason_hash = "0x" + parse_cid(cid).digest.hex()
            return session.scalar(select(StatementRow.content).filter_by(reason_hash=reason_hash))

    def differing(self, ledger: int, first: int, last: int, events: Sequence[IndexedEvent]) -> Sequence[str]:
        expected = by_table(events, ledger)
        found: list[str] = []
        with self._raw() as session:
            for kind in _COMPARED:
                table = cast(Table, kind.__table__)
                query = select(*_unconverted(table)).where(_between(kind, ledger, first, last))
                names = [column.name for column in table.columns]
                stored = {tuple(row) for row in session.execute(query)}
                true = {tuple(_plain(values[name]) for name in names) for values in expected.get(kind, [])}
                places = {row[names.index("block_number")] for row in stored ^ true}
                found += [f"{table.name} of block {place}" for place in sorted(places, key=str)]
        return found

    def strays(self, ledger: int, first: int) -> Sequence[str]:
        with self._raw() as session:
            newest = _newest_checkpoint(session, ledger)
            return [
                f"{kind.__tablename__} of block {number}"
                for kind in TABLES.values()
                for number in session.scalars(
                    select(type_coerce(kind.block_number, NullType())).where(_astray(kind, ledger, first, newest))
                )
            ]

    def replace(self, ledger: int, first: int, last: int, events: Sequence[IndexedEvent]) -> None:
        with self._change() as session:
            for kind in _COMPARED:
                session.execute(delete(kind).where(_between(kind, ledger, first, last)))
            for kind, values in by_table(events, ledger).items():
                table = cast(Table, kind.__table__)
                _delete_equal(session, table, values)
                session.execute(insert(table), values)

    def remove_strays(self, ledger: int, first: int) -> None:
        with self._change() as session:
            newest = _newest_checkpoint(session, ledger)
            for kind in TABLES.values():
                session.execute(delete(kind).where(_astray(kind, ledger, first, newest)))

    @contextmanager
    def _change(self) -> Iterator[Session]:
        try:
            with self._database.write() as session:
                yield session
        except IntegrityError as error:
            raise DatabaseUnavailable(f"the repair contradicts other rows: {error.orig}") from error

    @contextmanager
    def _raw(self) -> Iterator[Session]:
        """A session that reads text which is no UTF-8."""
        with self._database.read() as session:
            connection = session.connection().connection.driver_connection
            if not isinstance(connection, sqlite3.Connection):
                yield session
                return
            connection.text_factory = lambda octets: octets.decode("utf-8", "surrogateescape")
            try:
                yield session
            finally:
                connection.text_factory = str


def _is_sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"


def _place(session: Session, table: Table) -> list[ColumnClause[Any]]:
    """The columns that find a row again, in whose order rows are read."""
    return [_ROWID] if _is_sqlite(session) else list(table.primary_key)


def _is_at(session: Session, row: DamagedRow) -> Any:
    return tuple_(*_place(session, Base.metadata.tables[row.table])) == row.place


def _as_stored(table: Table, values: Mapping[str, object]) -> dict[str, Any]:
    """``values`` to write as they are, without the conversions of the columns' types."""
    return {
        column.name: type_coerce(
            bool(values[column.name]) if isinstance(column.type, Boolean) else values[column.name], NullType()
        )
        for column in table.columns
        if column.name in values
    }


def _unconverted(table: Table) -> list[Any]:
    """The columns as they are stored."""
    return [type_coerce(column, NullType()).label(column.name) for column in table.columns]


def _between(kind: type[EventColumns], ledger: int, first: int, last: int) -> Any:
    return and_(kind.ledger_id == ledger, kind.block_number >= first, kind.block_number <= last)


def _astray(kind: type[EventColumns], ledger: int, first: int, newest: int | None) -> Any:
    """Rows of no ledger, and of this one outside its blocks."""
    outside = or_(kind.block_number < first, kind.block_number > (-1 if newest is None else newest))
    return or_(kind.ledger_id.not_in(select(LedgerRow.id)), and_(kind.ledger_id == ledger, outside))


def _delete_equal(session: Session, table: Table, values: Sequence[dict[str, object]]) -> None:
    """Delete the rows that a damaged place has moved to other blocks: the new rows have the same ids."""
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint):
            for start in range(0, len(values), ROWS_AT_ONCE):
                part = values[start : start + ROWS_AT_ONCE]
                keys = [tuple(row[column.name] for column in constraint.columns) for row in part]
                session.execute(delete(table).where(tuple_(*constraint.columns).in_(keys)))


def _newest_checkpoint(session: Session, ledger: int) -> int | None:
    query = select(CheckpointRow.number).filter_by(ledger_id=ledger).order_by(CheckpointRow.number.desc())
    return session.scalar(query.limit(1))


def _cid_of_hash(hash_: str) -> str:
    """Empty for a damaged hash."""
    return raw_cid(hash_) if re.fullmatch(r"0x[0-9a-f]{64}", hash_) else ""


def _plain(value: object) -> object:
    return int(value) if isinstance(value, bool) else value
