"""What the networks reached side by side."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import jsonify

from backend.api.access import container
from backend.api.revalidation import revalidated
from backend.api.schemas import ResultsSchema

blueprint = APIBlueprint("results", __name__, tag="System")


@blueprint.get("/results")
@blueprint.output(ResultsSchema)
@blueprint.doc(summary="The networks' figures under each protocol, with intervals and curves")
def results():
    return revalidated(jsonify(ResultsSchema().dump(container().results())))
