"""Accounts, their sessions and links, and the log of what happened to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session as Transaction

from backend.accounts import (
    Account,
    AccountEvent,
    EventKind,
    Failures,
    Person,
    Registration,
    Role,
    Session,
    SignInMethod,
)
from backend.adapters.database.account_keys import end_all
from backend.adapters.database.engine import Database, take_turns
from backend.adapters.database.key_tables import AccountKeyRow, KeyWrapRow
from backend.adapters.database.tables import (
    AccountEventRow,
    AccountRow,
    ChallengeRow,
    CodeGeneratorRow,
    DeviceRow,
    PasskeyRow,
    RecoveryCodeRow,
    ResetRow,
    SessionRow,
    UnconfirmedAccountRow,
    WalletRow,
)
from backend.errors import Conflict, SignInFailed

_OF_ACCOUNT = (
    *(SessionRow, DeviceRow, ResetRow),
    *(CodeGeneratorRow, RecoveryCodeRow, PasskeyRow, WalletRow, ChallengeRow),
    *(KeyWrapRow, AccountKeyRow),
)
_MOST_PEOPLE = 500
_NOBODYS_S = 24 * 3600


class SqlAccounts:
    """Port AccountRows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, account_id: str) -> Account | None:
        with self._database.read() as session:
            row = session.get(AccountRow, account_id)
            return _account(row) if row else None

    def by_email(self, email: str) -> Account | None:
        # Drivers refuse half a surrogate pair, and PostgreSQL refuses NUL; no address has either.
        if not (email.isascii() and email.isprintable()):
            return None
        with self._database.read() as session:
            row = session.scalar(select(AccountRow).filter_by(email=email))
            return _account(row) if row else None

    def add(self, account: Account) -> bool:
        values = {**asdict(account.person), "role": account.role.value}
        fields = ("account_id", "approved", "created_at", "password_hash")
        return self._database.insert(AccountRow(**values, **{name: getattr(account, name) for name in fields}))

    def change(self, was: Account, account: Account) -> None:
        before = _changeable(was)
        changed = {name: value for name, value in _changeable(account).items() if value != before[name]}
        with self._database.write() as session:
            if changed.keys() & {"role", "approved"}:
                _require_another_administrator(session, account.account_id)
            row = session.get(AccountRow, account.account_id, with_for_update=True)
            if row is None:
                return
            if "password_hash" in changed:
                if row.password_hash != was.password_hash:
                    raise Conflict("the password changed meanwhile")
                session.execute(delete(ResetRow).filter_by(account_id=account.account_id))
            for name, value in changed.items():
                setattr(row, name, value)

    def remove(self, account: Account, email_hash: str, now: int) -> None:
        account_id = account.account_id
        with self._database.write() as session:
            _require_another_administrator(session, account_id)
            session.get(AccountRow, account_id, with_for_update=True)
            end_all(session, account_id, now)
            for table in (*_OF_ACCOUNT, AccountEventRow, AccountRow):
                session.execute(delete(table).filter_by(account_id=account_id))
            session.execute(delete(AccountEventRow).filter_by(email_hash=email_hash))
            session.execute(delete(UnconfirmedAccountRow).filter_by(email=account.person.email))

    def people(self) -> Sequence[Account]:
        query = select(AccountRow).order_by(AccountRow.approved, AccountRow.created_at.desc()).limit(_MOST_PEOPLE)
        with self._database.read() as session:
            return [_account(row) for row in session.scalars(query)]

    def add_registration(self, token_hash: str, registration: Registration, *, now: int) -> int:
        values = {**asdict(registration.person), "role": registration.role.value}
        row = UnconfirmedAccountRow(
            token_hash=token_hash,
            password_hash=registration.password_hash,
            expires_at=registration.expires_at,
            **values,
        )
        with self._database.write() as session:
            session.execute(delete(UnconfirmedAccountRow).where(UnconfirmedAccountRow.expires_at < now))
            session.add(row)
            query = select(func.count()).select_from(UnconfirmedAccountRow).filter_by(email=registration.person.email)
            return session.scalar(query) or 0

    def registration(self, token_hash: str) -> Registration | None:
        with self._database.read() as session:
            row = session.get(UnconfirmedAccountRow, token_hash)
            if row is None:
                return None
            return Registration(_person(row), Role(row.role), row.password_hash, row.expires_at)

    def remove_registrations(self, email: str) -> None:
        with self._database.write() as session:
            session.execute(delete(UnconfirmedAccountRow).filter_by(email=email))

    def add_session(self, token_hash: str, session: Session, *, unused_since: int, begun_since: int) -> None:
        fields = ("session_id", "created_at", "last_at", "client", "agent")
        row = SessionRow(
            token_hash=token_hash,
            account_id=session.account.account_id,
            method=session.method.value,
            **{name: getattr(session, name) for name in fields},
        )
        with self._database.write() as transaction:
            old = (SessionRow.last_at < unused_since) | (SessionRow.created_at < begun_since)
            transaction.execute(delete(SessionRow).where(old))
            account = transaction.get(AccountRow, session.account.account_id, with_for_update=True)
            if account is None or account.password_hash != session.account.password_hash:
                raise SignInFailed("the account changed meanwhile: sign in again")
            transaction.add(row)

    def session(self, token_hash: str) -> Session | None:
        with self._database.read() as session:
            row = session.get(SessionRow, token_hash)
            return _session(session, row) if row else None

    def sessions(self, account_id: str) -> Sequence[Session]:
        query = select(SessionRow).filter_by(account_id=account_id).order_by(SessionRow.last_at.desc())
        with self._database.read() as session:
            found = (_session(session, row) for row in session.scalars(query))
            return [each for each in found if each]

    def use_session(self, token_hash: str, now: int) -> None:
        with self._database.write() as session:
            row = session.get(SessionRow, token_hash, with_for_update=True)
            if row:
                row.last_at = now

    def end_session(self, *, token_hash: str = "", session_id: str = "", account_id: str = "") -> bool:
        named = {"token_hash": token_hash, "session_id": session_id, "account_id": account_id}
        given = {name: value for name, value in named.items() if value}
        with self._database.write() as session:
            ended = session.execute(delete(SessionRow).filter_by(**given).returning(SessionRow.session_id))
            return ended.first() is not None

    def end_other_sessions(self, account_id: str, kept: str) -> None:
        with self._database.write() as session:
            session.execute(
                delete(SessionRow).where(SessionRow.account_id == account_id, SessionRow.token_hash != kept)
            )

    def add_device(self, token_hash: str, account_id: str, *, now: int, expires_at: int, most: int) -> None:
        with self._database.write() as session:
            session.execute(delete(DeviceRow).where(DeviceRow.expires_at < now))
            newest = select(DeviceRow.token_hash).filter_by(account_id=account_id)
            newest = newest.order_by(DeviceRow.expires_at.desc()).limit(most - 1)
            kept = list(session.scalars(newest))
            old = (DeviceRow.account_id == account_id) & DeviceRow.token_hash.not_in(kept)
            session.execute(delete(DeviceRow).where(old))
            session.add(DeviceRow(token_hash=token_hash, account_id=account_id, expires_at=expires_at))

    def device_owner(self, token_hash: str, now: int) -> str | None:
        with self._database.read() as session:
            row = session.get(DeviceRow, token_hash)
            return row.account_id if row and row.expires_at >= now else None

    def remove_devices(self, account_id: str) -> None:
        with self._database.write() as session:
            session.execute(delete(DeviceRow).filter_by(account_id=account_id))

    def add_reset(self, token_hash: str, account_id: str | None, *, now: int, expires_at: int) -> None:
        with self._database.write() as session:
            session.execute(delete(ResetRow).where(ResetRow.expires_at < now))
            session.add(ResetRow(token_hash=token_hash, account_id=account_id, expires_at=expires_at))

    def reset_owner(self, token_hash: str, now: int) -> Account | None:
        with self._database.read() as session:
            row = session.get(ResetRow, token_hash)
            owner = row.account_id if row and row.expires_at >= now else None
            found = session.get(AccountRow, owner) if owner else None
            return _account(found) if found else None

    def take_resets(self, token_hash: str, account_id: str) -> bool:
        with self._database.write() as session:
            taken = session.execute(delete(ResetRow).filter_by(token_hash=token_hash).returning(ResetRow.token_hash))
            if taken.first() is None:
                return False
            session.execute(delete(ResetRow).filter_by(account_id=account_id))
            return True

    def begin_sign_in(
        self,
        event: AccountEvent,
        *,
        email_hash: str,
        source: str,
        since: int,
        old: int,
        wait: Callable[[Failures], int],
    ) -> int:
        with self._database.write() as session:
            _remove_old(session, event.at, old)
            _lock_attempts(session, email_hash)
            seconds = wait(_failures(session, email_hash, source, since))
            if not seconds:
                session.add(_event_row(event, email_hash, source))
            return seconds

    def finish_sign_in(self, event_id: str, account_id: str, kind: EventKind) -> None:
        with self._database.write() as session:
            row = session.get(AccountEventRow, event_id, with_for_update=True)
            if row:
                row.kind, row.account_id = kind.value, account_id

    def log(self, event: AccountEvent, *, old: int) -> None:
        with self._database.write() as session:
            _remove_old(session, event.at, old)
            session.add(_event_row(event, "", ""))

    def events(self, account_id: str, limit: int) -> Sequence[AccountEvent]:
        query = select(AccountEventRow).filter_by(account_id=account_id)
        query = query.order_by(AccountEventRow.at.desc(), AccountEventRow.event_id.desc()).limit(limit)
        with self._database.read() as session:
            return [_event(row) for row in session.scalars(query)]


def _require_another_administrator(session: Transaction, account_id: str) -> None:
    """Their rows are locked until the transaction ends: of two who leave at once, one stays. Raises Conflict."""
    query = select(AccountRow.account_id).filter_by(role=Role.ADMINISTRATOR.value, approved=True)
    if list(session.scalars(query.order_by(AccountRow.account_id).with_for_update())) == [account_id]:
        raise Conflict("there must be an administrator: make another one first")


def _remove_old(session: Transaction, now: int, old: int) -> None:
    """Events of no account, which anybody can add, are counted for a day, and nobody sees them."""
    nobodys = AccountEventRow.account_id.is_(None) & (AccountEventRow.at < now - _NOBODYS_S)
    session.execute(delete(AccountEventRow).where((AccountEventRow.at < old) | nobodys))


def _lock_attempts(session: Transaction, email_hash: str) -> None:
    """One transaction after the other counts the attempts at an account."""
    take_turns(session, int(email_hash[:15], 16))


def _failures(session: Transaction, email_hash: str, source: str, since: int) -> Failures:
    failed = EventKind.SIGN_IN_FAILED.value
    of_email = select(func.count(), func.max(AccountEventRow.at)).where(
        AccountEventRow.email_hash == email_hash, AccountEventRow.kind == failed, AccountEventRow.at >= since
    )
    success = select(func.max(AccountEventRow.at)).where(
        AccountEventRow.email_hash == email_hash,
        AccountEventRow.source == source,
        AccountEventRow.kind.in_([EventKind.SIGNED_IN.value, EventKind.CODE_ASKED.value]),
    )
    last_success = session.scalar(success) or 0
    here = of_email.where(AccountEventRow.source == source, AccountEventRow.at > last_success)
    counts = [*session.execute(here).one(), *session.execute(of_email).one()]
    return Failures(*(value or 0 for value in counts))


def _person(row: AccountRow | UnconfirmedAccountRow) -> Person:
    return Person(name=row.name, email=row.email, phone=row.phone)


def _account(row: AccountRow) -> Account:
    return Account(
        account_id=row.account_id,
        person=_person(row),
        role=Role(row.role),
        approved=row.approved,
        created_at=row.created_at,
        password_hash=row.password_hash,
    )


def _changeable(account: Account) -> dict[str, str | bool]:
    return {
        "name": account.person.name,
        "phone": account.person.phone,
        "role": account.role.value,
        "approved": account.approved,
        "password_hash": account.password_hash,
    }


def _session(session: Transaction, row: SessionRow) -> Session | None:
    account = session.get(AccountRow, row.account_id)
    if account is None:
        return None
    return Session(
        session_id=row.session_id,
        account=_account(account),
        method=SignInMethod(row.method),
        created_at=row.created_at,
        last_at=row.last_at,
        client=row.client,
        agent=row.agent,
    )


def _event_row(event: AccountEvent, email_hash: str, source: str) -> AccountEventRow:
    return AccountEventRow(**{**asdict(event), "kind": event.kind.value}, email_hash=email_hash, source=source)


def _event(row: AccountEventRow) -> AccountEvent:
    return AccountEvent(
        event_id=row.event_id,
        account_id=row.account_id,
        kind=EventKind(row.kind),
        at=row.at,
        client=row.client,
        agent=row.agent,
        detail=row.detail,
    )
