"""Studies: one record of many images. Each step answers with how far it is, and is asked for until it is done."""

from __future__ import annotations

from dataclasses import asdict

from apiflask import APIBlueprint
from apiflask.fields import Boolean, Dict, Float, Integer, List, Nested, String
from apiflask.validators import Length, OneOf, Range, Regexp
from flask import Response

from backend.api.access import container
from backend.api.images import UploadSchema, one_file, view_answer
from backend.api.limits import client_network, limiter, slices_allowed, uploads_allowed
from backend.api.openapi import file_response, json_response, responses
from backend.api.schemas import AnswerSchema, CamelCase, Hash, ModelIdentitySchema, Sha256, Values
from backend.api.validation import hash_in_path, order_in_path, study_in_path
from backend.domain import SliceResult, StudyFile
from backend.services import study_documents
from backend.services.screening import Answers
from backend.services.studies import StudyProgress, check_order
from backend.services.study_documents import StudyManifest

blueprint = APIBlueprint("studies", __name__, tag="Studies")
STEP_S = 2.0
"""How long one step of reading, classifying or pinning works: a page shows progress as often."""
_MAX_NAME = 255


class StudyFileSchema(CamelCase):
    """`sha256` and `size` of the file as it was chosen."""

    name = String(required=True, validate=Length(max=_MAX_NAME))
    sha256 = String(required=True, validate=Regexp("^[0-9a-f]{64}\\Z", error="must be 64 lower-case hex digits."))
    size = Integer(required=True, strict=True, validate=Range(min=0))


class StudyRequestSchema(CamelCase):
    files = List(Nested(StudyFileSchema), required=True)
    model = String(load_default=None, allow_none=True, validate=Length(max=100))


class LeftOutSchema(AnswerSchema):
    """A file that is no slice of the study, for instance because it is no image or is there twice."""

    name = String()
    reason = String()


class StudySliceSchema(AnswerSchema):
    """`order` begins at 0; `labelCode` is 0 when the model, or the gate, abstained."""

    order = Integer()
    name = String(allow_none=True, metadata={"description": "Of the file, until the study is recorded."})
    cid = String()
    sha256 = Sha256()
    size = Integer()
    manifest_hash = Hash()
    model_sha256 = Sha256()
    label = String()
    label_text = String()
    label_code = Integer()
    confidence = Float()
    abstained = Boolean()


class StudySummarySchema(AnswerSchema):
    """`deciding` are the first and last of the neighbouring slices that gave the finding, or null; `counts` the numbers
    of slices by label."""

    label = String()
    label_text = String()
    label_code = Integer()
    confidence = Float()
    abstained = Boolean()
    reason = String(allow_none=True)
    deciding = List(Integer(), allow_none=True)
    counts = Dict(keys=String(), values=Integer())


class StudySeriesSchema(AnswerSchema):
    """UIDs of DICOM, after de-identification."""

    study = String()
    series = String()


class StudyResultSchema(AnswerSchema):
    """A study as its manifest (`scanproof.study/1`) and its slice list say."""

    cid = String()
    manifest_hash = Hash()
    slices_cid = String()
    manifests_cid = String()
    root = String(metadata={"description": "The Merkle root over the slices, in hex."})
    rule = String()
    time = String()
    model = Nested(ModelIdentitySchema)
    weak = String(allow_none=True)
    series = Nested(StudySeriesSchema, allow_none=True)
    summary = Nested(StudySummarySchema)
    slices = List(Nested(StudySliceSchema))


class StudySchema(AnswerSchema):
    """`missing` are the SHA-256 of the files that were not received yet. `screened` slices were looked at for text;
    `pinned` of `objects` are pinned, and when all are, `signable` is true. `result` is null until every slice is
    classified."""

    study_id = Sha256()
    files = Integer()
    missing = List(Sha256())
    left_out = List(Nested(LeftOutSchema))
    slices = Integer()
    classified = Integer()
    screened = Integer()
    objects = Integer()
    pinned = Integer()
    signable = Boolean()
    result = Nested(StudyResultSchema, allow_none=True)


class StudyStepSchema(AnswerSchema):
    """How far the study is after a step: as in `Study`, without what may be long."""

    study_id = Sha256()
    files = Integer()
    missing = Integer()
    left_out = Integer()
    slices = Integer()
    classified = Integer()
    screened = Integer()
    objects = Integer()
    pinned = Integer()
    classification_done = Boolean()
    signable = Boolean()


@blueprint.post("/studies")
@limiter.limit(uploads_allowed, error_message="studies")
@blueprint.input(StudyRequestSchema)
@blueprint.output(StudySchema, 201)
@blueprint.doc(
    summary="Begin a study of these files in this order, or go on with the one that was begun with them",
    responses={200: "Begun before", 429: "Too many"},
)
def begin(json_data: Values) -> tuple[Values, int]:
    files = [StudyFile(each["name"], each["sha256"], each["size"]) for each in json_data["files"]]
    progress, created = container().studies.begin(files, json_data["model"])
    return _study(progress), 201 if created else 200


@blueprint.get("/studies/<study_id>")
@blueprint.output(StudySchema)
@blueprint.doc(summary="How far a study is, and its result before it is signed")
def study(study_id: str) -> Values:
    return _study(container().studies.progress(study_in_path(study_id)))


@blueprint.post("/studies/<study_id>/slices")
@limiter.limit(slices_allowed, error_message="slices of studies")
@blueprint.input(UploadSchema, location="files", unknown="raise")
@blueprint.output(StudyStepSchema)
@blueprint.doc(summary="Receive one of the study's files; nothing is pinned yet", responses={409: "", 413: "", 429: ""})
def add(study_id: str, files_data: Values) -> Values:
    return step_answer(container().studies.add(study_in_path(study_id), one_file(files_data)))


@blueprint.post("/studies/<study_id>/classifications")
@blueprint.output(StudyStepSchema)
@blueprint.doc(summary="Classify slices for about two seconds; ask again until all are", responses={409: ""})
def classify(study_id: str) -> Values:
    return step_answer(container().studies.classify(study_in_path(study_id), seconds=STEP_S))


class PinRequestSchema(CamelCase):
    """`text`: `keep` if what seems to be text in slices identifies nobody, `leave-out` to make the study without those
    slices, which changes its result. `pinAnyway`: also unknown kinds."""

    text = String(load_default="ask", validate=OneOf(["ask", "keep", "leave-out"]))
    pin_anyway = Boolean(load_default=False)


@blueprint.post("/studies/<study_id>/pins")
@blueprint.input(PinRequestSchema)
@blueprint.output(StudyStepSchema)
@blueprint.doc(
    summary="Look for text, then pin images and documents, for two seconds; ask again until the study is signable",
    responses={409: "To be confirmed", 429: "Too many bytes"},
)
def pin(study_id: str, json_data: Values) -> Values:
    answers = Answers(text=json_data["text"], pin_anyway=json_data["pin_anyway"])
    studies = container().studies
    return step_answer(studies.pin(study_in_path(study_id), client_network(), seconds=STEP_S, answers=answers))


@blueprint.get("/studies/<study_id>/slices/<order>/view")
@blueprint.doc(
    summary="A slice as the models see it, before the study is recorded",
    responses=responses({200: file_response("image/*", "The slice"), 304: "Not modified"}),
)
def view(study_id: str, order: str) -> Response:
    return view_answer(*container().studies.view(study_in_path(study_id), order_in_path(order)))


@blueprint.delete("/studies/<study_id>")
@blueprint.output({}, 204)
@blueprint.doc(summary="Remove an unfinished study; what is pinned stays")
def discard(study_id: str) -> str:
    container().studies.discard(study_in_path(study_id))
    return ""


@blueprint.get("/records/<image_id>/study")
@blueprint.output(StudyResultSchema)
@blueprint.doc(summary="The study of a record, with every slice", tags=["Records"])
def recorded(image_id: str) -> Values:
    return _result(*_recorded(image_id))


@blueprint.get("/records/<image_id>/study/slices/<order>/proof")
@blueprint.doc(
    summary="The proof that a slice belongs to the study of a record (scanproof.study-proof/1)",
    tags=["Records"],
    responses=responses({200: json_response({"type": "object"}, "The proof")}),
)
def proof(image_id: str, order: str) -> Response:
    _, slices = _recorded(image_id)
    place = order_in_path(order)
    check_order(place, len(slices))
    return Response(study_documents.prove(slices, place), content_type="application/json")


def _recorded(image_id: str) -> tuple[StudyManifest, tuple[SliceResult, ...]]:
    record = container().records.find(hash_in_path("the image id", image_id))
    return container().studies.slices(record.image.cid)


def _result(manifest: StudyManifest, slices: tuple[SliceResult, ...], names: tuple[str, ...] = ()) -> Values:
    models, model_id = container().models, "0x" + manifest.model.sha256
    summary = manifest.summary
    return {
        "cid": manifest.cid,
        "manifest_hash": manifest.hash,
        "slices_cid": manifest.slices_cid,
        "manifests_cid": manifest.manifests_cid,
        "root": manifest.root,
        "rule": manifest.rule,
        "time": manifest.time,
        "model": manifest.model,
        "weak": models.weak(model_id),
        "series": manifest.series,
        "summary": {**asdict(summary), "label_text": models.label(model_id, summary.label_code)[1]},
        "slices": [
            {
                **asdict(each),
                "name": names[each.order] if names else None,
                "label_text": models.label("0x" + each.model_sha256, each.label_code)[1],
            }
            for each in slices
        ],
    }


def step_answer(progress: StudyProgress) -> Values:
    return {
        **_common(progress),
        "missing": len(progress.missing),
        "left_out": len(progress.left_out),
        "classification_done": progress.documents is not None,
    }


def _study(progress: StudyProgress) -> Values:
    documents = progress.documents
    return {
        **_common(progress),
        "missing": progress.missing,
        "left_out": progress.left_out,
        "result": documents and _result(documents.manifest, documents.slices, progress.names),
    }


def _common(progress: StudyProgress) -> Values:
    names = ("study_id", "files", "slices", "classified", "screened", "objects", "pinned", "signable")
    return {name: getattr(progress, name) for name in names}
