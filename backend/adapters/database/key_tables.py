"""Tables of the keys of accounts. The log stays when an account is closed: it has ids only."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, String, Text
from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.orm import Mapped, mapped_column

from backend.adapters.database.checksums import Checked
from backend.adapters.database.tables import ACCOUNT_ID, SECRET_HASH, Base


class AccountKeyRow(Checked, Base):
    __tablename__ = "account_keys"

    key_id: Mapped[str] = mapped_column(SECRET_HASH, primary_key=True)
    account_id: Mapped[str] = mapped_column(ACCOUNT_ID, ForeignKey("accounts.account_id"), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[int] = mapped_column(BigInteger)
    ended_at: Mapped[int | None] = mapped_column(BigInteger)


class KeyWrapRow(Checked, Base):
    __tablename__ = "account_key_wraps"

    wrap_id: Mapped[str] = mapped_column(SECRET_HASH, primary_key=True)
    key_id: Mapped[str] = mapped_column(SECRET_HASH, ForeignKey("account_keys.key_id"), index=True)
    account_id: Mapped[str] = mapped_column(ACCOUNT_ID, ForeignKey("accounts.account_id"), index=True)
    method: Mapped[str] = mapped_column(String(16))
    passkey_id: Mapped[str | None] = mapped_column(SECRET_HASH)
    document: Mapped[str] = mapped_column(Text)


class KeyLogRow(Checked, Base):
    """Each entry holds the hash of the one before."""

    __tablename__ = "key_log"
    __table_args__ = (Unique("entry_hash"),)

    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    account_id: Mapped[str] = mapped_column(ACCOUNT_ID)
    event: Mapped[str] = mapped_column(String(16))
    key_id: Mapped[str] = mapped_column(SECRET_HASH, index=True)
    at: Mapped[int] = mapped_column(BigInteger)
    previous: Mapped[str] = mapped_column(SECRET_HASH)
    entry_hash: Mapped[str] = mapped_column(SECRET_HASH)
