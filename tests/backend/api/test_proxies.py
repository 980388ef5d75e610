"""A server that others reach: a name, TLS in front, and whom it believes about clients."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import replace

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from backend.accounts import Role
from backend.api.app import create_app
from backend.settings import Settings
from backend.wiring import wire
from tests.backend.accounts import API, PASSWORD, person
from tests.backend.api.conftest import assert_problem

HOST = "scanproof.example"
PROXY, CLIENT = "10.0.0.5", "203.0.113.9"
THROUGH = {"Host": HOST, "X-Forwarded-For": CLIENT, "X-Forwarded-Proto": "https"}
OWN = {"Origin": f"https://{HOST}", "Sec-Fetch-Site": "same-origin", "X-ScanProof-Request": "1"}


@pytest.fixture(scope="module")
def public_app(account_settings: Settings) -> Iterator[APIFlask]:
    container = wire(
        replace(
            account_settings,
            host="10.0.0.4",
            public_url=f"https://{HOST}",
            trusted_proxies=(ipaddress.ip_network("10.0.0.5/32"), ipaddress.ip_network("fd00::/8")),
        )
    )
    yield create_app(container)
    container.close()


def get(app: APIFlask, path: str = f"{API}/health", peer: str = PROXY, **headers: str):
    return app.test_client().get(
        path,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        environ_overrides={"REMOTE_ADDR": peer},
    )


def test_the_public_name_is_answered_through_the_proxy(public_app: APIFlask) -> None:
    answer = get(public_app, **THROUGH)
    assert answer.status_code == 200
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    local = get(public_app, peer="127.0.0.1", Host="localhost:5000")
    assert local.status_code == 200 and "Strict-Transport-Security" not in local.headers


@pytest.mark.parametrize(
    ("peer", "changes"),
    [
        (CLIENT, {}),
        (PROXY, {"X-Forwarded-Proto": "http"}),
        (PROXY, {"X-Forwarded-Proto": "https, https"}),
        ("unix socket", {}),
    ],
    ids=["past the proxy", "without TLS", "two schemes", "no address"],
)
def test_past_the_proxy_or_without_tls_the_public_name_is_refused(public_app, peer: str, changes: dict) -> None:
    detail = "https://scanproof.example is reached over https, through the proxy in front of it"
    answer = get(public_app, peer=peer, **{**THROUGH, **changes})
    assert_problem(answer, 421, "misdirected-request", detail)


@pytest.mark.parametrize("host", ["evil.example", "scanproof.example:5000", "10.0.0.4"])
def test_another_name_is_refused(public_app: APIFlask, host: str) -> None:
    shown = host.partition(":")[0]
    detail = f"this server answers at https://scanproof.example, not for the host '{shown}'"
    assert_problem(get(public_app, **{**THROUGH, "Host": host}), 421, "misdirected-request", detail)


@pytest.mark.parametrize(
    ("peer", "forwarded", "allowed"),
    [
        ("127.0.0.1", "", True),
        ("::1", "", True),
        ("10.0.0.4", "", True),
        (CLIENT, "", False),
        (CLIENT, "127.0.0.1", False),
        (PROXY, CLIENT, False),
        (PROXY, f"127.0.0.1, {CLIENT}", False),
        (PROXY, "garbage", False),
    ],
)
def test_loopback_names_are_for_this_machine_only(public_app, peer: str, forwarded: str, allowed: bool) -> None:
    headers = {"Host": "localhost", **({"X-Forwarded-For": forwarded} if forwarded else {})}
    assert get(public_app, peer=peer, **headers).status_code == (200 if allowed else 421)


def sign_in(app: APIFlask, client: FlaskClient, forwarded: str):
    return client.post(
        f"{API}/session",
        json={"email": person("Alice")["email"], "password": PASSWORD},
        headers={**THROUGH, **OWN, "X-Forwarded-For": forwarded},
        base_url=f"https://{HOST}",
        environ_overrides={"REMOTE_ADDR": PROXY},
    )


def test_cookies_are_secure_and_clients_have_their_own_addresses(public_app: APIFlask) -> None:
    services = public_app.extensions["scanproof"].accounts
    account = services.registration.create(
        {**person("Alice"), "password": PASSWORD, "password_again": PASSWORD}, Role.PATIENT
    )
    client = public_app.test_client()
    answer = sign_in(public_app, client, f"198.51.100.1, {CLIENT}, fd00::7")
    assert answer.status_code == 200
    for cookie in answer.headers.getlist("Set-Cookie"):
        assert cookie.startswith("__Host-scanproof_") and "; Secure" in cookie and "Path=/" in cookie
    sessions = services.accounts.sessions(account)
    assert [each.client for each in sessions] == [CLIENT]
    sign_in(public_app, client, "not an address")
    assert "unknown" in {each.client for each in services.accounts.sessions(account)}


def test_only_the_public_origin_changes_something(public_app: APIFlask) -> None:
    for origin in (f"http://{HOST}", "http://localhost", "https://evil.example"):
        answer = public_app.test_client().delete(
            f"{API}/session",
            headers={**THROUGH, **OWN, "Origin": origin},
            environ_overrides={"REMOTE_ADDR": PROXY},
        )
        assert answer.status_code == 403
