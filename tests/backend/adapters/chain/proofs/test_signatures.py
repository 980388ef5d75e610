"""Who signed a transaction, for every kind that a chain has."""

from __future__ import annotations

import pytest
import rlp
from eth_account import Account
from eth_utils import to_checksum_address

from backend.adapters.chain.development_accounts import ADMIN, USER
from backend.adapters.chain.proofs import encodings, signatures
from backend.domain import SignedTransaction

CHAIN_ID = 11155111
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""Of secp256k1."""
CALL = {"nonce": 7, "gas": 90_000, "to": ADMIN.address, "value": 0, "data": "0x1234"}
LEGACY = {**CALL, "gasPrice": 10**10}
FEES = {**CALL, "maxFeePerGas": 10**10, "maxPriorityFeePerGas": 1, "chainId": CHAIN_ID}
BLOBS = {"maxFeePerBlobGas": 5, "blobVersionedHashes": ["0x01" + "22" * 31]}


def authorized() -> dict:
    authorization = {"chainId": CHAIN_ID, "address": ADMIN.address, "nonce": 0}
    return {"authorizationList": [Account.from_key(ADMIN.private_key).sign_authorization(authorization)]}


KINDS = {
    "without chain id": LEGACY,
    "EIP-155": {**LEGACY, "chainId": CHAIN_ID},
    "EIP-2930": {**LEGACY, "chainId": CHAIN_ID, "accessList": [{"address": USER.address, "storageKeys": []}]},
    "EIP-1559": FEES,
    "EIP-4844": {**FEES, **BLOBS, "type": 3, "accessList": []},
    "EIP-7702": {**FEES, **authorized()},
}


def signed(kind: dict) -> bytes:
    return bytes(Account.sign_transaction(kind, USER.private_key).raw_transaction)


def with_signature(transaction: bytes, change) -> bytes:
    """``change`` gets v (or the parity), r and s, and returns others."""
    typed = transaction[0] <= 0x7F
    fields = rlp.decode(transaction[1:] if typed else transaction)
    numbers = change(*(int.from_bytes(field) for field in fields[-3:]))
    fields[-3:] = [number.to_bytes((number.bit_length() + 7) // 8) for number in numbers]
    return (transaction[:1] if typed else b"") + rlp.encode(fields)


@pytest.mark.parametrize("name", KINDS)
def test_sender_receiver_chain_and_call(name):
    chain_id = KINDS[name].get("chainId")

    found = signatures.decode(signed(KINDS[name]))

    assert found == SignedTransaction(USER.address, ADMIN.address, chain_id, b"\x12\x34")


@pytest.mark.parametrize("name", KINDS)
def test_a_call_that_was_changed_after_signing_has_another_sender(name):
    changed = signed(KINDS[name]).replace(b"\x12\x34", b"\x12\x35")

    assert signatures.decode(changed).sender not in (USER.address, None)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize(
    "change",
    [
        lambda v, r, s: (v ^ 1 if v < 27 else v + (1 if v % 2 else -1), r, ORDER - s),
        lambda v, r, s: (v, 0, s),
        lambda v, r, s: (v, r, 0),
        lambda v, r, s: (v, ORDER, s),
        lambda v, r, s: (v, 2**256 + r, s),
        lambda v, r, s: (29, r, s),
        lambda v, r, s: (2**80, r, s),
    ],
    ids=["high s", "no r", "no s", "r too large", "r of 33 bytes", "no such v", "huge v"],
)
def test_signatures_that_no_chain_accepts(name, change):
    assert signatures.decode(with_signature(signed(KINDS[name]), change)).sender is None


def test_a_deployment_is_sent_to_the_contract_that_it_makes():
    """The first two contracts of an account, as the yellow paper computes their addresses."""
    creator = "0x6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0"
    assert signatures._created(to_checksum_address(creator), b"") == to_checksum_address(
        "0xcd234a471b72ba2f1ccf0a70fcaba648a5eecd8d"
    )
    assert signatures._created(to_checksum_address(creator), b"\x01") == to_checksum_address(
        "0x343c43a37d37dff08ae8c4a11544c718abb4fcf8"
    )
    found = signatures.decode(signed({**FEES, "to": ""}))
    assert (found.sender, found.to) == (USER.address, signatures._created(USER.address, b"\x07"))


def test_kinds_without_a_signature_prove_nothing_about_a_sender():
    deposit = bytes([encodings._DEPOSIT]) + rlp.encode([b""] * 8)

    for transaction in (deposit, b"\x05" + signed(FEES)[1:], b"\x00\xc0"):
        assert signatures.decode(transaction) is None


@pytest.mark.parametrize(
    "transaction",
    [
        b"",
        b"\xc0",
        b"\x02",
        b"\x02\xc0",
        b"\x02junk",
        b"\x80",
        signed(LEGACY)[:-1],
        signed(FEES) + b"\0",
        b"\x02" + rlp.encode([[]] * 12),
        b"\x02" + rlp.encode([b"\x01"] * 12),
        b"\x02" + rlp.encode([[b"\x01"], *rlp.decode(signed(FEES)[1:])[1:]]),
    ],
    ids=[
        "empty",
        "no fields",
        "no body",
        "no typed fields",
        "no RLP",
        "text",
        "cut",
        "longer",
        "lists",
        "short receiver",
        "a list as chain id",
    ],
)
def test_bytes_that_are_no_transaction(transaction):
    for read in (signatures.decode, signatures.check_form):
        with pytest.raises(ValueError, match="expected a transaction"):
            read(transaction)
