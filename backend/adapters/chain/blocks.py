"""Blocks as number, hash and time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from web3 import Web3

from backend.adapters.chain import rpc
from backend.domain import BlockRef
from backend.errors import ChainUnavailable

_CACHED_BLOCKS = 4096
_BATCH = 100


class BlockReader:
    """Caches blocks by hash, which never change; not blocks by number, which a reorganisation changes."""

    def __init__(self, web3: Web3) -> None:
        self._web3 = web3
        self._cache: dict[str, BlockRef] = {}

    def by_hash(self, hash_: str) -> BlockRef:
        """The block of that hash. Raises ChainUnavailable, also when it is no longer on the chain."""
        return self.by_hashes([hash_])[hash_]

    def by_hashes(self, hashes: Iterable[str]) -> Mapping[str, BlockRef]:
        """As ``by_hash``, for many blocks in few requests."""
        wanted = dict.fromkeys(hashes)
        found = {hash_: self._cache[hash_] for hash_ in wanted if hash_ in self._cache}
        missing = [hash_ for hash_ in wanted if hash_ not in found]
        for start in range(0, len(missing), _BATCH):
            part = missing[start : start + _BATCH]
            blocks = rpc.ask_many(self._web3, "eth_getBlockByHash", [(hash_, False) for hash_ in part])
            for hash_, block in zip(part, blocks, strict=True):
                if block is None:
                    raise ChainUnavailable("the chain was reorganised while it was read: try again")
                found[hash_] = _reference(block)
        if len(self._cache) > _CACHED_BLOCKS:
            self._cache = {}
        self._cache.update((hash_, found[hash_]) for hash_ in missing)
        return found

    def by_number(self, number: int) -> BlockRef | None:
        """The block of that number on the node's chain now, None past its head. Raises ChainUnavailable."""
        block = rpc.ask(self._web3, "eth_getBlockByNumber", hex(number), False)
        return None if block is None else _reference(block)

    def head(self) -> BlockRef:
        """The newest block. Raises ChainUnavailable."""
        return _reference(rpc.ask(self._web3, "eth_getBlockByNumber", "latest", False))


def _reference(block: rpc.JsonObject) -> BlockRef:
    with rpc.translated():
        return BlockRef(int(block["number"], 16), block["hash"].lower(), int(block["timestamp"], 16))
