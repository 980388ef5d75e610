"""Records of deployments: whole, checked, and what the settings take from them."""

from __future__ import annotations

import json

import pytest

from backend.errors import ConfigurationError
from backend.settings import load as load_settings
from scripts import deployments
from scripts.deployments import DeploymentRecordInvalid, encode_arguments, load, read, write
from scripts.solc import ROOT

VALUES = {"adminDelay": 86_400, "admin": "0x" + "11" * 20, "classifier": "0x" + "22" * 20}
RECORD = {
    "chainId": 11_155_111,
    "contract": "ImageRegistry",
    "address": "0x" + "Ab" * 20,
    "transaction": "0x" + "cd" * 32,
    "block": 7,
    "time": "2026-11-21T00:00:00Z",
    "deployer": VALUES["admin"],
    "constructorArguments": VALUES | {"encoded": encode_arguments(VALUES)},
    "compiler": {"version": "0.8.30+commit.73712a01", "evmVersion": "paris", "optimizer": {"enabled": True}},
    "standardInputSha256": "ee" * 32,
    "codeHash": "0x" + "ff" * 32,
}
EXTERNAL = {"SCANPROOF_CHAIN": "external", "SCANPROOF_RPC_URL": "http://node.example", "SCANPROOF_CHAIN_ID": "11155111"}


def test_every_record_of_this_checkout_is_valid():
    assert all(load(path) for path in deployments.FOLDER.glob("*.json"))


def test_the_readme_names_every_field():
    readme = (ROOT / "deployments" / "README.md").read_text()
    assert [name for name in RECORD if f"`{name}`" not in readme] == []


def test_a_record_is_read_as_it_was_written(tmp_path):
    assert write(RECORD, tmp_path) == tmp_path / "11155111.json"
    assert read(11_155_111, tmp_path) == RECORD
    assert [path.name for path in tmp_path.iterdir()] == ["11155111.json"]


def test_a_chain_without_record_has_none(tmp_path):
    assert read(1, tmp_path) is None


def test_the_record_before_is_kept(tmp_path):
    write(RECORD, tmp_path)
    write(RECORD | {"block": 9}, tmp_path)
    assert read(11_155_111, tmp_path)["block"] == 9
    assert load(tmp_path / "11155111.7.json") == RECORD


def test_a_record_that_cannot_be_written_leaves_the_one_before(tmp_path):
    write(RECORD, tmp_path)
    with pytest.raises(TypeError):
        write(RECORD | {"compiler": object()}, tmp_path)
    assert read(11_155_111, tmp_path) == RECORD
    assert list(tmp_path.glob(".deployment-*")) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"address": "0x12"}, "expected address to match"),
        ({"block": "7"}, "expected block to be a whole number, found '7'"),
        ({"block": True}, "expected block to be a whole number, found True"),
        ({"chainId": 1}, "expected chainId 11155111 as in its name, found 1"),
        ({"transaction": "0x" + "CD" * 32}, "expected transaction to match"),
        ({"time": "yesterday"}, "expected time to match"),
        ({"contract": "Other"}, "expected contract to match ImageRegistry, found 'Other'"),
        ({"compiler": None}, "expected compiler with version, evmVersion and optimizer"),
        (
            {"constructorArguments": VALUES},
            "expected constructorArguments with adminDelay, admin, classifier and encoded",
        ),
        ({"constructorArguments": VALUES | {"encoded": "00"}}, "expected constructorArguments.encoded"),
        ({"constructorArguments": VALUES | {"admin": 1, "encoded": ""}}, "that can be encoded"),
        ({"note": "more"}, "expected an object with"),
    ],
)
def test_a_wrong_field_is_named(tmp_path, change, message):
    (tmp_path / "11155111.json").write_text(json.dumps(RECORD | change))
    with pytest.raises(DeploymentRecordInvalid, match=r"11155111\.json: ") as raised:
        read(11_155_111, tmp_path)
    assert message in str(raised.value)


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, "null"])
def test_what_is_no_record_is_refused(tmp_path, text):
    (tmp_path / "11155111.json").write_text(text)
    with pytest.raises(DeploymentRecordInvalid, match=r"11155111\.json: expected"):
        read(11_155_111, tmp_path)
    with pytest.raises(ConfigurationError, match=r"11155111\.json does not record a deployment on chain 11155111"):
        load_settings(EXTERNAL, env_file=None, deployments=tmp_path)


def test_the_settings_take_a_recorded_registry(tmp_path):
    write(RECORD, tmp_path)
    settings = load_settings(EXTERNAL, env_file=None, deployments=tmp_path)
    assert (settings.contract_address, settings.contract_block) == (RECORD["address"], 7)


def test_a_setting_wins_over_the_record(tmp_path):
    write(RECORD, tmp_path)
    other = "0x" + "12" * 20
    settings = load_settings(EXTERNAL | {"SCANPROOF_CONTRACT_ADDRESS": other}, env_file=None, deployments=tmp_path)
    assert (settings.contract_address, settings.contract_block) == (other, 0)
    settings = load_settings(EXTERNAL | {"SCANPROOF_CONTRACT_BLOCK": "8"}, env_file=None, deployments=tmp_path)
    assert (settings.contract_address, settings.contract_block) == (RECORD["address"], 8)


@pytest.mark.parametrize("change", [{"address": "0x12"}, {"block": -1}, {"block": "7"}, {"chainId": 1}, {"address": 5}])
def test_the_settings_refuse_a_broken_record(tmp_path, change):
    (tmp_path / "11155111.json").write_text(json.dumps(RECORD | change))
    with pytest.raises(ConfigurationError, match="does not record a deployment on chain 11155111"):
        load_settings(EXTERNAL, env_file=None, deployments=tmp_path)
