"""Where a tumour is outlined on an image, and the outline as a layer to lay over it."""

from __future__ import annotations

from apiflask import APIBlueprint
from apiflask.fields import Boolean, Float, Integer, List, Nested, String
from apiflask.validators import Length
from flask import Response, jsonify, url_for

from backend.api.access import container
from backend.api.caching import revalidated
from backend.api.openapi import file_response, responses
from backend.api.schemas import AnswerSchema, CamelCase, ModelIdentitySchema, Values
from backend.api.validation import cid_in_path

blueprint = APIBlueprint("outline", __name__, tag="Images")


class OutlineQuerySchema(CamelCase):
    model = String(load_default=None, validate=Length(max=100))


class AreaSchema(AnswerSchema):
    """`share` of the head's area, in [0, 1]."""

    pixels = Integer()
    share = Float()


class OutlineLinksSchema(AnswerSchema):
    optional = frozenset({"overlay"})

    overlay = String()


class OutlineSchema(AnswerSchema):
    """`contours` are closed polygons of (x, y) in pixels of the original; what an odd number of them encloses is
    outlined. `probability` is the model's mean inside it."""

    outlined = Boolean()
    reason = String(allow_none=True)
    area = Nested(AreaSchema, allow_none=True)
    probability = Float(allow_none=True)
    contours = List(List(List(Float(), validate=Length(equal=2))))
    model = Nested(ModelIdentitySchema, allow_none=True)
    links = Nested(OutlineLinksSchema)


@blueprint.get("/images/<cid>/outline")
@blueprint.input(OutlineQuerySchema, location="query")
@blueprint.output(OutlineSchema)
@blueprint.doc(summary="Where a tumour is outlined, if the classifier takes the image for one")
def outline(cid: str, query_data: Values) -> Response:
    cid = cid_in_path(cid)
    found = container().outline.outline(cid, query_data["model"])
    overlay = found.overlay and url_for("outline.picture", cid=cid, model=query_data["model"])
    answer = {
        "outlined": bool(found.contours),
        "reason": found.reason,
        "area": {"pixels": found.pixels, "share": found.share} if found.contours else None,
        "probability": found.probability if found.contours else None,
        "contours": found.contours,
        "model": found.model,
        "links": {"overlay": overlay} if overlay else {},
    }
    return revalidated(jsonify(OutlineSchema().dump(answer)))


@blueprint.get("/images/<cid>/outline.png")
@blueprint.input(OutlineQuerySchema, location="query")
@blueprint.doc(
    summary="The outline as a transparent layer",
    responses=responses({200: file_response("image/png", "The layer"), 404: "Nothing is outlined"}),
)
def picture(cid: str, query_data: Values) -> Response:
    response = Response(container().outline.overlay(cid_in_path(cid), query_data["model"]), content_type="image/png")
    response.headers["Content-Security-Policy"] = "sandbox"
    return revalidated(response)
