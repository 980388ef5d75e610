"""Reads the logs of one contract in as few requests as the node accepts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from web3 import Web3

from backend.adapters.chain import rpc
from backend.adapters.chain.blocks import HASH, LAST_NUMBER
from backend.adapters.chain.events import Log, position
from backend.adapters.chain.limits import named_blocks
from backend.adapters.chain.rpc import MethodMissing, RangeRefused, quantity

Topics = Sequence[str | Sequence[str] | None]
"""A filter of ``eth_getLogs``, by place: this topic, one of these topics, any topic."""
_DATA = re.compile(r"0x(?:[0-9a-f]{2})*")


class LogReader:
    """``eth_getLogs`` within the limits of the node, which differ between nodes and cannot be queried.

    How many blocks the node takes at once is remembered for every reader of that node (see ``limits.Width``).
    """

    def __init__(self, web3: Web3, address: str) -> None:
        self._web3 = web3
        self._address = address
        self._width = rpc.provider_of(web3).limits.blocks

    def read(self, first: int, last: int, topics: Topics) -> Iterator[list[Log]]:
        """The logs of the blocks ``first`` to ``last`` in chain order, range by range.

        Raises RangeRefused when the node refuses a single block, RateLimited when pauses do not help, ChainUnavailable
        when the node cannot be reached.
        """
        while first <= last:
            width = self._width.of(last - first + 1)
            end = first + width - 1
            try:
                found = self._ask({"fromBlock": hex(first), "toBlock": hex(end)}, topics)
            except MethodMissing:
                raise
            except RangeRefused as error:
                if width == 1:
                    raise
                self._width.refused(width, named=named_blocks(error.said, first=first, last=end))
                continue
            self._width.accepted(width)
            # The node may ignore the filter.
            yield [log for log in found if first <= position(log)[0] <= end]
            first = end + 1

    def of_blocks(self, hashes: Sequence[str], topics: Topics) -> list[list[Log]]:
        """The logs of each of these blocks, which the node must have (EIP-234)."""
        filters = [({"address": self._address, "blockHash": hash_, "topics": list(topics)},) for hash_ in hashes]
        answers = rpc.ask_many(self._web3, "eth_getLogs", filters)
        return [
            [log for log in self.checked(answer) if log["blockHash"] == hash_]
            for hash_, answer in zip(hashes, answers, strict=True)
        ]

    def _ask(self, blocks: dict[str, str], topics: Topics) -> list[Log]:
        answer = rpc.ask(self._web3, "eth_getLogs", {"address": self._address, **blocks, "topics": list(topics)})
        return self.checked(answer)

    def checked(self, logs: object) -> list[Log]:
        """The contract's logs in chain order, each once; without those of blocks that left the chain, and without the
        block's time, which some nodes get wrong. Raises ChainUnavailable for what are no logs."""
        with rpc.translated():
            if not isinstance(logs, list):
                raise TypeError
            ours = [log for log in logs if log["address"].lower() == self._address.lower() and not log.get("removed")]
            each_once = {(log["blockHash"], position(log)): log for log in map(_checked, ours)}
            return sorted(each_once.values(), key=position)


def _checked(log: rpc.JsonObject) -> Log:
    topics = [topic.lower() for topic in log["topics"]]
    data, block, transaction = (log[name].lower() for name in ("data", "blockHash", "transactionHash"))
    number, index = quantity(log["blockNumber"]), quantity(log["logIndex"])
    hashes = all(HASH.fullmatch(each) for each in (*topics, block, transaction))
    if not (hashes and _DATA.fullmatch(data)) or number > LAST_NUMBER or index > LAST_NUMBER:
        raise ValueError
    return Log(
        topics=topics,
        data=data,
        blockNumber=hex(number),
        blockHash=block,
        transactionHash=transaction,
        logIndex=hex(index),
    )
