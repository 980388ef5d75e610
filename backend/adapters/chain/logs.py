"""Reading the logs of one contract, whatever range of blocks the node accepts in one request."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from web3 import Web3

from backend.adapters.chain import rpc
from backend.adapters.chain.rpc import RangeRefused, RateLimited

_PAUSES = 3
_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 10.0


def position(log: dict) -> tuple[int, int]:
    """Block number and index within the block."""
    return int(log["blockNumber"], 16), int(log["logIndex"], 16)


class LogReader:
    """``eth_getLogs`` below the limits of the node, which differ from node to node and are not announced.

    A refused range is halved until it passes, and doubled again after that: time-outs and errors of the server look the
    same, and pass. A node that is asked too often is given a pause instead, a few times in a row.
    """

    def __init__(self, web3: Web3, address: str) -> None:
        self._web3 = web3
        self._address = address

    def read(self, first: int, last: int, topics: Sequence) -> Iterator[list[dict]]:
        """The logs of the blocks ``first`` to ``last`` in chain order, as JSON-RPC gives them, range by range.

        Raises RangeRefused when even a single block is refused, RateLimited when pauses do not help, ChainUnavailable
        when the node cannot be reached.
        """
        widest = span = max(1, last - first + 1)
        pauses = 0
        while first <= last:
            end = min(last, first + span - 1)
            try:
                logs = rpc.ask(
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
                logs = sorted(logs, key=position)
            yield logs
            first, span, pauses = end + 1, min(widest, span * 2), 0
