"""Studies through the API: from files to a record, and back."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import asdict, replace

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete
from werkzeug.test import TestResponse

from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.adapters.database.engine import open_database
from backend.adapters.database.tables import StudyRow
from backend.api.app import create_app
from backend.container import Container
from backend.services import study_documents
from tests.backend.api.conftest import API, assert_problem, signed_of
from tests.backend.studies import declared

UNKNOWN = "ab" * 32


@pytest.fixture
def files(picture: Callable[..., bytes]) -> dict[str, bytes]:
    return {"1.png": picture(), "2.jpg": picture("JPEG"), "copy.png": b"", "notes.txt": b"no image"}


def test_from_files_to_a_record_of_one_signature(
    client: FlaskClient, container: Container, alice: DevelopmentWallet, files: dict[str, bytes]
) -> None:
    files["copy.png"] = files["1.png"]
    begun = begin(client, files)
    assert (begun.status_code, begun.json["files"], len(begun.json["missing"])) == (201, 3, 3)
    study = f"{API}/studies/{begun.json['studyId']}"
    for content in files.values():
        answer = send(client, study, content)
        assert answer.status_code == 200, answer.json
    assert begin(client, files).status_code == 200
    while not (step := client.post(f"{study}/classifications").json)["classificationDone"]:
        assert step["classified"] < step["slices"]
    preview = client.get(study).json
    assert {each["name"] for each in preview["leftOut"]} == {"copy.png", "notes.txt"}
    assert [each["name"] for each in preview["result"]["slices"]] == ["1.png", "2.jpg"]
    assert client.get(f"{study}/slices/1/view").data == files["2.jpg"]
    expected = "the order of a slice must be a whole number from 0, not 'x'"
    assert_problem(client.get(f"{study}/slices/x/view"), 400, "invalid-input", expected)
    assert_problem(client.get(f"{study}/slices/2/view"), 404, "not-found", "expected an order from 0 to 1, found 2")
    while not client.post(f"{study}/pins").json["signable"]:
        pass
    assert client.get(f"{study}/slices/1/view").data == files["2.jpg"]
    result = client.get(study).json["result"]
    body = {"manifestHash": result["manifestHash"], "uploader": alice.address}
    attestation = client.post(f"{API}/images/{result['cid']}/attestations", json=body).json
    alice.register_with_diagnosis(result["cid"], signed_of(attestation))

    image_id = attestation["imageId"]
    record = client.get(f"{API}/records/{image_id}").json
    assert (record["cid"], record["study"], record["imageAvailable"]) == (result["cid"], True, False)
    assert client.get(f"{API}/records?q={image_id}").json["records"][0]["study"] is True
    recorded = client.get(f"{API}/records/{image_id}/study").json
    for each in result["slices"]:
        each["name"] = None
    assert recorded == result
    manifest = study_documents.read_manifest(client.get(f"{API}/manifests/{result['manifestHash']}").data)
    proof = client.get(f"{API}/records/{image_id}/study/slices/1/proof")
    proven = study_documents.read_proof(proof.data, manifest)
    assert (proven.cid, proven.label) == (result["slices"][1]["cid"], result["slices"][1]["label"])
    database = open_database(container.settings.database_url)
    with database.write() as session:
        session.execute(delete(StudyRow))
    database.close()
    assert client.get(f"{API}/records?q={image_id}").json["records"][0]["study"] is False
    assert client.get(f"{API}/records/{image_id}").json["study"] is True
    assert client.get(f"{API}/records?q={image_id}").json["records"][0]["study"] is True
    past = client.get(f"{API}/records/{image_id}/study/slices/2/proof")
    assert_problem(past, 404, "not-found", "expected an order from 0 to 1, found 2")


def test_an_image_is_no_study(client: FlaskClient, alice: DevelopmentWallet, cid: str) -> None:
    alice.register_image(cid)
    image_id = client.get(f"{API}/records?q={cid}").json["records"][0]["imageId"]
    assert client.get(f"{API}/records/{image_id}").json["study"] is False
    answer = client.get(f"{API}/records/{image_id}/study")
    assert (answer.status_code, answer.json["type"]) == (400, "urn:scanproof:problem:invalid-study")


def test_a_study_can_be_removed(client: FlaskClient, files: dict[str, bytes]) -> None:
    study = f"{API}/studies/{begin(client, files).json['studyId']}"
    assert client.delete(study).status_code == 204
    assert client.get(study).status_code == 404
    sentence = f"no study {UNKNOWN} is being made here: an unfinished study is removed after a day"
    assert_problem(client.delete(f"{API}/studies/{UNKNOWN}"), 404, "not-found", sentence)
    expected = "the study's id must be 64 lower-case hex digits, not 'x'"
    assert_problem(client.get(f"{API}/studies/x"), 400, "invalid-input", expected)


def test_ten_thousand_files_get_a_sentence(client: FlaskClient) -> None:
    files = [{"name": f"slice-{n}.png", "sha256": f"{n:064x}", "size": 1} for n in range(10_000)]
    answer = client.post(f"{API}/studies", json={"files": files})
    expected = "expected a study of at most 2,000 slices, found 10,000 files"
    assert_problem(answer, 400, "invalid-study", expected)


@pytest.mark.parametrize(
    "change", [{"sha256": "AB" * 32}, {"sha256": "ab"}, {"size": -1}, {"size": "1"}, {"name": "n" * 256}, {"more": 1}]
)
def test_files_are_named_well(client: FlaskClient, change: dict) -> None:
    file = {"name": "a.png", "sha256": "ab" * 32, "size": 1, **change}
    assert client.post(f"{API}/studies", json={"files": [file]}).status_code == 400


def test_slices_have_a_limit_of_their_own(settings, container, built_page, files: dict[str, bytes]) -> None:
    few = replace(container, settings=replace(settings, slices_per_minute=2))
    client = create_app(few, page=built_page).test_client()
    study = f"{API}/studies/{begin(client, files).json['studyId']}"
    answers = [send(client, study, content).status_code for content in files.values()]
    assert answers == [200, 200, 429, 429]


def begin(client: FlaskClient, files: dict[str, bytes]) -> TestResponse:
    return client.post(f"{API}/studies", json={"files": [asdict(each) for each in declared(files)]})


def send(client: FlaskClient, study: str, content: bytes) -> TestResponse:
    return client.post(f"{study}/slices", data={"file": (io.BytesIO(content), "slice")})
