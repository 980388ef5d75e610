"""Block headers, as little of them as ScanProof needs."""

from __future__ import annotations

from functools import lru_cache

from web3 import Web3
from web3.exceptions import BlockNotFound
from web3.types import BlockData

from backend.adapters.chain.rpc import translated
from backend.domain import BlockRef

_CACHED_BLOCKS = 4096


class BlockReader:
    """Blocks by hash are cached, because they never change; blocks by number are not, because they may."""

    def __init__(self, web3: Web3) -> None:
        self._web3 = web3
        self.by_hash = lru_cache(_CACHED_BLOCKS)(self._by_hash)

    def _by_hash(self, hash_: str) -> BlockRef:
        with translated():
            return _reference(self._web3.eth.get_block(hash_))

    def by_number(self, number: int) -> BlockRef | None:
        """The block of that number as the node sees the chain now, None past its head. Raises ChainUnavailable."""
        with translated():
            try:
                return _reference(self._web3.eth.get_block(number))
            except BlockNotFound:
                return None

    def head(self) -> BlockRef:
        """The newest block. Raises ChainUnavailable."""
        with translated():
            return _reference(self._web3.eth.get_block("latest"))


def _reference(block: BlockData) -> BlockRef:
    return BlockRef(number=block["number"], hash=block["hash"].to_0x_hex(), timestamp=block["timestamp"])
