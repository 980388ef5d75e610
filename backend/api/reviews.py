"""The queue of diagnoses to review, and the statements of reviews: anybody who has one may publish it."""

from __future__ import annotations

from apiflask import APIBlueprint
from apiflask.fields import Boolean, Enum, List, Nested, String
from eth_utils.address import to_checksum_address
from flask import Response, request, url_for

from backend.api.access import container
from backend.api.openapi import json_response, responses
from backend.api.paging import PageSchema, PagingSchema, cursor_of, position_of
from backend.api.records import DiagnosisSchema, diagnosis_answer
from backend.api.schemas import Address, AnswerSchema, Hash, Values
from backend.api.validation import hash_in_path
from backend.domain import DiagnosisStatus, Record

blueprint = APIBlueprint("reviews", __name__, tag="Reviews")


class QueueQuerySchema(PagingSchema):
    status = Enum(DiagnosisStatus, by_value=True, load_default=DiagnosisStatus.ASSERTED)


class QueuedDiagnosisSchema(DiagnosisSchema):
    """A diagnosis with the record that it is of."""

    image_id = Hash()
    cid = String()
    uploader = Address()
    image_available = Boolean()


class QueuePageSchema(PageSchema):
    diagnoses = List(Nested(QueuedDiagnosisSchema))


class StatementLinksSchema(AnswerSchema):
    statement = String()


class PublishedStatementSchema(AnswerSchema):
    review_id = Hash()
    links = Nested(StatementLinksSchema)


@blueprint.get("/reviews/queue")
@blueprint.input(QueueQuerySchema, location="query")
@blueprint.output(QueuePageSchema)
@blueprint.doc(summary="Recorded diagnoses of one status, oldest first")
def queue(query_data: Values) -> Values:
    page = container().records.queue(
        query_data["status"], limit=query_data["limit"], after=position_of(query_data["cursor"])
    )
    available = container().intake.available([record.image.cid for record in page.records])
    return {
        "diagnoses": [_queued(record, record.image.cid in available) for record in page.records],
        "next": cursor_of(page.next),
        "index": page.index,
    }


@blueprint.put("/reviews/<review_id>/statement")
@blueprint.output(PublishedStatementSchema, 201)
@blueprint.doc(
    summary="Publish the statement of a review that is on the chain",
    responses={200: "Published before", 409: "It is not this review's, or the diagnosis is sealed"},
)
def publish(review_id: str) -> tuple[Values, int]:
    review_id = hash_in_path("the review's id", review_id)
    created = container().reviews.publish(review_id, request.get_data())
    links = {"statement": url_for("reviews.statement", review_id=review_id)}
    return {"review_id": review_id, "links": links}, 201 if created else 200


@blueprint.get("/reviews/<review_id>/statement")
@blueprint.doc(
    summary="The canonical bytes of a review's statement",
    responses=responses({200: json_response({"type": "object"}, "The statement")}),
)
def statement(review_id: str) -> Response:
    content = container().reviews.statement(hash_in_path("the review's id", review_id))
    return Response(content, content_type="application/json")


def _queued(record: Record, available: bool) -> Values:
    return {
        **diagnosis_answer(record, record.diagnoses[0]),
        "image_id": record.image.image_id,
        "cid": record.image.cid,
        "uploader": to_checksum_address(record.image.uploader),
        "image_available": available,
    }
