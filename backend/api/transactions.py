"""Where a transaction stands."""

from __future__ import annotations

from apiflask import APIBlueprint

from backend.api.access import container
from backend.api.paths import hash_in_path
from backend.api.schemas import TransactionQuerySchema, TransactionSchema

blueprint = APIBlueprint("transactions", __name__, tag="Transactions")


@blueprint.get("/transactions/<transaction_hash>")
@blueprint.input(TransactionQuerySchema, location="query")
@blueprint.output(TransactionSchema)
@blueprint.doc(summary="State of a transaction; `from` and `nonce` let a replaced one be told from a lost one")
def status(transaction_hash: str, query_data):
    wired = container()
    hash_ = hash_in_path("the transaction's hash", transaction_hash)
    status, image_ids = wired.transactions.status(hash_, **query_data)
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
