"""The built page at its addresses."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from backend.api.app import create_app
from backend.container import Container
from tests.backend.api.conftest import API, assert_problem

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.mark.parametrize("path", ["/", "/records", "/records/0xab", "/models", "/ledger", "/received"])
def test_the_page_is_served_at_all_its_addresses_and_asked_for_anew(client: FlaskClient, path: str) -> None:
    response = client.get(path)
    assert (response.status_code, response.mimetype) == (200, "text/html")
    assert b"<title>ScanProof</title>" in response.data
    assert response.headers["Cache-Control"] == "no-cache"


def test_assets_are_kept_for_ever(client: FlaskClient) -> None:
    response = client.get("/assets/main-abc123.js")
    assert response.mimetype == "text/javascript"
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"


def test_other_files_of_the_page_are_served(client: FlaskClient) -> None:
    assert client.get("/favicon.svg").mimetype == "image/svg+xml"


@pytest.mark.parametrize(
    ("path", "policy"),
    [
        ("/favicon.svg", "cross-origin"),
        ("/assets/favicon-CGJCeioC.svg", "cross-origin"),
        ("/assets/main-abc123.js", "same-origin"),
        ("/assets/favicon-abc123.js", "same-origin"),
        ("/assets/my-favicon.svg", "same-origin"),
        ("/index.html", "same-origin"),
    ],
)
def test_of_all_files_a_wallet_of_another_origin_may_load_the_icon(
    container: Container, tmp_path, path: str, policy: str
) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / path[1:]).write_text("")
    client = create_app(container, page=tmp_path).test_client()

    assert client.get(path).headers["Cross-Origin-Resource-Policy"] == policy


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("decoder-worker-B14XeEtu.js", True),
        ("inference-worker-B14XeEtu.js", True),
        ("my-decoder-worker-1.js", False),
        ("main-1.js", False),
    ],
)
def test_the_threads_that_decode_and_classify_alone_may_run_webassembly(
    container: Container, tmp_path, name: str, allowed: bool
) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / name).write_text("")
    client = create_app(container, page=tmp_path).test_client()

    policy = client.get(f"/assets/{name}").headers["Content-Security-Policy"]

    assert ("'wasm-unsafe-eval'" in policy) is allowed
    assert "'unsafe-eval'" not in policy.replace("'wasm-unsafe-eval'", "")


def test_a_mistyped_address_shows_a_person_the_page_and_a_program_the_problem(client: FlaskClient) -> None:
    shown = client.get("/recrods/7", headers=BROWSER)
    assert (shown.status_code, shown.mimetype) == (404, "text/html")
    assert_problem(client.get("/recrods/7"), 404, "not-found", "there is nothing at /recrods/7")
    assert_problem(client.get(f"{API}/x", headers=BROWSER), 404, "not-found", f"there is nothing at {API}/x")


@pytest.mark.parametrize(
    "path", ["/assets/../index.html", "/assets/%2e%2e/index.html", "/..%2fscanproof.db", "/%2e%2e"]
)
def test_nothing_outside_the_page_is_served(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_a_page_that_is_not_built_says_how_to_build_it(container: Container, tmp_path) -> None:
    client = create_app(container, page=tmp_path / "missing").test_client()
    detail = "frontend/dist/index.html is missing: run `npm run build`, or `scripts/up`, which does it"
    for path in ("/", "/records/0xab"):
        assert_problem(client.get(path, headers=BROWSER), 503, "page-not-built", detail)
    assert_problem(client.get("/favicon.svg"), 404, "not-found", "there is nothing at /favicon.svg")
