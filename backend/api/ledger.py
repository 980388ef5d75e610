"""What the contract wrote, in the order of the chain."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from apiflask.fields import Boolean, Enum, Field, Float, Integer, List, Nested, String
from apiflask.validators import OneOf
from eth_utils.address import to_checksum_address

from backend.api.access import container
from backend.api.paging import PageSchema, PagingSchema, cursor_of, position_of
from backend.api.schemas import Address, AnswerSchema, BlockSchema, Hash, Literal, ModelNameSchema, Null, Union, Values
from backend.api.transactions import TransactionLinkSchema, transaction_link
from backend.domain import SEALED_LABEL, LedgerEntry, LedgerKind, Verdict
from backend.services.attestation import BASIS_POINTS

blueprint = APIBlueprint("ledger", __name__, tag="Ledger")
_MODEL_KINDS = (LedgerKind.MODEL_REGISTERED, LedgerKind.MODEL_RETIRED, LedgerKind.TRAINING_ANCHORED)


class LedgerEventSchema(AnswerSchema):
    """One event of the contract; what its kind does not have is null."""

    who = Address()
    image_id: Field[Any] = Null()
    model_id: Field[Any] = Null()
    model: Field[Any] = Null()
    sealed = Boolean()
    verdict: Field[Any] = Null()
    label: Field[Any] = Null()
    label_text: Field[Any] = Null()
    label_code: Field[Any] = Null()
    confidence: Field[Any] = Null()
    classifier: Field[Any] = Null()
    compromised_since: Field[Any] = Null()
    transaction = Nested(TransactionLinkSchema)
    block = Nested(BlockSchema)


class ImageEntrySchema(LedgerEventSchema):
    """`who` is the uploader."""

    kind = Literal(LedgerKind.IMAGE_REGISTERED.value)
    image_id = Hash()


class DiagnosisEntrySchema(LedgerEventSchema):
    """`who` is the classifier. Of a sealed diagnosis neither the label nor the confidence is known.

    `compromisedSince` is as in a record."""

    kind = Literal(LedgerKind.DIAGNOSIS_RECORDED.value)
    image_id = Hash()
    model_id = Hash()
    model = Nested(ModelNameSchema, allow_none=True)
    label = String()
    label_text = String()
    label_code = Integer()
    confidence = Float(allow_none=True)
    compromised_since = Integer(allow_none=True)


class ReviewEntrySchema(LedgerEventSchema):
    """`who` is the reviewer, and the label is valid from now on; null when the diagnosis was withdrawn."""

    kind = Literal(LedgerKind.DIAGNOSIS_REVIEWED.value)
    image_id = Hash()
    model_id = Hash()
    model = Nested(ModelNameSchema, allow_none=True)
    verdict = Enum(Verdict, by_value=True)
    label = String(allow_none=True)
    label_text = String(allow_none=True)
    label_code = Integer()


class ModelEntrySchema(LedgerEventSchema):
    """`who` is the model admin."""

    kind = String(validate=OneOf([kind.value for kind in _MODEL_KINDS]))
    model_id = Hash()
    model = Nested(ModelNameSchema, allow_none=True)


class CompromiseEntrySchema(LedgerEventSchema):
    """`who` is the admin, who reports that the key of `classifier` is not its own since then, in Unix seconds."""

    kind = Literal(LedgerKind.CLASSIFIER_COMPROMISED.value)
    classifier = Address()
    compromised_since = Integer()


ENTRY_SCHEMAS = {
    LedgerKind.IMAGE_REGISTERED.value: ImageEntrySchema,
    LedgerKind.DIAGNOSIS_RECORDED.value: DiagnosisEntrySchema,
    LedgerKind.DIAGNOSIS_REVIEWED.value: ReviewEntrySchema,
    **{kind.value: ModelEntrySchema for kind in _MODEL_KINDS},
    LedgerKind.CLASSIFIER_COMPROMISED.value: CompromiseEntrySchema,
}


class LedgerPageSchema(PageSchema):
    entries = List(Union("LedgerEntry", by="kind", schemas=ENTRY_SCHEMAS))


@blueprint.get("/ledger")
@blueprint.input(PagingSchema, location="query")
@blueprint.output(LedgerPageSchema)
@blueprint.doc(summary="Every event of the contract, newest first")
def ledger(query_data: Values) -> Values:
    page = container().ledger.page(limit=query_data["limit"], before=position_of(query_data["cursor"]))
    return {
        "entries": [_entry(entry) for entry in page.entries],
        "next": cursor_of(page.next),
        "index": page.index,
    }


def _entry(entry: LedgerEntry) -> Values:
    models = container().models
    sealed = entry.label == SEALED_LABEL
    label, text = None, None
    if entry.model_id is not None and entry.label is not None and entry.verdict is not Verdict.WITHDRAWN:
        label, text = models.label(entry.model_id, entry.label)
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
        "classifier": entry.classifier and to_checksum_address(entry.classifier),
        "compromised_since": entry.compromised_since,
        "transaction": transaction_link(entry.transaction_hash),
        "block": entry.block,
    }
