"""Who signed a transaction, recovered from its bytes.

Sources: the yellow paper (appendix F), EIP-2 (low s), EIP-155, EIP-2718, EIP-2930, EIP-1559, EIP-4844, EIP-7702.
"""

from __future__ import annotations

from typing import Any

import rlp
from eth_keys.datatypes import Signature
from eth_keys.exceptions import BadSignature
from eth_utils import ValidationError, keccak, to_checksum_address

from backend.adapters.chain.eip712 import HALF_ORDER
from backend.adapters.chain.proofs.encodings import SIGNED_FIELDS
from backend.domain import SignedTransaction

_UNPROTECTED = (27, 28)
"""``v`` of a signature without chain id."""
_PROTECTED = 35
"""``v`` of EIP-155 is this, plus the parity, plus twice the chain id."""
_LARGEST_V = 2**64


def decode(transaction: bytes) -> SignedTransaction | None:
    """None for a kind of transaction that carries no signature or is unknown. Raises ValueError for bytes that are no
    transaction of their kind. Recovering a public key takes some 20 ms.
    """
    if (found := _fields(transaction)) is None:
        return None
    kind, fields = found
    names = SIGNED_FIELDS[kind]
    unsigned = [fields[name] for name in names[:-3]]
    v, r, s = (int.from_bytes(fields[name]) for name in names[-3:])
    if kind:
        chain_id: int | None = int.from_bytes(fields["chainId"])
        sender = _recover(bytes([kind]) + rlp.encode(unsigned), parity=v, r=r, s=s)
    elif v in _UNPROTECTED:
        chain_id = None
        sender = _recover(rlp.encode(unsigned), parity=v - _UNPROTECTED[0], r=r, s=s)
    elif _PROTECTED <= v < _LARGEST_V:
        chain_id = (v - _PROTECTED) // 2
        sender = _recover(rlp.encode([*unsigned, chain_id, b"", b""]), parity=(v - _PROTECTED) % 2, r=r, s=s)
    else:
        chain_id, sender = None, None
    return SignedTransaction(
        sender=sender,
        to=to_checksum_address(fields["to"]) if fields["to"] else _created(sender, fields["nonce"]),
        chain_id=chain_id,
        input=fields["input"],
    )


def check_form(transaction: bytes) -> None:
    """Raises ValueError as ``decode``, without recovering who signed."""
    _fields(transaction)


def _fields(transaction: bytes) -> tuple[int, dict[str, Any]] | None:
    """The kind (EIP-2718, 0 for an untyped one) and its fields by name, as in RLP."""
    typed = bool(transaction) and transaction[0] <= 0x7F
    kind = transaction[0] if typed else 0
    if kind not in SIGNED_FIELDS or (typed and kind == 0):
        return None
    names = SIGNED_FIELDS[kind]
    try:
        values = rlp.decode(transaction[1:] if typed else transaction)
    except (rlp.DecodingError, RecursionError):
        raise ValueError("expected a transaction in RLP") from None
    if not isinstance(values, list) or len(values) != len(names):
        raise ValueError(f"expected a transaction of {len(names)} fields")
    fields = dict(zip(names, values, strict=True))
    plain = [fields[name] for name in ("chainId", "nonce", "to", "input", *names[-3:]) if name in fields]
    if not all(isinstance(value, bytes) for value in plain) or len(fields["to"]) not in (0, 20):
        raise ValueError("expected a transaction with a receiver, call data and a signature")
    return kind, fields


def _recover(signed: bytes, *, parity: int, r: int, s: int) -> str | None:
    if s > HALF_ORDER:
        return None
    try:
        signature = Signature(vrs=(parity, r, s))
        return signature.recover_public_key_from_msg_hash(keccak(signed)).to_checksum_address()
    except (BadSignature, ValidationError, ValueError):
        return None


def _created(sender: str | None, nonce: bytes) -> str | None:
    """The contract that a transaction without receiver deploys (yellow paper, 7)."""
    if sender is None:
        return None
    created = keccak(rlp.encode([bytes.fromhex(sender[2:]), nonce]))[-20:]
    address: str = to_checksum_address(created)
    return address
