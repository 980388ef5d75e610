"""Events to rows and back."""

from __future__ import annotations

from backend.adapters.database.models import DiagnosisRow, EventColumns, RegistrationRow
from backend.domain import BlockRef, DiagnosisRecordedEvent, Event, ImageRegisteredEvent


def row_of(event: Event, ledger: int) -> RegistrationRow | DiagnosisRow:
    common = {
        "ledger_id": ledger,
        "image_id": event.image_id.lower(),
        "transaction_hash": event.transaction_hash.lower(),
        "log_index": event.log_index,
        "block_number": event.block.number,
        "block_hash": event.block.hash,
        "block_timestamp": event.block.timestamp,
    }
    if isinstance(event, ImageRegisteredEvent):
        return RegistrationRow(
            uploader=event.uploader.lower(), cid=event.cid, commitment=event.commitment.lower(), **common
        )
    return DiagnosisRow(
        model_id=event.model_id.lower(),
        classifier=event.classifier.lower(),
        label=event.label,
        confidence=event.confidence,
        manifest_hash=event.manifest_hash.lower(),
        issued_at=event.issued_at,
        signature=event.signature,
        **common,
    )


def registration(row: RegistrationRow) -> ImageRegisteredEvent:
    return ImageRegisteredEvent(uploader=row.uploader, cid=row.cid, commitment=row.commitment, **_common(row))


def diagnosis(row: DiagnosisRow) -> DiagnosisRecordedEvent:
    return DiagnosisRecordedEvent(
        model_id=row.model_id,
        classifier=row.classifier,
        label=row.label,
        confidence=row.confidence,
        manifest_hash=row.manifest_hash,
        issued_at=row.issued_at,
        signature=row.signature,
        **_common(row),
    )


def _common(row: EventColumns) -> dict:
    return {
        "image_id": row.image_id,
        "transaction_hash": row.transaction_hash,
        "log_index": row.log_index,
        "block": BlockRef(row.block_number, row.block_hash, row.block_timestamp),
    }
