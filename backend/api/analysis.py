"""How an image was analysed: the steps with their figures, and each step's picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apiflask import APIBlueprint
from apiflask.fields import Boolean, Float, Integer, List, Nested, String
from flask import Response, jsonify, url_for

from backend.api.access import container
from backend.api.caching import revalidated
from backend.api.openapi import file_response, responses
from backend.api.schemas import AnswerSchema, Values
from backend.api.validation import cid_in_path

if TYPE_CHECKING:
    from ml.analysis.steps import Step

blueprint = APIBlueprint("analysis", __name__, tag="Images")


class AnalysisFigureSchema(AnswerSchema):
    """`unit` is empty for a number without one."""

    name = String()
    title = String()
    value = Float()
    unit = String()
    explanation = String()


class AnalysisStepSchema(AnswerSchema):
    """`picture` is the address of a PNG of `width` by `height` pixels."""

    name = String()
    title = String()
    explanation = String()
    picture = String()
    width = Integer()
    height = Integer()
    figures = List(Nested(AnalysisFigureSchema))


class AnalysisSchema(AnswerSchema):
    """`stained`: analysed as stained tissue."""

    cid = String()
    stained = Boolean()
    steps = List(Nested(AnalysisStepSchema))


@blueprint.get("/images/<cid>/analysis")
@blueprint.output(AnalysisSchema)
@blueprint.doc(summary="The image analysed step by step, with figures")
def analysis(cid: str) -> Response:
    cid = cid_in_path(cid)
    found = container().analysis.analyse(cid)
    answer = {"cid": cid, "stained": found.stained, "steps": [_step(cid, step) for step in found.steps]}
    return revalidated(jsonify(AnalysisSchema().dump(answer)))


@blueprint.get("/images/<cid>/analysis/<step>.png")
@blueprint.doc(
    summary="The picture of one step of the analysis",
    responses=responses({200: file_response("image/png", "The picture")}),
)
def picture(cid: str, step: str) -> Response:
    data = container().analysis.step(cid_in_path(cid), step).png()
    response = Response(data, content_type="image/png")
    response.headers["Content-Security-Policy"] = "sandbox"
    return revalidated(response)


def _step(cid: str, step: Step) -> Values:
    width, height = step.size
    return {
        "name": step.name,
        "title": step.title,
        "explanation": step.explanation,
        "picture": url_for("analysis.picture", cid=cid, step=step.name),
        "width": width,
        "height": height,
        "figures": step.figures,
    }
