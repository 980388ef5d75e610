"""What the chain knows of a model, as the API gives it."""

from __future__ import annotations

from dataclasses import replace

from flask.testing import FlaskClient

from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.adapters.chain.development_accounts import ADMIN
from backend.api.app import create_app
from backend.domain import Training
from backend.settings import Settings
from backend.wiring import wire
from ml.inference.registry import Registry
from tests.backend.api.conftest import API, assert_problem
from tests.backend.models import CARD_CID, LABELS


def test_an_installed_model_is_in_use_with_its_card_and_its_training(client: FlaskClient) -> None:
    model_id = "0x" + Registry().identities()["brain-mri"]
    answer = client.get(f"{API}/models/{model_id.upper().replace('0X', '0x')}/lineage").json

    assert answer.keys() == {"modelId", "name", "status", "registered", "retired", "card", "trainings"}
    assert (answer["modelId"], answer["name"], answer["status"]) == (model_id, "brain-mri", "inUse")
    assert answer["registered"].keys() == {"admin", "transaction", "block"}
    assert (answer["registered"]["admin"], answer["retired"]) == (ADMIN.address, None)
    # The card lies in the store of whoever registered the model, which is not the one of this test.
    assert (answer["card"]["cid"][:7], answer["card"]["available"]) == ("bafkrei", False)
    (training,) = answer["trainings"]
    assert (training["modelId"], training["parentModelId"], training["participants"]) == (model_id, None, 1)
    assert training.keys() >= {"trainingId", "metricsHash", "admin", "transaction", "block"}


def test_a_model_walks_back_to_its_parent(client: FlaskClient, ganache: Settings) -> None:
    parent, child = "0x11" + "aa" * 31, "0x22" + "aa" * 31
    admin = DevelopmentWallet(ganache.rpc_url, ganache.contract_address, ADMIN)
    admin.anchor_training(Training("0x" + "0a" * 32, parent, None, "0x" + "0b" * 32, 1))
    admin.anchor_training(Training("0x" + "0c" * 32, child, parent, "0x" + "0d" * 32, 5))
    admin.register_model(child, LABELS, CARD_CID)
    admin.retire_model(child)

    answer = client.get(f"{API}/models/{child}/lineage").json

    assert (answer["name"], answer["status"], answer["card"]["cid"]) == (None, "retired", CARD_CID)
    assert answer["retired"]["block"]["number"] == answer["registered"]["block"]["number"] + 1
    walk = [(training["modelId"], training["parentModelId"]) for training in answer["trainings"]]
    assert walk == [(child, parent), (parent, None)]


def test_a_model_that_nobody_registered_is_unknown(client: FlaskClient) -> None:
    unknown = "0x" + "99" * 32
    assert client.get(f"{API}/models/{unknown}/lineage").json == {
        "modelId": unknown,
        "name": None,
        "status": "unknown",
        "registered": None,
        "retired": None,
        "card": None,
        "trainings": [],
    }
    detail = "the model's id must be 0x and 64 hex digits, not 'brain-mri'"
    assert_problem(client.get(f"{API}/models/brain-mri/lineage"), 400, "invalid-input", detail)


def test_the_list_of_models_tells_their_status_or_that_it_cannot_be_asked(
    client: FlaskClient, settings: Settings, built_page
) -> None:
    assert {model["chainStatus"] for model in client.get(f"{API}/models").json["models"]} == {"inUse"}

    container = wire(replace(settings, rpc_url="http://127.0.0.1:1"))
    offline = create_app(container, page=built_page).test_client().get(f"{API}/models")
    assert (offline.status_code, {model["chainStatus"] for model in offline.json["models"]}) == (200, {None})
    container.close()
