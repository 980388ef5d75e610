"""The API describes itself, and the guide lists every route."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from backend.api import system
from tests.backend.api.conftest import API

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "API.md"


def routes(app: APIFlask) -> set[str]:
    return {
        method + " " + re.sub(r"<(?:path:)?(\w+)>", r"{\1}", rule.rule)
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }


def test_the_guides_table_holds_every_route_and_no_other(app: APIFlask) -> None:
    table = set(re.findall(r"^\| `((?:GET|POST|PUT|DELETE) [^`?]+)", GUIDE.read_text(), flags=re.MULTILINE))
    assert table == routes(app)


def test_the_description_is_openapi_and_holds_every_route_of_the_api(app: APIFlask, client: FlaskClient) -> None:
    description = client.get("/openapi.json").json
    assert description["openapi"].startswith("3.")
    described = {f"{method.upper()} {path}" for path, methods in description["paths"].items() for method in methods}
    ours = {route for route in routes(app) if API in route}
    assert described == ours
    references = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(description)))
    assert references <= description["components"]["schemas"].keys()
    operations = [o for methods in description["paths"].values() for o in methods.values()]
    assert all(operation["summary"] for operation in operations)


def test_names_outside_are_camel_case(client: FlaskClient) -> None:
    schemas = client.get("/openapi.json").json["components"]["schemas"]
    as_in_the_file = parts(schemas, "NetworkResult")
    names = {name for schema in schemas.keys() - as_in_the_file for name in schemas[schema].get("properties", {})}
    assert {"mediaType", "manifestHash", "imageIds"} <= names
    assert [name for name in names if "_" in name] == []


def parts(schemas: dict, name: str) -> set[str]:
    """The schema of that name and all that it is made of."""
    found, new = set(), {name}
    while new:
        found |= new
        new = {part for each in new for part in re.findall(r"schemas/(\w+)", json.dumps(schemas[each]))} - found
    return found


def test_each_answer_says_which_of_its_fields_are_always_there(client: FlaskClient) -> None:
    schemas = client.get("/openapi.json").json["components"]["schemas"]
    optional = {
        f"{name}.{field}"
        for name, schema in schemas.items()
        for field in schema.get("properties", {}).keys() - set(schema.get("required", ()))
    }
    requests = {
        *("ClassificationRequest.model", "ClassificationRequest.sealed", "StudyRequest.model"),
        *(
            "Pin.text",
            "Pin.pinAnyway",
            "Pin.magnification",
            "Pin.magnificationCorrected",
            "Answers.magnificationCorrected",
        ),
        *("PinRequest.text", "PinRequest.pinAnyway"),
        *("Answers.text", "Answers.pinAnyway", "Answers.magnification", "ReceivedStudy.model"),
        *(f"Registration.{name}" for name in ("name", "email", "phone", "role", "password", "passwordAgain")),
        *("Profile.name", "Profile.phone", "NewPassword.password", "NewPassword.passwordAgain"),
        *("Reset.password", "Reset.passwordAgain", "Reset.code", "Credentials.code", "UsedWallet.code"),
        *(f"AuthenticatorResponse.{name}" for name in ("attestationObject", "authenticatorData", "signature")),
        *("AuthenticatorResponse.userHandle", "NewPasskey.name"),
        *("NewKey.wraps", "NewKey.replaces", "NewWrap.passkeyId"),
    }
    answers = {
        *("ClassificationLinks.manifest", "OutlineLinks.overlay"),
        *("Problem.boxes", "Problem.slices", "Problem.fields"),
    }
    assert optional == requests | answers


def test_a_parameter_with_fixed_values_is_a_string_and_never_null(client: FlaskClient) -> None:
    paths = client.get("/openapi.json").json["paths"]
    for path in ("/records", "/records.csv", "/records.json", "/reviews/queue"):
        (schema,) = (
            parameter["schema"] for parameter in paths[API + path]["get"]["parameters"] if parameter["name"] == "status"
        )
        assert schema["type"] == "string"
        assert schema["enum"] == ["asserted", "abstained", "confirmed", "overridden", "withdrawn"]


def test_an_answer_that_is_not_as_described_fails_its_test(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system, "version", lambda package: None)
    with pytest.raises(AssertionError, match=r"version: None is not of type 'string'"):
        client.get(f"{API}/config")


def test_the_configuration_is_all_that_the_page_needs(client: FlaskClient, container) -> None:
    config = client.get(f"{API}/config").json
    assert config["chain"] == {
        "id": 1337,
        "name": "Ganache (this machine)",
        "rpcUrl": container.settings.wallet_rpc_url,
        "currency": {"name": "Ether", "symbol": "ETH", "decimals": 18},
        "explorerUrl": None,
        "contract": container.chain.contract,
        "startBlock": container.chain.start_block,
        "confirmations": 1,
        "development": True,
    }
    assert config["storage"] == {"name": "embedded", "public": False}
    assert config["classifier"] == container.signer.address
    assert config["limits"]["maxBytes"] == 25 * 1024 * 1024
    assert config["limits"]["maxPixels"] == 40_000_000
    assert config["limits"]["maxSlideBytes"] == 2 * 1024**3
    assert set(config["limits"]["mediaTypes"]) == {
        *(f"image/{kind}" for kind in ("png", "jpeg", "tiff", "bmp", "webp")),
        "application/dicom",
    }
    assert "not for diagnosis" in config["notice"]


def test_the_models_are_described_with_their_card(client: FlaskClient) -> None:
    models = client.get(f"{API}/models").json["models"]
    assert [model["default"] for model in models] == [True] + [False] * (len(models) - 1)
    for model in models:
        assert re.fullmatch(r"[0-9a-f]{64}", model["sha256"])
        assert model["card"].startswith("#")
        assert all(set(c) == {"label", "code", "text"} for c in model["classes"])
        assert set(model["nextSteps"]) == {c["label"] for c in model["classes"]} | {"abstained"}
        assert all(step["text"] and step["reference"]["url"] for steps in model["nextSteps"].values() for step in steps)
        json.dumps(model["metrics"])
