"""Blocks as number, hash and time, and the headers of many blocks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from web3 import Web3

from backend.adapters.chain import rpc
from backend.adapters.chain.rpc import quantity
from backend.domain import BlockRef
from backend.errors import ChainUnavailable

_CACHED_BLOCKS = 4096
HASH = re.compile(r"0x[0-9a-f]{64}")
LAST_NUMBER = 2**53
LAST_TIME = 253_402_300_799
"""The end of the year 9999."""
_HEADER_METHOD = "eth_getHeaderByNumber"
"""Of Geth and its relatives: a block without its transactions, a tenth of the bytes."""


@dataclass(frozen=True, slots=True)
class Header:
    """``parent`` is the hash of the block before, ``bloom`` the logsBloom, whose bit n is bit n of the number.

    ``transactions`` are hashes, None where the node did not give them.
    """

    block: BlockRef
    parent: str
    bloom: int
    transactions: tuple[str, ...] | None


class BlockReader:
    """Caches blocks by hash, which never change; not blocks by number, which a reorganisation changes."""

    def __init__(self, web3: Web3) -> None:
        self._web3 = web3
        self._limits = rpc.provider_of(web3).limits
        self._cache: dict[str, BlockRef] = {}

    def by_hash(self, hash_: str) -> BlockRef:
        """The block of that hash. Raises ChainUnavailable, also when it is no longer on the chain."""
        return self.by_hashes([hash_])[hash_]

    def by_hashes(self, hashes: Iterable[str]) -> Mapping[str, BlockRef]:
        """As ``by_hash``, for many blocks in few requests."""
        wanted = dict.fromkeys(hashes)
        found = {hash_: self._cache[hash_] for hash_ in wanted if hash_ in self._cache}
        missing = [hash_ for hash_ in wanted if hash_ not in found]
        blocks = rpc.ask_many(self._web3, "eth_getBlockByHash", [(hash_, False) for hash_ in missing])
        for hash_, block in zip(missing, blocks, strict=True):
            if block is None:
                raise ChainUnavailable("the chain was reorganised while it was read: try again")
            found[hash_] = _reference(block)
            if found[hash_].hash != hash_:
                raise ChainUnavailable(f"expected the block {hash_}, found the block {found[hash_].hash}")
        self.keep(found[hash_] for hash_ in missing)
        return found

    def by_numbers(self, numbers: Sequence[int]) -> Sequence[BlockRef | None]:
        """The blocks of these numbers on the node's chain now, in few requests; None past its head.

        Raises ChainUnavailable.
        """
        answers = rpc.ask_many(self._web3, "eth_getBlockByNumber", [(hex(number), False) for number in numbers])
        return [None if block is None else _reference(block) for block in answers]

    def head(self) -> BlockRef:
        """The newest block. Raises ChainUnavailable."""
        return _reference(rpc.ask(self._web3, "eth_getBlockByNumber", "latest", False))

    def headers(self, first: int, last: int) -> Sequence[Header] | None:
        """The headers of these blocks, each the parent of the next; None when the node does not have all of them.

        Raises ChainUnavailable, also when they are not of one chain.
        """
        answers = self._headers([hex(number) for number in range(first, last + 1)])
        if None in answers:
            return None
        headers = [_header(answer) for answer in answers]
        for number, header in enumerate(headers, start=first):
            before = headers[number - first - 1] if number > first else None
            if header.block.number != number or (before and header.parent != before.block.hash):
                raise ChainUnavailable("the chain was reorganised while it was read: try again")
        self.keep(header.block for header in headers)
        return headers

    def _headers(self, numbers: Sequence[str]) -> list[rpc.JsonObject | None]:
        if self._limits.headers is None:
            self._limits.headers = self._offers_headers(numbers[0])
        if self._limits.headers:
            return rpc.ask_many(self._web3, _HEADER_METHOD, [(number,) for number in numbers])
        return rpc.ask_many(self._web3, "eth_getBlockByNumber", [(number, False) for number in numbers])

    def _offers_headers(self, number: str) -> bool:
        """Whether the node has _HEADER_METHOD, and answers what the block itself says."""
        try:
            header = rpc.ask(self._web3, _HEADER_METHOD, number)
        except rpc.RangeRefused:
            return False
        block = rpc.ask(self._web3, "eth_getBlockByNumber", number, False)
        return bool(header) and _header(header).bloom == _header(block).bloom

    def transactions(self, hash_: str) -> Sequence[str] | None:
        """The hashes of the block's transactions, None when the node does not have the block."""
        block = rpc.ask(self._web3, "eth_getBlockByHash", hash_, False)
        return None if block is None else _header(block).transactions

    def keep(self, blocks: Iterable[BlockRef]) -> None:
        """Add to the cache what the node has answered."""
        if len(self._cache) > _CACHED_BLOCKS:
            self._cache = {}
        self._cache.update((block.hash, block) for block in blocks)


def _reference(block: rpc.JsonObject) -> BlockRef:
    with rpc.translated():
        number, hash_, timestamp = quantity(block["number"]), block["hash"].lower(), quantity(block["timestamp"])
        if not HASH.fullmatch(hash_) or number > LAST_NUMBER or timestamp > LAST_TIME:
            raise ValueError
        return BlockRef(number, hash_, timestamp)


def _header(block: rpc.JsonObject | None) -> Header:
    with rpc.translated():
        if block is None:
            raise TypeError
        bloom, parent = int(block["logsBloom"], 16), block["parentHash"].lower()
        transactions = block.get("transactions")
        if not 0 <= bloom < 2**2048:
            raise ValueError
        hashes = None if transactions is None else tuple(hash_.lower() for hash_ in transactions)
        return Header(_reference(block), parent, bloom, hashes)
