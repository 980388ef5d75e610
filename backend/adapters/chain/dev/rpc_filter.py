"""Stands before a development node: lets wallets and ScanProof's tools in, and no web page.

Ganache permits every origin, and both nodes have methods that rewrite the chain or sign with accounts that everybody
knows. So the node listens at a secret address, and this filter at the one that people enter in their wallets.

Ganache estimates at the time of its newest block, not of the next one. On a chain that nobody wrote to for 15 minutes,
the contract would refuse each new diagnosis as one of the future. So the filter has a block mined before.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import socket
import threading
import time
from collections.abc import Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NoReturn, cast
from urllib.parse import urlsplit

from backend.adapters.chain.timed_reader import TimedReader
from backend.errors import ConfigurationError
from backend.hosts import is_loopback_host

METHODS = frozenset(
    {
        "eth_blockNumber",
        "eth_call",
        "eth_chainId",
        "eth_estimateGas",
        "eth_feeHistory",
        "eth_gasPrice",
        "eth_getBalance",
        "eth_getBlockByHash",
        "eth_getBlockByNumber",
        "eth_getBlockReceipts",
        "eth_getBlockTransactionCountByHash",
        "eth_getBlockTransactionCountByNumber",
        "eth_getCode",
        "eth_getLogs",
        "eth_getProof",
        "eth_getRawTransactionByHash",
        "eth_getStorageAt",
        "eth_getTransactionByBlockHashAndIndex",
        "eth_getTransactionByBlockNumberAndIndex",
        "eth_getTransactionByHash",
        "eth_getTransactionCount",
        "eth_getTransactionReceipt",
        "eth_maxPriorityFeePerGas",
        "eth_sendRawTransaction",
        "eth_syncing",
        "net_listening",
        "net_version",
        "web3_clientVersion",
    }
)
"""What wallets and ScanProof's tools ask. None of them signs, moves time, or changes state without a signature; an
estimate may have an empty block mined."""
EXTENSIONS = ("chrome-extension://", "moz-extension://", "safari-web-extension://")
"""Origins of browser extensions. Whoever installs a wallet lets it reach every site."""
MAX_BODY_BYTES = 1024 * 1024
MAX_BATCH = 200
MAX_ANSWER_BYTES = 64 * 1024 * 1024
MAX_CONNECTIONS = 64
REQUEST_WITHIN_S = 30.0
"""For a whole request, and for the wait between two of one connection."""
OLD_BLOCK_S = 10 * 60
"""The age of the newest block from which a new one is mined before an estimate."""
_FREED_WITHIN_S = 1.0
_NODE_WITHIN_S = 60.0
_PARSE_ERROR, _INVALID_REQUEST, _METHOD_NOT_FOUND, _INTERNAL_ERROR = -32700, -32600, -32601, -32603

Json = Any


class RpcFilter:
    """Listens at ``host`` and ``port`` from ``start`` to ``stop`` and forwards to the node at ``node_url``.

    ``origins`` are those of ScanProof's own page. Every other web page is refused.
    """

    def __init__(self, host: str, port: int, *, node_url: str, origins: Sequence[str]) -> None:
        self._address = (host, port)
        self._node_url = node_url
        self._origins = frozenset(origins)
        self._server: _Server | None = None

    def start(self) -> None:
        """Raises ConfigurationError when the port is taken."""
        node = urlsplit(self._node_url)
        try:
            self._server = _Server(self._address, (node.hostname or "", node.port or 0), self._origins)
        except OSError as error:
            host, port = self._address
            raise ConfigurationError(f"the chain cannot be served at {host}:{port}: {error.strerror}") from error
        threading.Thread(target=self._server.serve_forever, name="rpc-filter", daemon=True).start()

    def stop(self) -> None:
        """Does nothing when it is stopped already."""
        server, self._server = self._server, None
        if server:
            server.shutdown()
            server.server_close()
            server.close_connections()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = MAX_CONNECTIONS

    def __init__(self, address: tuple[str, int], node: tuple[str, int], origins: frozenset[str]) -> None:
        self.node = node
        self.origins = origins
        self._free = threading.Semaphore(MAX_CONNECTIONS)
        self._open: set[socket.socket] = set()
        self._idle: dict[socket.socket, None] = {}
        self._lock = threading.Lock()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._free.acquire(blocking=False):
            self._end_longest_idle()
            if not self._free.acquire(timeout=_FREED_WITHIN_S):
                self.shutdown_request(request)
                return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open.add(request)
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._lock:
                self._open.discard(request)
                self._idle.pop(request, None)
            self._free.release()

    def waits(self, connection: socket.socket, *, for_request: bool) -> None:
        """Note whether ``connection`` waits for its next request, or works on one."""
        with self._lock:
            self._idle.pop(connection, None)
            if for_request:
                self._idle[connection] = None

    def _end_longest_idle(self) -> None:
        """A client that keeps a connection without a request does not keep others out."""
        with self._lock:
            connection = next(iter(self._idle), None)
            if connection:
                self._idle.pop(connection)
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def close_connections(self) -> None:
        """A client that keeps its connection would go on asking the node that has ended, not the next one."""
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no error of the chain's owner, on whose terminal it would be printed."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    server_version = "ScanProof"
    sys_version = ""
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        raw = cast(io.BufferedReader, self.rfile).detach()
        self._reader = TimedReader(raw, self.connection, REQUEST_WITHIN_S)
        self.rfile = io.BufferedReader(self._reader)

    def handle_one_request(self) -> None:
        self._reader.restart()
        self.server.waits(self.connection, for_request=True)
        super().handle_one_request()

    def parse_request(self) -> bool:
        self.server.waits(self.connection, for_request=False)
        return super().parse_request()

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing: requests are no news."""

    def do_OPTIONS(self) -> None:
        """A preflight of CORS (Fetch Standard), and of Private Network Access."""
        if (refusal := self._refusal()) or not self.headers.get("Origin"):
            self._refuse(HTTPStatus.FORBIDDEN, refusal or "expected an Origin")
            return
        self.send_response(HTTPStatus.NO_CONTENT)
        self.send_header("Access-Control-Allow-Methods", "POST")
        self.send_header("Access-Control-Allow-Headers", "Content-Type")
        self.send_header("Access-Control-Allow-Private-Network", "true")
        self._end_headers(b"")

    def do_POST(self) -> None:
        if refusal := self._refusal():
            self._refuse(HTTPStatus.FORBIDDEN, refusal)
        elif self.headers.get_content_type() != "application/json" or "Content-Type" not in self.headers:
            self._refuse(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "expected the content type application/json")
        elif (length := self._length()) is None:
            self._refuse(HTTPStatus.LENGTH_REQUIRED, "expected one Content-Length, and no Transfer-Encoding")
        elif length > MAX_BODY_BYTES:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"expected a body of at most {MAX_BODY_BYTES:,} bytes")
        else:
            body = self.rfile.read(length)
            if len(body) < length:
                self.close_connection = True
                return
            self._answer(*_Exchange(self.server.node).answer(body))

    def do_GET(self) -> None:
        self._refuse(HTTPStatus.METHOD_NOT_ALLOWED, "expected POST with a JSON-RPC request")

    def _refusal(self) -> str | None:
        """Why this client may not ask the chain; None if it may."""
        hosts, origins = self.headers.get_all("Host", []), self.headers.get_all("Origin", [])
        if len(hosts) != 1 or not is_loopback_host(hosts[0]):
            return "expected a loopback address or localhost as Host"
        if len(origins) > 1:
            return "expected at most one Origin"
        if origins:
            known = origins[0] in self.server.origins or origins[0].startswith(EXTENSIONS)
            return None if known else "this chain answers wallets and ScanProof, not other web pages"
        # A browser leaves Origin out of some requests, but says where each comes from (Fetch Metadata).
        if self.headers.get("Sec-Fetch-Site", "none") != "none":
            return "expected an Origin from a browser"
        return None

    def _length(self) -> int | None:
        lengths = self.headers.get_all("Content-Length", [])
        if "Transfer-Encoding" in self.headers or len(lengths) != 1:
            return None
        text = lengths[0].strip()
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else None

    def _refuse(self, status: HTTPStatus, reason: str) -> None:
        # The body is not read, so that the connection cannot be used again.
        self.close_connection = True
        self._answer(status, _encode(_failure(None, _INVALID_REQUEST, reason)))

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self._end_headers(body)

    def _end_headers(self, body: bytes) -> None:
        origin = self.headers.get("Origin")
        self.send_header("Vary", "Origin")
        if origin and self._refusal() is None:
            self.send_header("Access-Control-Allow-Origin", origin)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.connection.settimeout(REQUEST_WITHIN_S)
        self.wfile.write(body)


class _Exchange:
    """One HTTP request with its JSON-RPC calls (JSON-RPC 2.0)."""

    def __init__(self, node: tuple[str, int]) -> None:
        self._node = node

    def answer(self, body: bytes) -> tuple[int, bytes]:
        """HTTP status and body."""
        try:
            calls = json.loads(body, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            return HTTPStatus.BAD_REQUEST, _encode(_failure(None, _PARSE_ERROR, "expected JSON"))
        if not isinstance(calls, list):
            refused = _refused(calls)
            if refused:
                return HTTPStatus.OK, _encode(refused)
            self._prepare([calls])
            return self._forward(_clean(calls))
        if not 0 < len(calls) <= MAX_BATCH:
            reason = f"expected a batch of 1 to {MAX_BATCH} calls, found {len(calls)}"
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _encode(_failure(None, _INVALID_REQUEST, reason))
        refusals = [_refused(call) for call in calls]
        allowed = [_clean(call) for call, refused in zip(calls, refusals, strict=True) if not refused]
        if not allowed:
            return HTTPStatus.OK, _encode(refusals)
        self._prepare(allowed)
        status, answered = self._forward(allowed)
        if len(allowed) == len(calls):
            return status, answered
        try:
            answers = json.loads(answered)
        except (ValueError, RecursionError):
            answers = None
        if not isinstance(answers, list):
            return HTTPStatus.BAD_GATEWAY, _encode(_failure(None, _INTERNAL_ERROR, "the node refused the batch"))
        return status, _encode([*filter(None, refusals), *answers])

    def _prepare(self, calls: Sequence[Json]) -> None:
        """Have a block mined if these calls estimate and the newest block is old. Failures show in their answers."""
        if not any(_estimates(call) for call in calls):
            return
        _, answer = self._forward(_call("eth_getBlockByNumber", ["latest", False]))
        with contextlib.suppress(ValueError, LookupError, TypeError, RecursionError):
            mined_at = int(json.loads(answer)["result"]["timestamp"], 16)
            now = int(time.time())
            if now - mined_at > OLD_BLOCK_S:
                self._forward(_call("evm_mine", [now]))

    def _forward(self, calls: Json) -> tuple[int, bytes]:
        host, port = self._node
        connection = http.client.HTTPConnection(host, port, timeout=_NODE_WITHIN_S)
        with contextlib.closing(connection):
            try:
                connection.request("POST", "/", _encode(calls), {"Content-Type": "application/json"})
                response = connection.getresponse()
                answer = response.read(MAX_ANSWER_BYTES + 1)
            except (OSError, http.client.HTTPException):
                return HTTPStatus.BAD_GATEWAY, _encode(_failure(None, _INTERNAL_ERROR, "the node does not answer"))
        if len(answer) > MAX_ANSWER_BYTES:
            reason = f"the answer has more than {MAX_ANSWER_BYTES:,} bytes: ask for fewer blocks"
            return HTTPStatus.BAD_GATEWAY, _encode(_failure(None, _INTERNAL_ERROR, reason))
        return response.status, answer


def _refused(call: Json) -> Json:
    """The error that answers a call which is not forwarded; None for one that is."""
    if not isinstance(call, dict) or type(call.get("id")) not in (int, str) or not isinstance(call.get("method"), str):
        return _failure(None, _INVALID_REQUEST, "expected a JSON-RPC call with method and id, a number or a text")
    method, parameters = cast(str, call["method"]), call.get("params", [])
    if method not in METHODS:
        reason = f"this chain is for wallets and ScanProof, which do not need {method[:60]!a}"
        return _failure(call["id"], _METHOD_NOT_FOUND, reason)
    if not isinstance(parameters, list):
        return _failure(call["id"], _INVALID_REQUEST, "expected params as a list")
    return None


def _estimates(call: Json) -> bool:
    """Whether the call asks what a transaction would do next."""
    return call["method"] == "eth_estimateGas" or (call["method"] == "eth_call" and "pending" in call.get("params", []))


def _clean(call: Json) -> Json:
    """Written anew, so that the node reads exactly what was checked."""
    return _call(call["method"], call.get("params", []), call["id"])


def _call(method: str, parameters: Json, id_: int | str = 0) -> Json:
    return {"jsonrpc": "2.0", "id": id_, "method": method, "params": parameters}


def _failure(id_: int | str | None, code: int, message: str) -> Json:
    return {"jsonrpc": "2.0", "id": id_, "error": {"code": code, "message": message}}


def _encode(value: Json) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)
