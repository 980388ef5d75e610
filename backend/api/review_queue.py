"""The diagnoses that wait for a review."""

from __future__ import annotations

from apiflask import APIBlueprint
from eth_utils.address import to_checksum_address

from backend.api.access import container
from backend.api.record_answers import diagnosis_answer
from backend.api.record_queries import cursor_of, position_of
from backend.api.record_schemas import QueuePageSchema, QueueQuerySchema
from backend.domain import DiagnosisStatus, Record

blueprint = APIBlueprint("review_queue", __name__, tag="Reviews")


@blueprint.get("/reviews/queue")
@blueprint.input(QueueQuerySchema, location="query")
@blueprint.output(QueuePageSchema)
@blueprint.doc(summary="Recorded diagnoses of one status, oldest first")
def queue(query_data):
    page = container().records.queue(
        DiagnosisStatus(query_data["status"]), limit=query_data["limit"], after=position_of(query_data["cursor"])
    )
    available = container().intake.available([record.image.cid for record in page.records])
    return {
        "diagnoses": [_queued(record, record.image.cid in available) for record in page.records],
        "next": cursor_of(page.next),
        "index": page.index,
    }


def _queued(record: Record, available: bool) -> dict:
    return {
        **diagnosis_answer(record, record.diagnoses[0]),
        "image_id": record.image.image_id,
        "cid": record.image.cid,
        "uploader": to_checksum_address(record.image.uploader),
        "image_available": available,
    }
