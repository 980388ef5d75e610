"""Tables. All but ``images.client`` and ``clients`` can be rebuilt from the chain and the object store.

Hashes and addresses from the chain are kept in lower case with 0x, so that a search can ignore case.
"""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, LargeBinary, MetaData, String, Text
from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

CID = String(59)
HASH = String(66)
ADDRESS = String(42)
# SQLite numbers rows by itself only in a column of the very type INTEGER.
ROW_ID = BigInteger().with_variant(Integer, "sqlite")


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        }
    )


class ImageRow(Base):
    __tablename__ = "images"

    cid: Mapped[str] = mapped_column(CID, primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(BigInteger)
    width: Mapped[int]
    height: Mapped[int]
    media_type: Mapped[str] = mapped_column(String(40))
    stripped: Mapped[list[str]] = mapped_column(JSON)
    pin_id: Mapped[str | None] = mapped_column(String(100))
    client: Mapped[str] = mapped_column(String(45), index=True)


class ClientRow(Base):
    __tablename__ = "clients"

    address: Mapped[str] = mapped_column(String(45), primary_key=True)
    bytes_kept: Mapped[int] = mapped_column(BigInteger)


class ClassificationRow(Base):
    __tablename__ = "classifications"
    __table_args__ = (Unique("cid", "model_sha256"),)

    manifest_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    manifest_cid: Mapped[str] = mapped_column(CID)
    manifest: Mapped[bytes] = mapped_column(LargeBinary)
    cid: Mapped[str] = mapped_column(CID, ForeignKey("images.cid"))
    model_name: Mapped[str] = mapped_column(String(100))
    model_version: Mapped[str] = mapped_column(String(40))
    model_sha256: Mapped[str] = mapped_column(String(64))
    modality: Mapped[str] = mapped_column(String(100))
    label: Mapped[str] = mapped_column(String(100))
    label_code: Mapped[int]
    confidence: Mapped[float]
    probabilities: Mapped[dict[str, float]] = mapped_column(JSON)
    abstained: Mapped[bool]
    reason: Mapped[str | None] = mapped_column(Text)
    activation_map: Mapped[bytes | None] = mapped_column(LargeBinary)


class AttestationRow(Base):
    __tablename__ = "attestations"

    manifest_hash: Mapped[str] = mapped_column(ForeignKey("classifications.manifest_hash"), primary_key=True)
    image_id: Mapped[str] = mapped_column(HASH, primary_key=True)
    chain_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    contract: Mapped[str] = mapped_column(ADDRESS, primary_key=True)
    model_id: Mapped[str] = mapped_column(HASH)
    label: Mapped[int]
    confidence: Mapped[int]
    issued_at: Mapped[int] = mapped_column(BigInteger)
    signature: Mapped[str] = mapped_column(String(132))
    classifier: Mapped[str] = mapped_column(ADDRESS)


class LedgerRow(Base):
    __tablename__ = "ledgers"
    __table_args__ = (Unique("chain_id", "contract"),)

    id: Mapped[int] = mapped_column(ROW_ID, primary_key=True)
    chain_id: Mapped[int] = mapped_column(BigInteger)
    contract: Mapped[str] = mapped_column(ADDRESS)


class CheckpointRow(Base):
    __tablename__ = "checkpoints"

    ledger_id: Mapped[int] = mapped_column(ForeignKey("ledgers.id"), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    hash: Mapped[str] = mapped_column(HASH)


class EventColumns:
    """What every event of the chain has; unique by its place in its transaction."""

    id: Mapped[int] = mapped_column(ROW_ID, primary_key=True)
    ledger_id: Mapped[int] = mapped_column(ForeignKey("ledgers.id"))
    image_id: Mapped[str] = mapped_column(HASH)
    transaction_hash: Mapped[str] = mapped_column(HASH)
    log_index: Mapped[int]
    block_number: Mapped[int] = mapped_column(BigInteger)
    block_hash: Mapped[str] = mapped_column(HASH)
    block_timestamp: Mapped[int] = mapped_column(BigInteger)


class RegistrationRow(EventColumns, Base):
    __tablename__ = "registrations"
    __table_args__ = (
        Unique("ledger_id", "transaction_hash", "log_index"),
        Unique("ledger_id", "image_id"),
        Index(None, "ledger_id", "block_number", "log_index"),
        Index(None, "ledger_id", "uploader"),
        Index(None, "ledger_id", "cid"),
    )

    uploader: Mapped[str] = mapped_column(ADDRESS)
    cid: Mapped[str] = mapped_column(CID)
    commitment: Mapped[str] = mapped_column(HASH)


class DiagnosisRow(EventColumns, Base):
    __tablename__ = "diagnoses"
    __table_args__ = (
        Unique("ledger_id", "transaction_hash", "log_index"),
        Index(None, "ledger_id", "image_id"),
        Index(None, "ledger_id", "block_number"),
        Index(None, "ledger_id", "model_id", "label"),
    )

    model_id: Mapped[str] = mapped_column(HASH)
    classifier: Mapped[str] = mapped_column(ADDRESS)
    label: Mapped[int]
    confidence: Mapped[int]
    manifest_hash: Mapped[str] = mapped_column(HASH)
    issued_at: Mapped[int] = mapped_column(BigInteger)
    signature: Mapped[str] = mapped_column(String(132))
