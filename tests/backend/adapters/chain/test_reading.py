from __future__ import annotations

from dataclasses import astuple

import pytest
from web3 import Web3

from backend.adapters.chain.development_accounts import ADMIN, USER
from backend.adapters.chain.events import ROLES
from backend.adapters.chain.web3_chain import Web3Chain
from backend.domain import DiagnosisRecordedEvent, ImageRegisteredEvent, RoleChange, StateKeys
from backend.errors import ChainUnavailable
from tests.standins.nodes import refusal, relay, result

NOBODY = "0x00000000000000000000000000000000000000AA"


def test_the_image_id_is_the_contracts(registry, cid):
    on_chain = registry.contract.functions.imageIdOf(USER.address, cid).call()

    assert registry.chain.image_id(USER.address, cid) == "0x" + on_chain.hex()


def test_both_events_of_one_transaction_come_in_order_with_every_field(registry, cid):
    signed = registry.sign(cid)
    sent = registry.wallet.register_with_diagnosis(cid, signed)
    block = registry.chain.blocks([sent.block])[0]
    image_id = signed.diagnosis.image_id
    fields = astuple(signed.diagnosis)

    events = registry.chain.events_of_image(image_id)

    assert events == [
        ImageRegisteredEvent(image_id, USER.address, cid, "0x" + "00" * 32, sent.hash, 0, block),
        DiagnosisRecordedEvent(
            image_id=image_id,
            diagnosis_id="0x" + registry.contract.functions.hashDiagnosis(fields).call().hex(),
            model_id=signed.diagnosis.model_id,
            classifier=registry.signer.address,
            label=1,
            confidence=9700,
            manifest_hash=signed.diagnosis.manifest_hash,
            issued_at=signed.diagnosis.issued_at,
            signature=signed.signature,
            transaction_hash=sent.hash,
            log_index=1,
            block=block,
        ),
    ]
    assert registry.chain.events_of_transaction(sent.hash) == events
    assert registry.chain.events(sent.block, sent.block) == events


def test_events_come_from_the_asked_blocks_only(registry, cid):
    sent = registry.wallet.register_image(cid)
    registry.rpc("evm_mine")

    assert registry.chain.events(sent.block + 1, sent.block + 1) == []
    assert [event.cid for event in registry.chain.events(sent.block, sent.block + 1)] == [cid]


def test_a_node_that_ignores_the_filter_adds_no_events(registry, cid):
    signed = registry.sign(cid)
    registry.wallet.register_with_diagnosis(cid, signed)
    registry.wallet.register_image(cid.replace("bafkrei", "bafybei"))

    def everything(method, parameters):
        if method != "eth_getLogs":
            return None
        return result(registry.rpc(method, {**parameters[0], "topics": []}))

    image_id, model_id = signed.diagnosis.image_id, signed.diagnosis.model_id
    with relay(registry.settings.rpc_url, everything) as url:
        chain = Web3Chain(url, chain_id=registry.chain.chain_id, contract=registry.chain.contract)
        assert chain.events_of_image(image_id) == registry.chain.events_of_image(image_id)
        assert set(chain.events_of_model(model_id)) == set(registry.chain.events_of_model(model_id)) != set()


def test_an_image_nobody_registered_has_no_events(registry):
    assert registry.chain.events_of_image("0x" + "ab" * 32) == []


def test_a_transaction_that_is_not_there_or_has_no_record_has_no_events(registry):
    payment = registry.web3.eth.send_transaction({"from": USER.address, "to": NOBODY, "value": 1})

    assert registry.chain.events_of_transaction("0x" + "cd" * 32) == []
    assert registry.chain.events_of_transaction(payment.to_0x_hex()) == []


def test_the_head_is_the_block_of_its_number(registry, cid):
    registry.wallet.register_image(cid)
    head = registry.chain.head()

    assert registry.chain.blocks([head.number])[0] == head
    assert registry.chain.blocks([head.number + 1])[0] is None


def test_the_history_of_the_role_tells_grant_and_revocation(registry):
    other = Web3.to_checksum_address("0x" + "5a" * 20)
    grant = registry.contract.functions.grantRole(ROLES["CLASSIFIER_ROLE"], other).transact({"from": ADMIN.address})
    revoke = registry.contract.functions.revokeRole(ROLES["CLASSIFIER_ROLE"], other).transact({"from": ADMIN.address})
    blocks = [registry.web3.eth.get_transaction_receipt(each)["blockNumber"] for each in (grant, revoke)]

    assert registry.chain.roles("CLASSIFIER_ROLE", other) == [
        RoleChange(blocks[0], 0, True, ADMIN.address, grant.to_0x_hex()),
        RoleChange(blocks[1], 0, False, ADMIN.address, revoke.to_0x_hex()),
    ]
    assert registry.chain.roles("CLASSIFIER_ROLE", NOBODY) == []


def test_the_deployment_gave_the_classifier_its_role(registry):
    roles = registry.chain.roles("CLASSIFIER_ROLE", registry.signer.address)

    assert [(change.block_number, change.granted) for change in roles] == [(registry.chain.start_block, True)]
    (change,) = roles
    (transaction,) = registry.chain.signed_transactions([change.transaction_hash])
    assert (transaction.sender, transaction.to) == (change.sender, registry.chain.contract)


def test_who_signed_a_transaction(registry, cid):
    hash_ = registry.wallet.register_image(cid).hash

    (transaction,) = registry.chain.signed_transactions([hash_])

    assert (transaction.sender, transaction.to) == (USER.address, registry.chain.contract)
    assert transaction.chain_id == registry.chain.chain_id
    assert cid.encode() in transaction.input


@pytest.mark.parametrize("raw", [refusal("no such method", -32601), *map(result, (None, "0x02c0", "0x"))])
def test_a_node_without_the_bytes_of_transactions(registry, cid, raw):
    """They are put together from the fields, and count only if they have the hash."""
    hash_ = registry.wallet.register_image(cid).hash

    def intercept(method, _):
        return raw if method == "eth_getRawTransactionByHash" else None

    def with_other_fields(method, parameters):
        if method != "eth_getTransactionByHash":
            return intercept(method, parameters)
        return result({**registry.rpc(method, *parameters), "nonce": "0x7777"})

    def without_any(method, parameters):
        return result(None) if method == "eth_getTransactionByHash" else intercept(method, parameters)

    for answers, sender in ((intercept, USER.address), (with_other_fields, None), (without_any, None)):
        with relay(registry.settings.rpc_url, answers) as url:
            chain = Web3Chain(url, chain_id=registry.chain.chain_id, contract=registry.chain.contract)
            (transaction,) = chain.signed_transactions([hash_])
        assert (transaction and transaction.sender) == sender


@pytest.mark.parametrize("answer", ["0x", "0x" + "00" * 31, "none", None, 5, ["0x1"]], ids=repr)
def test_answers_about_the_state_that_are_none(registry, answer):
    """Whatever a node answers to a call, it is reported as the chain's fault."""
    keys = StateKeys("0x" + "ab" * 32, diagnosis_ids=("0x" + "cd" * 32,), model_ids=("0x" + "cd" * 32,))

    def intercept(method, _):
        return result(answer) if method == "eth_call" else None

    with relay(registry.settings.rpc_url, intercept, batches=False) as url:
        chain = Web3Chain(url, chain_id=registry.chain.chain_id, contract=registry.chain.contract)
        with pytest.raises(ChainUnavailable):
            chain.state(keys, registry.chain.head())


def test_blocks_of_proof_of_authority_chains_are_read(registry):
    """They carry their signers and a signature as extra data, where others have 32 bytes at most (EIP-225)."""

    def with_signers(method, parameters):
        if not method.startswith("eth_getBlock"):
            return None
        return result({**registry.rpc(method, *parameters), "extraData": "0x" + "ab" * 97})

    with relay(registry.settings.rpc_url, with_signers) as url:
        chain = Web3Chain(url, chain_id=registry.chain.chain_id, contract=registry.chain.contract)
        assert chain.head() == registry.chain.head()
