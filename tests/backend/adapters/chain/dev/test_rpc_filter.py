"""The embedded chain answers wallets and tools, and no foreign web page."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import urlsplit

import pytest
import requests

from backend.adapters.chain.dev import embedded, rpc_filter
from backend.adapters.chain.dev.rpc_filter import MAX_BATCH, MAX_BODY_BYTES, RpcFilter
from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.adapters.chain.development_accounts import ADMIN, USER
from backend.adapters.chain.signer import KeyFileSigner
from backend.adapters.chain.web3_chain import Web3Chain
from backend.domain import Diagnosis
from backend.errors import ConfigurationError
from backend.processes import free_port
from tests.backend.models import register_models

from ..conftest import MODEL_ID, settings_of

PAGE = "http://127.0.0.1:5000"
CALL = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}
DANGEROUS = (
    *("eth_sendTransaction", "eth_sign", "eth_signTransaction", "eth_signTypedData_v4", "eth_accounts"),
    *("personal_unlockAccount", "personal_sendTransaction", "evm_mine", "evm_revert", "evm_setAccountStorageAt"),
    *("anvil_setBalance", "anvil_impersonateAccount", "hardhat_setCode", "debug_traceTransaction", "miner_stop"),
    *("admin_addPeer", "txpool_content", "eth_subscribe", "web3_unknown", "ETH_CHAINID", "eth_chainId ", ""),
)


class EchoNode(BaseHTTPRequestHandler):
    """Answers every call with its method, and keeps what it was sent."""

    received: list[object]
    newest_block = 0

    def do_POST(self) -> None:
        calls = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.received.append(calls)
        answer = [self._one(call) for call in calls] if isinstance(calls, list) else self._one(calls)
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _one(self, call: dict) -> dict:
        block = {"timestamp": hex(self.newest_block)}
        result = block if call["method"] == "eth_getBlockByNumber" else call["method"]
        return {"jsonrpc": "2.0", "id": call["id"], "result": result}

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def received() -> list[object]:
    return []


@pytest.fixture
def node(received: list[object]) -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), type("Node", (EchoNode,), {"received": received}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def url(node: str) -> Iterator[str]:
    port = free_port()
    served = RpcFilter("127.0.0.1", port, node_url=node, origins=[PAGE])
    served.start()
    yield f"http://127.0.0.1:{port}"
    served.stop()


def post(url: str, body: object = CALL, **headers: str) -> requests.Response:
    content = body if isinstance(body, (str, bytes)) else json.dumps(body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.post(url, content, headers={"Content-Type": "application/json", **named}, timeout=20)


def raw(url: str, content: bytes) -> bytes:
    """The answer to bytes that no client library sends."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as connection:
        connection.sendall(content)
        answer = b""
        while part := connection.recv(65536):
            answer += part
        return answer


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8545", "[::1]:8545", "127.0.0.1:1"])
def test_tools_on_this_machine_are_answered(url: str, host: str) -> None:
    answer = post(url, Host=host)
    assert (answer.status_code, answer.json()["result"]) == (200, "eth_chainId")
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8545", "127.0.0.1.evil.example", "10.0.0.1", "", "[::"])
def test_a_name_that_leads_here_by_rebinding_is_refused(url: str, received: list[object], host: str) -> None:
    assert post(url, Host=host).status_code == 403
    assert received == []


@pytest.mark.parametrize("origin", [PAGE, "chrome-extension://nkbihfbeogaeaoehlefnkodbefgpgknn", "moz-extension://1"])
def test_the_page_and_wallets_are_answered_and_may_read(url: str, origin: str) -> None:
    answer = post(url, Origin=origin)
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, origin)
    preflight = requests.options(url, headers={"Origin": origin, "Access-Control-Request-Method": "POST"}, timeout=20)
    assert (preflight.status_code, preflight.headers["Access-Control-Allow-Origin"]) == (204, origin)
    assert preflight.headers["Access-Control-Allow-Headers"] == "Content-Type"


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "",
        "http://127.0.0.1:5001",
        "http://localhost",
        "https://127.0.0.1:5000",
        "http://127.0.0.1:5000.evil.example",
        "http://chrome-extension://",
        "file://",
    ],
)
def test_a_foreign_page_neither_reads_nor_writes(url: str, received: list[object], origin: str) -> None:
    for answer in (
        post(url, Origin=origin),
        post(url, Origin=origin, Content_Type="text/plain"),
        requests.options(url, headers={"Origin": origin, "Access-Control-Request-Method": "POST"}, timeout=20),
    ):
        assert answer.status_code == 403
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    assert received == []


@pytest.mark.parametrize("site", ["cross-site", "same-site", "same-origin"])
def test_a_browser_that_hides_the_origin_is_refused(url: str, received: list[object], site: str) -> None:
    assert post(url, Sec_Fetch_Site=site).status_code == 403
    assert received == []


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", "multipart/form-data"])
def test_only_json_is_taken(url: str, received: list[object], kind: str) -> None:
    assert post(url, Content_Type=kind).status_code == 415
    assert received == []


@pytest.mark.parametrize(
    "headers",
    [
        b"Host: localhost\r\nHost: evil.example\r\nContent-Length: 2\r\n",
        b"Content-Length: 2\r\n",
        b"Host: localhost\r\nOrigin: http://127.0.0.1:5000\r\nOrigin: https://evil.example\r\nContent-Length: 2\r\n",
        b"Host: localhost\r\nContent-Length: 2\r\nContent-Length: 3\r\n",
        b"Host: localhost\r\nContent-Length: -2\r\n",
        b"Host: localhost\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n",
        b"Host: localhost\r\n",
    ],
)
def test_headers_that_can_be_read_in_two_ways_are_refused(url: str, received: list[object], headers: bytes) -> None:
    request = b"POST / HTTP/1.1\r\nContent-Type: application/json\r\n" + headers + b"\r\n{}"
    assert raw(url, request).split()[1] in (b"403", b"411")
    assert received == []


@pytest.mark.parametrize("method", DANGEROUS)
def test_other_methods_do_not_reach_the_node(url: str, received: list[object], method: str) -> None:
    call = {**CALL, "method": method}
    assert post(url, call).json()["error"]["code"] == -32601
    answers = post(url, [call, {**CALL, "id": 2}, {**call, "id": 3}]).json()
    assert {answer["id"]: answer.get("result", answer.get("error", {}).get("code")) for answer in answers} == {
        1: -32601,
        2: "eth_chainId",
        3: -32601,
    }
    assert post(url, [call, call]).json()[1]["error"]["code"] == -32601
    assert received == [[{**CALL, "id": 2}]]


@pytest.mark.parametrize(
    "body",
    [
        '{"jsonrpc":"2.0","id":1,"method":"eth_chainId","method":"evm_mine","params":[]}',
        '{"jsonrpc":"2.0","id":1,"method":["eth_chainId"],"params":[]}',
        '{"jsonrpc":"2.0","method":"eth_chainId","params":[]}',
        '{"jsonrpc":"2.0","id":{},"method":"eth_chainId","params":[]}',
        '{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":{"a":1}}',
        '{"jsonrpc":"2.0","id":NaN,"method":"eth_chainId","params":[]}',
        "[" * 100_000,
        "",
        "null",
        "[]",
        "[[]]",
        b"\xff",
    ],
)
def test_what_is_no_call_does_not_reach_the_node(url: str, received: list[object], body: str | bytes) -> None:
    answer = post(url, body).json()
    assert "error" in (answer[0] if isinstance(answer, list) else answer)
    assert received == []


def test_further_fields_of_a_call_are_dropped(url: str, received: list[object]) -> None:
    post(url, {**CALL, "extra": 1})
    assert received == [CALL]


def test_size_and_count_are_limited(url: str, received: list[object]) -> None:
    assert post(url, b" " * (MAX_BODY_BYTES + 1)).status_code == 413
    assert post(url, [CALL] * (MAX_BATCH + 1)).status_code == 413
    assert received == []
    assert len(post(url, [CALL] * MAX_BATCH).json()) == MAX_BATCH


def test_an_answer_without_end_is_not_passed_on(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rpc_filter, "MAX_ANSWER_BYTES", 20)
    answer = post(url)
    assert answer.status_code == 502
    assert "ask for fewer blocks" in answer.json()["error"]["message"]


def test_a_node_that_is_gone_is_reported(url: str) -> None:
    port = free_port()
    served = RpcFilter("127.0.0.1", port, node_url=f"http://127.0.0.1:{free_port()}", origins=[])
    served.start()
    answer = post(f"http://127.0.0.1:{port}")
    served.stop()
    assert (answer.status_code, answer.json()["error"]["message"]) == (502, "the node does not answer")


@pytest.mark.parametrize("sent", [b"", b"POST / HTTP/1.1\r\nHo", b"POST / HTTP/1.1\r\nHost: localhost\r\n"])
def test_a_request_that_does_not_end_is_cut_off(url: str, monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr(rpc_filter, "REQUEST_WITHIN_S", 0.5)
    begun = time.monotonic()
    assert raw(url, sent) == b""
    assert time.monotonic() - begun < 25


def test_a_drip_of_bytes_does_not_keep_a_connection(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rpc_filter, "REQUEST_WITHIN_S", 1)
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        connection.settimeout(0.2)
        begun = time.monotonic()
        with pytest.raises(OSError):
            while time.monotonic() - begun < 60:
                connection.sendall(b"x")
                try:
                    if connection.recv(1) == b"":
                        raise OSError
                except TimeoutError:
                    continue
        assert time.monotonic() - begun < 50


def test_connections_are_limited_and_come_back(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rpc_filter, "REQUEST_WITHIN_S", 30)
    parts = urlsplit(url)

    def half_sent() -> socket.socket:
        connection = socket.create_connection((parts.hostname, parts.port))
        connection.sendall(b"POST / HTTP/1.1\r\n")
        return connection

    connections = [half_sent() for _ in range(rpc_filter.MAX_CONNECTIONS)]
    with pytest.raises(requests.ConnectionError):
        for _ in range(50):
            time.sleep(0.1)
            post(url)
            # It took the place of a connection whose first bytes the filter had not read yet.
            connections.append(half_sent())
    for connection in connections:
        connection.close()
    for attempt in range(100):
        time.sleep(0.1)
        try:
            assert post(url).status_code == 200
            break
        except requests.ConnectionError:
            assert attempt < 99


def test_connections_without_a_request_keep_nobody_out(url: str) -> None:
    parts = urlsplit(url)
    connections = [socket.create_connection((parts.hostname, parts.port)) for _ in range(rpc_filter.MAX_CONNECTIONS)]
    time.sleep(0.5)
    assert [post(url).status_code for _ in range(5)] == [200] * 5
    for connection in connections:
        connection.close()


def test_many_clients_at_once(url: str) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda number: post(url, {**CALL, "id": number}).json()["id"], range(200)))
    assert answers == list(range(200))


def test_a_port_that_is_taken_is_reported(url: str, node: str) -> None:
    port = urlsplit(url).port
    assert port is not None
    with pytest.raises(ConfigurationError, match=f"^the chain cannot be served at 127.0.0.1:{port}: "):
        RpcFilter("127.0.0.1", port, node_url=node, origins=[]).start()


def test_the_node_itself_hides_and_signs_for_nobody(registry) -> None:
    """Anvil cannot lock its accounts: there the address alone protects them."""
    state = json.loads((embedded.folder(registry.settings) / "running.json").read_text())
    private = urlsplit(state["node_url"])
    assert private.hostname.startswith("127.") and private.hostname != "127.0.0.1"
    assert private.port != state["port"]
    if registry.settings.chain == "ganache":
        value = {"from": ADMIN.address, "to": USER.address, "value": "0x1"}
        answer = post(state["node_url"], {**CALL, "method": "eth_sendTransaction", "params": [value]})
        assert "authentication needed" in answer.json()["error"]["message"]


def test_the_node_does_not_listen_at_the_common_address(registry) -> None:
    state = json.loads((embedded.folder(registry.settings) / "running.json").read_text())
    port = urlsplit(state["node_url"]).port
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=10).close()


def test_what_the_tools_ask_is_forwarded_by_both_nodes(registry) -> None:
    url = registry.settings.rpc_url
    address = registry.chain.contract
    calls = [
        ("eth_getProof", [address, [], "latest"]),
        ("eth_getLogs", [{"address": address, "fromBlock": "0x0"}]),
        ("eth_getBlockByNumber", ["latest", True]),
        ("eth_feeHistory", ["0x1", "latest", []]),
        ("net_version", []),
        ("web3_clientVersion", []),
    ]
    for method, parameters in calls:
        assert "result" in post(url, {**CALL, "method": method, "params": parameters}).json(), method


def test_an_idle_chain_takes_a_diagnosis_of_now(tmp_path, cid) -> None:
    """Ganache estimates at the time of its newest block, and the contract refuses what is 15 minutes later."""
    settings = settings_of("ganache", tmp_path)
    signer = KeyFileSigner(settings.classifier_key_file, chain_id=settings.chain_id)
    with embedded.running(settings, classifier=signer.address) as chain:
        found = chain.deployment
        register_models(settings.rpc_url, found.address, MODEL_ID)
        reader = Web3Chain(settings.rpc_url, chain_id=settings.chain_id, contract=found.address, start_block=0)
        past = int(time.time()) - 20 * 60
        post(chain.node.private_url, {**CALL, "method": "evm_mine", "params": [past]})
        assert reader.head().timestamp == past
        made = Diagnosis(reader.image_id(USER.address, cid), MODEL_ID, 1, 9700, "0x" + "22" * 32, int(time.time()))
        signed = signer.sign(made, chain_id=reader.chain_id, contract=found.address)

        sent = DevelopmentWallet(settings.rpc_url, found.address, USER).register_with_diagnosis(cid, signed)

        block, _ = reader.blocks([sent.block, 0])
        assert block is not None and block.timestamp >= made.issued_at


def test_only_an_estimate_on_an_old_block_has_one_mined(url: str, received: list, monkeypatch) -> None:
    ask = {**CALL, "method": "eth_estimateGas", "params": [{}]}
    sent = {"old": int(time.time()) - rpc_filter.OLD_BLOCK_S - 5, "new": int(time.time())}
    monkeypatch.setattr(EchoNode, "newest_block", sent["new"])
    post(url, ask)
    assert [call["method"] for call in received] == ["eth_getBlockByNumber", "eth_estimateGas"]

    received.clear()
    monkeypatch.setattr(EchoNode, "newest_block", sent["old"])
    post(url, CALL)
    post(url, {**CALL, "method": "eth_call", "params": [{}, "latest"]})
    assert [call["method"] for call in received] == ["eth_chainId", "eth_call"]

    for call in (ask, [ask], {**CALL, "method": "eth_call", "params": [{}, "pending"]}):
        received.clear()
        post(url, call)
        assert [each["method"] for each in received[:2]] == ["eth_getBlockByNumber", "evm_mine"]
        assert len(received) == 3
