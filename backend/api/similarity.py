"""Recorded cases that look like an image to the model that classified it."""

from __future__ import annotations

from apiflask import APIBlueprint
from apiflask.fields import Boolean, Enum, Float, Integer, List, Nested, String
from apiflask.validators import Length, Range

from backend.api.access import container
from backend.api.records import CurrentLabelSchema, diagnosis_answer
from backend.api.schemas import AnswerSchema, CamelCase, Hash, ModelIdentitySchema, Values
from backend.api.validation import cid_in_path
from backend.domain import DiagnosisStatus
from backend.services.similarity import COMPARED, MOST_CASES, Case

blueprint = APIBlueprint("similarity", __name__, tag="Images")


class SimilarQuerySchema(CamelCase):
    model = String(load_default=None, validate=Length(max=100))
    limit = Integer(load_default=MOST_CASES, validate=Range(min=1, max=MOST_CASES))


class CaseSchema(AnswerSchema):
    """A recorded image and what became of it. `distance` is 1 minus the cosine of the features; `sameImage` marks a
    copy, which says nothing new."""

    image_id = Hash()
    cid = String()
    distance = Float()
    same_image = Boolean()
    status = Enum(DiagnosisStatus, by_value=True)
    label = String()
    label_text = String()
    confidence = Float(allow_none=True)
    current = Nested(CurrentLabelSchema, allow_none=True)


class SimilarSchema(AnswerSchema):
    """The recorded images that are most similar to the model, which does not mean that they have the same disease.

    `compared` images of the same model were looked at, at most `limit`. `reason` says why none could be.
    """

    model = Nested(ModelIdentitySchema, allow_none=True)
    compared = Integer()
    limit = Integer()
    reason = String(allow_none=True)
    cases = List(Nested(CaseSchema))


@blueprint.get("/images/<cid>/similar")
@blueprint.input(SimilarQuerySchema, location="query")
@blueprint.output(SimilarSchema)
@blueprint.doc(
    summary="Recorded images that are similar to the model, with their outcomes; sealed results neither ask nor appear"
)
def similar(cid: str, query_data: Values) -> Values:
    found = container().similarity.similar(cid_in_path(cid), query_data["model"], query_data["limit"])
    return {
        "model": found.classification and found.classification.model,
        "compared": found.compared,
        "limit": COMPARED,
        "reason": found.reason,
        "cases": [_case(case) for case in found.cases],
    }


def _case(case: Case) -> Values:
    diagnosis = diagnosis_answer(case.record, case.diagnosis)
    names = ("status", "label", "label_text", "confidence", "current")
    return {
        "image_id": case.record.image.image_id,
        "cid": case.record.image.cid,
        "distance": round(case.distance, 6),
        "same_image": case.same_image,
        **{name: diagnosis[name] for name in names},
    }
