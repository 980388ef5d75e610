"""Every number of contracts/AUDITING.md, computed and met on a real chain; and the page names no other."""

from __future__ import annotations

import json
import re
import subprocess

import pytest
from hexbytes import HexBytes
from web3.logs import DISCARD

from scripts.export_artifact import ARTIFACT, ARTIFACTS, FORMER
from scripts.solc import ROOT
from tests.scripts.audit_example import make, selectors, topics

PAGE = (ROOT / "contracts" / "AUDITING.md").read_text()
EVENTS = dict(re.findall(r"^\| `([A-Z][a-z]\w+)` \| `(0x[0-9a-f]{64})`", PAGE, re.MULTILINE))
FIELDS = {
    name: (indexed, data)
    for name, indexed, data in re.findall(r"^\| `(\w+)` \| `0x\w{64}` \| ([\w ·]+) \| (.*)\|$", PAGE, re.MULTILINE)
    if name in EVENTS
}


@pytest.fixture(scope="module")
def abi(deployed):
    return deployed.artifact["abi"]


@pytest.fixture(scope="module")
def former():
    """The ABI of each contract that is filed as a former one."""
    return [json.loads(path.read_text())["abi"] for path in (ARTIFACTS / FORMER).glob(f"*/{ARTIFACT.name}")]


@pytest.fixture(scope="module")
def example(deployed):
    return make(deployed)


@pytest.fixture(scope="module")
def registry(deployed):
    return deployed.web3.eth.contract(deployed.address, abi=deployed.artifact["abi"])


def test_the_page_names_no_number_that_is_not_computed(abi, former, example):
    known = {*example.numbers.values(), *selectors(abi).values(), "0x" + 64 * "0"}
    known |= {topic for each in (abi, *former) for topic in topics(each).values()}
    named = set(re.findall(r"0x[0-9a-fA-F]+|\bbaf[a-z2-7]{56}\b", PAGE)) - {"0x"}
    assert {text.lower() for text in named} - {text.lower() for text in known} == set()


def test_the_page_names_every_number_of_the_example(example):
    unnamed = {name for name, value in example.numbers.items() if value.lower() not in PAGE.lower()}
    assert unnamed == {"signature"}


def test_every_event_that_an_auditor_needs_has_its_topic_and_its_fields(abi):
    kinds = {event["name"]: event["inputs"] for event in abi if event["type"] == "event"}
    # Hand-over of the admin role, and EIP-712's own: nothing of a record depends on them.
    assert set(kinds) - set(EVENTS) == {
        *("DefaultAdminDelayChangeCanceled", "DefaultAdminDelayChangeScheduled", "DefaultAdminTransferCanceled"),
        *("DefaultAdminTransferScheduled", "EIP712DomainChanged", "RoleAdminChanged"),
    }
    for name, (indexed, data) in FIELDS.items():
        assert EVENTS[name] == topics(abi)[name]
        assert indexed.split(" · ") == [field["name"] for field in kinds[name] if field["indexed"]]
        assert data.strip() == ", ".join(field["name"] for field in kinds[name] if not field["indexed"])
    assert FIELDS.keys() == EVENTS.keys()


def test_every_method_has_its_id(abi):
    named = dict(re.findall(r"`(\w+)`\s`(0x[0-9a-f]{8})`", PAGE))
    assert len(named) == 14
    assert named == {name: selectors(abi)[name] for name in named}


def test_every_call_exists(abi):
    calls = set(re.findall(r"`([a-z]\w+)\([\w, ]+\)`", PAGE))
    assert {"imageOf", "imageIdOf", "hasRole", "statusOf", "trainingOf", "newestReviewOf"} <= calls
    assert calls <= selectors(abi).keys()


def test_the_chain_shows_the_example(example, registry):
    numbers, receipts = example.numbers, example.receipts
    seen = [
        (event.event, {name: _text(value) for name, value in event.args.items()})
        for name, receipt in receipts.items()
        for kind in registry.events
        for event in kind().process_receipt(receipt, errors=DISCARD)
    ]
    shown = dict(seen)
    assert shown["ImageRegistered"] == _of(numbers, "imageId", "uploader", "cid") | {"commitment": "0x" + 64 * "0"}
    assert shown["DiagnosisRecorded"] == _of(
        numbers, "imageId", "modelId", "classifier", "manifestHash", "signature"
    ) | {"label": 1, "confidence": 9_770, "issuedAt": 1_700_000_000}
    assert shown["DiagnosisReviewed"] == _of(numbers, "imageId", "diagnosisId", "reviewId", "reasonHash") | {
        "reviewer": numbers["clinician"],
        "supersedes": numbers["diagnosisId"],
        "verdict": 0,
        "label": 1,
    }
    assert shown["ModelRegistered"]["cardCid"] == numbers["cardCid"]
    assert _of(numbers, "trainingId", "modelId", "metricsHash").items() <= shown["TrainingAnchored"].items()
    assert shown["RoleGranted"]["role"] == numbers["CLINICIAN_ROLE"]


def test_the_calls_answer_as_the_page_says(example, registry):
    numbers, calls = example.numbers, registry.functions
    assert _text(calls.imageIdOf(numbers["uploader"], numbers["cid"]).call()) == numbers["imageId"]
    assert _text(calls.hashDiagnosis(example.diagnosis).call()) == numbers["diagnosisId"]
    assert _text(calls.newestReviewOf(numbers["diagnosisId"]).call()) == numbers["reviewId"]
    assert _text(calls.trainingOf(numbers["modelId"]).call()) == numbers["trainingId"]
    assert calls.statusOf(numbers["modelId"]).call() == 1
    assert calls.labelsOf(numbers["modelId"]).call() == 4
    assert calls.compromisedSince(numbers["classifier"]).call() == 0
    assert calls.imageOf(numbers["imageId"]).call()[0] == numbers["uploader"]
    for role, holder in (("CLASSIFIER_ROLE", "classifier"), ("CLINICIAN_ROLE", "clinician")):
        assert calls.hasRole(numbers[role], numbers[holder]).call()


def test_the_command_makes_the_cid_of_a_hash(example):
    command = next(line.strip() for line in PAGE.splitlines() if line.startswith("    python3 "))
    command = command.replace("HASH", example.numbers["manifestHash"].removeprefix("0x"))
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == example.numbers["manifestCid"]


def _of(numbers: dict[str, str], *names: str) -> dict[str, object]:
    return {name: numbers[name] for name in names}


def _text(value: object) -> object:
    return HexBytes(value).to_0x_hex() if isinstance(value, bytes) else value
