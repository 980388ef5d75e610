"""The records of the chain: search, one record, its verification."""

from __future__ import annotations

import re

from apiflask import APIBlueprint
from eth_utils.address import to_checksum_address

from backend.api.access import container
from backend.api.paths import hash_in_path
from backend.api.schemas import RecordPageSchema, RecordQuerySchema, RecordSchema, VerificationSchema
from backend.cids import raw_cid
from backend.domain import DiagnosisRecordedEvent, Record
from backend.errors import InvalidInput
from backend.services.attestation import BASIS_POINTS

blueprint = APIBlueprint("records", __name__, tag="Records")


@blueprint.get("/records/<image_id>")
@blueprint.output(RecordSchema)
@blueprint.doc(summary="One record; an image just mined is found at once")
def record(image_id: str):
    found = container().records.find(hash_in_path("the image id", image_id))
    return _record(found, bool(container().intake.available([found.image.cid])))


@blueprint.get("/records")
@blueprint.input(RecordQuerySchema, location="query")
@blueprint.output(RecordPageSchema)
@blueprint.doc(summary="Search records, newest first")
def search(query_data):
    before = _position(query_data["cursor"])
    page = container().records.search(query_data["q"], limit=query_data["limit"], before=before)
    available = container().intake.available([record.image.cid for record in page.records])
    return {
        "records": [_record(record, record.image.cid in available) for record in page.records],
        "next": page.next and "{}.{}".format(*page.next),
        "index": page.index,
    }


@blueprint.get("/records/<image_id>/verification")
@blueprint.output(VerificationSchema)
@blueprint.doc(summary="Check a record against chain, store and model")
def verification(image_id: str):
    return container().verification.verify(hash_in_path("the image id", image_id))


def _record(record: Record, available: bool) -> dict:
    image = record.image
    return {
        "image_id": image.image_id,
        "cid": image.cid,
        "uploader": to_checksum_address(image.uploader),
        "commitment": image.commitment,
        "transaction": _transaction(image.transaction_hash),
        "block": image.block,
        "image_available": available,
        "diagnoses": [_diagnosis(diagnosis) for diagnosis in record.diagnoses],
    }


def _diagnosis(event: DiagnosisRecordedEvent) -> dict:
    models = container().models
    label, text = models.label(event.model_id, event.label)
    return {
        "label": label,
        "label_text": text,
        "label_code": event.label,
        "confidence": event.confidence / BASIS_POINTS,
        "model_id": event.model_id,
        "model": models.facts(event.model_id),
        "manifest_hash": event.manifest_hash,
        "manifest_cid": raw_cid(event.manifest_hash),
        "issued_at": event.issued_at,
        "classifier": to_checksum_address(event.classifier),
        "signature": event.signature,
        "transaction": _transaction(event.transaction_hash),
        "block": event.block,
    }


def _transaction(hash_: str) -> dict:
    return {"hash": hash_, "explorer_url": container().profile.transaction_url(hash_)}


def _position(cursor: str | None) -> tuple[int, int] | None:
    if cursor is None:
        return None
    if not re.fullmatch(r"[0-9]{1,18}\.[0-9]{1,9}", cursor):
        raise InvalidInput(f"cursor must be the `next` of an earlier page, not {cursor!r}")
    block, log_index = cursor.split(".")
    return int(block), int(log_index)
