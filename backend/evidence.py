"""What an evidence bundle holds: a record with all that is needed to check it without its chain.

Plain frozen values, and what the services need from the outside to make and to read them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from backend.domain import BlockRef, Check
from backend.ports import Chain


@dataclass(frozen=True, slots=True)
class ProvenTransaction:
    """A transaction and its receipt, each in its EIP-2718 encoding as the block's tries hold it.

    ``index`` is its place in the block; the proofs are the nodes of the Merkle-Patricia tries, in RLP, from the root
    down.
    """

    index: int
    transaction: bytes
    transaction_proof: tuple[bytes, ...]
    receipt: bytes
    receipt_proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class ProvenBlock:
    """``header`` is the whole header in RLP, whose keccak-256 must be ``hash`` (0x-hex)."""

    hash: str
    header: bytes
    transactions: tuple[ProvenTransaction, ...]


@dataclass(frozen=True, slots=True)
class ProvenCode:
    """The contract's runtime code, and its account in the state of the block ``block_hash``, one of the bundle's."""

    code: bytes
    block_hash: str
    account_proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """``events`` are the decoded events for a reader, in chain order; what counts are the receipts.

    ``objects`` holds bytes by CID: the image (or its ciphertext), manifests or openings, statements, model cards,
    training records.
    """

    chain_id: int
    contract: str
    image_id: str
    code: ProvenCode
    blocks: tuple[ProvenBlock, ...]
    events: tuple[dict, ...]
    objects: Mapping[str, bytes]


class ProvenChain(Chain, Protocol):
    """A chain as an evidence bundle shows it; of Chain only what a verification reads."""

    proofs: Sequence[Check]
    """A check for each header, transaction and receipt, and of the contract's code."""
    blocks: Sequence[BlockRef]
    """The bundle's, by number."""


class Proofs(Protocol):
    """Proofs that a chain holds what it is said to hold."""

    def blocks(self, positions: Iterable[tuple[int, int]]) -> tuple[ProvenBlock, ...]:
        """The blocks, by number, with the transactions that wrote the logs at ``positions`` (block number, log index).

        Raises ChainUnavailable, also for a chain whose blocks cannot be proven.
        """

    def code(self, newest: int) -> tuple[ProvenBlock, ProvenCode]:
        """The contract's code in the state of a block at least as new as ``newest``. Raises ChainUnavailable."""
