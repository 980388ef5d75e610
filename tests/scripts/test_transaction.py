"""The constructor's arguments, read from a real deployment."""

from __future__ import annotations

import pytest

from scripts import verify_source
from scripts.deployments import encode_arguments, write
from scripts.export_artifact import STANDARD_INPUT, builds
from scripts.verifiers.http import Patience
from scripts.verifiers.submission import SubmissionInvalid, VerifierUnavailable, from_record
from scripts.verifiers.transaction import fetch
from tests.scripts.conftest import CHAIN_ID

QUICK = Patience(attempts=2, backoff_s=0.001)


def test_the_arguments_are_those_of_the_deployment(deployed):
    found = fetch(CHAIN_ID, deployed.address, deployed.transaction, deployed.url, QUICK)
    assert found.arguments == encode_arguments(deployed.arguments)
    assert (found.address, found.transaction) == (deployed.address, deployed.transaction)


def test_a_node_of_another_chain_is_refused(deployed):
    with pytest.raises(SubmissionInvalid, match="expected a node of chain 1, found one that says '0xaa36a7'"):
        fetch(1, deployed.address, deployed.transaction, deployed.url, QUICK)


def test_a_transaction_that_made_another_contract_is_refused(deployed):
    other = "0x" + "12" * 20
    with pytest.raises(SubmissionInvalid, match=f"to create {other}, found '{deployed.address.lower()}'"):
        fetch(CHAIN_ID, other, deployed.transaction, deployed.url, QUICK)


def test_a_transaction_that_nobody_sent_is_refused(deployed):
    with pytest.raises(SubmissionInvalid, match=f"to create {deployed.address}, found None"):
        fetch(CHAIN_ID, deployed.address, "0x" + "00" * 32, deployed.url, QUICK)


def test_a_contract_of_another_build_is_refused(deployed):
    web3 = deployed.web3
    data = deployed.artifact["bytecode"][:-2] + "00" + encode_arguments(deployed.arguments)
    sent = web3.eth.send_transaction({"from": deployed.arguments["admin"], "data": data})
    receipt = web3.eth.wait_for_transaction_receipt(sent)
    with pytest.raises(SubmissionInvalid, match="check out the version that was deployed"):
        fetch(CHAIN_ID, receipt["contractAddress"], web3.to_hex(sent), deployed.url, QUICK)


def test_an_unreachable_node_is_named_without_its_address(deployed):
    with pytest.raises(VerifierUnavailable, match=r"^the node gave no answer in 2 tries; the last: ConnectionError$"):
        fetch(CHAIN_ID, deployed.address, deployed.transaction, "http://127.0.0.1:1/secret", QUICK)


def test_rpc_and_transaction_belong_together(deployed, capsys):
    with pytest.raises(SystemExit) as stopped:
        verify_source.main([deployed.address, "--chain", str(CHAIN_ID), "--rpc", deployed.url])
    assert stopped.value.code == 2
    assert "expected --rpc and --transaction together, found one of them" in capsys.readouterr().err


def test_a_former_registry_is_submitted_with_its_own_source(deployed):
    artifact, standard_input = builds()[1]
    web3 = deployed.web3
    data = artifact["bytecode"] + encode_arguments(deployed.arguments)
    sent = web3.eth.send_transaction({"from": deployed.arguments["admin"], "data": data})
    receipt = web3.eth.wait_for_transaction_receipt(sent)

    found = fetch(CHAIN_ID, receipt["contractAddress"], web3.to_hex(sent), deployed.url, QUICK)

    assert found.standard_input == standard_input != STANDARD_INPUT.read_text()
    assert found.arguments == encode_arguments(deployed.arguments)


def test_a_recorded_former_registry_is_submitted_with_its_own_source(tmp_path, deployed):
    artifact, standard_input = builds()[1]
    record = {
        "chainId": CHAIN_ID,
        "contract": "ImageRegistry",
        "address": deployed.address,
        "transaction": deployed.transaction,
        "block": 1,
        "time": "2026-11-21T00:00:00Z",
        "deployer": deployed.arguments["admin"],
        "constructorArguments": deployed.arguments | {"encoded": encode_arguments(deployed.arguments)},
        "compiler": artifact["compiler"],
        "standardInputSha256": artifact["standardJsonSha256"],
        "codeHash": artifact["codeHash"],
    }
    write(record, tmp_path)

    assert from_record(CHAIN_ID, deployed.address, tmp_path).standard_input == standard_input
