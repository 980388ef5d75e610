"""Block headers in RLP, whose keccak-256 is the block's hash. Covers the fields of every hardfork so far.

Sources: the yellow paper (4.4), EIP-1559, EIP-4399, EIP-4895, EIP-4844, EIP-4788, EIP-7685.
"""

from __future__ import annotations

from dataclasses import dataclass

import rlp
from eth_utils import keccak

from backend.adapters.chain.blocks import LAST_NUMBER, LAST_TIME
from backend.adapters.chain.proofs.encodings import number, octets
from backend.adapters.chain.rpc import JsonObject
from backend.errors import ChainUnavailable

_FIELDS = (
    "parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom", "difficulty",
    "number", "gasLimit", "gasUsed", "timestamp", "extraData", "mixHash", "nonce",
    "baseFeePerGas", "withdrawalsRoot", "blobGasUsed", "excessBlobGas", "parentBeaconBlockRoot", "requestsHash",
)  # fmt: skip
"""In their order. Hardforks added those from baseFeePerGas on, one after another: older headers end before them."""
_BEFORE_LONDON = 15
_NUMBERS = {
    "difficulty", "number", "gasLimit", "gasUsed", "timestamp", "baseFeePerGas", "blobGasUsed", "excessBlobGas",
}  # fmt: skip
_MAX_HEADER_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Header:
    """The fields that proofs need. ``timestamp`` in Unix seconds; hash and roots are 32 bytes."""

    parent_hash: bytes
    number: int
    timestamp: int
    state_root: bytes
    transactions_root: bytes
    receipts_root: bytes


def encode(block: JsonObject) -> bytes:
    """The header of a block of JSON-RPC.

    Raises ChainUnavailable when its hash is not the block's, because the header has a field that is unknown here.
    """
    fields = [number(block[name]) if name in _NUMBERS else octets(block[name]) for name in _FIELDS if name in block]
    header: bytes = rlp.encode(fields)
    found = "0x" + keccak(header).hex()
    if found != block["hash"]:
        raise ChainUnavailable(
            f"expected a header with the hash {block['hash']}, found {found}: this chain's headers are not Ethereum's"
        )
    return header


def decode(header: bytes) -> Header:
    """Raises ValueError for bytes that are no header."""
    if len(header) > _MAX_HEADER_BYTES:
        raise ValueError(f"expected a header of at most {_MAX_HEADER_BYTES} bytes, found {len(header)}")
    try:
        values = rlp.decode(header)
    except (rlp.DecodingError, RecursionError):
        raise ValueError("expected a header in RLP") from None
    if not isinstance(values, list) or not _BEFORE_LONDON <= len(values) <= len(_FIELDS):
        raise ValueError(f"expected a header of {_BEFORE_LONDON} to {len(_FIELDS)} fields")
    fields = dict(zip(_FIELDS, values, strict=False))
    if not all(isinstance(value, bytes) for value in values):
        raise ValueError("expected a header of plain fields")
    found = Header(
        parent_hash=fields["parentHash"],
        number=int.from_bytes(fields["number"]),
        timestamp=int.from_bytes(fields["timestamp"]),
        state_root=fields["stateRoot"],
        transactions_root=fields["transactionsRoot"],
        receipts_root=fields["receiptsRoot"],
    )
    hashes = (found.parent_hash, found.state_root, found.transactions_root, found.receipts_root)
    if any(len(each) != 32 for each in hashes):
        raise ValueError("expected a parent hash and roots of 32 bytes")
    if found.number > LAST_NUMBER or found.timestamp > LAST_TIME:
        raise ValueError("expected a number of at most 53 bits, and a time before the year 10,000")
    return found
