"""The statements of reviews: published by whoever has them, read by anybody."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response, request, url_for

from backend.api.access import container
from backend.api.paths import hash_in_path
from backend.api.review_schemas import PublishedStatementSchema

blueprint = APIBlueprint("reviews", __name__, tag="Reviews")


@blueprint.put("/reviews/<review_id>/statement")
@blueprint.output(PublishedStatementSchema, 201)
@blueprint.doc(
    summary="Publish the statement of a review that is on the chain",
    responses={200: "Published before", 409: "It is not this review's, or the diagnosis is sealed"},
)
def publish(review_id: str):
    review_id = hash_in_path("the review's id", review_id)
    created = container().reviews.publish(review_id, request.get_data())
    links = {"statement": url_for("reviews.statement", review_id=review_id)}
    return {"review_id": review_id, "links": links}, 201 if created else 200


@blueprint.get("/reviews/<review_id>/statement")
@blueprint.doc(summary="The canonical bytes of a review's statement")
def statement(review_id: str):
    content = container().reviews.statement(hash_in_path("the review's id", review_id))
    return Response(content, content_type="application/json")
