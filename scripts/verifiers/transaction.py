"""Reads the deployment out of its transaction, for a registry that deployments/ does not record."""

from __future__ import annotations

from typing import Any

from scripts.verifiers.http import Patience, Service
from scripts.verifiers.submission import Submission, SubmissionInvalid, from_transaction


def fetch(chain_id: int, address: str, transaction: str, rpc_url: str, patience: Patience) -> Submission:
    """The registry at ``address`` with the constructor's arguments that ``transaction`` deployed it with.

    Raises SubmissionInvalid when the node is on another chain or the transaction made another contract;
    VerifierUnavailable, VerifierRefused.
    """
    node = Service("the node", patience)

    def ask(method: str, *parameters: str) -> Any:
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
        return node.request("POST", rpc_url, json=request).body.get("result")

    if (found := ask("eth_chainId")) != hex(chain_id):
        raise SubmissionInvalid(f"expected a node of chain {chain_id}, found one that says {found!r}")
    receipt = ask("eth_getTransactionReceipt", transaction)
    created = receipt.get("contractAddress") if isinstance(receipt, dict) else None
    if not isinstance(created, str) or created.lower() != address.lower():
        raise SubmissionInvalid(f"expected transaction {transaction} to create {address}, found {created!r}")
    sent = ask("eth_getTransactionByHash", transaction)
    data = sent.get("input") if isinstance(sent, dict) else None
    return from_transaction(chain_id, address, transaction, data if isinstance(data, str) else "")
