"""Where a model comes from, as the chain tells it."""

from __future__ import annotations

from apiflask import APIBlueprint
from eth_utils.address import to_checksum_address

from backend.api.access import container
from backend.api.lineage_schemas import LineageSchema
from backend.api.paths import hash_in_path
from backend.api.record_answers import transaction_link
from backend.domain import ModelEvent, TrainingAnchoredEvent
from backend.services.model_events import parent_of

blueprint = APIBlueprint("lineage", __name__, tag="Models")


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
