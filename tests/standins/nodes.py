"""A node with the faults of real providers: it relays JSON-RPC to a true node, and rules change what it answers.

A rule gets each request and may answer itself, or change the true node's answer. Rules can be set at any time.
"""

from __future__ import annotations

import http.client
import itertools
import json
import random
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

Json = Any
CLOSED, RESET = 0, -1
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Raw:
    """An HTTP answer as it is. ``drip_s`` are the seconds between two bytes. With the status CLOSED or RESET the
    connection ends without one."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    drip_s: float = 0.0


class Rule:
    """Answers as the true node does. ``relay`` asks it."""

    def call(self, method: str, params: list[Json], relay: Callable[[], Json]) -> Json | Raw:
        """The JSON-RPC answer without id, such as ``{"result": …}``."""
        return relay()

    def batch(self, calls: list[Json], each: Callable[[Json], Json]) -> Json | Raw:
        """The JSON of a batch's answer; ``each`` answers one call of it."""
        return [each(call) for call in calls]


def error(code: object, message: object, **more: Json) -> Json:
    return {"error": {"code": code, "message": message, **more}}


def result(value: Json) -> Json:
    return {"result": value}


def refusal(message: object, code: int = -32005) -> Json:
    return error(code, message)


Intercept = Callable[[str, list[Json]], Json | Raw | None]
"""Method and parameters in; the answer, or None to let the request through."""


class Intercepting(Rule):
    """``batches``: whether several requests in one are answered, or refused."""

    def __init__(self, intercept: Intercept, *, batches: bool = True) -> None:
        self._intercept = intercept
        self._batches = batches

    def call(self, method: str, params: list[Json], relay: Callable[[], Json]) -> Json | Raw:
        answer = self._intercept(method, params)
        return relay() if answer is None else answer

    def batch(self, calls: list[Json], each: Callable[[Json], Json]) -> Json | Raw:
        if self._batches:
            return super().batch(calls, each)
        return {"jsonrpc": "2.0", "id": None, **refusal("batches are for paying customers")}


class Garbled(Rule):
    """Changes one place in every third answer, the same for the same seed and the same requests."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def call(self, method: str, params: list[Json], relay: Callable[[], Json]) -> Json | Raw:
        if self._random.random() < 0.67:
            return relay()
        if self._random.random() < 0.1:
            bodies = (b"", b"[]", b"<html>", b"\xff\xfe", b"[" * 5000, b'{"result":', b"null", b'"x"', b"1e999")
            return Raw(self._random.choice([200, 200, 400, 403, 404, 500, 502]), self._random.choice(bodies))
        answer = relay()
        if self._random.random() < 0.1:
            return error(self._random.choice([-32000, -32005, -32601, 429, None, "x"]), self._other())
        return {"result": self._changed(answer.get("result"))}

    def _changed(self, value: Json) -> Json:
        if isinstance(value, dict) and value and self._random.random() < 0.9:
            key = self._random.choice(sorted(value))
            if self._random.random() < 0.3:
                return {name: each for name, each in value.items() if name != key}
            return {**value, key: self._changed(value[key])}
        if isinstance(value, list) and value and self._random.random() < 0.9:
            place = self._random.randrange(len(value))
            return [*value[:place], self._changed(value[place]), *value[place + 1 :]]
        return self._other()

    def _other(self) -> Json:
        return self._random.choice(
            [
                *(None, True, 0, -1, 2**300, 1.5, "", "0x", "0xzz", "0x0", "0x1", "-0x1", "12", "ä", "\ud800"),
                *([], {}, [[]], {"message": {}}, "0x" + "f" * 64, "0x" + "f" * 40, "0x" + "f" * 511, "f" * 100_000),
            ]
        )


@dataclass
class QuirkyNode:
    """``counts`` are the requests by method; those of batches are counted singly, and batches as "batch". ``posts`` are
    the HTTP requests."""

    url: str
    rule: Rule = field(default_factory=Rule)
    counts: Counter[str] = field(default_factory=Counter)
    calls: list[tuple[str, list[Json]]] = field(default_factory=list)
    posts: int = 0


@contextmanager
def quirky_node(upstream: str, rule: Rule | None = None) -> Iterator[QuirkyNode]:
    """Each has an address of its own, because a client remembers the limits of an address."""
    target = urlsplit(upstream)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            node.posts += 1
            if isinstance(request, list):
                node.counts["batch"] += 1
                answer = self.whole(request) if type(node.rule) is Rule else node.rule.batch(request, self.each)
                # A batch has one HTTP answer.
                if isinstance(answer, list):
                    answer = next((each for each in answer if isinstance(each, Raw)), answer)
            else:
                answer = self.each(request)
            raw = answer if isinstance(answer, Raw) else Raw(body=json.dumps(answer).encode())
            if raw.status in (CLOSED, RESET):
                self.close_connection = True
                if raw.status == RESET:
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.connection.close()
                return
            # Without a Date of our own where the rule gives one.
            (self.send_response_only if "Date" in raw.headers else self.send_response)(raw.status)
            for name, value in {"Content-Length": str(len(raw.body)), **raw.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                if not raw.drip_s:
                    self.wfile.write(raw.body)
                for byte in raw.body if raw.drip_s else b"":
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                    time.sleep(raw.drip_s)
            except OSError:  # the client has gone
                self.close_connection = True

        def do_GET(self) -> None:
            self.send_response(405)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def whole(self, calls: list[Json]) -> Json:
            """The true node's answer to a batch, of which no rule changes anything."""
            node.counts.update(call["method"] for call in calls)
            node.calls.extend((call["method"], call["params"]) for call in calls)
            return json.loads(self.forwarded(json.dumps(calls).encode()))

        def each(self, call: Json) -> Json | Raw:
            method, params = call["method"], call["params"]
            node.counts[method] += 1
            node.calls.append((method, params))

            def relay() -> Json:
                body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
                answer = json.loads(self.forwarded(body))
                return {name: answer[name] for name in ("result", "error") if name in answer}

            answer = node.rule.call(method, params, relay)
            return answer if isinstance(answer, Raw) else {"jsonrpc": "2.0", "id": call["id"], **answer}

        def forwarded(self, body: bytes) -> bytes:
            """The true node's answer, over one connection for each client, which the node may close when it idles."""
            for last in (False, True):
                try:
                    self.upstream.request("POST", target.path or "/", body, {"Content-Type": "application/json"})
                    return self.upstream.getresponse().read()
                except (OSError, http.client.HTTPException):
                    self.upstream.close()
                    if last:
                        raise
            raise AssertionError("the last attempt returns or raises")

        def setup(self) -> None:
            super().setup()
            self.upstream = http.client.HTTPConnection(target.hostname or "", target.port or 80, timeout=60)

        def finish(self) -> None:
            self.upstream.close()
            super().finish()

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """Clients that go away are part of the tests."""

    server = Server(("127.0.0.1", 0), Handler)
    node = QuirkyNode(f"http://127.0.0.1:{server.server_port}/{next(_numbers)}/secret-key", rule or Rule())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield node
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def relay(url: str, intercept: Intercept, *, batches: bool = True) -> Iterator[str]:
    """The address of a quirky node whose rule is one function."""
    with quirky_node(url, Intercepting(intercept, batches=batches)) as node:
        yield node.url
