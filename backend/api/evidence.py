"""A record with its proofs as one file."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response

from backend.api.access import container
from backend.api.limits import limiter, uploads_allowed
from backend.api.paths import hash_in_path
from backend.services.evidence_file import MEDIA_TYPE, pack

blueprint = APIBlueprint("evidence", __name__, tag="Records")


@blueprint.get("/records/<image_id>/evidence")
@limiter.limit(uploads_allowed, error_message="evidence bundles")
@blueprint.doc(
    summary="Everything needed to check a record without this server, as a ZIP",
    responses={200: "The bundle", 404: "", 429: ""},
)
def evidence(image_id: str):
    found = container().evidence.collect(hash_in_path("the image id", image_id))
    response = Response(pack(found), content_type=MEDIA_TYPE)
    response.headers["Content-Disposition"] = f'attachment; filename="scanproof-{found.image_id[2:10]}.zip"'
    return response
