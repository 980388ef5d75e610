"""The committed build is what the sources give, with the npm compiler as with the installed one."""

from __future__ import annotations

import copy
import hashlib
import json

import pytest
import solcx
from brownie import ImageRegistry

from scripts import export_artifact
from scripts.export_artifact import ARTIFACT, CONTRACT, SOURCE, STANDARD_INPUT
from scripts.solc import compile_with_npm, ensure_solc


@pytest.fixture(scope="module")
def artifact():
    return json.loads(ARTIFACT.read_text())


@pytest.fixture(scope="module")
def compiler_input():
    return json.loads(STANDARD_INPUT.read_text())


def test_is_current():
    assert export_artifact.main(["--check"]) == 0


def test_check_names_a_stale_file(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(export_artifact, "ARTIFACTS", tmp_path)
    monkeypatch.setattr(export_artifact, "build", lambda: {"a.json": "new", "b.json": "new", "c.json": "new"})
    (tmp_path / "a.json").write_text("new")
    (tmp_path / "b.json").write_text("old")
    assert export_artifact.main(["--check"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "b.json differs from the sources; run `python -m scripts.export_artifact`",
        "c.json differs from the sources; run `python -m scripts.export_artifact`",
    ]


def test_former_builds_are_those_of_their_inputs():
    """A registry that was deployed is read by the build that is filed under its code."""
    folders = sorted((export_artifact.ARTIFACTS / export_artifact.FORMER).iterdir())
    assert folders, "the first registry's build is filed there"
    for folder in folders:
        filed = json.loads((folder / ARTIFACT.name).read_text())
        assert filed == export_artifact.artifact_of((folder / STANDARD_INPUT.name).read_text())
        assert filed["codeHash"] == folder.name != json.loads(ARTIFACT.read_text())["codeHash"]


def test_keep_files_the_committed_build(tmp_path, monkeypatch, artifact):
    monkeypatch.setattr(export_artifact, "ARTIFACTS", tmp_path)
    assert export_artifact.main(["--keep"]) == 0
    folder = tmp_path / "former" / artifact["codeHash"]
    assert (folder / ARTIFACT.name).read_text() == ARTIFACT.read_text()
    assert (folder / STANDARD_INPUT.name).read_text() == STANDARD_INPUT.read_text()


def test_layout_keeps_the_slots_of_the_former_build(artifact):
    """What is new comes after what was, so that one reader of slots serves both."""
    (former,) = (export_artifact.ARTIFACTS / export_artifact.FORMER).iterdir()
    before = json.loads((former / ARTIFACT.name).read_text())["storageLayout"]["storage"]
    now = [(entry["label"], entry["slot"]) for entry in artifact["storageLayout"]["storage"]]
    renamed = {"_statuses": "_models"}
    assert now == [
        *((renamed.get(entry["label"], entry["label"]), entry["slot"]) for entry in before),
        ("_compromises", "9"),
    ]


def test_installed_compiler_gives_the_same_bytecode(artifact, compiler_input):
    """The installed compiler is the native build wherever that can be downloaded."""
    output = solcx.compile_standard(compiler_input, solc_binary=ensure_solc())
    assert "0x" + output["contracts"][SOURCE][CONTRACT]["evm"]["bytecode"]["object"] == artifact["bytecode"]


def test_brownie_deploys_the_same_bytecode(artifact):
    assert "0x" + ImageRegistry.bytecode == artifact["bytecode"]


def test_abi_is_that_of_brownie(artifact):
    constructor, *rest = copy.deepcopy(ImageRegistry.abi)
    assert constructor.pop("name") == "constructor"  # Brownie's addition
    assert artifact["abi"] == [constructor, *rest]


def test_standard_input_is_self_contained(compiler_input):
    assert set(compile_with_npm(compiler_input)["sources"]) == set(compiler_input["sources"])


def test_artifact_names_its_standard_input(artifact):
    assert artifact["standardJsonSha256"] == hashlib.sha256(STANDARD_INPUT.read_bytes()).hexdigest()


def test_compiler_settings(artifact):
    assert artifact["compiler"] == {
        "version": "0.8.30+commit.73712a01",
        "evmVersion": "paris",
        "optimizer": {"enabled": True, "runs": 1_000_000},
    }


def test_fits_the_code_size_limit(artifact):
    """EIP-170."""
    assert len(bytes.fromhex(artifact["deployedBytecode"][2:])) <= 24_576
