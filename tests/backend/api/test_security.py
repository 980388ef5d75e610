"""Only pages of this server, on this machine, may use a server that has no accounts."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

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
