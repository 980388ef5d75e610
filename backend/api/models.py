"""The models that are installed, and where a model comes from, as the chain has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from apiflask import APIBlueprint
from apiflask.fields import Boolean, Dict, Enum, Integer, List, Nested, String
from eth_utils.address import to_checksum_address
from flask import Response, request

from backend.api.access import container
from backend.api.caching import unchanging
from backend.api.openapi import file_response, responses
from backend.api.schemas import Address, AnswerSchema, BlockSchema, Hash, ModelIdentitySchema, NextStepSchema, Values
from backend.api.transactions import TransactionLinkSchema, transaction_link
from backend.api.validation import hash_in_path
from backend.domain import ModelDescription, ModelEvent, ModelStatus, TrainingAnchoredEvent
from backend.services.models import ABSTAINED

if TYPE_CHECKING:
    from ml.guidance.next_steps import NextStep

blueprint = APIBlueprint("models", __name__, tag="Models")


class LabelSchema(AnswerSchema):
    label = String()
    code = Integer()
    text = String()


class ModelSchema(ModelIdentitySchema):
    """An installed model."""

    kind = String()
    architecture = String()
    weak = String(allow_none=True, metadata={"description": "Why this model is weak; null where it is not."})
    magnification = Integer(
        allow_none=True, metadata={"description": "Of the microscope whose images it knows; null for other images."}
    )
    classes = List(Nested(LabelSchema))
    metrics = Dict()
    default = Boolean()
    card = String(metadata={"description": "Markdown."})
    next_steps = Dict(
        keys=String(),
        values=List(Nested(NextStepSchema)),
        metadata={"description": 'By label, with "abstained" for no answer.'},
    )
    chain_status = Enum(
        ModelStatus,
        by_value=True,
        allow_none=True,
        metadata={"description": "What the contract has of it; null while the chain cannot be asked."},
    )


class ModelListSchema(AnswerSchema):
    models = List(Nested(ModelSchema))


class ModelEventSchema(AnswerSchema):
    """Who wrote something about a model on the chain, and where it is there."""

    admin = Address()
    transaction = Nested(TransactionLinkSchema)
    block = Nested(BlockSchema)


class RegisteredCardSchema(AnswerSchema):
    """The model card that was registered; `available`: whether this server's store has it."""

    cid = String()
    available = Boolean()


class TrainingSchema(ModelEventSchema):
    """`parentModelId` is what the training began from, null where that is no model of the registry."""

    training_id = Hash()
    model_id = Hash()
    parent_model_id = Hash(allow_none=True)
    participants = Integer()
    metrics_hash = Hash()


class LineageSchema(AnswerSchema):
    """What the chain knows of a model, and the trainings that led to it, back to the first."""

    model_id = Hash()
    name = String(allow_none=True)
    status = Enum(ModelStatus, by_value=True)
    registered = Nested(ModelEventSchema, allow_none=True)
    retired = Nested(ModelEventSchema, allow_none=True)
    card = Nested(RegisteredCardSchema, allow_none=True)
    trainings = List(Nested(TrainingSchema))


@blueprint.get("/models")
@blueprint.output(ModelListSchema)
@blueprint.doc(summary="The models, what they can and cannot do")
def models() -> Values:
    found = container().models.all()
    states = container().lineage.states(["0x" + model.facts.sha256 for model in found])
    return {
        "models": [
            {
                **model.to_json(),
                "default": model is found[0],
                "next_steps": _next_steps(model),
                "chain_status": state and state.status,
            }
            for model, state in zip(found, states, strict=True)
        ]
    }


@blueprint.get("/models/<model_id>/lineage")
@blueprint.output(LineageSchema)
@blueprint.doc(summary="When a model was registered and retired, and its trainings back to the first")
def lineage(model_id: str) -> Values:
    found = container().lineage.lineage(hash_in_path("the model's id", model_id))
    return {
        "model_id": found.model_id,
        "name": found.name,
        "status": found.status,
        "registered": found.registered and _step(found.registered),
        "retired": found.retired and _step(found.retired),
        "card": found.registered and {"cid": found.registered.card_cid, "available": found.card_available},
        "trainings": [_training(training) for training in found.trainings],
    }


@blueprint.get("/models/<model_id>/files/<name>")
@blueprint.doc(
    summary="A file of an offered model's bundle, with which a page classifies on its own",
    description="The model's id is the SHA-256 of the file `SHA256SUMS`, which lists the SHA-256 of all others.",
    responses=responses(
        {200: file_response("application/octet-stream", "The file"), 304: "Not modified", 404: "No such model or file"}
    ),
)
def bundle_file(model_id: str, name: str) -> Response:
    content = container().models.file(hash_in_path("the model's id", model_id), name)
    response = Response(content, content_type="application/octet-stream")
    unchanging(response, f"{model_id}-{name}").make_conditional(request)
    return response


def _next_steps(model: ModelDescription) -> dict[str, Sequence[NextStep]]:
    """By label, with that of no answer: a page can show them for a label that it must not tell the server."""
    labels = [ABSTAINED[0], *(known.label for known in model.classes)]
    return {label: container().next_steps(model.facts.modality, label) for label in labels}


def _step(event: ModelEvent) -> Values:
    return {
        "admin": to_checksum_address(event.admin),
        "transaction": transaction_link(event.transaction_hash),
        "block": event.block,
    }


def _training(event: TrainingAnchoredEvent) -> Values:
    return {
        "training_id": event.training_id,
        "model_id": event.model_id,
        "parent_model_id": event.parent,
        "participants": event.participants,
        "metrics_hash": event.metrics_hash,
        **_step(event),
    }
