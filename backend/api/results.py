"""What the networks reached side by side."""

from __future__ import annotations

from apiflask import APIBlueprint
from apiflask.fields import Float, List, Nested, Raw, String
from flask import jsonify

from backend.api.access import container
from backend.api.caching import revalidated
from backend.api.schemas import CamelCase

blueprint = APIBlueprint("results", __name__, tag="System")


class ExplanationSchema(CamelCase):
    data = String()
    text = String()


class PublishedSchema(CamelCase):
    source = String()
    network = String()
    data = String()
    loss = Float(allow_none=True)
    auc = Float(allow_none=True)
    accuracy = Float()


class NotTrainedSchema(CamelCase):
    data = String()
    networks = List(String())


class ResultsSchema(CamelCase):
    results = List(Raw(), metadata={"description": "Results of the schema scanproof.result/1, as the files have them."})
    comparisons = List(Nested(ExplanationSchema))
    published = List(Nested(PublishedSchema))
    not_trained = List(Nested(NotTrainedSchema))


@blueprint.get("/results")
@blueprint.output(ResultsSchema)
@blueprint.doc(summary="The networks' figures under each protocol, with intervals and curves")
def results():
    return revalidated(jsonify(ResultsSchema().dump(container().results())))
