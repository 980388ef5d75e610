"""Exports of a record: one file of a standard, made from what was verified."""

from __future__ import annotations

from apiflask import APIBlueprint
from apiflask.fields import Integer
from apiflask.validators import Range
from flask import Response, request

from backend.api.access import container
from backend.api.downloads import begin_download
from backend.api.limits import limiter, uploads_allowed
from backend.api.openapi import responses
from backend.api.schemas import CamelCase, Values
from backend.api.validation import hash_in_path
from backend.exports import KINDS, file_name

blueprint = APIBlueprint("exports", __name__, tag="Records")
_BINARY, _OBJECT = {"type": "string", "format": "binary"}, {"type": "object"}
_FILES = {
    kind.media_type: {"schema": _OBJECT if kind.media_type.endswith("json") else _BINARY} for kind in KINDS.values()
}


class ExportQuerySchema(CamelCase):
    """`diagnosis` counts the record's diagnoses from 1; by default the newest."""

    diagnosis = Integer(load_default=None, validate=Range(min=1))


@blueprint.get("/records/<image_id>/exports/<kind>")
@limiter.limit(uploads_allowed, error_message="exports")
@blueprint.input(ExportQuerySchema, location="query")
@blueprint.doc(
    summary="A record as one file: " + ", ".join(f"`{name}` ({kind.title})" for name, kind in KINDS.items()),
    responses=responses({200: {"description": "The file", "content": _FILES}, 404: "", 409: "", 429: ""}),
)
def export(image_id: str, kind: str, query_data: Values) -> Response:
    exports = container().exports
    exports.check(kind)
    page = request.host_url.rstrip("/")
    facts = exports.facts(hash_in_path("the image id", image_id), page=page, diagnosis=query_data["diagnosis"])
    # Not before: a node that hangs would take the places of other downloads.
    with begin_download() as download:
        made = exports.write(kind, facts)
        response = Response(made.content, content_type=made.media_type)
        name = file_name(facts.image_id, kind, made.suffix)
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        return download.answer(response)
