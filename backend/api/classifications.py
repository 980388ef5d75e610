"""Classifying an image, having the classifier sign the result, and the manifest that the signature covers."""

from __future__ import annotations

import base64
import json

from apiflask import APIBlueprint
from apiflask.fields import Boolean, Dict, Float, Integer, List, Nested, Raw, String
from apiflask.validators import Length
from eth_utils.address import to_checksum_address
from flask import Response, url_for

from backend.api.access import container
from backend.api.limits import limiter, uploads_allowed
from backend.api.schemas import ADDRESS, HASH, CamelCase, ModelSchema, NextStepSchema
from backend.api.validation import cid_in_path, hash_in_path
from backend.domain import Classification

blueprint = APIBlueprint("classifications", __name__, tag="Images")


class ClassificationRequestSchema(CamelCase):
    model = String(load_default=None, allow_none=True, validate=Length(max=100))
    sealed = Boolean(load_default=False)


class ClassificationSchema(CamelCase):
    cid = String()
    label = String()
    label_code = Integer()
    label_text = String()
    confidence = Float()
    probabilities = Dict(keys=String(), values=Float())
    abstained = Boolean()
    reason = String(allow_none=True)
    weak = String(allow_none=True)
    model = Nested(ModelSchema)
    manifest_hash = String()
    manifest_cid = String()
    manifest = Raw()
    sealed = Boolean()
    opening = String(allow_none=True)
    activation_map = String(allow_none=True)
    next_steps = List(Nested(NextStepSchema))
    links = Dict(keys=String(), values=String())


class AttestationRequestSchema(CamelCase):
    manifest_hash = String(required=True, validate=HASH)
    uploader = String(required=True, validate=ADDRESS)


class SignedFieldsSchema(CamelCase):
    image_id = String()
    model_id = String()
    label = Integer()
    confidence = Integer()
    manifest_hash = String()
    issued_at = Integer()


class AttestationSchema(CamelCase):
    image_id = String()
    cid = String()
    uploader = String()
    diagnosis = Nested(SignedFieldsSchema)
    signature = String()
    classifier = String()
    chain_id = Integer()
    contract = String()


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


@blueprint.get("/manifests/<manifest_hash>")
@blueprint.doc(summary="The canonical bytes of a manifest", tags=["Manifests"])
def manifest(manifest_hash: str):
    digest = hash_in_path("the manifest's hash", manifest_hash).removeprefix("0x")
    return Response(container().classification.manifest(digest), content_type="application/json")


def _classification(classification: Classification, *, sealed: bool = False) -> dict:
    c = classification
    models, model_id, manifest_hash = container().models, "0x" + c.model.sha256, "0x" + c.manifest_hash
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
        "manifest_hash": manifest_hash,
        "manifest_cid": c.manifest_cid,
        "manifest": json.loads(c.manifest),
        "sealed": sealed,
        "opening": c.manifest.decode() if sealed else None,
        "activation_map": c.activation_map and "data:image/png;base64," + base64.b64encode(c.activation_map).decode(),
        "next_steps": container().next_steps(c.model.modality, c.label),
        "links": {}
        if sealed
        else {"manifest": url_for("classifications.manifest", manifest_hash="0x" + c.manifest_hash)},
    }
