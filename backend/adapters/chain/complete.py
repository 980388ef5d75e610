"""Reads all logs of a range of blocks, and proves that none is missing.

An empty answer of ``eth_getLogs`` proves nothing: a node behind a load balancer knows a block before it has indexed its
logs, and some return only the first logs of a range, without an error. Each header commits to the logs of its block by
a Bloom filter (the yellow paper, 4.3.1). So the logs that were found are compared with the filter of each header:

- The filter excludes the contract's events, and none were found: nothing is missing.
- The logs found account for every bit of the filter: nothing is missing.
- Otherwise other contracts wrote logs too, or one of ours is missing. The block's receipts tell, and they are all there
  when their logs account for every bit of the filter. They have the logs that ``eth_getLogs`` left out.

A filter with many bits set matches nearly everything, and the receipts of a full block are long. When such a block is
also SETTLED_BLOCKS deep and nothing was found in it, its logs are asked for once more by its hash, many blocks in one
batch: a node must not answer that for a block that it does not have (EIP-234).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache

from eth_utils import keccak
from web3 import Web3

from backend.adapters.chain import rpc
from backend.adapters.chain.blocks import BlockReader, Header
from backend.adapters.chain.events import Log, position
from backend.adapters.chain.logs import LogReader
from backend.errors import ChainUnavailable, LogsIncomplete

SETTLED_BLOCKS = 64
_BITS = 2048
_UNLIKELY = 1e-6
"""Below this probability of a false match, a match counts as a log."""


class CompleteReader:
    """Reads the logs of one contract with one of ``topics`` as their first topic."""

    def __init__(
        self, web3: Web3, address: str, topics: Sequence[str], *, blocks: BlockReader, logs: LogReader
    ) -> None:
        self._web3 = web3
        self._address = address
        self._topics = frozenset(topics)
        self._blocks = blocks
        self._logs = logs

    def read(self, first: int, last: int) -> tuple[Sequence[Header], list[Log]] | None:
        """The headers, and all logs of these blocks in chain order; None when the node does not have the blocks.

        Raises LogsIncomplete when the node may have logs that it does not show, ChainUnavailable.
        """
        found: dict[int, list[Log]] = defaultdict(list)
        for logs in self._logs.read(first, last, [sorted(self._topics)]):
            for log in self._ours(logs):
                found[position(log)[0]].append(log)
        headers = self._blocks.headers(first, last)
        if headers is None:
            return None
        doubtful = [header for header in headers if not self._is_complete(header, found[header.block.number])]
        crowded = [h for h in doubtful if not found[h.block.number] and self._is_crowded(h.bloom)]
        settled = self._blocks.head().number - SETTLED_BLOCKS if crowded else 0
        empty = self._empty([header for header in crowded if header.block.number <= settled])
        for header in doubtful:
            number = header.block.number
            if number not in empty:
                found[number] = self._from_receipts(header, found[number])
        return headers, [log for number in sorted(found) for log in found[number]]

    def _empty(self, headers: Sequence[Header]) -> set[int]:
        """The numbers of those blocks that have no log of ours when they are asked for by their hash."""
        try:
            answers = self._logs.of_blocks([header.block.hash for header in headers], [sorted(self._topics)])
        except rpc.RangeRefused:
            return set()
        return {header.block.number for header, logs in zip(headers, answers, strict=True) if not self._ours(logs)}

    def _ours(self, logs: Iterable[Log]) -> list[Log]:
        return [log for log in logs if log["topics"] and log["topics"][0] in self._topics]

    def _is_complete(self, header: Header, logs: Sequence[Log]) -> bool:
        if any(log["blockHash"] != header.block.hash for log in logs):
            raise ChainUnavailable("the chain was reorganised while it was read: try again")
        bits = _bits((self._address, log["topics"]) for log in logs)
        if bits & ~header.bloom:
            raise ChainUnavailable(
                f"the node's logs of block {header.block.number} are not in the filter of its header (logsBloom)"
            )
        return bits == header.bloom if logs else not self._may_have(header.bloom)

    def _may_have(self, bloom: int) -> bool:
        return _has(bloom, self._address) and any(_has(bloom, topic) for topic in self._topics)

    def _is_crowded(self, bloom: int) -> bool:
        """Whether the filter may well match although the block has no log of ours."""
        full = (bloom.bit_count() / _BITS) ** 3
        return full * min(1.0, len(self._topics) * full) > _UNLIKELY

    def _from_receipts(self, header: Header, found: Sequence[Log]) -> list[Log]:
        """The contract's logs in the receipts of a block, which must be complete. Raises LogsIncomplete."""
        receipts = self._receipts(header)
        bits = 0
        ours: list[Log] = []
        with rpc.translated():
            for receipt in receipts:
                if receipt["blockHash"].lower() != header.block.hash:
                    raise LogsIncomplete(header.block.number)
                bits |= _bits((log["address"].lower(), map(str.lower, log["topics"])) for log in receipt["logs"])
                ours += self._ours(self._logs.checked(receipt["logs"]))
        shown = {position(log) for log in ours}
        if header.bloom & ~bits or any(position(log) not in shown for log in found):
            raise LogsIncomplete(header.block.number)
        return sorted(ours, key=position)

    def _receipts(self, header: Header) -> list[rpc.JsonObject]:
        """The receipts that the node gives for the block, perhaps not all."""
        limits = rpc.provider_of(self._web3).limits
        if limits.receipts:
            try:
                receipts = rpc.ask(self._web3, "eth_getBlockReceipts", hex(header.block.number))
                if isinstance(receipts, list) and receipts:
                    return receipts
            except rpc.MethodMissing:
                limits.receipts = False
            except rpc.RangeRefused:
                pass
        hashes = self._blocks.transactions(header.block.hash) if header.transactions is None else header.transactions
        if hashes is None:
            raise LogsIncomplete(header.block.number)
        try:
            found = rpc.ask_many(self._web3, "eth_getTransactionReceipt", [(hash_,) for hash_ in hashes])
        except rpc.RangeRefused:
            raise LogsIncomplete(header.block.number) from None
        return [receipt for receipt in found if receipt is not None]


def _bits(logs: Iterable[tuple[str, Iterable[str]]]) -> int:
    """The bits of logs, given as address and topics, in the Bloom filter of their block."""
    bits = 0
    for address, topics in logs:
        bits |= bits_of(address)
        for topic in topics:
            bits |= bits_of(topic)
    return bits


@lru_cache(4096)
def bits_of(item: str) -> int:
    """The three bits of an address or a topic (0x-hex, lower case) in the Bloom filter of a block's logs."""
    hash_ = keccak(hexstr=item)
    return sum({1 << (int.from_bytes(hash_[start : start + 2]) % _BITS) for start in (0, 2, 4)})


def _has(bloom: int, item: str) -> bool:
    bits = bits_of(item)
    return bloom & bits == bits
