"""Transactions and receipts of JSON-RPC in the encoding of a block's tries (EIP-2718), and back.

Sources: EIP-155, EIP-658, EIP-2930, EIP-1559, EIP-4844, EIP-7702; deposits of the OP Stack
(https://specs.optimism.io/protocol/deposits.html).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import rlp
from eth_utils import keccak

from backend.adapters.chain.rpc import JsonObject

_DEPOSIT = 0x7E
_MAX_LOGS = 200_000
"""More than the gas of any block pays for: strangers may write logs in the same transaction."""
_FEES = "chainId nonce maxPriorityFeePerGas maxFeePerGas gas to value input accessList"
_SIGNATURE = "yParity r s"
_TRANSACTION_FIELDS = {
    0x00: "nonce gasPrice gas to value input v r s",
    0x01: f"chainId nonce gasPrice gas to value input accessList {_SIGNATURE}",
    0x02: f"{_FEES} {_SIGNATURE}",
    0x03: f"{_FEES} maxFeePerBlobGas blobVersionedHashes {_SIGNATURE}",
    0x04: f"{_FEES} authorizationList {_SIGNATURE}",
    _DEPOSIT: "sourceHash from to mint value gas isSystemTx input",
}
SIGNED_FIELDS = {kind: tuple(names.split()) for kind, names in _TRANSACTION_FIELDS.items() if kind != _DEPOSIT}
"""The fields of every kind of signed transaction, in their order; the last three are the signature."""


def octets(text: str | None) -> bytes:
    """Data of JSON-RPC as bytes; None, such as the receiver of a deployment, is empty."""
    return b"" if text is None else bytes.fromhex(text.removeprefix("0x"))


def number(text: str | None) -> bytes:
    """A quantity of JSON-RPC as RLP encodes it: big-endian without leading zeros."""
    value = int(text or "0x0", 16)
    return value.to_bytes((value.bit_length() + 7) // 8)


_SPECIAL: dict[str, Callable[[JsonObject], object]] = {
    "to": lambda fields: octets(fields["to"]),
    "from": lambda fields: octets(fields["from"]),
    "input": lambda fields: octets(fields["input"]),
    "sourceHash": lambda fields: octets(fields["sourceHash"]),
    "isSystemTx": lambda fields: b"\x01" if fields.get("isSystemTx") else b"",
    "mint": lambda fields: number(fields.get("mint")),
    # Some nodes give the parity of a typed transaction's signature only under its old name.
    "yParity": lambda fields: number(fields.get("yParity", fields.get("v"))),
    "accessList": lambda fields: [
        [octets(entry["address"]), [octets(key) for key in entry["storageKeys"]]] for entry in fields["accessList"]
    ],
    "blobVersionedHashes": lambda fields: [octets(hash_) for hash_ in fields["blobVersionedHashes"]],
    "authorizationList": lambda fields: [
        [
            number(each["chainId"]),
            octets(each["address"]),
            number(each["nonce"]),
            number(each["yParity"]),
            number(each["r"]),
            number(each["s"]),
        ]
        for each in fields["authorizationList"]
    ],
}


@dataclass(frozen=True, slots=True)
class Log:
    """``address`` is 20 bytes, each topic 32."""

    address: bytes
    topics: tuple[bytes, ...]
    data: bytes


def encode_transaction(transaction: JsonObject) -> bytes | None:
    """The signed transaction, or None for an unknown type: the hash of its encoding differs from the node's."""
    kind = int(transaction.get("type", "0x0"), 16)
    if kind not in _TRANSACTION_FIELDS:
        return None
    names = _TRANSACTION_FIELDS[kind].split()
    body: bytes = rlp.encode([_SPECIAL[n](transaction) if n in _SPECIAL else number(transaction[n]) for n in names])
    encoded = (bytes([kind]) if kind else b"") + body
    return encoded if "0x" + keccak(encoded).hex() == transaction["hash"] else None


def encode_receipt(receipt: JsonObject) -> bytes:
    """The receipt of a transaction since Byzantium (EIP-658)."""
    kind = int(receipt.get("type", "0x0"), 16)
    logs = [
        [octets(log["address"]), [octets(topic) for topic in log["topics"]], octets(log["data"])]
        for log in receipt["logs"]
    ]
    fields: list[object] = [
        number(receipt["status"]),
        number(receipt["cumulativeGasUsed"]),
        octets(receipt["logsBloom"]),
        logs,
    ]
    if kind == _DEPOSIT:
        fields += [number(receipt[name]) for name in ("depositNonce", "depositReceiptVersion") if name in receipt]
    body: bytes = rlp.encode(fields)
    return (bytes([kind]) if kind else b"") + body


def decode_logs(receipt: bytes) -> tuple[Log, ...]:
    """The logs of an encoded receipt. Raises ValueError for bytes that are no receipt."""
    typed = bool(receipt) and receipt[0] <= 0x7F
    try:
        fields = rlp.decode(receipt[1:] if typed else receipt)
        logs = fields[3]
        if not isinstance(fields, list) or not isinstance(logs, list) or len(logs) > _MAX_LOGS:
            raise ValueError
        return tuple(_log(log) for log in logs)
    except (rlp.DecodingError, LookupError, TypeError, ValueError, RecursionError):
        raise ValueError("expected a receipt with its logs in RLP") from None


def _log(item: object) -> Log:
    if not isinstance(item, list):
        raise ValueError
    address, topics, data = item
    if not isinstance(address, bytes) or not isinstance(topics, list) or not isinstance(data, bytes):
        raise ValueError
    if len(address) != 20 or len(topics) > 4:
        raise ValueError
    if not all(isinstance(topic, bytes) and len(topic) == 32 for topic in topics):
        raise ValueError
    return Log(address, tuple(topics), data)
