"""Manifests by their hash."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response

from backend.api.access import container
from backend.api.paths import hash_in_path

blueprint = APIBlueprint("manifests", __name__, tag="Manifests")


@blueprint.get("/manifests/<manifest_hash>")
@blueprint.doc(summary="The canonical bytes of a manifest")
def manifest(manifest_hash: str):
    digest = hash_in_path("the manifest's hash", manifest_hash).removeprefix("0x")
    return Response(container().classification.manifest(digest), content_type="application/json")
