"""An evidence bundle: a record with everything that is needed to verify it without a node.

Frozen values, and the ports through which services make and read them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from backend.domain import BlockRef, Check
from backend.ports import RegistryHistory


@dataclass(frozen=True, slots=True)
class ProvenTransaction:
    """A transaction and its receipt, both in the EIP-2718 encoding of the block's tries.

    ``index`` is its index in the block. A proof is the list of trie nodes in RLP, from the root down.
    """

    index: int
    transaction: bytes
    transaction_proof: tuple[bytes, ...]
    receipt: bytes
    receipt_proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class ProvenBlock:
    """``header`` is the header in RLP; its keccak-256 must be ``hash`` (0x-hex)."""

    hash: str
    header: bytes
    transactions: tuple[ProvenTransaction, ...]


@dataclass(frozen=True, slots=True)
class ProvenCode:
    """The contract's runtime code, and a proof of its account in the state of ``block_hash``, a block of the bundle."""

    code: bytes
    block_hash: str
    account_proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """``events`` are the decoded events in chain order, for people; a verification reads the receipts instead.

    ``objects`` maps CIDs to bytes: the image (or its ciphertext), manifests or openings, statements, model cards,
    training records.
    """

    chain_id: int
    contract: str
    image_id: str
    code: ProvenCode
    blocks: tuple[ProvenBlock, ...]
    events: tuple[Mapping[str, object], ...]
    objects: Mapping[str, bytes]


class ProvenHistory(RegistryHistory, Protocol):
    """The registry's history as an evidence bundle contains it."""

    @property
    def proofs(self) -> Sequence[Check]:
        """A check for each header, transaction and receipt, and for the contract's code."""

    @property
    def blocks(self) -> Sequence[BlockRef]:
        """The blocks of the bundle, by number."""


class Proofs(Protocol):
    """Merkle proofs of the registry's logs and code, from a node."""

    def blocks(self, positions: Iterable[tuple[int, int]]) -> tuple[ProvenBlock, ...]:
        """The blocks, by number, with the transactions that wrote the logs at ``positions`` (block number, log index).

        Raises ChainUnavailable, also for a chain whose headers or transactions have an unknown encoding.
        """

    def code(self, newest: int) -> tuple[ProvenBlock, ProvenCode]:
        """The contract's code in the state of a block at least as new as ``newest``. Raises ChainUnavailable."""
