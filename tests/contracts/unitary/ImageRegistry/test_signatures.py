"""A diagnosis counts only as signed by a current classifier, for this image, registry and chain."""

import pytest
from brownie import reverts, web3
from eth_account import Account

from scripts.deploy import deploy
from scripts.solc import compile_with_npm
from tests.contracts.support import (
    CLASSIFIER_ROLE,
    ISSUED_AT,
    LABELS,
    MODEL_ID,
    ZERO_ADDRESS,
    Domain,
    cid_of,
    error,
    high_s,
)

pytestmark = pytest.mark.node

OTHER_MODEL = bytes(range(32))
WALLET = """
pragma solidity 0.8.30;
contract Wallet {
    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) { return 0x1626ba7e; }
}
"""
WALLET_INPUT = {
    "language": "Solidity",
    "sources": {"Wallet.sol": {"content": WALLET}},
    "settings": {"evmVersion": "paris", "outputSelection": {"*": {"*": ["abi", "evm.bytecode.object"]}}},
}


def test_signer_without_role(registry, domain, alice, diagnosis):
    stranger = Account.from_key("0x" + 32 * "d2")
    with reverts(error("ClassifierNotAuthorized", stranger.address)):
        registry.recordDiagnosis(diagnosis, domain.sign(stranger, diagnosis), {"from": alice})


def test_revoked_classifier(registry, admin, alice, classifier, diagnosis, signature):
    registry.revokeRole(CLASSIFIER_ROLE, classifier.address, {"from": admin})
    with reverts(error("ClassifierNotAuthorized", classifier.address)):
        registry.recordDiagnosis(diagnosis, signature, {"from": alice})


def test_second_classifier(registry, domain, admin, alice, diagnosis):
    second = Account.from_key("0x" + 32 * "e3")
    registry.grantRole(CLASSIFIER_ROLE, second.address, {"from": admin})
    tx = registry.recordDiagnosis(diagnosis, domain.sign(second, diagnosis), {"from": alice})
    assert tx.events["DiagnosisRecorded"]["classifier"] == second.address


def test_replay_on_another_image(registry, domain, alice, diagnosis, signature):
    other = diagnosis._replace(
        imageId=bytes(registry.registerImage(cid_of(b"other"), bytes(32), {"from": alice}).return_value)
    )
    with reverts(error("ClassifierNotAuthorized", domain.recover(other, signature))):
        registry.recordDiagnosis(other, signature, {"from": alice})


def test_replay_from_another_chain(registry, domain, alice, classifier, diagnosis):
    foreign = domain._replace(chainId=domain.chainId + 1).sign(classifier, diagnosis)
    with reverts(error("ClassifierNotAuthorized", domain.recover(diagnosis, foreign))):
        registry.recordDiagnosis(diagnosis, foreign, {"from": alice})


def test_replay_on_another_registry(domain, admin, alice, cid, card_cid, classifier, diagnosis, signature):
    twin = deploy(admin, classifier.address)
    twin.registerModel(MODEL_ID, LABELS, card_cid, {"from": admin})
    twin.registerImage(cid, bytes(32), {"from": alice})
    signer = Domain(domain.chainId, twin.address).recover(diagnosis, signature)
    with reverts(error("ClassifierNotAuthorized", signer)):
        twin.recordDiagnosis(diagnosis, signature, {"from": alice})


@pytest.mark.parametrize("change", [{"name": "Scanproof"}, {"version": "2"}])
def test_other_domain(registry, domain, alice, classifier, diagnosis, change):
    foreign = domain._replace(**change).sign(classifier, diagnosis)
    with reverts(error("ClassifierNotAuthorized", domain.recover(diagnosis, foreign))):
        registry.recordDiagnosis(diagnosis, foreign, {"from": alice})


@pytest.mark.parametrize(
    "change",
    [
        {"modelId": OTHER_MODEL},
        {"label": 1},
        {"confidence": 9_999},
        {"manifestHash": bytes(32)},
        {"issuedAt": ISSUED_AT - 1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_changed_field(registry, domain, admin, alice, card_cid, diagnosis, signature, change):
    registry.registerModel(OTHER_MODEL, LABELS, card_cid, {"from": admin})
    changed = diagnosis._replace(**change)
    with reverts(error("ClassifierNotAuthorized", domain.recover(changed, signature))):
        registry.recordDiagnosis(changed, signature, {"from": alice})


def test_high_s(registry, alice, diagnosis, signature):
    with reverts(error("ClassifierNotAuthorized", ZERO_ADDRESS)):
        registry.recordDiagnosis(diagnosis, high_s(signature), {"from": alice})


def _compact(signature: bytes) -> bytes:
    """EIP-2098: v in the highest bit of s."""
    parity = signature[64] - 27
    return signature[:32] + bytes([signature[32] | parity << 7]) + signature[33:64]


@pytest.mark.parametrize(
    "malform",
    [
        lambda signature: b"",
        lambda signature: signature[:64],
        lambda signature: signature + b"\0",
        _compact,
        lambda signature: signature[:64] + bytes([signature[64] - 27]),
        lambda signature: bytes(65),
        lambda signature: signature + bytes(20_000),
    ],
    ids=["empty", "64 bytes", "66 bytes", "compact", "v of 0 or 1", "zeros", "20 kB more"],
)
def test_malformed(registry, alice, diagnosis, signature, malform):
    with reverts(error("ClassifierNotAuthorized", ZERO_ADDRESS)):
        registry.recordDiagnosis(diagnosis, malform(signature), {"from": alice})


def test_malformed_stays_refused_if_zero_address_has_the_role(registry, admin, alice, diagnosis):
    registry.grantRole(CLASSIFIER_ROLE, ZERO_ADDRESS, {"from": admin})
    with reverts(error("ClassifierNotAuthorized", ZERO_ADDRESS)):
        registry.recordDiagnosis(diagnosis, bytes(65), {"from": alice})


def test_erc1271_wallet(registry, admin, alice, classifier, diagnosis, signature):
    """A contract cannot be a classifier: its consent could change after the fact, and nobody could check it later."""
    build = compile_with_npm(WALLET_INPUT)["contracts"]["Wallet.sol"]["Wallet"]
    factory = web3.eth.contract(abi=build["abi"], bytecode=build["evm"]["bytecode"]["object"])
    receipt = web3.eth.wait_for_transaction_receipt(factory.constructor().transact({"from": admin.address}))
    registry.grantRole(CLASSIFIER_ROLE, receipt["contractAddress"], {"from": admin})
    registry.revokeRole(CLASSIFIER_ROLE, classifier.address, {"from": admin})
    with reverts(error("ClassifierNotAuthorized", classifier.address)):
        registry.recordDiagnosis(diagnosis, signature, {"from": alice})
