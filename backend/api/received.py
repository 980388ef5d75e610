"""DICOM files that arrived without a browser: the queue, and going on with a series of it."""

from __future__ import annotations

from apiflask import APIBlueprint
from apiflask.fields import Boolean, Integer, List, Nested, String
from apiflask.validators import Length
from flask import Response

from backend.api.access import container
from backend.api.images import AnswersSchema, ImageSchema, intake_answer, view_answer
from backend.api.limits import client_network, limiter, slices_allowed, uploads_allowed
from backend.api.openapi import file_response, responses
from backend.api.schemas import AnswerSchema, CamelCase, Sha256, Values
from backend.api.studies import STEP_S, StudyStepSchema, step_answer
from backend.api.validation import series_in_path
from backend.domain import ReceivedSeries
from backend.services.screening import Answers

blueprint = APIBlueprint("received", __name__, tag="Received")


class ReceivedSeriesSchema(AnswerSchema):
    """`study` and `series` are UIDs after de-identification. `source` is `c-store`, with the calling AE title as
    `sender`, `stow-rs`, `folder`, or `recovered` after a loss of the database. Times are in Unix seconds; the series is
    removed at `removedAt`. `begun` says that a study was made of it."""

    series_id = Sha256()
    study = String()
    series = String()
    modality = String()
    source = String(attribute="source.kind")
    sender = String(attribute="source.name")
    files = Integer()
    size = Integer()
    first_at = Integer()
    last_at = Integer()
    removed_at = Integer()
    begun = Boolean()


class ReceivedListSchema(AnswerSchema):
    """The queue, the last arrival first. `size` of at most `mostBytes` are taken."""

    series = List(Nested(ReceivedSeriesSchema))
    size = Integer()
    most_bytes = Integer()


class ReceivedStudySchema(CamelCase):
    model = String(load_default=None, allow_none=True, validate=Length(max=100))


@blueprint.get("/received")
@blueprint.output(ReceivedListSchema)
@blueprint.doc(summary="Series that a PACS sent or a watched folder had, and that nobody recorded yet")
def queue() -> Values:
    series = container().received_studies.list()
    size, most_bytes = sum(each.size for each in series), container().received.most_bytes
    return {"series": [_series(each) for each in series], "size": size, "most_bytes": most_bytes}


@blueprint.get("/received/<series_id>")
@blueprint.output(ReceivedSeriesSchema)
@blueprint.doc(summary="A received series")
def one(series_id: str) -> Values:
    return _series(container().received.find(series_in_path(series_id)))


@blueprint.delete("/received/<series_id>")
@blueprint.output({}, 204)
@blueprint.doc(summary="Remove a received series with its files")
def remove(series_id: str) -> str:
    container().received.remove(series_in_path(series_id))
    return ""


@blueprint.get("/received/<series_id>/view")
@blueprint.doc(
    summary="The middle image of a received series as the models see it",
    responses=responses({200: file_response("image/*", "The image"), 304: "Not modified"}),
)
def view(series_id: str) -> Response:
    return view_answer(*container().received_studies.view(series_in_path(series_id)))


@blueprint.post("/received/<series_id>/study")
@limiter.limit(slices_allowed, error_message="steps of studies")
@blueprint.input(ReceivedStudySchema)
@blueprint.output(StudyStepSchema)
@blueprint.doc(
    summary="Make a study of a received series, for about two seconds; ask again until no file is missing",
    description="Then the study goes on as one that a page sent: classifications, pins, one signature. Once its record "
    "is on the chain, the series leaves the queue.",
    responses={429: "Too much"},
)
def study(series_id: str, json_data: Values) -> Values:
    made = container().received_studies.study(series_in_path(series_id), json_data["model"], seconds=STEP_S)
    return step_answer(made)


@blueprint.post("/received/<series_id>/image")
@limiter.limit(uploads_allowed)
@blueprint.input(AnswersSchema)
@blueprint.output(ImageSchema, 201)
@blueprint.doc(
    summary="Pin the only image of a received series",
    description="The same questions are asked as for an upload.",
    responses={200: "Known already", 409: "A person must confirm it", 429: ""},
)
def image(series_id: str, json_data: Values) -> tuple[Values, int]:
    answers = Answers(text=json_data["text"], pin_anyway=json_data["pin_anyway"])
    intake = container().received_studies.image(series_in_path(series_id), client_network(), answers)
    return intake_answer(intake, json_data)


def _series(series: ReceivedSeries) -> Values:
    names = ("series_id", "study", "series", "modality", "source", "files", "size", "first_at", "last_at")
    return {
        **{name: getattr(series, name) for name in names},
        "removed_at": container().received.removed_at(series),
        "begun": series.study_id is not None,
    }
