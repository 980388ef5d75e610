from __future__ import annotations

from web3 import Web3

from backend.adapters.chain.development_accounts import ADMIN, USER
from backend.domain import TransactionState, TransactionStatus

SOMEBODY = "0x00000000000000000000000000000000000000bb"


def send(call, gas: int = 500_000) -> str:
    """With a fixed gas limit, so that nobody finds out beforehand that it will fail."""
    return call.transact({"from": USER.address, "gas": gas}).to_0x_hex()


def failed(registry, call, **options) -> TransactionStatus:
    hash_ = send(call, **options)
    registry.web3.eth.wait_for_transaction_receipt(hash_)
    return status(registry, hash_)


def status(registry, hash_, **options) -> TransactionStatus:
    return registry.chain.transaction(hash_, **{"confirmations": 1, **options})


def test_a_mined_transaction_is_confirmed_at_the_asked_depth(registry, cid):
    sent = registry.wallet.register_image(cid)

    assert status(registry, sent.hash, confirmations=1).state is TransactionState.CONFIRMED
    assert status(registry, sent.hash, confirmations=3).state is TransactionState.MINED
    registry.rpc("evm_mine")
    registry.rpc("evm_mine")
    found = status(registry, sent.hash, confirmations=3)
    assert (found.state, found.confirmations) == (TransactionState.CONFIRMED, 3)
    assert (found.gas_used, found.block, found.sender) == (
        sent.gas_used,
        registry.chain.blocks([sent.block])[0],
        USER.address,
    )


def test_a_failed_transaction_tells_the_contracts_error(registry, cid):
    registry.wallet.register_image(cid)

    found = failed(registry, registry.contract.functions.registerImage(cid, bytes(32)))

    assert found.state is TransactionState.FAILED
    image_id = registry.chain.image_id(USER.address, cid)
    assert found.revert_reason == f"ImageAlreadyRegistered(imageId: {image_id})"


def test_an_error_with_an_address_and_one_with_text_are_reported(registry, cid):
    functions = registry.contract.functions
    registry.wallet.register_image(cid)
    signed = registry.sign(cid)
    diagnosis = (signed.diagnosis.image_id, "0x" + "11" * 32, 1, 9700, "0x" + "33" * 32, signed.diagnosis.issued_at)
    forged = functions.recordDiagnosis(diagnosis, bytes(65))

    assert failed(registry, forged).revert_reason == (
        "ClassifierNotAuthorized(signer: 0x0000000000000000000000000000000000000000)"
    )
    bad = functions.registerImage("not a CID", bytes(32))
    assert failed(registry, bad).revert_reason == "InvalidCid(cid: not a CID)"


def test_running_out_of_gas_is_reported(registry, cid):
    found = failed(registry, registry.contract.functions.registerImage(cid, bytes(32)), gas=30_000)

    assert found.revert_reason == "out of gas"


def test_a_waiting_transaction_is_pending(registry, cid):
    registry.mine_nothing()
    try:
        found = status(registry, send(registry.contract.functions.registerImage(cid, bytes(32))))
    finally:
        registry.mine()

    assert (found.state, found.sender) == (TransactionState.PENDING, USER.address)


def test_a_transaction_whose_nonce_another_one_used_is_replaced(registry):
    nonce = registry.web3.eth.get_transaction_count(USER.address)
    registry.web3.eth.send_transaction({"from": USER.address, "to": Web3.to_checksum_address(SOMEBODY), "value": 1})
    unknown = "0x" + "ef" * 32

    assert status(registry, unknown, sender=USER.address, nonce=nonce).state is TransactionState.REPLACED
    assert status(registry, unknown, sender=USER.address, nonce=nonce + 1).state is TransactionState.UNKNOWN
    assert status(registry, unknown).state is TransactionState.UNKNOWN
    assert status(registry, unknown, sender=ADMIN.address.lower(), nonce=10_000).state is TransactionState.UNKNOWN
