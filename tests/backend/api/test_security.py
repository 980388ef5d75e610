"""Only pages of this server, on this machine, may use a server that has no accounts."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator

import pytest
import requests
from flask.testing import FlaskClient

from backend.processes import Child, free_port
from backend.settings import Settings
from tests.backend.api.conftest import API, assert_problem, upload

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@pytest.mark.parametrize("host", ["localhost", "localhost:5000", "127.0.0.1:5000", "127.0.0.2", "[::1]:5000"])
def test_loopback_names_are_answered(client: FlaskClient, host: str) -> None:
    assert client.get(f"{API}/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("evil.example", "evil.example"),
        ("evil.example:5000", "evil.example"),
        ("localhost.evil.example", "localhost.evil.example"),
        ("127.0.0.1.evil.example", "127.0.0.1.evil.example"),
        ("192.168.1.2", "192.168.1.2"),
        ("0.0.0.0", "0.0.0.0"),
        ("[::ffff:192.168.1.2]", "::ffff:192.168.1.2"),
        ("2130706433", "2130706433"),
    ],
)
@pytest.mark.parametrize("path", [f"{API}/config", "/", "/openapi.json"])
def test_any_other_host_is_dns_rebinding_and_refused(client: FlaskClient, host: str, shown: str, path: str) -> None:
    detail = f"this server answers on loopback addresses only, not for the host '{shown}'"
    assert_problem(client.get(path, headers={"Host": host}), 421, "misdirected-request", detail)


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://localhost:3000", "https://localhost", "http://localhost.evil.example"],
)
def test_another_origin_may_not_change_anything(client: FlaskClient, picture, origin: str) -> None:
    detail = f"requests that change something must come from this server's own page, not from '{origin}'"
    assert_problem(upload(client, picture(), headers={"Origin": origin}), 403, "forbidden", detail)


def test_another_site_may_not_change_anything(client: FlaskClient, picture) -> None:
    detail = "requests that change something must come from this server's own page, not from another site"
    for site in ("cross-site", "same-site"):
        assert_problem(upload(client, picture(), headers={"Sec-Fetch-Site": site}), 403, "forbidden", detail)


def test_the_own_page_and_programs_may(client: FlaskClient, picture) -> None:
    own = {"Origin": "http://localhost:5000", "Host": "localhost:5000", "Sec-Fetch-Site": "same-origin"}
    assert upload(client, picture(), headers=own).status_code == 201
    assert upload(client, picture()).status_code == 201


@pytest.mark.parametrize("path", ["/", "/records", "/nowhere", f"{API}/config", f"{API}/nowhere", "/openapi.json"])
def test_every_answer_tells_the_browser_what_it_may_do(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["Content-Security-Policy"] == POLICY
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Permissions-Policy"] == "camera=(), microphone=(), geolocation=(), payment=(), usb=()"
    assert "Access-Control-Allow-Origin" not in headers


def test_answers_about_now_are_not_kept(client: FlaskClient) -> None:
    assert client.get(f"{API}/config").headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("script", ["/evil", "/api", "/api/v1/images"])
def test_a_script_name_changes_neither_links_nor_routes(client: FlaskClient, picture, script: str) -> None:
    """As a server passes it on when it believes a client's header."""
    image = upload(client, picture()).json
    path = image["links"]["content"]
    rest = path.removeprefix(script) if path.startswith(script) else path
    shown = client.get(rest, environ_overrides={"SCRIPT_NAME": script})
    assert shown.status_code == (200 if path.startswith(script) else 404)
    listed = client.post(f"{API}/images/{image['cid']}/classifications", environ_overrides={"SCRIPT_NAME": ""})
    assert listed.json["links"]["manifest"].startswith(f"{API}/manifests/")


def test_a_scheme_that_a_client_names_does_not_change_the_own_origin(client: FlaskClient, picture) -> None:
    forged = {"wsgi.url_scheme": "https"}
    own = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    assert upload(client, picture(), headers=own, environ_overrides=forged).status_code == 201
    other = {"Origin": "https://localhost", "Sec-Fetch-Site": "same-origin"}
    assert upload(client, picture(), headers=other, environ_overrides=forged).status_code == 403


FORGED = {
    "SCRIPT_NAME": "/evil",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Ssl": "on",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Prefix": "/evil",
    "X-Forwarded-For": "10.0.0.1",
    "Forwarded": "for=10.0.0.1;host=evil.example;proto=https",
    "X-Original-URL": "/evil",
    "X-HTTP-Method-Override": "DELETE",
}


@pytest.fixture(scope="module")
def gunicorn(ganache: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The server as README says, at its root."""
    port = free_port()
    environ = {
        **os.environ,
        "SCANPROOF_VAR": str(tmp_path_factory.mktemp("var")),
        "SCANPROOF_CHAIN": "external",
        "SCANPROOF_CHAIN_ID": str(ganache.chain_id),
        "SCANPROOF_RPC_URL": f"http://127.0.0.1:{ganache.rpc_url.rsplit(':', 1)[1]}",
        "SCANPROOF_CONTRACT_ADDRESS": str(ganache.contract_address),
        "SCANPROOF_PORT": str(port),
    }
    command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--threads", "4", "backend.wsgi:app"]
    server = Child(command, environ=environ)
    try:
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 60
        while not answers(f"{url}{API}/health"):
            assert server.exit_status() is None and time.monotonic() < deadline
            time.sleep(0.1)
        yield url
    finally:
        server.stop()


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).ok
    except requests.RequestException:
        return False


def test_no_header_of_a_client_changes_what_the_server_answers(gunicorn: str, picture) -> None:
    files = {"file": ("scan.png", picture())}
    plain = requests.post(f"{gunicorn}{API}/images", files=files, timeout=60)
    assert plain.status_code == 201
    for headers in [FORGED, *({name: value} for name, value in FORGED.items())]:
        again = requests.post(f"{gunicorn}{API}/images", files=files, headers=headers, timeout=60)
        assert (again.status_code, again.json()) == (200, {**plain.json(), "created": False}), headers
        page = requests.get(f"{gunicorn}{API}/config", headers=headers, timeout=60)
        assert page.status_code == 200, headers
