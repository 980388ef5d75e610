"""Where a transaction stands, and the link to it in other answers."""

from __future__ import annotations

from apiflask import APIBlueprint
from apiflask.fields import Enum, Integer, List, Nested, String
from apiflask.validators import Range

from backend.api.access import container
from backend.api.schemas import Address, AnswerSchema, BlockSchema, CamelCase, Hash, Values
from backend.api.validation import hash_in_path
from backend.domain import TransactionState

blueprint = APIBlueprint("transactions", __name__, tag="Transactions")


class TransactionQuerySchema(CamelCase):
    sender = Address(load_default=None, data_key="from")
    nonce = Integer(load_default=None, validate=Range(min=0, max=2**63))


class TransactionStatusSchema(AnswerSchema):
    """`required` is the number of confirmations from which on a transaction counts as confirmed."""

    hash = Hash()
    state = Enum(TransactionState, by_value=True)
    confirmations = Integer()
    required = Integer()
    block = Nested(BlockSchema, allow_none=True)
    gas_used = Integer(allow_none=True)
    sender = Address(allow_none=True)
    nonce = Integer(allow_none=True)
    revert_reason = String(allow_none=True)
    explorer_url = String(allow_none=True)
    image_ids = List(Hash())


class TransactionLinkSchema(AnswerSchema):
    hash = Hash()
    explorer_url = String(allow_none=True)


@blueprint.get("/transactions/<transaction_hash>")
@blueprint.input(TransactionQuerySchema, location="query")
@blueprint.output(TransactionStatusSchema)
@blueprint.doc(summary="State of a transaction; `from` and `nonce` distinguish a replaced one from a lost one")
def status(transaction_hash: str, query_data: Values) -> Values:
    wired = container()
    hash_ = hash_in_path("the transaction's hash", transaction_hash)
    status, image_ids = wired.transactions.status(hash_, sender=query_data["sender"], nonce=query_data["nonce"])
    return {
        "hash": hash_,
        "state": status.state,
        "confirmations": status.confirmations,
        "required": wired.transactions.required,
        "block": status.block,
        "gas_used": status.gas_used,
        "sender": status.sender,
        "nonce": status.nonce,
        "revert_reason": status.revert_reason,
        "explorer_url": wired.profile.transaction_url(hash_),
        "image_ids": image_ids,
    }


def transaction_link(hash_: str) -> Values:
    return {"hash": hash_, "explorer_url": container().profile.transaction_url(hash_)}
