"""Merkle-Patricia tries: proofs that a block contains a transaction or receipt, or its state an account.

Source: the yellow paper, appendix D; the trie itself is py-trie's (https://github.com/ethereum/py-trie).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import rlp
from eth_utils import keccak
from trie import HexaryTrie

_MAX_NODES = 65
"""A path has at most 64 nibbles below the root."""


class IndexedTrie:
    """The trie of a block's transactions or receipts: ``values`` by their RLP-encoded index."""

    def __init__(self, values: Sequence[bytes]) -> None:
        self._trie = HexaryTrie({})
        for index, value in enumerate(values):
            self._trie[rlp.encode(index)] = value

    @property
    def root(self) -> bytes:
        root: bytes = self._trie.root_hash
        return root

    def proof(self, index: int) -> tuple[bytes, ...]:
        """The nodes, in RLP, from the root to the value at ``index``."""
        return tuple(rlp.encode(node) for node in self._trie.get_proof(rlp.encode(index)))


def proven_at_index(root: bytes, index: int, proof: Sequence[bytes]) -> bytes | None:
    """The value at ``index`` in the trie with that root, or None when the proof does not prove one."""
    return proven(root, rlp.encode(index), proof)


def proven(root: bytes, key: bytes, proof: Sequence[bytes]) -> bytes | None:
    """The value at ``key`` in the trie with that root, or None when the proof does not prove one."""
    if len(proof) > _MAX_NODES:
        return None
    try:
        value: bytes = HexaryTrie.get_from_proof(root, key, [rlp.decode(node) for node in proof])
    except Exception:  # py-trie and rlp raise many unrelated types for malformed nodes
        return None
    return value or None


class Account(NamedTuple):
    """The two hashes of a contract's account that proofs need."""

    storage_root: bytes
    code_hash: bytes


def proven_account(state_root: bytes, address: bytes, proof: Sequence[bytes]) -> Account | None:
    """The account at ``address`` in that state, or None when the proof does not prove it."""
    account = proven(state_root, keccak(address), proof)
    try:
        _nonce, _balance, storage_root, code_hash = rlp.decode(account or b"")
    except (rlp.DecodingError, ValueError, TypeError, RecursionError):
        return None
    if not isinstance(storage_root, bytes) or not isinstance(code_hash, bytes):
        return None
    return Account(storage_root, code_hash)


class ProvenStorage:
    """The storage of a contract with that root, as far as ``nodes`` show it: all nodes of the paths to its slots."""

    def __init__(self, storage_root: bytes, nodes: Iterable[bytes]) -> None:
        self._trie = HexaryTrie({keccak(node): node for node in nodes}, storage_root)

    def word(self, slot: int) -> int:
        """The word at ``slot``, 0 where nothing was stored. Raises ValueError when the nodes do not prove it."""
        try:
            return int.from_bytes(rlp.decode(self._trie.get(keccak(slot.to_bytes(32))) or b"\x80"))
        except Exception:  # py-trie and rlp raise many unrelated types for malformed and missing nodes
            raise ValueError(f"expected a proof of the storage slot 0x{slot:064x}") from None
