"""The time of a chain: of its newest block, or of its node where no block was mined lately."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from backend.adapters.chain import web3_chain
from backend.adapters.chain.node_clock import node_time
from backend.errors import ChainUnavailable


@pytest.fixture
def node_of() -> Iterator[Callable[[str], str]]:
    """The URL of a node whose answers have that Date."""
    with ExitStack() as stack:

        def start(date: str) -> str:
            class Handler(BaseHTTPRequestHandler):
                def do_POST(self) -> None:
                    self.send_response(200)
                    self.send_header("Content-Length", "0")
                    self.end_headers()

                def date_time_string(self, timestamp: float | None = None) -> str:
                    return date

                def log_message(self, *_: object) -> None:
                    pass

            server = HTTPServer(("127.0.0.1", 0), Handler)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            return f"http://127.0.0.1:{server.server_port}"

        yield start


def test_a_node_tells_its_time(registry):
    assert abs(node_time(registry.settings.rpc_url) - time.time()) < 10
    assert abs(registry.chain.time() - time.time()) < 10


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("Sun, 06 Nov 1994 08:49:37 GMT", 784111777),
        ("", None),
        ("yesterday", None),
        ("Sun, 06 Nov 99999 08:49:37 GMT", None),
        ("Sun, 99 Nov 1994 08:49:37 GMT", None),
        ("9" * 5000, None),
    ],
)
def test_the_date_of_the_answer_is_read(node_of, date, expected):
    assert node_time(node_of(date)) == expected


def test_a_node_that_is_down_is_unavailable():
    with pytest.raises(ChainUnavailable):
        node_time("http://127.0.0.1:1")


@pytest.mark.parametrize("clock", [0, None])
def test_a_block_that_is_newer_than_the_nodes_clock_decides(registry, monkeypatch, clock):
    monkeypatch.setattr(web3_chain, "node_time", lambda _url: clock)
    assert registry.chain.time() == registry.chain.head().timestamp
