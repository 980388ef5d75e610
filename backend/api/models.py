"""The models that are installed, and where a model comes from, as the chain has it."""

from __future__ import annotations

from apiflask import APIBlueprint
from apiflask.fields import Boolean, Dict, Integer, List, Nested, Raw, String
from eth_utils.address import to_checksum_address

from backend.api.access import container
from backend.api.schemas import BlockSchema, CamelCase, ModelSchema, NextStepSchema
from backend.api.transactions import TransactionLinkSchema, transaction_link
from backend.api.validation import hash_in_path
from backend.domain import ModelDescription, ModelEvent, TrainingAnchoredEvent
from backend.services.model_events import parent_of
from backend.services.models import ABSTAINED

blueprint = APIBlueprint("models", __name__, tag="Models")


class LabelSchema(CamelCase):
    label = String()
    code = Integer()
    text = String()


class ModelCardSchema(ModelSchema):
    kind = String()
    architecture = String()
    weak = String(allow_none=True)
    classes = List(Nested(LabelSchema))
    metrics = Raw()
    default = Boolean()
    card = String()
    next_steps = Dict(keys=String(), values=List(Nested(NextStepSchema)))
    chain_status = String(allow_none=True)


class ModelListSchema(CamelCase):
    models = List(Nested(ModelCardSchema))


class ModelStepSchema(CamelCase):
    admin = String()
    transaction = Nested(TransactionLinkSchema)
    block = Nested(BlockSchema)


class ModelCardOnChainSchema(CamelCase):
    cid = String()
    available = Boolean()


class TrainingSchema(ModelStepSchema):
    training_id = String()
    model_id = String()
    parent_model_id = String(allow_none=True)
    participants = Integer()
    metrics_hash = String()


class LineageSchema(CamelCase):
    model_id = String()
    name = String(allow_none=True)
    status = String()
    registered = Nested(ModelStepSchema, allow_none=True)
    retired = Nested(ModelStepSchema, allow_none=True)
    card = Nested(ModelCardOnChainSchema, allow_none=True)
    trainings = List(Nested(TrainingSchema))


@blueprint.get("/models")
@blueprint.output(ModelListSchema)
@blueprint.doc(summary="The models, what they can and cannot do")
def models():
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
def lineage(model_id: str):
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


def _next_steps(model: ModelDescription) -> dict:
    """By label, with that of no answer: a page can show them for a label that it must not tell the server."""
    labels = [ABSTAINED[0], *(known.label for known in model.classes)]
    return {label: container().next_steps(model.facts.modality, label) for label in labels}


def _step(event: ModelEvent) -> dict:
    return {
        "admin": to_checksum_address(event.admin),
        "transaction": transaction_link(event.transaction_hash),
        "block": event.block,
    }


def _training(event: TrainingAnchoredEvent) -> dict:
    return {
        "training_id": event.training_id,
        "model_id": event.model_id,
        "parent_model_id": parent_of(event),
        "participants": event.participants,
        "metrics_hash": event.metrics_hash,
        **_step(event),
    }
