"""`scanproof evidence` and `scanproof verify --evidence`, with the shipped models and the embedded chain."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from backend.adapters.chain.dev import embedded
from backend.commands.arguments import WrongUse
from backend.commands.evidence import write_all_new, write_new
from backend.processes import free_port
from backend.settings import load
from tests.backend.commands.conftest import Shared, shared


@pytest.fixture(scope="module")
def own(tmp_path_factory) -> Shared:
    """A command line whose folder every test here shares, as each only reads it."""
    return shared(tmp_path_factory.mktemp("own"))


@pytest.fixture(scope="module")
def record(own) -> dict:
    """What the demo recorded, on an embedded chain that is not running any more."""
    result = own("demo", "--json")
    assert result.status == 0, result.stderr
    return result.json


@pytest.fixture(scope="module")
def evidence(own, record, tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("evidence") / "evidence.zip"
    assert own("evidence", record["imageId"], "--output", file).status == 0
    return file


def test_an_evidence_file_is_checked_without_chain_and_store(command, record, evidence, tmp_path):
    result = command("verify", "--evidence", evidence, "--json")

    assert (result.status, result.json["verdict"], result.json["verified"]) == (3, "unanchored", False), result.stdout
    assert all(check["passed"] for check in result.json["checks"])
    assert result.json["imageIds"] == [record["imageId"]]
    assert [diagnosis["status"] for diagnosis in result.json["diagnoses"]] == ["asserted"]
    names = {check["name"] for check in result.json["checks"]}
    assert {check["name"] for check in record["checks"]} < names
    assert {"contract code", "contract account", "events", "objects"} < names
    assert not (tmp_path / "var" / "chain").exists()

    text = command("verify", "--evidence", evidence).stdout
    assert "No node was asked." in text
    assert "Verdict: unanchored" in text.splitlines()
    assert "verified" not in text.lower()
    for block in result.json["blocks"]:
        assert f"block {block['number']}  {block['hash']}" in text


def test_the_answer_names_the_block_up_to_which_the_record_is_complete(command, evidence):
    result = command("verify", "--evidence", evidence, "--json")

    newest = result.json["blocks"][-1]
    block = result.json["completeness"]["block"]
    assert (block["number"], block["hash"]) == (newest["number"], newest["hash"])
    assert block["timestamp"] > 1_700_000_000
    text = command("verify", "--evidence", evidence).stdout
    assert f"Complete up to block {block['number']} of 20" in text
    assert block["hash"] in text


def hashes(command, evidence) -> list[str]:
    return [block["hash"] for block in command("verify", "--evidence", evidence, "--json").json["blocks"]]


def checkpoint_file(folder: Path, blocks: list[dict]) -> Path:
    file = folder / "checkpoints.json"
    file.write_text(json.dumps({"schema": "scanproof.checkpoints/1", "blocks": blocks}))
    return file


def test_blocks_that_the_checker_trusts_anchor_an_evidence_file(command, evidence):
    trusted = [
        part for hash_ in hashes(command, evidence) for part in ("--trusted-block", hash_.upper().replace("0X", "0x"))
    ]

    result = command("verify", "--evidence", evidence, *trusted, "--json")

    assert (result.status, result.json["verdict"], result.json["verified"]) == (0, "valid", True), result.stdout
    assert all(block["anchored"] for block in result.json["blocks"])
    assert "Unanchored" not in command("verify", "--evidence", evidence, *trusted).stdout


def test_an_evidence_file_is_not_anchored_by_some_of_its_blocks(command, evidence):
    first, *_, last = hashes(command, evidence)

    result = command("verify", "--evidence", evidence, "--trusted-block", last, "--json")

    assert (result.status, result.json["verdict"]) == (3, "unanchored")
    anchored = {block["hash"]: block["anchored"] for block in result.json["blocks"]}
    assert (anchored[first], anchored[last]) == (False, True)
    text = command("verify", "--evidence", evidence, "--trusted-block", last).stdout
    assert (f"  {first}" in text.partition("Unanchored")[2], f"  {last}" in text.partition("Unanchored")[2]) == (
        *(True, False),
    )


def test_a_checkpoint_file_anchors_an_evidence_file_or_contradicts_it(command, evidence, tmp_path):
    answer = command("verify", "--evidence", evidence, "--json").json
    blocks = [
        {"chainId": answer["chainId"], "number": block["number"], "hash": block["hash"]} for block in answer["blocks"]
    ]
    good = command("verify", "--evidence", evidence, "--checkpoints", checkpoint_file(tmp_path, blocks), "--json")
    assert (good.status, good.json["verdict"]) == (0, "valid")

    elsewhere = [{**block, "chainId": 5} for block in blocks]
    other = command("verify", "--evidence", evidence, "--checkpoints", checkpoint_file(tmp_path, elsewhere), "--json")
    assert (other.status, other.json["verdict"]) == (3, "unanchored")

    blocks[0]["hash"] = "0x" + "ab" * 32
    bad = command("verify", "--evidence", evidence, "--checkpoints", checkpoint_file(tmp_path, blocks), "--json")
    assert (bad.status, bad.json["verdict"]) == (1, "invalid")
    failed = [check["name"] for check in bad.json["checks"] if not check["passed"]]
    assert failed == [f"checkpoint of block {blocks[0]['number']}"]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        "[" * 50_000,
        '{"schema":"scanproof.checkpoints/2","blocks":[]}',
        '{"schema":"scanproof.checkpoints/1","blocks":[{"chainId":1,"number":2}]}',
        '{"schema":"scanproof.checkpoints/1","blocks":[{"chainId":1,"number":2,"hash":"0x12"}]}',
        '{"schema":"scanproof.checkpoints/1","blocks":[{"chainId":"1","number":2,"hash":"0x' + "ab" * 32 + '"}]}',
        '{"schema":"scanproof.checkpoints/1","blocks":['
        + ",".join(['{"chainId":1,"number":2,"hash":"0x' + "ab" * 32 + '"}'] * 2)
        + "]}",
    ],
    ids=lambda content: content[:30],
)
def test_a_checkpoint_file_that_is_none_is_wrong_use(command, evidence, tmp_path, content):
    file = tmp_path / "checkpoints.json"
    file.write_text(content)

    result = command("verify", "--evidence", evidence, "--checkpoints", file)

    assert result.status == 2
    assert "expected a file of scanproof.checkpoints/1" in result.stderr


@pytest.mark.parametrize(
    "option", [("--trusted-block", "0x" + "ab" * 32), ("--checkpoints", "FILE")], ids=lambda o: o[0]
)
def test_trusted_blocks_without_an_evidence_file_are_wrong_use(command, tmp_path, option):
    name, value = option
    value = (
        checkpoint_file(tmp_path, [{"chainId": 1, "number": 2, "hash": "0x" + "ab" * 32}]) if value == "FILE" else value
    )

    result = command("verify", "--image-id", "0x" + "ab" * 32, name, value, "--json")

    assert (result.status, result.json["error"]["type"]) == (2, "WrongUse")


def test_with_a_node_the_evidence_file_is_compared_with_its_chain(command, own, evidence, record):
    settings = load(own.environ, env_file=None)
    with embedded.running(settings, classifier=None):
        result = command("verify", "--evidence", evidence, "--rpc", settings.rpc_url, "--json")
        again = own("evidence", record["imageId"], "--output", evidence.with_name("again.zip"))

    assert (result.status, result.json["comparedWithNode"]) == (0, True), result.stdout
    assert (result.json["verdict"], result.json["verified"]) == ("valid", True)
    names = [check["name"] for check in result.json["checks"]]
    assert names[-8:] == [
        *("record on the chain", "models on the chain", "roles on the chain"),
        *(f"complete {what} on the chain" for what in ("record", "reviews", "models", "roles", "compromise reports")),
    ]
    assert again.status == 0
    assert evidence.with_name("again.zip").read_bytes() == evidence.read_bytes()


def test_a_node_that_is_not_there_is_reported_without_its_address(command, evidence):
    url = f"http://127.0.0.1:{free_port()}/v3/secret-key"
    result = command("verify", "--evidence", evidence, "--rpc", url, "--json")

    assert (result.status, result.json["error"]["type"]) == (1, "ChainUnavailable")
    assert "secret-key" not in result.stdout + result.stderr


def test_a_changed_evidence_file_fails_with_the_right_line(command, record, evidence, tmp_path):
    changed = tmp_path / "changed.zip"
    with zipfile.ZipFile(evidence) as source, zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, content[:-1] + b"!" if name.endswith(record["cid"]) else content)

    result = command("verify", "--evidence", changed, "--json")

    assert (result.status, result.json["verdict"], result.json["verified"]) == (1, "invalid", False)
    failed = [check["name"] for check in result.json["checks"] if not check["passed"]]
    assert failed == ["image bytes", "result reproduced"]


def test_a_file_that_is_no_evidence_file_is_wrong_use(command, tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("not a ZIP")

    result = command("verify", "--evidence", file, "--json")

    assert (result.status, result.json["error"]["type"]) == (2, "InvalidEvidence")


def test_an_existing_file_is_not_overwritten(command, tmp_path):
    file = tmp_path / "evidence.zip"
    file.write_bytes(b"of somebody else")

    result = command("evidence", "0x" + "ab" * 32, "--output", file, "--json")

    assert (result.status, result.json["error"]["type"]) == (2, "WrongUse")
    assert file.read_bytes() == b"of somebody else"


def test_nothing_is_left_of_an_evidence_file_that_cannot_be_made(own, record, tmp_path):
    result = own("evidence", "0x" + "ab" * 32, "--output", tmp_path / "evidence.zip", "--json")

    assert (result.status, result.json["error"]["type"]) == (1, "NotFound")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_reported(own, record, tmp_path):
    result = own("evidence", record["imageId"], "--output", tmp_path / "missing" / "evidence.zip", "--json")

    assert (result.status, result.json["error"]["type"]) == (2, "WrongUse")
    assert "expected a file in an existing directory" in result.json["error"]["message"]


def test_the_image_that_the_evidence_file_holds_is_not_given_again(command, tmp_path):
    image = tmp_path / "image"
    image.write_bytes(b"x")

    result = command("verify", "--evidence", image, "--file", image)

    assert result.status == 2
    assert "leave --file out" in result.stderr


def registry_check(result) -> list[bool]:
    return [check["passed"] for check in result.json["checks"] if check["name"] == "registry"]


def test_an_evidence_file_of_a_registry_that_nobody_named_says_so(command, evidence):
    result = command("verify", "--evidence", evidence, "--json")
    assert (result.json["expectedContract"], registry_check(result)) == (None, [])

    text = command("verify", "--evidence", evidence).stdout
    assert text.splitlines()[0].startswith(f"Registry {result.json['contract']} on ")
    assert "Nobody named the registry." in text
    assert "compare the registry's address with the one you know" in text


def test_an_evidence_file_of_another_registry_than_the_named_one_fails(command, evidence):
    theirs = command("verify", "--evidence", evidence, "--json").json["contract"]
    ours = "0x" + "ab" * 20

    result = command("verify", "--evidence", evidence, "--contract", ours, "--json")
    assert (result.status, registry_check(result), result.json["expectedContract"]) == (1, [False], ours)
    assert [check["name"] for check in result.json["checks"] if not check["passed"]] == ["registry"]

    good = command("verify", "--evidence", evidence, "--contract", theirs)
    assert good.status == 3
    assert "the one you know" not in good.stdout


def test_the_registry_of_the_settings_or_the_recorded_one_is_expected(command, evidence, tmp_path, monkeypatch):
    settings = {
        "SCANPROOF_CHAIN": "external",
        "SCANPROOF_RPC_URL": "http://127.0.0.1:1",
        "SCANPROOF_CHAIN_ID": "31337",
        "SCANPROOF_CONTRACT_ADDRESS": "0x" + "ab" * 20,
    }
    named = command("verify", "--evidence", evidence, "--json", **settings)
    assert registry_check(named) == [False]
    elsewhere = command("verify", "--evidence", evidence, "--json", **settings | {"SCANPROOF_CHAIN_ID": "5"})
    assert registry_check(elsewhere) == []

    (tmp_path / "deployments").mkdir()
    record = {"chainId": named.json["chainId"], "address": named.json["contract"], "block": 1}
    (tmp_path / "deployments" / f"{named.json['chainId']}.json").write_text(json.dumps(record))
    monkeypatch.setattr("backend.commands.verify.ROOT", tmp_path)
    recorded = command("verify", "--evidence", evidence, "--json")
    assert (recorded.status, registry_check(recorded)) == (3, [True])


def test_a_file_that_appeared_meanwhile_is_not_replaced(tmp_path):
    file = tmp_path / "evidence.zip"
    file.write_bytes(b"of somebody else")

    with pytest.raises(WrongUse, match=r"evidence\.zip is there already: name a new file$"):
        write_new(file, b"evidence")

    assert [each.read_bytes() for each in tmp_path.iterdir()] == [b"of somebody else"]


def test_a_link_to_nothing_is_not_replaced(tmp_path):
    """It does not exist for a check before the writing."""
    file = tmp_path / "evidence.zip"
    file.symlink_to(tmp_path / "nothing")

    with pytest.raises(WrongUse, match="is there already"):
        write_new(file, b"evidence")

    assert [each.name for each in tmp_path.iterdir()] == ["evidence.zip"]
    assert file.is_symlink()


def test_of_two_files_both_are_written_or_none(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    second.write_bytes(b"of somebody else")

    with pytest.raises(WrongUse, match="second is there already"):
        write_all_new({first: [b"1"], second: [b"2"]})
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == {"second": b"of somebody else"}

    write_all_new({first: [b"1"], tmp_path / "third": [b"3"]})
    assert sorted(each.name for each in tmp_path.iterdir()) == ["first", "second", "third"]


def test_a_directory_that_disappeared_is_named(tmp_path):
    file = tmp_path / "gone" / "evidence.zip"

    with pytest.raises(WrongUse, match=r"evidence\.zip cannot be written: No such file or directory$"):
        write_new(file, b"evidence")
