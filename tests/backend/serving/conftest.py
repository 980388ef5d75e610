"""Servers in processes of their own, and clients that speak HTTP by hand."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from backend.processes import free_port
from backend.settings import ROOT

START_S = 60


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict:
        return json.loads(self.body)


class Client(socket.socket):
    """``arrived`` is what was received and not read yet."""

    arrived = b""

    def receive(self) -> bool:
        part = self.recv(65536)
        self.arrived += part
        return bool(part)


@dataclass
class Server:
    process: subprocess.Popen
    port: int
    opened: list[Client] = field(default_factory=list)

    def connect(self, data: bytes = b"", timeout_s: float = 60) -> Client:
        client = Client()
        client.settimeout(timeout_s)
        client.connect(("127.0.0.1", self.port))
        self.opened.append(client)
        client.sendall(data)
        return client

    def get(self, path: str, timeout_s: float = 60) -> Answer:
        head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nConnection: close\r\n\r\n"
        return read_answer(self.connect(head.encode(), timeout_s))

    def alive_within(self, limit_s: float) -> bool:
        begun = time.monotonic()
        answer = self.get("/api/v1/health", limit_s)
        return answer.status == 200 and time.monotonic() - begun < limit_s


def read_answer(client: Client) -> Answer:
    """The answer on a connection that the server closes, or whose length it gives; interim answers are skipped."""
    while b"\r\n\r\n" not in client.arrived:
        assert client.receive(), f"the server closed the connection after {client.arrived!r}"
    head, _, client.arrived = client.arrived.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    if first.split()[1] == "100":
        return read_answer(client)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    length = int(headers.get("content-length", 2**60))
    parts, size = [client.arrived], len(client.arrived)
    while size < length and (part := client.recv(1024 * 1024)):
        parts.append(part)
        size += len(part)
    everything = b"".join(parts)
    client.arrived = everything[length:]
    return Answer(int(first.split()[1]), headers, everything[:length])


@contextmanager
def gunicorn(
    app: str, *options: str, environ: Mapping[str, str] | None = None, preexec_fn: Callable[[], None] | None = None
) -> Iterator[Server]:
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", app, "--bind", f"127.0.0.1:{port}", "--log-level", "warning", *options]
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "SCANPROOF_PORT": str(port), **(environ or {})}
    with subprocess.Popen(command, cwd=ROOT, env=environ, preexec_fn=preexec_fn) as process:
        server = Server(process, port)
        try:
            wait_until_it_serves(server)
            yield server
        finally:
            for client in server.opened:
                client.close()
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            try:
                process.wait(40)
            except subprocess.TimeoutExpired:
                process.kill()


def wait_until_it_serves(server: Server) -> None:
    deadline = time.monotonic() + START_S
    while True:
        assert server.process.poll() is None, "the server ended"
        try:
            assert server.alive_within(30)
            return
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


@pytest.fixture(scope="module")
def echo() -> Iterator[Server]:
    with gunicorn("tests.backend.serving.echo:app") as server:
        yield server
