"""Uploading an image, reading it back, having it classified and attested."""

from __future__ import annotations

import base64
import json

from apiflask import APIBlueprint
from eth_utils.address import to_checksum_address
from flask import Response, request, url_for

from backend.api.access import container
from backend.api.image_schemas import (
    AttestationRequestSchema,
    AttestationSchema,
    ClassificationRequestSchema,
    ClassificationSchema,
    ImageSchema,
    UploadSchema,
)
from backend.api.limits import client_address, limiter, uploads_allowed
from backend.api.paths import cid_in_path
from backend.domain import Classification, ImageFacts
from backend.errors import InvalidInput

blueprint = APIBlueprint("images", __name__, tag="Images")
_FOREVER = "public, max-age=31536000, immutable"


@blueprint.post("/images")
@limiter.limit(uploads_allowed)
@blueprint.input(UploadSchema, location="files", unknown="raise")
@blueprint.output(ImageSchema, 201)
@blueprint.doc(summary="Pin an image", responses={200: "Known already", 413: "", 415: "", 429: ""})
def upload(files_data):
    if (found := len(request.files.getlist("file"))) != 1:
        raise InvalidInput(f"expected one file, found {found}")
    intake = container().intake.accept(files_data["file"].read(), client=client_address())
    return _image(intake.facts, intake.created), 201 if intake.created else 200


@blueprint.get("/images/<cid>")
@blueprint.output(ImageSchema)
@blueprint.doc(summary="Facts of an uploaded image")
def facts(cid: str):
    return _image(container().intake.find(cid_in_path(cid)), created=False)


@blueprint.get("/images/<cid>/content")
@blueprint.doc(summary="The bytes of an image, re-hashed before they are sent")
def content(cid: str):
    cid = cid_in_path(cid)
    if cid in request.if_none_match:
        found, response = container().intake.find(cid), Response(status=304)
    else:
        found, data = container().intake.content(cid)
        response = Response(data)
    response.content_type = found.media_type
    response.set_etag(cid)
    response.headers["Cache-Control"] = _FOREVER
    response.headers["Content-Security-Policy"] = "sandbox"
    return response


@blueprint.post("/images/<cid>/classifications")
@blueprint.input(ClassificationRequestSchema)
@blueprint.output(ClassificationSchema, 201)
@blueprint.doc(
    summary="Classify an uploaded image; sealed, the answer is the only copy",
    responses={200: "Classified before by this model", 429: "Too many sealed ones"},
)
def classify(cid: str, json_data):
    cid, model = cid_in_path(cid), json_data["model"]
    if json_data["sealed"]:
        return _classification(_seal(cid, model), sealed=True), 201
    classification, created = container().classification.classify(cid, model)
    return _classification(classification), 201 if created else 200


@limiter.limit(uploads_allowed, error_message="sealed classifications")
def _seal(cid: str, model: str | None) -> Classification:
    """Limited as uploads are: each one is made anew."""
    return container().classification.seal(cid, model)


@blueprint.post("/images/<cid>/attestations")
@blueprint.input(AttestationRequestSchema)
@blueprint.output(AttestationSchema, 201)
@blueprint.doc(summary="Have the classifier sign a classification for an uploader", responses={200: "Signed before"})
def attest(cid: str, json_data):
    cid = cid_in_path(cid)
    uploader = to_checksum_address(json_data["uploader"])
    manifest_hash = json_data["manifest_hash"].removeprefix("0x").lower()
    signed, created = container().attestation.attest(cid, manifest_hash, uploader)
    answer = {
        "image_id": signed.diagnosis.image_id,
        "cid": cid,
        "uploader": uploader,
        "diagnosis": signed.diagnosis,
        "signature": signed.signature,
        "classifier": signed.classifier,
        "chain_id": signed.chain_id,
        "contract": signed.contract,
    }
    return answer, 201 if created else 200


def _image(facts: ImageFacts, created: bool) -> dict:
    links = {
        "self": url_for("images.facts", cid=facts.cid),
        "content": url_for("images.content", cid=facts.cid),
    }
    names = ("cid", "sha256", "size", "width", "height", "media_type", "stripped")
    return {**{name: getattr(facts, name) for name in names}, "created": created, "links": links}


def _classification(classification: Classification, *, sealed: bool = False) -> dict:
    c = classification
    models, model_id = container().models, "0x" + c.model.sha256
    _, text = models.label(model_id, c.label_code)
    return {
        "cid": c.cid,
        "label": c.label,
        "label_code": c.label_code,
        "label_text": text,
        "confidence": c.confidence,
        "probabilities": c.probabilities,
        "abstained": c.abstained,
        "reason": c.reason,
        "weak": models.weak(model_id),
        "model": c.model,
        "manifest_hash": "0x" + c.manifest_hash,
        "manifest_cid": c.manifest_cid,
        "manifest": json.loads(c.manifest),
        "sealed": sealed,
        "opening": c.manifest.decode() if sealed else None,
        "activation_map": c.activation_map and "data:image/png;base64," + base64.b64encode(c.activation_map).decode(),
        "next_steps": container().next_steps(c.model.modality, c.label),
        "links": {} if sealed else {"manifest": url_for("manifests.manifest", manifest_hash="0x" + c.manifest_hash)},
    }
