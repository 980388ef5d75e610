"""What the networks reached side by side."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from apiflask.fields import Boolean, Dict, Field, Float, Integer, List, Nested, String
from apiflask.validators import Length, OneOf
from flask import Response, jsonify
from marshmallow import INCLUDE

from backend.api.access import container
from backend.api.caching import revalidated
from backend.api.schemas import AnswerSchema, Literal, Verbatim

blueprint = APIBlueprint("results", __name__, tag="System")

MEASURES = (
    "accuracy",
    "balanced_accuracy",
    "error_rate",
    "sensitivity",
    "specificity",
    "precision",
    "recall",
    "f1",
    "macro_auc",
    "pr_auc",
    "expected_calibration_error",
    "brier_score",
    "negative_log_likelihood",
)


class FileSchema(AnswerSchema):
    """A part of a result file, with the names that the file has."""

    def on_bind_field(self, field_name: str, field: Field[Any]) -> None:
        super().on_bind_field(field_name, field)
        field.data_key = field_name


class ResultDataSchema(FileSchema):
    """The test data; `unit` is what a group is, such as a patient."""

    name = String()
    labels = List(String())
    images = Integer()
    unit = String()
    groups = Integer(allow_none=True)
    divisions = List(Dict(keys=String(), values=Integer()))
    near_duplicate_sets_across_splits = Integer()
    groups_across_splits = Integer()


class ParametersSchema(FileSchema):
    total = Integer()
    trainable = Integer()


class NetworkSchema(FileSchema):
    """`weights`: where those of the backbone come from; null is random."""

    name = String()
    source = String()
    frozen_backbone = Boolean()
    weights = String(allow_none=True)
    input_shape = List(Integer())
    parameters = Nested(ParametersSchema)


class RecipeSchema(FileSchema):
    """Everything that decided the training; which fields there are depends on the release that trained."""

    class Meta:
        unknown = INCLUDE

    name = String()


class BudgetSchema(FileSchema):
    input_shape_of_the_source = List(Integer())
    epochs_at_most = Integer()
    epochs_of_the_recipe = Integer()
    epochs_run = List(Integer())


class ClassFiguresSchema(FileSchema):
    """One class against the rest; `support` is its number of images."""

    precision = Float()
    recall = Float()
    f1 = Float()
    specificity = Float(allow_none=True)
    auc = Float(allow_none=True)
    pr_auc = Float(allow_none=True)
    support = Integer()


class ConfusionSchema(FileSchema):
    labels = List(String())
    rows_are_truth = List(List(Integer()))


MeasuresSchema = FileSchema.from_dict(
    {name: Float(allow_none=True) for name in MEASURES}
    | {f"{name}_interval": List(Float(), validate=Length(equal=2), allow_none=True) for name in MEASURES},
    name="MeasuresSchema",
)


class FiguresSchema(MeasuresSchema):  # type: ignore[valid-type, misc] # from_dict declares no class that can be named
    """Each measure with its 95 % bootstrap interval; what is undefined is null."""

    images = Integer()
    groups = Integer(allow_none=True)
    resampled_by = String(validate=OneOf(["group", "image"]))
    positive = String(allow_none=True)
    classes = Dict(keys=String(), values=Nested(ClassFiguresSchema))
    confusion = Nested(ConfusionSchema)


class RocCurveSchema(FileSchema):
    label = String()
    false_positive_rate = List(Float())
    true_positive_rate = List(Float())


class ReliabilityBinSchema(FileSchema):
    confidence = Float()
    accuracy = Float()
    images = Integer()


class CurvesSchema(FileSchema):
    roc = List(Nested(RocCurveSchema))
    reliability = List(Nested(ReliabilityBinSchema))


class CostSchema(FileSchema):
    """`bytes` of the exported file; `milliseconds` for one image."""

    seconds_per_epoch = Float()
    bytes = Integer()
    milliseconds = Float()
    threads = Integer()
    machine = String()


class NetworkResultSchema(FileSchema):
    """One network under one protocol: the schema scanproof.result/1, without the examples."""

    schema = Literal("scanproof.result/1")
    data = Nested(ResultDataSchema)
    protocol = String()
    network = Nested(NetworkSchema)
    recipe = Nested(RecipeSchema)
    budget = Nested(BudgetSchema)
    seed = Integer()
    figures = Nested(FiguresSchema)
    group_figures = Nested(FiguresSchema, allow_none=True)
    curves = Nested(CurvesSchema)
    training = List(
        Dict(keys=String(), values=List(Float(allow_none=True))),
        metadata={"description": "Loss and measures by epoch, a history for each network that was trained."},
    )
    cost = Nested(CostSchema)
    cautions = List(String())


class ComparisonSchema(AnswerSchema):
    data = String()
    text = String()


class PublishedFiguresSchema(AnswerSchema):
    """What a source reports of its own data."""

    source = String()
    network = String()
    data = String()
    loss = Float(allow_none=True)
    auc = Float(allow_none=True)
    accuracy = Float()


class NotTrainedSchema(AnswerSchema):
    data = String()
    networks = List(String())


class ResultsSchema(AnswerSchema):
    results = List(Verbatim(NetworkResultSchema))
    comparisons = List(Nested(ComparisonSchema))
    published = List(Nested(PublishedFiguresSchema))
    not_trained = List(Nested(NotTrainedSchema))


@blueprint.get("/results")
@blueprint.output(ResultsSchema)
@blueprint.doc(summary="The networks' figures under each protocol, with intervals and curves")
def results() -> Response:
    return revalidated(jsonify(ResultsSchema().dump(container().results())))
