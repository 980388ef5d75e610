"""Tables. Chain and object store hold everything in them except ``images.client``, ``clients``, ``sealed_manifests``
and those of accounts.

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


class KindStatementRow(Checked, Base):
    """What a source says of the kind of an image beside the value in ``image_kinds``; ``name`` is that of the column
    there."""

    __tablename__ = "kind_statements"

    cid: Mapped[str] = mapped_column(CID, primary_key=True)
    name: Mapped[str] = mapped_column(String(16), primary_key=True)
    value: Mapped[str] = mapped_column(String(64), primary_key=True)
    source: Mapped[str] = mapped_column(String(10), primary_key=True)
    recogniser: Mapped[str | None] = mapped_column(String(141))


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
    """A de-identified DICOM file that is queued or pinned; ``study_id`` is that of its series when the file was part of
    it, of a queued one."""

    __tablename__ = "dicom_instances"

    instance_uid: Mapped[str] = mapped_column(String(64), primary_key=True)
    series_id: Mapped[str] = mapped_column(String(64), index=True)
    study_uid: Mapped[str] = mapped_column(String(64), index=True)
    series_uid: Mapped[str] = mapped_column(String(64))
    queued: Mapped[bool]
    study_id: Mapped[str | None] = mapped_column(String(64))
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(BigInteger)
    cid: Mapped[str] = mapped_column(CID, index=True)
    attributes: Mapped[dict[str, Any]] = mapped_column(JSON)


class SkippedDicomRow(Checked, Base):
    """A pinned DICOM image that is no object of DICOMweb: another one has its SOP Instance UID, or it has none."""

    __tablename__ = "skipped_dicoms"

    cid: Mapped[str] = mapped_column(CID, primary_key=True)
    instance_uid: Mapped[str | None] = mapped_column(String(64), index=True)


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


ACCOUNT_ID = String(32)
SECRET_HASH = String(64)
"""SHA-256 of a secret of 32 random bytes, in hex: whoever reads the table cannot use it."""


class PersonColumns:
    """What people say of themselves. Lengths are in characters."""

    email: Mapped[str] = mapped_column(String(254))
    name: Mapped[str] = mapped_column(String(100))
    phone: Mapped[str] = mapped_column(String(16))
    role: Mapped[str] = mapped_column(String(16))
    password_hash: Mapped[str] = mapped_column(String(200))


class AccountRow(Checked, PersonColumns, Base):
    __tablename__ = "accounts"
    __table_args__ = (Unique("email"),)

    account_id: Mapped[str] = mapped_column(ACCOUNT_ID, primary_key=True)
    approved: Mapped[bool]
    created_at: Mapped[int] = mapped_column(BigInteger)


class UnconfirmedAccountRow(Checked, PersonColumns, Base):
    """Waits for the person to confirm the e-mail address. ``token_hash`` is that of the link."""

    __tablename__ = "unconfirmed_accounts"

    token_hash: Mapped[str] = mapped_column(SECRET_HASH, primary_key=True)
    expires_at: Mapped[int] = mapped_column(BigInteger)


class SessionRow(Checked, Base):
    """A browser in which somebody is signed in. ``token_hash`` is that of its cookie."""

    __tablename__ = "sessions"
    __table_args__ = (Unique("session_id"),)

    token_hash: Mapped[str] = mapped_column(SECRET_HASH, primary_key=True)
    session_id: Mapped[str] = mapped_column(ACCOUNT_ID)
    account_id: Mapped[str] = mapped_column(ACCOUNT_ID, ForeignKey("accounts.account_id"), index=True)
    method: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[int] = mapped_column(BigInteger)
    last_at: Mapped[int] = mapped_column(BigInteger)
    client: Mapped[str] = mapped_column(String(45))
    agent: Mapped[str] = mapped_column(String(200))


class DeviceRow(Checked, Base):
    """A browser in which an account signed in before: failures elsewhere do not delay it."""

    __tablename__ = "devices"

    token_hash: Mapped[str] = mapped_column(SECRET_HASH, primary_key=True)
    account_id: Mapped[str] = mapped_column(ACCOUNT_ID, ForeignKey("accounts.account_id"), index=True)
    expires_at: Mapped[int] = mapped_column(BigInteger)


class ResetRow(Checked, Base):
    """A link by which the password can be set anew, once. One without an account was asked for an address that nobody
    has, and never mailed: it is written so that the request takes as long."""

    __tablename__ = "resets"

    token_hash: Mapped[str] = mapped_column(SECRET_HASH, primary_key=True)
    account_id: Mapped[str | None] = mapped_column(ACCOUNT_ID, ForeignKey("accounts.account_id"), index=True)
    expires_at: Mapped[int] = mapped_column(BigInteger)


class CodeGeneratorRow(Checked, Base):
    """The secret from which an account's one-time codes are computed, encrypted."""

    __tablename__ = "code_generators"

    account_id: Mapped[str] = mapped_column(ACCOUNT_ID, ForeignKey("accounts.account_id"), primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    last_step: Mapped[int] = mapped_column(BigInteger)
    confirmed: Mapped[bool]


class RecoveryCodeRow(Checked, Base):
    __tablename__ = "recovery_codes"

    code_hash: Mapped[str] = mapped_column(SECRET_HASH, primary_key=True)
    account_id: Mapped[str] = mapped_column(ACCOUNT_ID, ForeignKey("accounts.account_id"), index=True)


class PasskeyRow(Checked, Base):
    __tablename__ = "passkeys"

    passkey_id: Mapped[str] = mapped_column(SECRET_HASH, primary_key=True)
    account_id: Mapped[str] = mapped_column(ACCOUNT_ID, ForeignKey("accounts.account_id"), index=True)
    credential_id: Mapped[bytes] = mapped_column(LargeBinary)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(BigInteger)
    name: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[int] = mapped_column(BigInteger)
    used_at: Mapped[int | None] = mapped_column(BigInteger)


class WalletRow(Checked, Base):
    __tablename__ = "wallets"

    address: Mapped[str] = mapped_column(ADDRESS, primary_key=True)
    account_id: Mapped[str] = mapped_column(ACCOUNT_ID, ForeignKey("accounts.account_id"), index=True)
    linked_at: Mapped[int] = mapped_column(BigInteger)


class ChallengeRow(Checked, Base):
    """What a passkey or a wallet must sign next, for one purpose and once."""

    __tablename__ = "challenges"

    challenge_hash: Mapped[str] = mapped_column(SECRET_HASH, primary_key=True)
    purpose: Mapped[str] = mapped_column(String(16))
    account_id: Mapped[str | None] = mapped_column(ACCOUNT_ID, ForeignKey("accounts.account_id"), index=True)
    expires_at: Mapped[int] = mapped_column(BigInteger)


class AccountEventRow(Checked, Base):
    """What happened to an account. ``email_hash`` and ``source`` find attempts to sign in, also those for an address
    that nobody has."""

    __tablename__ = "account_events"

    event_id: Mapped[str] = mapped_column(ACCOUNT_ID, primary_key=True)
    account_id: Mapped[str | None] = mapped_column(ACCOUNT_ID, index=True)
    email_hash: Mapped[str] = mapped_column(SECRET_HASH, index=True)
    source: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(20))
    at: Mapped[int] = mapped_column(BigInteger, index=True)
    client: Mapped[str] = mapped_column(String(45))
    agent: Mapped[str] = mapped_column(String(200))
    detail: Mapped[str] = mapped_column(String(200))
