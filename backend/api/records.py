"""The records of the chain: search, one record, its verification."""

from __future__ import annotations

from apiflask import APIBlueprint

from backend.api.access import container
from backend.api.paths import hash_in_path
from backend.api.record_answers import record_answer
from backend.api.record_queries import cursor_of, filter_arguments, position_of
from backend.api.record_schemas import RecordPageSchema, RecordQuerySchema, RecordSchema
from backend.api.schemas import VerificationSchema

blueprint = APIBlueprint("records", __name__, tag="Records")


@blueprint.get("/records/<image_id>")
@blueprint.output(RecordSchema)
@blueprint.doc(summary="One record; an image just mined is found at once")
def record(image_id: str):
    found = container().records.find(hash_in_path("the image id", image_id))
    available = bool(container().intake.available([found.image.cid]))
    return record_answer(found, available=available, reason=container().reviews.reason)


@blueprint.get("/records")
@blueprint.input(RecordQuerySchema, location="query")
@blueprint.output(RecordPageSchema)
@blueprint.doc(summary="Search records, newest first")
def search(query_data):
    wanted = container().records.filter(**filter_arguments(query_data))
    page = container().records.search(wanted, limit=query_data["limit"], before=position_of(query_data["cursor"]))
    available = container().intake.available([record.image.cid for record in page.records])
    return {
        "records": [record_answer(record, available=record.image.cid in available) for record in page.records],
        "next": cursor_of(page.next),
        "index": page.index,
    }


@blueprint.get("/records/<image_id>/verification")
@blueprint.output(VerificationSchema)
@blueprint.doc(summary="Check a record against chain, store and model")
def verification(image_id: str):
    return container().verification.verify(hash_in_path("the image id", image_id))
