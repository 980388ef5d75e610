"""Merkle-Patricia tries: proofs that a block holds a transaction or a receipt, or its state an account.

Source: the yellow paper, appendix D; the trie itself is py-trie's (https://github.com/ethereum/py-trie).
"""

from __future__ import annotations

from collections.abc import Sequence

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
        return self._trie.root_hash

    def proof(self, index: int) -> tuple[bytes, ...]:
        """The nodes, in RLP, from the root to the value at ``index``."""
        return tuple(rlp.encode(node) for node in self._trie.get_proof(rlp.encode(index)))


def proven_at_index(root: bytes, index: int, proof: Sequence[bytes]) -> bytes | None:
    """What the trie with that root holds at ``index``, or None when the proof does not show it."""
    return proven(root, rlp.encode(index), proof)


def proven(root: bytes, key: bytes, proof: Sequence[bytes]) -> bytes | None:
    """What the trie with that root holds at ``key``, or None when the proof does not show it."""
    if len(proof) > _MAX_NODES:
        return None
    try:
        return HexaryTrie.get_from_proof(root, key, [rlp.decode(node) for node in proof]) or None
    except Exception:  # py-trie and rlp raise many unrelated types for nodes that are none
        return None


def proven_account(state_root: bytes, address: bytes, proof: Sequence[bytes]) -> bytes | None:
    """The code hash of the account at ``address`` in that state, or None when the proof does not show it."""
    account = proven(state_root, keccak(address), proof)
    try:
        _nonce, _balance, _storage_root, code_hash = rlp.decode(account or b"")
    except (rlp.DecodingError, ValueError, TypeError, RecursionError):
        return None
    return code_hash if isinstance(code_hash, bytes) else None
