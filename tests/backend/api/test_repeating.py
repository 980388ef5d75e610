"""Repeating a request changes nothing twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from backend.adapters.chain.dev.wallet import DevelopmentWallet
from ml.datasets.phantom import phantom_png
from tests.backend.api.conftest import API, signed_of, upload

BOB = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"


def test_the_same_image_twice_is_known_the_second_time(client: FlaskClient, picture) -> None:
    content = picture()
    first, second = upload(client, content), upload(client, content)
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json == {**first.json, "created": False}


def test_the_same_image_by_many_at_once_is_kept_once(app: APIFlask, picture) -> None:
    content = picture(size=(400, 300))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: upload(app.test_client(), content), range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert len({answer.json["cid"] for answer in answers}) == 1


def test_a_classification_is_made_once_even_by_many_at_once(app: APIFlask, cid: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: app.test_client().post(f"{API}/images/{cid}/classifications"), range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert len({answer.json["manifestHash"] for answer in answers}) == 1


def test_naming_the_model_that_was_chosen_is_the_same_classification(client: FlaskClient) -> None:
    route = f"{API}/images/{upload(client, phantom_png()).json['cid']}/classifications"
    first = client.post(route)
    again = client.post(route, json={"model": first.json["model"]["name"]})
    assert first.json["model"]["name"] == "brain-mri"
    assert (first.status_code, again.status_code, again.json) == (201, 200, first.json)


@pytest.mark.parametrize("spelled", [str.upper, str.title])
def test_a_cid_in_other_letters_is_the_same_image(client: FlaskClient, classification: dict, spelled) -> None:
    cid = classification["cid"]
    path, other = f"{API}/images/{cid}", f"{API}/images/{spelled(cid)}"
    assert client.get(other).json == client.get(path).json
    content = client.get(f"{other}/content")
    assert (content.data, content.headers["ETag"]) == (client.get(f"{path}/content").data, f'"{cid}"')
    again = client.post(f"{other}/classifications")
    assert (again.status_code, again.json) == (200, classification)
    body = {"manifestHash": classification["manifestHash"], "uploader": BOB}
    first = client.post(f"{other}/attestations", json=body)
    second = client.post(f"{path}/attestations", json=body)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json == second.json


@pytest.fixture
def attest(client: FlaskClient, classification: dict):
    def attest(uploader: str):
        body = {"manifestHash": classification["manifestHash"], "uploader": uploader}
        return client.post(f"{API}/images/{classification['cid']}/attestations", json=body)

    return attest


def test_an_attestation_is_given_again_until_it_is_recorded(attest, alice: DevelopmentWallet) -> None:
    first, second = attest(alice.address), attest(alice.address.upper().replace("X", "x"))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json == second.json
    alice.register_with_diagnosis(first.json["cid"], signed_of(first.json))
    third = attest(alice.address)
    assert third.status_code == 201
    assert third.json["diagnosis"]["issuedAt"] > first.json["diagnosis"]["issuedAt"]
    alice.record_diagnosis(signed_of(third.json))


def test_each_uploader_has_an_attestation_and_image_id_of_their_own(attest, alice: DevelopmentWallet) -> None:
    hers, bobs = attest(alice.address).json, attest(BOB).json
    assert hers["imageId"] != bobs["imageId"]
    assert hers["signature"] != bobs["signature"]
    assert bobs["uploader"] == BOB
