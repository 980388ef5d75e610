"""What the contract wrote, in the order of the chain."""

from __future__ import annotations

from apiflask import APIBlueprint
from apiflask.fields import Boolean, Float, Integer, List, Nested, String
from eth_utils.address import to_checksum_address

from backend.api.access import container
from backend.api.paging import IndexStatusSchema, PagingSchema, cursor_of, position_of
from backend.api.schemas import BlockSchema, CamelCase, ModelNameSchema
from backend.api.transactions import TransactionLinkSchema, transaction_link
from backend.domain import SEALED_LABEL, LedgerEntry, Verdict
from backend.services.attestation import BASIS_POINTS

blueprint = APIBlueprint("ledger", __name__, tag="Ledger")


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


@blueprint.get("/ledger")
@blueprint.input(PagingSchema, location="query")
@blueprint.output(LedgerPageSchema)
@blueprint.doc(summary="Every event of the contract, newest first")
def ledger(query_data):
    page = container().ledger.page(limit=query_data["limit"], before=position_of(query_data["cursor"]))
    return {
        "entries": [_entry(entry) for entry in page.entries],
        "next": cursor_of(page.next),
        "index": page.index,
    }


def _entry(entry: LedgerEntry) -> dict:
    models = container().models
    sealed = entry.label == SEALED_LABEL
    has_label = entry.label is not None and entry.verdict is not Verdict.WITHDRAWN
    label, text = models.label(entry.model_id, entry.label) if has_label else (None, None)
    return {
        "kind": entry.kind,
        "who": to_checksum_address(entry.who),
        "image_id": entry.image_id,
        "model_id": entry.model_id,
        "model": entry.model_id and models.facts(entry.model_id),
        "sealed": sealed,
        "verdict": entry.verdict,
        "label": label,
        "label_text": text,
        "label_code": entry.label,
        "confidence": None if entry.confidence is None or sealed else entry.confidence / BASIS_POINTS,
        "transaction": transaction_link(entry.transaction_hash),
        "block": entry.block,
    }
