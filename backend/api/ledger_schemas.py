"""The shapes of the ledger."""

from __future__ import annotations

from apiflask.fields import Boolean, Float, Integer, List, Nested, String

from backend.api.record_schemas import IndexStatusSchema
from backend.api.schemas import BlockSchema, CamelCase, ModelNameSchema, TransactionLinkSchema


class LedgerEntrySchema(CamelCase):
    """The label is what the classifier gave, or what holds from a review on; null where the event has none."""

    kind = String()
    who = String()
    image_id = String(allow_none=True)
    model_id = String(allow_none=True)
    model = Nested(ModelNameSchema, allow_none=True)
    sealed = Boolean()
    verdict = String(allow_none=True)
    label = String(allow_none=True)
    label_text = String(allow_none=True)
    label_code = Integer(allow_none=True)
    confidence = Float(allow_none=True)
    transaction = Nested(TransactionLinkSchema)
    block = Nested(BlockSchema)


class LedgerPageSchema(CamelCase):
    entries = List(Nested(LedgerEntrySchema))
    next = String(allow_none=True)
    index = Nested(IndexStatusSchema)
