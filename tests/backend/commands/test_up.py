"""`scanproof up` for real: what it prints, what it leaves behind, and how it ends."""

from __future__ import annotations

import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.adapters.chain.development_accounts import CLINICIAN, USER
from backend.adapters.ipfs.unixfs import cid_of
from backend.processes import free_port, port_is_free

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc to find the children")


def children(pid: int) -> set[int]:
    """Every process below ``pid``."""
    found: set[int] = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rsplit(")", 1)[1].split()[1])
        except (OSError, IndexError):
            continue
        if parent == pid:
            child = int(stat.parent.name)
            found |= {child} | children(child)
    return found


def gone(pids: set[int], timeout_s: float = 60) -> bool:
    deadline = time.monotonic() + timeout_s
    while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


class Up:
    def __init__(self, process: subprocess.Popen, answer: dict) -> None:
        self.process = process
        self.answer = answer
        self.children = children(process.pid)

    @property
    def port(self) -> int:
        return int(self.answer["url"].rsplit(":", 1)[1])

    def get(self, path: str) -> dict:
        with urllib.request.urlopen(self.answer["url"] + path) as answer:
            return json.load(answer)

    def shows(self, cid: str, timeout_s: float = 60) -> bool:
        """Whether its one record is that image, as soon as it has read the chain."""
        deadline = time.monotonic() + timeout_s
        while not (records := self.get("/api/v1/records")["records"]) and time.monotonic() < deadline:
            time.sleep(0.1)
        return [record["cid"] for record in records] == [cid]

    def end(self, signal_number: int) -> int:
        self.process.send_signal(signal_number)
        return self.process.wait(60)


@contextmanager
def up(scanproof, *, limited: bool = False) -> Iterator[Up]:
    """``limited``: no file may grow, as on a full disk, so that coverage cannot be measured either."""
    unmeasured = ("env", "-u", "COVERAGE_PROCESS_START", "-u", "COVERAGE_PROCESS_CONFIG")
    within = (*unmeasured, "prlimit", "--fsize=0:0") if limited else ()
    process = scanproof.start("up", "--port", free_port(), "--json", within=within)
    line = process.stdout.readline()
    assert line, process.stderr.read()
    running = Up(process, json.loads(line))
    try:
        yield running
    finally:
        if process.poll() is None:
            running.end(signal.SIGTERM)
        process.stdout.close()
        process.stderr.close()


@pytest.mark.parametrize("chain", ["ganache", "anvil"])
def test_it_serves_until_ctrl_c_and_the_next_start_finds_the_records(scanproof, chain):
    scanproof.environ["SCANPROOF_CHAIN"] = chain
    cid = cid_of(chain.encode())
    with up(scanproof) as first:
        assert first.get("/api/v1/health") == {"status": "ok"}
        assert first.answer["account"] == {"address": USER.address, "privateKey": USER.private_key}
        assert first.answer["clinician"] == {"address": CLINICIAN.address, "privateKey": CLINICIAN.private_key}
        wallet = DevelopmentWallet(first.answer["chain"]["rpcUrl"], first.answer["contract"], USER)
        wallet.register_image(cid)
        assert first.shows(cid)
        assert len(first.children) == 3  # the node, gunicorn, its worker
        assert first.end(signal.SIGINT) == 130
        assert first.process.stdout.read() == ""
    assert gone(first.children)
    assert port_is_free("127.0.0.1", first.port)

    with up(scanproof) as second:
        assert second.answer["contract"] == first.answer["contract"]
        assert second.shows(cid)


def test_where_nothing_can_be_written_it_serves_what_is_known_without_its_chain(scanproof):
    cid = cid_of(b"known")
    with up(scanproof) as first:
        DevelopmentWallet(first.answer["chain"]["rpcUrl"], first.answer["contract"], USER).register_image(cid)
        assert first.shows(cid)
    with up(scanproof, limited=True) as second:
        assert second.answer["contract"] == first.answer["contract"]
        assert second.get("/api/v1/health") == {"status": "ok"}
        assert second.shows(cid)
        assert len(second.children) == 2  # gunicorn and its worker
        assert second.end(signal.SIGINT) == 130
        messages = second.process.stderr.read()
    assert "nothing can be recorded" in messages
    assert "nothing can be uploaded" in messages
    # Each step is shown only where it takes long.
    progress = {"starting the chain", "starting the server"}
    assert {line for line in messages.splitlines() if not line.startswith("scanproof: ")} <= progress


def test_requests_in_flight_finish_when_it_is_stopped(scanproof):
    with up(scanproof) as running:
        with socket.create_connection(("127.0.0.1", running.port)) as client:
            client.settimeout(60)
            body = b'{"model": null}'
            head = f"POST /api/v1/images/x/classifications HTTP/1.1\r\nHost: 127.0.0.1:{running.port}\r\n"
            client.sendall(f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode())
            time.sleep(0.5)
            running.process.send_signal(signal.SIGINT)
            time.sleep(0.5)
            client.sendall(body)
            assert client.recv(100).startswith(b"HTTP/1.1 400 ")
        assert running.process.wait(60) == 130
    assert gone(running.children)


def test_nothing_outlives_it_when_it_is_killed(scanproof):
    with up(scanproof) as running:
        assert running.end(signal.SIGKILL) == -9
    assert gone(running.children)


def test_a_closed_terminal_and_impatient_signals_end_it_as_cleanly(scanproof):
    with up(scanproof) as running:
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
            running.process.send_signal(number)
            time.sleep(0.05)
        assert running.process.wait(60) == 129
    assert gone(running.children)


@pytest.mark.parametrize(
    ("victim", "reason"), [("anvil", "anvil ended with status -9"), ("gunicorn", "the server ended")]
)
def test_when_one_part_dies_the_other_is_stopped(scanproof, victim, reason):
    with up(scanproof) as running:
        direct = {pid for pid in running.children if parent_of(pid) == running.process.pid}
        (pid,) = [pid for pid in direct if victim in Path(f"/proc/{pid}/cmdline").read_text()]
        os.kill(pid, signal.SIGKILL)
        assert running.process.wait(60) == 1
        error = json.loads(running.process.stdout.read())["error"]["message"]
        assert error.startswith(reason)
        assert error.endswith("; everything is stopped")
    assert gone(running.children)


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


def test_a_second_one_is_reported_where_the_first_is(scanproof):
    with up(scanproof) as running:
        same_port = scanproof("up", "--port", running.port)
        other_port = scanproof("up", "--port", free_port(), "--json")

    assert (same_port.status, same_port.stdout) == (1, "")
    assert same_port.stderr.endswith(
        f"scanproof: port {running.port} is not free, ScanProof is running already at http://127.0.0.1:{running.port}: "
        "stop it, or choose another with --port\n"
    )
    assert (other_port.status, other_port.json["error"]["type"]) == (1, "ChainInUse")
    assert other_port.json["error"]["message"].startswith(f"process {running.process.pid} runs the chain in ")


def test_a_port_of_another_program_is_reported(scanproof):
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    result = scanproof("up", "--port", server.server_port)
    server.shutdown()
    server.server_close()

    assert result.status == 1
    assert f"port {server.server_port} is not free, another program uses it: stop it" in result.stderr


@pytest.mark.parametrize("port", [5060, 6667, 10080])
def test_a_port_that_browsers_refuse_is_reported_before_anything_starts(scanproof, port):
    result = scanproof("up", SCANPROOF_PORT=str(port))
    assert (result.status, result.stdout) == (1, "")
    assert result.stderr.endswith(f"browsers open no page at port {port}: choose another with --port\n")


def test_an_external_chain_is_used_as_it_is(scanproof, ganache):
    scanproof.environ.update(
        {
            "SCANPROOF_CHAIN": "external",
            "SCANPROOF_RPC_URL": ganache.rpc_url,
            "SCANPROOF_CHAIN_ID": str(ganache.chain_id),
            "SCANPROOF_CONTRACT_ADDRESS": ganache.contract_address,
        }
    )
    with up(scanproof) as running:
        assert "account" not in running.answer
        assert running.get("/api/v1/config")["chain"]["contract"] == ganache.contract_address
        assert len(running.children) == 2  # gunicorn and its worker


def test_an_external_chain_that_is_another_one_is_reported(scanproof, ganache):
    scanproof.environ.update(
        {
            "SCANPROOF_CHAIN": "external",
            "SCANPROOF_RPC_URL": ganache.rpc_url,
            "SCANPROOF_CHAIN_ID": "11155111",
            "SCANPROOF_CONTRACT_ADDRESS": ganache.contract_address,
        }
    )
    result = scanproof("up", "--port", free_port(), "--json")

    assert (result.status, result.json["error"]) == (
        1,
        {"type": "WrongChain", "message": "expected chain 11155111, but the node serves chain 1337"},
    )


def test_a_server_that_cannot_start_says_why_in_a_line(scanproof, tmp_path):
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "scanproof.db").write_bytes(b"not a database " * 100)
    result = scanproof("up", "--port", free_port())

    assert result.status == 1
    assert "Traceback" not in result.stderr
    assert "scanproof: the database" in result.stderr
    assert result.stderr.endswith("scanproof: the server ended with status 4; its messages are above\n")
