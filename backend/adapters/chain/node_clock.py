"""The clock of a node, which the Date of its HTTP answers tells (RFC 9110, 6.6.1)."""

from __future__ import annotations

import json
from email.utils import parsedate_to_datetime

from backend.adapters.chain.http_node import HttpNode
from backend.settings import Secret, reveal

_QUESTION = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}


def node_time(url: Secret | str) -> int | None:
    """Unix seconds; None when the node does not tell. Raises ChainUnavailable."""
    date = HttpNode(reveal(url)).post(json.dumps(_QUESTION).encode()).headers.get("Date")
    try:
        return int(parsedate_to_datetime(date).timestamp()) if date else None
    except (ValueError, OverflowError):
        return None
