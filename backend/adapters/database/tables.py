"""Tables. Chain and object store hold everything in them except ``images.client``, ``clients``, ``sealed_manifests``.

Hashes and addresses of the chain are stored in lower case with 0x, so that a search can ignore case.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Integer, LargeBinary, MetaData, String, Text
from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from backend.adapters.database.checksums import Checked

CID = String(59)
HASH = String(66)
ADDRESS = String(42)
# SQLite generates ids only for a column of the exact type INTEGER.
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


class ImageRow(Checked, Base):
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
    slide: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """What a whole-slide image says of itself; null for other images."""


class ClientRow(Checked, Base):
    __tablename__ = "clients"

    address: Mapped[str] = mapped_column(String(45), primary_key=True)
    bytes_kept: Mapped[int] = mapped_column(BigInteger)


class ClassificationRow(Checked, Base):
    __tablename__ = "classifications"
    __table_args__ = (Unique("cid", "decoding", "model_sha256"),)

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
    decoding: Mapped[int] = mapped_column(server_default="1")


class RecognitionRow(Checked, Base):
    """A gate's output for an image; ``modality`` is null when it abstained."""

    __tablename__ = "recognitions"

    cid: Mapped[str] = mapped_column(CID, ForeignKey("images.cid"), primary_key=True)
    decoding: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    gate_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    modality: Mapped[str | None] = mapped_column(String(100))


class SealedRow(Checked, Base):
    """The hash of a sealed manifest that this server made; its content is not stored."""

    __tablename__ = "sealed_manifests"

    manifest_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    cid: Mapped[str] = mapped_column(CID, ForeignKey("images.cid"))
    model_sha256: Mapped[str] = mapped_column(String(64))


class StudyRow(Checked, Base):
    """The manifest of a pinned study, and the CIDs of the two documents that it names."""

    __tablename__ = "studies"

    manifest_hash: Mapped[str] = mapped_column(HASH, primary_key=True)
    cid: Mapped[str] = mapped_column(CID, unique=True)
    manifest: Mapped[bytes] = mapped_column(LargeBinary)
    slices_cid: Mapped[str] = mapped_column(CID)
    manifests_cid: Mapped[str] = mapped_column(CID)


class KindRow(Checked, Base):
    """The kind of an image or of a study: each value with its source (KindSource); ``recogniser`` is the gate behind
    those that were recognised. A value that is null is unknown."""

    __tablename__ = "image_kinds"

    cid: Mapped[str] = mapped_column(CID, primary_key=True)
    modality: Mapped[str | None] = mapped_column(String(64))
    modality_source: Mapped[str] = mapped_column(String(10))
    body_part: Mapped[str | None] = mapped_column(String(64))
    body_part_source: Mapped[str] = mapped_column(String(10))
    sequence: Mapped[str | None] = mapped_column(String(64))
    sequence_source: Mapped[str] = mapped_column(String(10))
    magnification: Mapped[str | None] = mapped_column(String(10))
    magnification_source: Mapped[str] = mapped_column(String(10))
    recogniser: Mapped[str | None] = mapped_column(String(141))
    patient: Mapped[str | None] = mapped_column(String(64), index=True)
    study_date: Mapped[str | None] = mapped_column(String(8))
    row_spacing: Mapped[float | None]
    column_spacing: Mapped[float | None]


class FeatureRow(Checked, Base):
    """The features that a model computed of an image, float16 in little-endian order."""

    __tablename__ = "image_features"

    cid: Mapped[str] = mapped_column(CID, ForeignKey("images.cid"), primary_key=True)
    decoding: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    model_sha256: Mapped[str] = mapped_column(String(64), primary_key=True, index=True)
    features: Mapped[bytes] = mapped_column(LargeBinary)


class ReceivedSeriesRow(Checked, Base):
    """A series that arrived without a browser, until it is recorded or removed."""

    __tablename__ = "received_series"

    series_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    source_kind: Mapped[str] = mapped_column(String(16))
    source_name: Mapped[str] = mapped_column(String(64))
    first_at: Mapped[int] = mapped_column(BigInteger)
    last_at: Mapped[int] = mapped_column(BigInteger)
    study_id: Mapped[str | None] = mapped_column(String(64))
    cid: Mapped[str | None] = mapped_column(CID)


class DicomInstanceRow(Checked, Base):
    """A de-identified DICOM file that is queued, or was and is recorded; ``study_id`` is that of its series when the
    file was part of it."""

    __tablename__ = "dicom_instances"

    instance_uid: Mapped[str] = mapped_column(String(64), primary_key=True)
    series_id: Mapped[str] = mapped_column(String(64), index=True)
    study_uid: Mapped[str] = mapped_column(String(64), index=True)
    series_uid: Mapped[str] = mapped_column(String(64))
    queued: Mapped[bool]
    study_id: Mapped[str | None] = mapped_column(String(64))
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(BigInteger)
    cid: Mapped[str] = mapped_column(CID)
    attributes: Mapped[dict[str, Any]] = mapped_column(JSON)


class StatementRow(Checked, Base):
    """The published statement of a review."""

    __tablename__ = "statements"

    reason_hash: Mapped[str] = mapped_column(HASH, primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class AttestationRow(Checked, Base):
    """``manifest_hash`` is that of a classification or of a sealed manifest."""

    __tablename__ = "attestations"

    manifest_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    image_id: Mapped[str] = mapped_column(HASH, primary_key=True)
    chain_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    contract: Mapped[str] = mapped_column(ADDRESS, primary_key=True)
    model_id: Mapped[str] = mapped_column(HASH)
    label: Mapped[int]
    confidence: Mapped[int]
    issued_at: Mapped[int] = mapped_column(BigInteger)
    signature: Mapped[str] = mapped_column(String(132))
    classifier: Mapped[str] = mapped_column(ADDRESS)
