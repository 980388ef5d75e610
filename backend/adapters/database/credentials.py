"""What proves an account's owner beside the password: one-time codes, passkeys, wallets, and challenges for these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from backend.accounts import CodeGenerator, LinkedWallet, Passkey, Purpose
from backend.adapters.database.engine import Database
from backend.adapters.database.tables import (
    ChallengeRow,
    CodeGeneratorRow,
    PasskeyRow,
    RecoveryCodeRow,
    WalletRow,
)


class SqlCredentials:
    """Port CredentialRows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def code_generator(self, account_id: str) -> CodeGenerator | None:
        with self._database.read() as session:
            row = session.get(CodeGeneratorRow, account_id)
            return CodeGenerator(row.sealed, row.last_step, row.confirmed) if row else None

    def save_code_generator(self, account_id: str, generator: CodeGenerator | None) -> None:
        with self._database.write() as session:
            session.execute(delete(CodeGeneratorRow).filter_by(account_id=account_id))
            if generator:
                session.add(CodeGeneratorRow(account_id=account_id, **asdict(generator)))
            else:
                session.execute(delete(RecoveryCodeRow).filter_by(account_id=account_id))

    def use_step(self, account_id: str, step: int) -> bool:
        with self._database.write() as session:
            row = session.get(CodeGeneratorRow, account_id, with_for_update=True)
            if row is None or row.last_step >= step:
                return False
            row.last_step = step
            return True

    def save_recovery_codes(self, account_id: str, code_hashes: Sequence[str]) -> None:
        with self._database.write() as session:
            session.execute(delete(RecoveryCodeRow).filter_by(account_id=account_id))
            session.add_all(RecoveryCodeRow(code_hash=each, account_id=account_id) for each in code_hashes)

    def use_recovery_code(self, account_id: str, code_hash: str) -> bool:
        used = delete(RecoveryCodeRow).filter_by(account_id=account_id, code_hash=code_hash)
        with self._database.write() as session:
            return session.execute(used.returning(RecoveryCodeRow.code_hash)).first() is not None

    def count_recovery_codes(self, account_id: str) -> int:
        with self._database.read() as session:
            query = select(func.count()).select_from(RecoveryCodeRow).filter_by(account_id=account_id)
            return session.scalar(query) or 0

    def add_passkey(self, passkey: Passkey) -> bool:
        return self._database.insert(PasskeyRow(**asdict(passkey)))

    def passkey(self, passkey_id: str) -> Passkey | None:
        with self._database.read() as session:
            row = session.get(PasskeyRow, passkey_id)
            return _passkey(row) if row else None

    def passkeys(self, account_id: str) -> Sequence[Passkey]:
        query = select(PasskeyRow).filter_by(account_id=account_id).order_by(PasskeyRow.created_at)
        with self._database.read() as session:
            return [_passkey(row) for row in session.scalars(query)]

    def use_passkey(self, passkey_id: str, sign_count: int, now: int) -> None:
        with self._database.write() as session:
            row = session.get(PasskeyRow, passkey_id, with_for_update=True)
            if row:
                row.sign_count, row.used_at = sign_count, now

    def remove_passkey(self, account_id: str, passkey_id: str) -> bool:
        removed = delete(PasskeyRow).filter_by(account_id=account_id, passkey_id=passkey_id)
        with self._database.write() as session:
            return session.execute(removed.returning(PasskeyRow.passkey_id)).first() is not None

    def link_wallet(self, wallet: LinkedWallet) -> bool:
        return self._database.insert(WalletRow(**asdict(wallet)))

    def wallet(self, address: str) -> LinkedWallet | None:
        with self._database.read() as session:
            row = session.get(WalletRow, address)
            return _wallet(row) if row else None

    def wallets(self, account_id: str) -> Sequence[LinkedWallet]:
        query = select(WalletRow).filter_by(account_id=account_id).order_by(WalletRow.linked_at, WalletRow.address)
        with self._database.read() as session:
            return [_wallet(row) for row in session.scalars(query)]

    def remove_wallet(self, account_id: str, address: str) -> bool:
        removed = delete(WalletRow).filter_by(account_id=account_id, address=address)
        with self._database.write() as session:
            return session.execute(removed.returning(WalletRow.address)).first() is not None

    def add_challenge(
        self, challenge_hash: str, purpose: Purpose, account_id: str | None, *, now: int, expires_at: int
    ) -> None:
        row = ChallengeRow(
            challenge_hash=challenge_hash, purpose=purpose.value, account_id=account_id, expires_at=expires_at
        )
        with self._database.write() as session:
            session.execute(delete(ChallengeRow).where(ChallengeRow.expires_at < now))
            session.add(row)

    def has_challenge(self, challenge_hash: str, purpose: Purpose, account_id: str | None, now: int) -> bool:
        with self._database.read() as session:
            return _is_open(session, challenge_hash, purpose, account_id, now)

    def take_challenge(self, challenge_hash: str, purpose: Purpose, account_id: str | None, now: int) -> bool:
        with self._database.write() as session:
            is_open = _is_open(session, challenge_hash, purpose, account_id, now)
            session.execute(delete(ChallengeRow).filter_by(challenge_hash=challenge_hash))
            return is_open


def _is_open(session: Session, challenge_hash: str, purpose: Purpose, account_id: str | None, now: int) -> bool:
    query = select(ChallengeRow).filter_by(challenge_hash=challenge_hash, purpose=purpose.value, account_id=account_id)
    return session.scalar(query.where(ChallengeRow.expires_at >= now).with_for_update()) is not None


def _passkey(row: PasskeyRow) -> Passkey:
    return Passkey(
        passkey_id=row.passkey_id,
        account_id=row.account_id,
        credential_id=row.credential_id,
        public_key=row.public_key,
        sign_count=row.sign_count,
        name=row.name,
        created_at=row.created_at,
        used_at=row.used_at,
    )


def _wallet(row: WalletRow) -> LinkedWallet:
    return LinkedWallet(address=row.address, account_id=row.account_id, linked_at=row.linked_at)
