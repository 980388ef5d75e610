"""Where a tumour is outlined on an image, and the outline as a layer to lay over it."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response, jsonify, url_for

from backend.api.access import container
from backend.api.image_schemas import OutlineQuerySchema, OutlineSchema
from backend.api.paths import cid_in_path
from backend.api.revalidation import revalidated

blueprint = APIBlueprint("outline", __name__, tag="Images")


@blueprint.get("/images/<cid>/outline")
@blueprint.input(OutlineQuerySchema, location="query")
@blueprint.output(OutlineSchema)
@blueprint.doc(summary="Where a tumour is outlined, if the classifier takes the image for one")
def outline(cid: str, query_data):
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
@blueprint.doc(summary="The outline as a transparent layer", responses={404: "Nothing is outlined"})
def picture(cid: str, query_data):
    response = Response(container().outline.overlay(cid_in_path(cid), query_data["model"]), content_type="image/png")
    response.headers["Content-Security-Policy"] = "sandbox"
    return revalidated(response)
