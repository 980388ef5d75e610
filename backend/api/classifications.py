"""Classifying an image, having the classifier sign the result, and the manifest that the signature covers."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict

from apiflask import APIBlueprint
from apiflask.fields import Boolean, Dict, Float, Integer, List, Nested, String
from apiflask.validators import Length
from eth_utils.address import to_checksum_address
from flask import Response, url_for

from backend.api.access import container
from backend.api.kinds import KindSchema, kind_answer
from backend.api.limits import limiter, uploads_allowed
from backend.api.openapi import json_response, responses
from backend.api.schemas import (
    Address,
    AnswerSchema,
    CamelCase,
    Hash,
    ModelIdentitySchema,
    NextStepSchema,
    Signature,
    Values,
)
from backend.api.validation import cid_in_path, hash_in_path
from backend.domain import Classification
from backend.services import manifests

blueprint = APIBlueprint("classifications", __name__, tag="Images")


class ClassificationRequestSchema(CamelCase):
    model = String(load_default=None, allow_none=True, validate=Length(max=100))
    sealed = Boolean(load_default=False)


class ClassificationLinksSchema(AnswerSchema):
    """A sealed manifest is not served."""

    optional = frozenset({"manifest"})

    manifest = String()


class TileSchema(AnswerSchema):
    """A field of a slide in pixels of the full size; `labelCode` is 0 where model or gate abstained."""

    x = Integer()
    y = Integer()
    width = Integer()
    height = Integer()
    label = String()
    label_code = Integer()
    confidence = Float()
    abstained = Boolean()


class ClassificationSchema(AnswerSchema):
    """`confidence` and `probabilities` are in [0, 1]; `labelCode` is 0 when the model abstained."""

    cid = String()
    label = String()
    label_code = Integer()
    label_text = String()
    confidence = Float()
    probabilities = Dict(keys=String(), values=Float())
    abstained = Boolean()
    reason = String(allow_none=True)
    weak = String(
        allow_none=True, metadata={"description": "Why not to rely on the model, where there is reason to say so."}
    )
    model = Nested(ModelIdentitySchema)
    manifest_hash = Hash()
    manifest_cid = String()
    manifest = Dict()
    sealed = Boolean(metadata={"description": "If true, this answer is the only copy of the result."})
    opening = String(
        allow_none=True, metadata={"description": "The manifest of a sealed result; it proves the result to others."}
    )
    tiles = List(
        Nested(TileSchema),
        allow_none=True,
        metadata={"description": "The fields of a whole slide that were looked at; null for another image."},
    )
    activation_map = String(allow_none=True, metadata={"description": "A PNG as data URL."})
    next_steps = List(Nested(NextStepSchema))
    kind = Nested(KindSchema)
    expected_magnification = Integer(
        allow_none=True, metadata={"description": "Of the microscope whose images the model knows; null for others."}
    )
    links = Nested(ClassificationLinksSchema)


class AttestationRequestSchema(CamelCase):
    manifest_hash = Hash(required=True)
    uploader = Address(required=True)


class SignedFieldsSchema(AnswerSchema):
    """The EIP-712 struct of the contract; `confidence` in basis points, `issuedAt` in Unix seconds."""

    image_id = Hash()
    model_id = Hash()
    label = Integer()
    confidence = Integer()
    manifest_hash = Hash()
    issued_at = Integer()


class AttestationSchema(AnswerSchema):
    image_id = Hash()
    cid = String()
    uploader = Address()
    diagnosis = Nested(SignedFieldsSchema)
    signature = Signature()
    classifier = Address()
    chain_id = Integer()
    contract = Address()


@blueprint.post("/images/<cid>/classifications")
@blueprint.input(ClassificationRequestSchema)
@blueprint.output(ClassificationSchema, 201)
@blueprint.doc(
    summary="Classify an uploaded image; sealed, the answer is the only copy",
    responses={
        200: "Classified before by this model",
        409: "The image was stated to be at another magnification than the model's, or at several",
        429: "Too many sealed ones",
    },
)
def classify(cid: str, json_data: Values) -> tuple[Values, int]:
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
@blueprint.doc(
    summary="Have the classifier sign a classification for an uploader",
    responses={200: "Signed before", 429: "Too many"},
)
@limiter.limit(uploads_allowed, error_message="attestations")
def attest(cid: str, json_data: Values) -> tuple[Values, int]:
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
@blueprint.doc(
    summary="The canonical bytes of a manifest",
    tags=["Manifests"],
    responses=responses({200: json_response({"type": "object"}, "The manifest")}),
)
def manifest(manifest_hash: str) -> Response:
    digest = hash_in_path("the manifest's hash", manifest_hash).removeprefix("0x")
    return Response(container().classification.manifest(digest), content_type="application/json")


def _classification(classification: Classification, *, sealed: bool = False) -> Values:
    c = classification
    models, model_id, manifest_hash = container().models, "0x" + c.model.sha256, "0x" + c.manifest_hash
    _, text = models.label(model_id, c.label_code)
    read = manifests.read(c.manifest)
    slide = read and read.slide
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
        "tiles": slide and [{**asdict(each.region), **asdict(each)} for each in slide.fields],
        "activation_map": c.activation_map and "data:image/png;base64," + base64.b64encode(c.activation_map).decode(),
        "next_steps": container().next_steps(c.model.modality, c.label),
        "kind": kind_answer(container().kinds.of(c.cid)),
        "expected_magnification": container().classifier.magnification(c.model),
        "links": {}
        if sealed
        else {"manifest": url_for("classifications.manifest", manifest_hash="0x" + c.manifest_hash)},
    }
