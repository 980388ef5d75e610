"""The shapes of what is answered about a model on the chain."""

from __future__ import annotations

from apiflask.fields import Boolean, Integer, List, Nested, String

from backend.api.schemas import BlockSchema, CamelCase, TransactionLinkSchema


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
