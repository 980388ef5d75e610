"""Tables of the index: copies of the chain's events, which can be read from the chain again.

An event's position in its ledger is its block's number and its index in that block; rows are stored in that order.
Each column of an event has the name of the field of its domain class.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.orm import Mapped, mapped_column

from backend.adapters.database.checksums import Checked
from backend.adapters.database.tables import ADDRESS, CID, HASH, ROW_ID, Base


class LedgerRow(Checked, Base):
    __tablename__ = "ledgers"
    __table_args__ = (Unique("chain_id", "contract"),)

    id: Mapped[int] = mapped_column(ROW_ID, primary_key=True)
    chain_id: Mapped[int] = mapped_column(BigInteger)
    contract: Mapped[str] = mapped_column(ADDRESS)


class CheckpointRow(Checked, Base):
    __tablename__ = "checkpoints"

    ledger_id: Mapped[int] = mapped_column(ForeignKey("ledgers.id"), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    hash: Mapped[str] = mapped_column(HASH)


class EventColumns(Base):
    """The columns that every event has.

    No key or index begins with the ledger: SQLite would expect few rows for each, and scan all of them.
    """

    __abstract__ = True

    block_number: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    log_index: Mapped[int] = mapped_column(primary_key=True)
    ledger_id: Mapped[int] = mapped_column(ForeignKey("ledgers.id"), primary_key=True)
    block_hash: Mapped[str] = mapped_column(HASH)
    block_timestamp: Mapped[int] = mapped_column(BigInteger)
    transaction_hash: Mapped[str] = mapped_column(HASH)


_IN_ORDER = {"sqlite_with_rowid": False}


class RegistrationRow(EventColumns):
    __tablename__ = "registrations"
    __table_args__ = (
        Unique("image_id", "ledger_id"),
        Index(None, "transaction_hash"),
        Index(None, "uploader"),
        Index(None, "cid"),
        _IN_ORDER,
    )

    image_id: Mapped[str] = mapped_column(HASH)
    uploader: Mapped[str] = mapped_column(ADDRESS)
    cid: Mapped[str] = mapped_column(CID)
    commitment: Mapped[str] = mapped_column(HASH)


class DiagnosisRow(EventColumns):
    __tablename__ = "diagnoses"
    __table_args__ = (
        Unique("diagnosis_id", "ledger_id"),
        Index(None, "image_id", "model_id"),
        Index(None, "transaction_hash"),
        Index(None, "model_id"),
        _IN_ORDER,
    )

    image_id: Mapped[str] = mapped_column(HASH)
    diagnosis_id: Mapped[str] = mapped_column(HASH)
    model_id: Mapped[str] = mapped_column(HASH)
    classifier: Mapped[str] = mapped_column(ADDRESS)
    label: Mapped[int]
    confidence: Mapped[int]
    manifest_hash: Mapped[str] = mapped_column(HASH)
    issued_at: Mapped[int] = mapped_column(BigInteger)
    signature: Mapped[str] = mapped_column(String(132))


class ReviewRow(EventColumns):
    """The newest review of a diagnosis is the one that no other supersedes."""

    __tablename__ = "reviews"
    __table_args__ = (
        Unique("review_id", "ledger_id"),
        Unique("supersedes", "ledger_id"),
        Index(None, "diagnosis_id"),
        Index(None, "image_id"),
        Index(None, "transaction_hash"),
        _IN_ORDER,
    )

    image_id: Mapped[str] = mapped_column(HASH)
    diagnosis_id: Mapped[str] = mapped_column(HASH)
    reviewer: Mapped[str] = mapped_column(ADDRESS)
    review_id: Mapped[str] = mapped_column(HASH)
    supersedes: Mapped[str] = mapped_column(HASH)
    reason_hash: Mapped[str] = mapped_column(HASH)
    verdict: Mapped[str] = mapped_column(String(10))
    label: Mapped[int]


class ModelRegistrationRow(EventColumns):
    __tablename__ = "model_registrations"
    __table_args__ = (Unique("model_id", "ledger_id"), _IN_ORDER)

    model_id: Mapped[str] = mapped_column(HASH)
    admin: Mapped[str] = mapped_column(ADDRESS)
    labels: Mapped[int | None]
    card_cid: Mapped[str] = mapped_column(CID)


class ModelRetirementRow(EventColumns):
    __tablename__ = "model_retirements"
    __table_args__ = (Unique("model_id", "ledger_id"), _IN_ORDER)

    model_id: Mapped[str] = mapped_column(HASH)
    admin: Mapped[str] = mapped_column(ADDRESS)


class TrainingRow(EventColumns):
    __tablename__ = "trainings"
    __table_args__ = (Unique("model_id", "ledger_id"), _IN_ORDER)

    training_id: Mapped[str] = mapped_column(HASH)
    model_id: Mapped[str] = mapped_column(HASH)
    parent_model_id: Mapped[str] = mapped_column(HASH)
    metrics_hash: Mapped[str] = mapped_column(HASH)
    participants: Mapped[int] = mapped_column(BigInteger)
    admin: Mapped[str] = mapped_column(ADDRESS)


class RoleChangeRow(EventColumns):
    __tablename__ = "role_changes"
    __table_args__ = (Index(None, "account"), _IN_ORDER)

    role: Mapped[str] = mapped_column(String(32))
    account: Mapped[str] = mapped_column(ADDRESS)
    granted: Mapped[bool]
    sender: Mapped[str] = mapped_column(ADDRESS)


class CompromiseRow(EventColumns):
    """The newest report of a classifier has the earliest time: the contract refuses every other."""

    __tablename__ = "compromises"
    __table_args__ = (Index(None, "classifier"), _IN_ORDER)

    classifier: Mapped[str] = mapped_column(ADDRESS)
    since: Mapped[int] = mapped_column(BigInteger)
    admin: Mapped[str] = mapped_column(ADDRESS)
