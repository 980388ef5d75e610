"""Classifications, recognised modalities, sealed manifests and attestations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend.adapters.database.engine import Database
from backend.adapters.database.kinds import put_kind, stored_kind
from backend.adapters.database.tables import AttestationRow, ClassificationRow, FeatureRow, RecognitionRow, SealedRow
from backend.domain import (
    Classification,
    Diagnosis,
    ImageKind,
    ModelFacts,
    Recognition,
    SealedManifest,
    SignedDiagnosis,
)


class SqlClassifications:
    """Port Classifications."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, cid: str, decoding: int, model_sha256: str) -> Classification | None:
        query = select(ClassificationRow).filter_by(cid=cid, decoding=decoding, model_sha256=model_sha256)
        with self._database.read() as session:
            row = session.scalars(query).one_or_none()
            return _classification(row) if row else None

    def of_manifest(self, manifest_hash: str) -> Classification | None:
        with self._database.read() as session:
            row = session.get(ClassificationRow, manifest_hash)
            return _classification(row) if row else None

    def add(self, classification: Classification, features: bytes | None = None) -> bool:
        try:
            with self._database.write() as session:
                _add(session, classification, features)
        except IntegrityError:
            return False
        return True

    def replace(self, former: Classification, classification: Classification, features: bytes | None = None) -> bool:
        with self._database.write() as session:
            row = session.get(ClassificationRow, former.manifest_hash, with_for_update=True)
            if row is None:
                return False
            session.delete(row)
            session.flush()
            _add(session, classification, features)
            return True

    def recognition(self, cid: str, decoding: int, gate_sha256: str) -> Recognition | None:
        with self._database.read() as session:
            row = session.get(RecognitionRow, (cid, decoding, gate_sha256))
            return Recognition(row.cid, row.decoding, row.gate_sha256, row.modality) if row else None

    def add_recognition(self, recognition: Recognition, change: Callable[[ImageKind], ImageKind]) -> None:
        def save(session: Session) -> None:
            if session.get(RecognitionRow, (recognition.cid, recognition.decoding, recognition.gate_sha256)) is None:
                session.add(RecognitionRow(**asdict(recognition)))
            if kind := stored_kind(session, recognition.cid):
                put_kind(session, change(kind))

        self._database.upsert(save)

    def add_sealed(self, sealed: SealedManifest) -> None:
        with self._database.write() as session:
            row = SealedRow(manifest_hash=sealed.manifest_hash, cid=sealed.cid, model_sha256=sealed.model_sha256)
            session.add(row)

    def sealed(self, manifest_hash: str) -> SealedManifest | None:
        with self._database.read() as session:
            row = session.get(SealedRow, manifest_hash)
            return SealedManifest(row.manifest_hash, row.cid, row.model_sha256) if row else None

    def attestation(self, manifest_hash: str, image_id: str, chain_id: int, contract: str) -> SignedDiagnosis | None:
        with self._database.read() as session:
            row = session.get(AttestationRow, (manifest_hash, image_id, chain_id, contract.lower()))
            if row is None:
                return None
            return SignedDiagnosis(
                diagnosis=Diagnosis(
                    image_id=row.image_id,
                    model_id=row.model_id,
                    label=row.label,
                    confidence=row.confidence,
                    manifest_hash="0x" + row.manifest_hash,
                    issued_at=row.issued_at,
                ),
                signature=row.signature,
                classifier=row.classifier,
                chain_id=row.chain_id,
                contract=contract,
            )

    def save_attestation(self, signed: SignedDiagnosis) -> None:
        diagnosis = signed.diagnosis
        key = {
            "manifest_hash": diagnosis.manifest_hash.removeprefix("0x"),
            "image_id": diagnosis.image_id,
            "chain_id": signed.chain_id,
            "contract": signed.contract.lower(),
        }
        with self._database.write() as session:
            session.execute(delete(AttestationRow).filter_by(**key))
            session.add(
                AttestationRow(
                    **key,
                    model_id=diagnosis.model_id,
                    label=diagnosis.label,
                    confidence=diagnosis.confidence,
                    issued_at=diagnosis.issued_at,
                    signature=signed.signature,
                    classifier=signed.classifier,
                )
            )


def _add(session: Session, classification: Classification, features: bytes | None) -> None:
    key = {
        "cid": classification.cid,
        "decoding": classification.decoding,
        "model_sha256": classification.model.sha256,
    }
    if features is not None and session.get(FeatureRow, tuple(key.values())) is None:
        session.add(FeatureRow(**key, features=features))
    session.add(_row(classification))


def _row(classification: Classification) -> ClassificationRow:
    model = classification.model
    return ClassificationRow(
        model_name=model.name,
        model_version=model.version,
        model_sha256=model.sha256,
        modality=model.modality,
        cid=classification.cid,
        decoding=classification.decoding,
        label=classification.label,
        label_code=classification.label_code,
        confidence=classification.confidence,
        probabilities=classification.probabilities,
        abstained=classification.abstained,
        reason=classification.reason,
        manifest=classification.manifest,
        manifest_hash=classification.manifest_hash,
        manifest_cid=classification.manifest_cid,
        activation_map=classification.activation_map,
    )


def _classification(row: ClassificationRow) -> Classification:
    return Classification(
        model=ModelFacts(
            name=row.model_name, version=row.model_version, sha256=row.model_sha256, modality=row.modality
        ),
        cid=row.cid,
        decoding=row.decoding,
        label=row.label,
        label_code=row.label_code,
        confidence=row.confidence,
        probabilities=row.probabilities,
        abstained=row.abstained,
        reason=row.reason,
        manifest=row.manifest,
        manifest_hash=row.manifest_hash,
        manifest_cid=row.manifest_cid,
        activation_map=row.activation_map,
    )
