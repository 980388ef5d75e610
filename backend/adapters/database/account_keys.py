"""Keys of accounts with the wraps of their private keys, and the log of keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend.account_keys import (
    FIRST_PREVIOUS,
    AccountKey,
    AccountKeyKind,
    KeyChange,
    KeyLogEntry,
    KeyWrap,
    WrapMethod,
)
from backend.adapters.database.engine import Database, take_turns
from backend.adapters.database.key_tables import AccountKeyRow, KeyLogRow, KeyWrapRow
from backend.adapters.database.tables import AccountRow
from backend.errors import Conflict, NotFound

_LOG_LOCK = 0x5343414E4B455953
"""The number of PostgreSQL's lock for the log of keys."""
_REPEATED = "this wrap is here already: make a new one"


class SqlAccountKeys:
    """Port AccountKeyRows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keys(self, account_id: str) -> Sequence[tuple[AccountKey, Sequence[KeyWrap]]]:
        keys = select(AccountKeyRow).filter_by(account_id=account_id)
        keys = keys.order_by(AccountKeyRow.created_at, AccountKeyRow.key_id)
        wraps = select(KeyWrapRow).filter_by(account_id=account_id).order_by(KeyWrapRow.method, KeyWrapRow.wrap_id)
        with self._database.read() as session:
            found = list(session.scalars(wraps))
            return [
                (_key(row), [_wrap(each) for each in found if each.key_id == row.key_id])
                for row in session.scalars(keys)
            ]

    def add(
        self, key: AccountKey, wraps: Sequence[KeyWrap], *, replaces: str | None, most: int, most_live: int
    ) -> None:
        try:
            with self._database.write() as session:
                _lock_account(session, key.account_id)
                _lock_log(session)
                if session.scalar(select(KeyLogRow).filter_by(key_id=key.key_id).limit(1)):
                    raise Conflict("this key was added before, here or by another account: make a new one")
                rows = list(session.scalars(select(AccountKeyRow).filter_by(account_id=key.account_id)))
                if len(rows) >= most:
                    raise Conflict(f"an account has at most {most} keys, those that ended included")
                live = {row.key_id: row for row in rows if row.kind == key.kind and row.ended_at is None}
                if replaces is not None:
                    former = live.pop(replaces, None)
                    if former is None:
                        raise Conflict("expected `replaces` to name the account's live key of this kind")
                    _end(session, former, key.created_at)
                if len(live) >= most_live:
                    raise Conflict(
                        f"an account has at most {most_live} live {key.kind} key{'s' * (most_live > 1)}: "
                        + ("name the former as `replaces`" if most_live == 1 else "end one first")
                    )
                session.add(AccountKeyRow(**{**asdict(key), "kind": key.kind.value}))
                _append(session, key.account_id, KeyChange.ADDED, key.key_id, key.created_at)
                session.flush()
                session.add_all(_wrap_row(each, key.account_id, key.key_id) for each in wraps)
        except IntegrityError:
            raise Conflict(_REPEATED) from None

    def end(self, account_id: str, key_id: str, now: int) -> bool:
        with self._database.write() as session:
            _lock_account(session, account_id)
            row = session.scalar(select(AccountKeyRow).filter_by(account_id=account_id, key_id=key_id, ended_at=None))
            if row is None:
                return False
            _lock_log(session)
            _end(session, row, now)
            return True

    def add_wrap(self, account_id: str, key_id: str, wrap: KeyWrap, *, most: int) -> None:
        try:
            with self._database.write() as session:
                _lock_account(session, account_id)
                if len(_wraps(session, account_id, key_id)) >= most:
                    raise Conflict(f"a key has at most {most} wraps: remove one first")
                session.add(_wrap_row(wrap, account_id, key_id))
        except IntegrityError:
            raise Conflict(_REPEATED) from None

    def remove_wrap(self, account_id: str, key_id: str, wrap_id: str) -> None:
        with self._database.write() as session:
            _lock_account(session, account_id)
            rows = _wraps(session, account_id, key_id)
            row = next((each for each in rows if each.wrap_id == wrap_id), None)
            if row is None:
                raise NotFound("this key of yours has no such wrap")
            key = session.get(AccountKeyRow, key_id)
            if len(rows) == 1 and key is not None and key.ended_at is None:
                raise Conflict("this is the last wrap of a live key: add another one first")
            session.delete(row)

    def log(self, after: int, limit: int) -> Sequence[KeyLogEntry]:
        query = select(KeyLogRow).where(KeyLogRow.sequence > after).order_by(KeyLogRow.sequence).limit(limit)
        with self._database.read() as session:
            return [_entry(row) for row in session.scalars(query)]


def end_all(session: Session, account_id: str, now: int) -> None:
    """Log the end of an account's live keys, whose rows the caller removes."""
    rows = list(session.scalars(select(AccountKeyRow).filter_by(account_id=account_id, ended_at=None)))
    if rows:
        _lock_log(session)
    for row in rows:
        _end(session, row, now)


def _lock_account(session: Session, account_id: str) -> None:
    """Raises Conflict for an account that is closed. The caller locks the log after it, as the closing does."""
    if session.get(AccountRow, account_id, with_for_update=True) is None:
        raise Conflict("the account was closed meanwhile")


def _lock_log(session: Session) -> None:
    """One transaction after the other appends to the log."""
    take_turns(session, _LOG_LOCK)


def _end(session: Session, row: AccountKeyRow, now: int) -> None:
    row.ended_at = now
    _append(session, row.account_id, KeyChange.ENDED, row.key_id, now)


def _append(session: Session, account_id: str, event: KeyChange, key_id: str, at: int) -> None:
    last = session.scalar(select(KeyLogRow).order_by(KeyLogRow.sequence.desc()).limit(1))
    sequence, previous = (last.sequence + 1, last.entry_hash) if last else (1, FIRST_PREVIOUS)
    entry = KeyLogEntry(sequence, account_id, event, key_id, at, previous)
    session.add(KeyLogRow(**{**asdict(entry), "event": event.value}, entry_hash=entry.entry_hash))
    session.flush()


def _wraps(session: Session, account_id: str, key_id: str) -> Sequence[KeyWrapRow]:
    return session.scalars(select(KeyWrapRow).filter_by(account_id=account_id, key_id=key_id)).all()


def _wrap_row(wrap: KeyWrap, account_id: str, key_id: str) -> KeyWrapRow:
    return KeyWrapRow(**{**asdict(wrap), "method": wrap.method.value}, account_id=account_id, key_id=key_id)


def _key(row: AccountKeyRow) -> AccountKey:
    return AccountKey(
        key_id=row.key_id,
        account_id=row.account_id,
        kind=AccountKeyKind(row.kind),
        public_key=row.public_key,
        created_at=row.created_at,
        ended_at=row.ended_at,
    )


def _wrap(row: KeyWrapRow) -> KeyWrap:
    return KeyWrap(row.wrap_id, WrapMethod(row.method), row.passkey_id, row.document)


def _entry(row: KeyLogRow) -> KeyLogEntry:
    return KeyLogEntry(row.sequence, row.account_id, KeyChange(row.event), row.key_id, row.at, row.previous)
