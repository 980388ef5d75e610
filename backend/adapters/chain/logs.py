"""Reads the logs of one contract in as few requests as the node accepts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import chain

from web3 import Web3

from backend.adapters.chain import rpc
from backend.adapters.chain.blocks import HASH, LAST_NUMBER, BlockReader
from backend.adapters.chain.events import Log, position
from backend.adapters.chain.limits import named_blocks
from backend.adapters.chain.rpc import MethodMissing, RangeRefused, quantity
from backend.errors import ChainUnavailable

Topics = Sequence[str | Sequence[str] | None]
"""A filter of ``eth_getLogs``, by place: this topic, one of these topics, any topic."""
_DATA = re.compile(r"0x(?:[0-9a-f]{2})*")
_MANY_REQUESTS = 16
_UNSETTLED_BLOCKS = 16
_KEPT_LOGS = 100_000
Progress = Callable[[int, int], None]
"""Is given the newest block that was read, and the last one to read."""


class LogReader:
    """``eth_getLogs`` within the limits of the node, which differ between nodes and cannot be queried.

    How many blocks the node takes at once is remembered for every reader of that node (see ``limits.Width``).
    """

    def __init__(self, web3: Web3, address: str) -> None:
        self._web3 = web3
        self._address = address
        self._width = rpc.provider_of(web3).limits.blocks

    def read(self, first: int, last: int, topics: Topics) -> Iterator[list[Log]]:
        """The logs of the blocks ``first`` to ``last`` in chain order, range by range. Raises as ``ranges``."""
        for _, logs in self.ranges(first, last, topics):
            yield logs

    def ranges(self, first: int, last: int, topics: Topics) -> Iterator[tuple[int, list[Log]]]:
        """As ``read``, each range with its last block.

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
            yield end, [log for log in found if first <= position(log)[0] <= end]
            first = end + 1

    @property
    def blocks(self) -> int | None:
        """How many blocks the node answers at once, None while it has refused nothing."""
        return self._width.limit

    def requests(self, first: int, last: int) -> int:
        """How many requests ``read`` needs for these blocks, as far as the node's limit is known."""
        blocks = max(1, last - first + 1)
        return -(-blocks // self._width.of(blocks))

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


class HistoryReader:
    """Reads the logs of one contract since the block ``first``, by their topics.

    With ``keep``, a node that answers few blocks at a time is asked once for all ``topics`` together, and each further
    history is taken from that reading. The newest blocks are read each time: a node may know a block before its logs.
    Keep no reader for long: what a node did not show once stays missing.
    """

    def __init__(
        self,
        logs: LogReader,
        blocks: BlockReader,
        *,
        first: int,
        topics: Sequence[str],
        keep: bool,
        progress: Progress | None,
    ) -> None:
        self._logs = logs
        self._blocks = blocks
        self._first = first
        self._topics = [list(topics)]
        self._keep = keep
        self._progress = progress
        self._kept: list[Log] = []
        self._next = first

    def read(self, topics: Topics) -> list[Log]:
        """The logs with these topics, in chain order. Raises as ``LogReader.ranges``."""
        head = self._blocks.head().number
        if self._next == self._first:
            found = self._read_alone(head, topics)
            if found is not None:
                return found
        self._read_settled(head)
        newest = self._logs.read(self._next, head, topics)
        return [*(log for log in self._kept if _has_topics(log, topics)), *chain.from_iterable(newest)]

    def _read_alone(self, head: int, topics: Topics) -> list[Log] | None:
        """None, after the first range, where all histories are to be read together."""
        found: list[Log] = []
        for last, logs in self._logs.ranges(self._first, head, topics):
            found += logs
            if self._keep and self._logs.requests(last + 1, head) > _MANY_REQUESTS:
                return None
            self._show(last, head)
        return found

    def _read_settled(self, head: int) -> None:
        """Keep the logs of all but the newest blocks. A reading that was cut off goes on where it stopped."""
        for last, logs in self._logs.ranges(self._next, head - _UNSETTLED_BLOCKS, self._topics):
            self._kept += logs
            self._next = last + 1
            if len(self._kept) > _KEPT_LOGS:
                raise ChainUnavailable(
                    f"the registry has more than {_KEPT_LOGS:,} events, too many for a node that answers eth_getLogs "
                    f"for {self._logs.blocks} blocks at a time: name another node"
                )
            self._show(last, head)

    def _show(self, last: int, head: int) -> None:
        if self._progress:
            self._progress(last, head)


def _has_topics(log: Log, topics: Topics) -> bool:
    """As the filter of ``eth_getLogs``."""
    found = log["topics"]
    return len(found) >= len(topics) and all(
        wanted is None or (topic == wanted if isinstance(wanted, str) else topic in wanted)
        for topic, wanted in zip(found, topics, strict=False)
    )
