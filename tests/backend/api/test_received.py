"""The routes of the queue, from arrival to a record."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.adapters.dicom.cleaner import SenderCleaner
from backend.container import Container
from backend.domain import Source, SourceKind
from tests.backend.api.conftest import API, assert_problem, signed_of
from tests.backend.received import series

NOBODY = "0" * 64


@pytest.fixture
def container(container: Container, cleaner: SenderCleaner) -> Container:
    """With processes for de-identification that other tests started."""
    return replace(container, received=replace(container.received, cleaner=cleaner))


def take(container: Container, count: int) -> str:
    """The id of a series that was received."""
    for content in series(count):
        container.received.receive(content, Source(SourceKind.STORE, "ORTHANC"))
    return container.received.list()[0].series_id


def test_an_empty_queue(client: FlaskClient, container: Container) -> None:
    answer = client.get(f"{API}/received")
    assert answer.json == {"series": [], "size": 0, "mostBytes": container.settings.received_bytes}


def test_the_queue_says_what_waits(client: FlaskClient, container: Container) -> None:
    series_id = take(container, 2)
    listed = client.get(f"{API}/received").json
    (found,) = listed["series"]
    assert (found["seriesId"], found["source"], found["sender"]) == (series_id, "c-store", "ORTHANC")
    assert (found["files"], found["modality"], found["begun"]) == (2, "MR", False)
    assert found["removedAt"] == found["lastAt"] + 7 * 86_400
    assert listed["size"] == found["size"] > 0
    assert client.get(f"{API}/received/{series_id}").json == found
    view = client.get(f"{API}/received/{series_id}/view")
    assert (view.status_code, view.mimetype) == (200, "image/png")


def test_a_series_is_removed(client: FlaskClient, container: Container) -> None:
    series_id = take(container, 1)
    assert client.delete(f"{API}/received/{series_id}").status_code == 204
    assert client.get(f"{API}/received").json["series"] == []
    detail = f"no received series {series_id} is in the queue"
    assert_problem(client.delete(f"{API}/received/{series_id}"), 404, "not-found", detail)


def test_an_id_that_is_none_or_unknown_is_refused(client: FlaskClient) -> None:
    routes = [("GET", ""), ("DELETE", ""), ("GET", "/view"), ("POST", "/study"), ("POST", "/image")]
    for method, path in routes:
        body = {"json": {}} if method == "POST" else {}
        answer = client.open(f"{API}/received/{NOBODY}{path}", method=method, **body)
        assert_problem(answer, 404, "not-found", f"no received series {NOBODY} is in the queue")
        wrong = client.open(f"{API}/received/1.2.3{path}", method=method, **body)
        detail = "the series' id must be 64 lower-case hex digits, not '1.2.3'"
        assert_problem(wrong, 400, "invalid-input", detail)


def test_a_foreign_page_changes_nothing(client: FlaskClient, container: Container) -> None:
    series_id = take(container, 1)
    foreign = {"Origin": "http://evil.example"}
    assert client.delete(f"{API}/received/{series_id}", headers=foreign).status_code == 403
    assert client.post(f"{API}/received/{series_id}/study", headers=foreign).status_code == 403
    assert client.get(f"{API}/received/{series_id}").json["begun"] is False


def test_a_received_series_is_recorded_and_leaves_the_queue(
    client: FlaskClient, container: Container, alice: DevelopmentWallet
) -> None:
    series_id = take(container, 3)
    step = client.post(f"{API}/received/{series_id}/study", json={}).json
    while step["missing"]:
        step = client.post(f"{API}/received/{series_id}/study", json={}).json
    study = f"{API}/studies/{step['studyId']}"
    assert client.get(f"{API}/received/{series_id}").json["begun"] is True
    while not step["classificationDone"]:
        step = client.post(f"{study}/classifications", json={}).json
    while not step["signable"]:
        step = client.post(f"{study}/pins", json={"text": "keep"}).json
    result = client.get(study).json["result"]
    assert len(result["slices"]) == 3
    body = {"manifestHash": result["manifestHash"], "uploader": alice.address}
    signed = signed_of(client.post(f"{API}/images/{result['cid']}/attestations", json=body).json)
    alice.register_with_diagnosis(result["cid"], signed)
    assert client.get(f"{API}/received").json["series"] == []
    assert client.get(f"{API}/records/{signed.diagnosis.image_id}/verification").json["verdict"] == "valid"


def test_a_single_image_is_pinned_once_a_person_goes_on(client: FlaskClient, container: Container) -> None:
    series_id = take(container, 1)
    first = client.post(f"{API}/received/{series_id}/image", json={"text": "keep"})
    again = client.post(f"{API}/received/{series_id}/image", json={"text": "keep"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json["cid"] == again.json["cid"]
    assert first.json["mediaType"] == "application/dicom"
    assert container.store.has(first.json["cid"])
