"""What the wallet signs with eth_account: messages, typed data and transactions."""

from __future__ import annotations

import json
from typing import Any

from eth_account.messages import SignableMessage, encode_defunct, encode_typed_data
from eth_utils import to_checksum_address

from tests.e2e.wallet.chains import Network
from tests.e2e.wallet.errors import ProviderRpcError, other_chain

_SUGGESTED_TIP = 1_500_000_000
_SHARE_OF_THE_BLOCK = 0.35


def personal_message(text: str) -> SignableMessage:
    """The EIP-191 message of ``text``: 0x-hex bytes, or any other text as UTF-8."""
    return encode_defunct(primitive=bytes.fromhex(text[2:]) if text.startswith("0x") else text.encode())


def typed_data(text: str, active_chain: int) -> SignableMessage:
    """The EIP-712 message in JSON ``text``. Raises ProviderRpcError when its domain names another chain."""
    document = json.loads(text)
    named = document["domain"].get("chainId")
    if named is not None and int(str(named), 0) != active_chain:
        raise other_chain(int(str(named), 0), active_chain)
    return encode_typed_data(full_message=document)


def filled(request: dict[str, Any], network: Network) -> dict[str, Any]:
    """The EIP-1559 transaction of an eth_sendTransaction request, with what the page left out filled in."""
    base_fee = int(network.call("eth_getBlockByNumber", ["latest", False])["baseFeePerGas"], 16)
    tip = _number(request.get("maxPriorityFeePerGas"), _SUGGESTED_TIP)
    nonce = network.call("eth_getTransactionCount", [request["from"], "pending"])
    return {
        "type": 2,
        "chainId": network.chain_id,
        "nonce": _number(request.get("nonce"), int(nonce, 16)),
        "to": to_checksum_address(request["to"]),
        "value": _number(request.get("value"), 0),
        "data": request.get("data", "0x"),
        "gas": _number(request.get("gas"), None) or _estimated(request, network),
        "maxPriorityFeePerGas": tip,
        "maxFeePerGas": _number(request.get("maxFeePerGas"), 2 * base_fee + tip),
    }


def with_higher_fee(transaction: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The same nonce at twice the fee: more than the tenth that nodes ask of a replacement."""
    fees = {name: 2 * transaction[name] for name in ("maxFeePerGas", "maxPriorityFeePerGas")}
    return {**transaction, **fees, **changes}


def _estimated(request: dict[str, Any], network: Network) -> int:
    """As MetaMask does: the estimate itself; where it fails, a large share of a block (10.5 million of 30 million), so
    that a call which would revert can still be signed, and costs."""
    try:
        return int(network.call("eth_estimateGas", [request]), 16)
    except ProviderRpcError:
        return int(int(network.call("eth_getBlockByNumber", ["latest", False])["gasLimit"], 16) * _SHARE_OF_THE_BLOCK)


def _number(value: str | None, default: int | None) -> int | None:
    return default if value is None else int(value, 16)
