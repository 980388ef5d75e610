"""A node that misbehaves: it relays JSON-RPC to a real one and answers some requests itself."""

from __future__ import annotations

import itertools
import json
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_numbers = itertools.count(1)
"""A client remembers the limits of an address: each relay has its own."""
Answer = tuple[int, bytes] | tuple[int, bytes, dict[str, str]]
Intercept = Callable[[str, list], Answer | None]
"""Method and parameters in; HTTP status, body and, if need be, headers out, or None to let the request through."""


def refusal(message: object, code: int = -32005) -> Answer:
    return 200, json.dumps({"jsonrpc": "2.0", "id": 1, "error": {"code": code, "message": message}}).encode()


def result(value: object) -> Answer:
    return 200, json.dumps({"jsonrpc": "2.0", "id": 1, "result": value}).encode()


@contextmanager
def relay(url: str, intercept: Intercept, *, batches: bool = True) -> Iterator[str]:
    """``batches``: whether several requests in one are relayed, as they are, or refused."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            request = json.loads(body)
            if isinstance(request, list):
                answer = None if batches else refusal("batches are for paying customers")
            else:
                answer = intercept(request["method"], request["params"])
            if answer is None:
                forward = urllib.request.Request(url, body, {"Content-Type": "application/json"})
                answer = 200, urllib.request.urlopen(forward).read()
            status, content, *headers = answer
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            for name, value in headers[0].items() if headers else ():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v3/secret-key/{next(_numbers)}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
