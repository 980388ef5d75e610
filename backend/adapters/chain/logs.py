"""Reads the logs of one contract in as few requests as the node accepts."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from web3 import Web3

from backend.adapters.chain import rpc
from backend.adapters.chain.events import Log, position
from backend.adapters.chain.rpc import RangeRefused, RateLimited

_PAUSES = 3
_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 10.0
Topics = Sequence[str | Sequence[str] | None]
"""A filter of ``eth_getLogs``, by place: this topic, one of these topics, any topic."""


class LogReader:
    """``eth_getLogs`` within the limits of the node, which differ between nodes and cannot be queried.

    A refused range is halved until the node accepts it, then doubled again: time-outs and server errors look the same
    and are temporary. After HTTP 429 it waits instead, a few times in a row.
    """

    def __init__(self, web3: Web3, address: str) -> None:
        self._web3 = web3
        self._address = address

    def read(self, first: int, last: int, topics: Topics) -> Iterator[list[Log]]:
        """The logs of the blocks ``first`` to ``last`` in chain order, range by range.

        Raises RangeRefused when the node refuses a single block, RateLimited when pauses do not help, ChainUnavailable
        when the node cannot be reached.
        """
        widest = span = max(1, last - first + 1)
        pauses = 0
        while first <= last:
            end = min(last, first + span - 1)
            try:
                found: list[Log] = rpc.ask(
                    self._web3,
                    "eth_getLogs",
                    {"address": self._address, "fromBlock": hex(first), "toBlock": hex(end), "topics": list(topics)},
                )
            except RangeRefused:
                if end == first:
                    raise
                span = (end - first + 1) // 2
                continue
            except RateLimited as error:
                if pauses == _PAUSES:
                    raise
                pauses += 1
                time.sleep(min(_PAUSE_S if error.retry_after is None else error.retry_after, _LONGEST_PAUSE_S))
                continue
            with rpc.translated():
                logs = sorted(found, key=position)
            yield logs
            first, span, pauses = end + 1, min(widest, span * 2), 0
