"""Searching and paging."""

from __future__ import annotations

import io

import pytest
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.adapters.chain.development_accounts import ADMIN
from backend.settings import Settings
from tests.backend.api.conftest import API, assert_problem, signed_of, upload


@pytest.fixture
def recorded(client: FlaskClient, alice: DevelopmentWallet, classification: dict) -> dict:
    """A record with a diagnosis, as the API shows it."""
    cid = classification["cid"]
    body = {"manifestHash": classification["manifestHash"], "uploader": alice.address}
    attestation = client.post(f"{API}/images/{cid}/attestations", json=body).json
    alice.register_with_diagnosis(cid, signed_of(attestation))
    return client.get(f"{API}/records/{attestation['imageId']}").json


def search(client: FlaskClient, query: str, **more) -> list[str]:
    response = client.get(f"{API}/records", query_string={"q": query, "limit": 100, **more})
    assert response.status_code == 200
    return [record["imageId"] for record in response.json["records"]]


@pytest.mark.parametrize("change", [str, str.upper, str.lower, lambda text: f"  {text} "])
@pytest.mark.parametrize("field", ["imageId", "cid", "transaction"])
def test_a_record_is_found_by_each_of_its_names_in_any_case(client, recorded: dict, field: str, change) -> None:
    name = recorded["transaction"]["hash"] if field == "transaction" else recorded[field]
    assert search(client, change(name)) == [recorded["imageId"]]


def test_records_are_found_by_uploader_and_by_label(
    client: FlaskClient, recorded: dict, alice: DevelopmentWallet
) -> None:
    assert search(client, alice.address.lower())[0] == recorded["imageId"]
    label = recorded["diagnoses"][0]["label"]
    assert recorded["imageId"] in search(client, label.upper())
    assert recorded["imageId"] not in search(client, "pituitary" if label != "pituitary" else "glioma")


def lookup(client: FlaskClient, content: bytes) -> TestResponse:
    return client.post(f"{API}/records/lookup", data={"file": (io.BytesIO(content), "scan.jpg")})


def test_the_original_and_the_pinned_file_find_the_record_of_an_image(
    client: FlaskClient, container, alice: DevelopmentWallet, picture
) -> None:
    exif = Image.Exif()
    exif[0x010E] = "patient Jane Doe"
    original = picture("JPEG", exif=exif)
    cid = upload(client, original).json["cid"]
    alice.register_image(cid)
    pinned = client.get(f"{API}/images/{cid}/content").data
    assert pinned != original
    for content, stripped in ((original, ["EXIF"]), (pinned, [])):
        found = lookup(client, content).json
        assert (found["cid"], found["stripped"]) == (cid, stripped)
        assert [record["cid"] for record in found["records"]] == [cid]
        assert found["records"][0]["imageAvailable"] is True


def test_a_look_up_pins_nothing(client: FlaskClient, container, picture) -> None:
    found = lookup(client, picture()).json
    assert found["records"] == []
    assert not container.store.has(found["cid"])
    assert client.get(f"{API}/images/{found['cid']}").status_code == 404


def test_a_look_up_of_what_is_no_image_is_refused(client: FlaskClient) -> None:
    assert lookup(client, b"not an image").status_code == 415


def test_a_diagnosis_recorded_later_is_found_by_its_own_transaction(
    client: FlaskClient, alice: DevelopmentWallet, classification: dict
) -> None:
    cid = classification["cid"]
    alice.register_image(cid)
    body = {"manifestHash": classification["manifestHash"], "uploader": alice.address}
    attestation = client.post(f"{API}/images/{cid}/attestations", json=body).json
    before = client.get(f"{API}/records/{attestation['imageId']}").json
    assert before["diagnoses"] == []
    later = alice.record_diagnosis(signed_of(attestation))
    after = client.get(f"{API}/records/{attestation['imageId']}").json
    assert [d["transaction"]["hash"] for d in after["diagnoses"]] == [later.hash]
    assert search(client, later.hash) == [attestation["imageId"]]


@pytest.mark.parametrize("query", ["0x12", "nothing", "%", "' OR 1=1 --", "0x" + "00" * 32, "\x00", "é" * 200])
def test_what_matches_nothing_finds_nothing(client: FlaskClient, query: str) -> None:
    assert search(client, query) == []


def test_pages_are_newest_first_and_complete(client: FlaskClient, ganache: Settings, container, picture) -> None:
    bob = DevelopmentWallet(ganache.rpc_url, ganache.contract_address, ADMIN)
    for _ in range(5):
        bob.register_image(container.intake.accept(picture(), client="127.0.0.1").facts.cid)
    everything = search(client, bob.address)
    assert len(everything) >= 5
    pages, cursor = [], None
    while True:
        query = {"q": bob.address, "limit": 2, **({"cursor": cursor} if cursor else {})}
        page = client.get(f"{API}/records", query_string=query).json
        pages.append([record["imageId"] for record in page["records"]])
        numbers = [record["block"]["number"] for record in page["records"]]
        assert numbers == sorted(numbers, reverse=True)
        cursor = page["next"]
        if cursor is None:
            break
    assert [image_id for page in pages for image_id in page] == everything
    assert {len(page) for page in pages[:-1]} == {2}
    status = client.get(f"{API}/records").json["index"]
    assert status["synced"] and status["block"] == status["head"]


def test_an_image_that_is_not_kept_here_is_said_to_be_unavailable(
    client: FlaskClient, alice: DevelopmentWallet, container, picture
) -> None:
    cid = container.inspector.accept(picture())[1].cid
    alice.register_image(cid)
    image_id = container.chain.image_id(alice.address, cid)
    assert client.get(f"{API}/records/{image_id}").json["imageAvailable"] is False
    content = client.get(f"{API}/images/{cid}/content")
    assert_problem(content, 404, "not-found", f"no image {cid} was uploaded here")


def test_a_verification_of_what_is_not_recorded_fails(client: FlaskClient) -> None:
    answer = client.get(f"{API}/records/0x{'00' * 32}/verification").json
    assert answer["passed"] is False
    assert answer["checks"][0]["found"] == "no such image"
