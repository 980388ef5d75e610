"""The whole server while the node or the store hangs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.settings import Settings, reveal
from tests.backend.serving.conftest import PROMPT_S, Server, gunicorn, read_answer
from tests.standins.silent import silent_server

API = "/api/v1"
APP = ("backend.wsgi:app", "--graceful-timeout", "2")
MANY = 24
"""More than the server's threads."""
UNKNOWN_CID = "bafkreih2grj7p2bo5yk2guqazxfjzapv6hpm3mwrinv6s3cyayd72ke5he"
UNKNOWN_IMAGE = "0x" + "ab" * 32


def environ_of(settings: Settings, var: Path, **changes: str) -> dict[str, str]:
    return {
        "SCANPROOF_VAR": str(var),
        "SCANPROOF_CHAIN": "external",
        "SCANPROOF_CHAIN_ID": str(settings.chain_id),
        "SCANPROOF_RPC_URL": reveal(settings.rpc_url),
        "SCANPROOF_CONTRACT_ADDRESS": str(settings.contract_address),
        "SCANPROOF_CONTRACT_BLOCK": str(settings.contract_block),
        "SCANPROOF_STORAGE": "embedded",
        **changes,
    }


@pytest.fixture
def with_silent_node(ganache: Settings, tmp_path: Path) -> Iterator[Server]:
    with (
        silent_server() as url,
        gunicorn(*APP, environ=environ_of(ganache, tmp_path, SCANPROOF_RPC_URL=url)) as server,
    ):
        yield server


@pytest.fixture
def with_silent_pinata(ganache: Settings, tmp_path: Path) -> Iterator[Server]:
    with silent_server() as url:
        changes = {
            "SCANPROOF_STORAGE": "pinata",
            "PINATA_JWT": "jwt",
            **dict.fromkeys(("PINATA_GATEWAY", "PINATA_UPLOAD_URL", "PINATA_API_URL"), url),
            "PINATA_PUBLIC_GATEWAYS": url,
        }
        with gunicorn(*APP, environ=environ_of(ganache, tmp_path, **changes)) as server:
            yield server


def ask_without_waiting(server: Server, *paths: str) -> None:
    for path in paths:
        server.connect(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n".encode())


def assert_ready_names(server: Server, part: str, others: set[str]) -> None:
    """As soon as the model is loaded."""
    good: set[str] = set()
    deadline = time.monotonic() + 60
    while good != others and time.monotonic() < deadline:
        begun = time.monotonic()
        ready = server.get(f"{API}/ready")
        assert time.monotonic() - begun < PROMPT_S
        assert ready.status == 503
        good = {name for name, outcome in ready.json["checks"].items() if outcome == "ok"}
        assert part not in good
    assert good == others


def test_a_node_that_hangs_stops_only_what_needs_it(with_silent_node: Server) -> None:
    server = with_silent_node
    ask_without_waiting(server, *(f"{API}/records/{UNKNOWN_IMAGE}/verification" for _ in range(MANY)))
    ask_without_waiting(server, *(f"{API}/transactions/{UNKNOWN_IMAGE}" for _ in range(MANY // 2)))
    assert server.answers_health()
    assert_ready_names(server, "chain", {"storage", "database", "model"})
    assert server.get(f"{API}/config", 12).status == 200
    assert server.get(f"{API}/images/{UNKNOWN_CID}", 12).status == 404
    assert server.get(f"{API}/records", 12).json["index"]["synced"] is False
    for kind in ("csv", "json"):
        name = server.get(f"{API}/records.{kind}", 12).headers["content-disposition"]
        assert name == f'attachment; filename="scanproof-records-incomplete.{kind}"'


def test_a_store_that_hangs_stops_only_what_needs_it(with_silent_pinata: Server) -> None:
    server = with_silent_pinata
    ask_without_waiting(server, *(f"{API}/images/{UNKNOWN_CID}/content" for _ in range(MANY)))
    assert server.answers_health()
    assert_ready_names(server, "storage", {"chain", "database", "model"})
    assert server.get(f"{API}/config", 12).status == 200
    assert server.get(f"{API}/records", 12).status == 200
    assert server.get(f"{API}/ledger", 12).status == 200
    assert server.get(f"{API}/records.csv", 12).status == 200


def test_who_waits_for_a_store_that_hangs_gets_503_with_a_time_to_try_again(with_silent_pinata: Server) -> None:
    server = with_silent_pinata
    ask_without_waiting(server, *(f"{API}/images/{UNKNOWN_CID}" for _ in range(8)))
    refused = server.get(f"{API}/images/{UNKNOWN_CID}", 12)
    assert refused.status == 503
    assert refused.json["type"] == "urn:scanproof:problem:storage-unavailable"
    assert int(refused.headers["retry-after"]) > 0


def test_eight_half_sent_uploads_leave_room_for_a_whole_one(ganache: Settings, tmp_path: Path, picture) -> None:
    with gunicorn(*APP, environ=environ_of(ganache, tmp_path)) as server:
        head = (
            f"POST {API}/images HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
            "Content-Type: multipart/form-data; boundary=limit\r\n"
        )
        for _ in range(8):
            server.connect(f"{head}Content-Length: 100000\r\n\r\n--limit\r\n".encode())
        assert server.answers_health()
        part = b'--limit\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
        body = part + picture() + b"\r\n--limit--\r\n"
        answer = read_answer(server.connect(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body))
        assert answer.status == 201
        cid = answer.json["cid"]
        assert server.get(f"{API}/images/{cid}/content", 10).status == 200
