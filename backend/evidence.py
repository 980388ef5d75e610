"""An evidence file: a record with everything that is needed to verify it without a node.

Frozen values, and the ports through which services make and read them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Protocol

from backend.domain import BlockRef, Check, StateKeys
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
    """The contract's runtime code, and a proof of its account in the state of ``block_hash``, a block of the file."""

    code: bytes
    block_hash: str
    account_proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """``events`` are the decoded events in chain order, for people; a verification reads the receipts instead.

    ``storage_proof`` are the trie nodes, in RLP, on the paths from the contract's storage root in the state of
    ``code.block_hash`` to every slot that shows that nothing was left out; None in files of ``scanproof.evidence/1``.
    ``objects`` maps CIDs to bytes: the image (or its ciphertext), manifests or openings, statements, model cards,
    training records. ``left_out_reviews`` is by diagnosis how many of its oldest reviews are not in the file: its maker
    says so. The newest review decides, and the storage proof shows which one that is.
    """

    chain_id: int
    contract: str
    image_id: str
    code: ProvenCode
    blocks: tuple[ProvenBlock, ...]
    events: tuple[Mapping[str, object], ...]
    objects: Mapping[str, bytes]
    storage_proof: tuple[bytes, ...] | None = None
    left_out_reviews: Mapping[str, int] = field(default_factory=dict)


class ProvenHistory(RegistryHistory, Protocol):
    """The registry's history as an evidence file contains it."""

    @property
    def proofs(self) -> Sequence[Check]:
        """A check for each header, transaction and receipt, for the contract's code and for the state's block."""

    @property
    def proven_blocks(self) -> Sequence[BlockRef]:
        """The blocks of the evidence file, by number."""

    def anchored(self, trusted: Collection[str]) -> Set[str]:
        """The hashes of the blocks that are ``trusted``, or that a trusted one descends from by the parent hashes of
        blocks of the evidence file."""


class Proofs(Protocol):
    """Merkle proofs of the registry's logs, code and storage, from a node."""

    def blocks(self, positions: Iterable[tuple[int, int]]) -> Mapping[tuple[int, int], ProvenBlock]:
        """For each of ``positions`` (block number, log index) its block with the transaction that wrote that log.

        Raises ChainUnavailable, also for a chain whose headers or transactions have an unknown encoding.
        """

    def state(self, newest: int, keys: StateKeys) -> tuple[ProvenBlock, ProvenCode, tuple[bytes, ...]]:
        """The contract's code and the proof of its storage at ``keys``, in the state of a block at least as new as
        ``newest``. Raises ChainUnavailable, also when the node gives no such proof (EIP-1186).
        """


def merged(blocks: Mapping[tuple[int, int], ProvenBlock]) -> tuple[ProvenBlock, ...]:
    """The blocks of these positions in their order, each once with all its transactions."""
    found: dict[str, dict[int, ProvenTransaction]] = {}
    for position in sorted(blocks):
        transactions = found.setdefault(blocks[position].hash, {})
        transactions.update((each.index, each) for each in blocks[position].transactions)
    by_hash = {block.hash: block for block in blocks.values()}
    return tuple(
        replace(by_hash[hash_], transactions=tuple(found[hash_][index] for index in sorted(found[hash_])))
        for hash_ in found
    )
