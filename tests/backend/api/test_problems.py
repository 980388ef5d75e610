"""Every error has the one shape, says what was expected and found, and tells nothing of the inside."""

from __future__ import annotations

import shutil
import time

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from backend.container import Container
from backend.services.intake import IntakeService
from tests.backend.api.conftest import API, assert_problem, upload

CID = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"
HASH = "0x" + "ab" * 32
UPLOADER = "0x" + "ab" * 20
BODIES = {"classifications": {}, "attestations": {"manifestHash": HASH, "uploader": UPLOADER}}


@pytest.mark.parametrize(
    ("path", "kind", "status", "detail"),
    [
        ("/nowhere", "not-found", 404, "there is nothing at /api/v1/nowhere"),
        (f"/images/{CID}", "not-found", 404, f"no image {CID} was uploaded here"),
        (f"/images/{CID}/content", "not-found", 404, f"no image {CID} was uploaded here"),
        (
            f"/manifests/{HASH}",
            "not-found",
            404,
            f"no manifest with the SHA-256 {'ab' * 32} is stored here",
        ),
        (f"/records/{HASH}", "not-found", 404, f"no image with the id {HASH} is registered on the chain"),
        ("/records/7", "invalid-input", 400, "the image id must be 0x and 64 hex digits, not '7'"),
        ("/manifests/0xzz", "invalid-input", 400, "the manifest's hash must be 0x and 64 hex digits, not '0xzz'"),
        (
            "/transactions/latest",
            "invalid-input",
            400,
            "the transaction's hash must be 0x and 64 hex digits, not 'latest'",
        ),
        (
            "/records?limit=0",
            "invalid-input",
            400,
            "limit: Must be greater than or equal to 1 and less than or equal to 100.",
        ),
        ("/records?limit=many", "invalid-input", 400, "limit: Not a valid integer."),
        ("/records?cursor=1", "invalid-input", 400, "cursor must be the `next` of an earlier page, not '1'"),
        (f"/transactions/{HASH}?from=me", "invalid-input", 400, "from: must be 0x and 40 hex digits."),
        (
            f"/transactions/{HASH}?nonce=-1",
            "invalid-input",
            400,
            "nonce: Must be greater than or equal to 0 and less than or equal to 9223372036854775808.",
        ),
        (
            "/images/QmNope",
            "invalid-cid",
            400,
            "expected a CIDv1 in base32 such as bafkrei… or bafybei…, found 'QmNope'",
        ),
    ],
)
def test_reading_what_is_not_there_or_not_valid(
    client: FlaskClient, path: str, kind: str, status: int, detail: str
) -> None:
    assert_problem(client.get(API + path), status, kind, detail)


@pytest.mark.parametrize("what", BODIES)
def test_working_on_an_image_that_is_not_there(client: FlaskClient, what: str) -> None:
    detail = {
        "classifications": f"no image {CID} was uploaded here",
        "attestations": f"no manifest with the SHA-256 {'ab' * 32} was made here",
    }[what]
    assert_problem(client.post(f"{API}/images/{CID}/{what}", json=BODIES[what]), 404, "not-found", detail)


def test_a_manifest_of_another_image_is_a_conflict(client: FlaskClient, classification: dict, picture) -> None:
    other = upload(client, picture()).json["cid"]
    body = {"manifestHash": classification["manifestHash"], "uploader": UPLOADER}
    response = client.post(f"{API}/images/{other}/attestations", json=body)
    detail = f"that manifest is of the image {classification['cid']}, not of {other}"
    assert_problem(response, 409, "conflict", detail)


def test_a_model_that_is_not_there(client: FlaskClient, cid: str) -> None:
    response = client.post(f"{API}/images/{cid}/classifications", json={"model": "chest-xray"})
    assert (response.status_code, response.json["type"]) == (404, "urn:scanproof:problem:not-found")
    assert "chest-xray" in response.json["detail"]


def test_a_method_that_a_route_does_not_have(client: FlaskClient) -> None:
    response = client.delete(f"{API}/images/{CID}")
    assert_problem(response, 405, "method-not-allowed", "The method is not allowed for the requested URL.")
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


def test_an_unforeseen_error_shows_nothing_of_the_inside(
    client: FlaskClient, picture, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_args, **_kwargs):
        raise RuntimeError("secret of the inside")

    monkeypatch.setattr(IntakeService, "accept", fail)
    response = upload(client, picture())
    detail = "the server failed in a way that nobody foresaw; its log has the details"
    assert_problem(response, 500, "internal-server-error", detail)
    assert "secret of the inside" in caplog.text


def test_every_route_answers_errors_in_the_one_shape(app: APIFlask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever goes wrong behind it: here, there is no container at all."""
    app.extensions["scanproof"] = None
    client = app.test_client()
    values = {"cid": CID, "manifest_hash": HASH, "image_id": HASH, "transaction_hash": HASH}
    asked = 0
    for rule in app.url_map.iter_rules():
        path = rule.rule
        for name in rule.arguments:
            path = path.replace(f"<{name}>", values.get(name, "x"))
        if not path.startswith(API):
            continue
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE"}:
            if path == f"{API}/health" and method == "GET":
                continue
            kind = path.rsplit("/", 1)[1]
            response = client.open(path, method=method, json=BODIES.get(kind, {}))
            assert response.status_code in (400, 405, 415, 500), (method, path)
            assert response.content_type == "application/problem+json", (method, path)
            assert set(response.json) == {"type", "title", "status", "detail", "instance"}
            assert response.json["status"] == response.status_code
            asked += 1
    assert asked > 50


def test_a_wrong_clock_is_reported(container: Container, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container.attestation, "_now", lambda: time.time() + 3630)
    ready = client.get(f"{API}/ready")
    assert (ready.status_code, ready.json["status"]) == (503, "not ready")
    assert ready.json["checks"]["chain"].startswith("this server's clock is 1:00:")


def test_every_wrong_method_and_unknown_path_is_a_problem(client: FlaskClient) -> None:
    for path in (f"{API}/", f"{API}/images/", "/api", "/api/v2/images", "/assets/missing.js", "/missing.txt"):
        assert_problem(client.get(path), 404, "not-found", f"there is nothing at {path}")


def test_parts_that_are_down_are_named(container: Container, client: FlaskClient) -> None:
    shutil.rmtree(container.settings.var / "ipfs")
    ready = client.get(f"{API}/ready")
    assert (ready.status_code, ready.json["status"]) == (503, "not ready")
    assert ready.json["checks"] == {
        "chain": "ok",
        "storage": "the block store cannot use its disk: No such file or directory",
        "database": "ok",
        "model": "ok",
    }
    response = client.get(f"{API}/health")
    assert (response.status_code, response.json) == (200, {"status": "ok"})
