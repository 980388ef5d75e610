from __future__ import annotations

from dataclasses import replace

import pytest
from eth_abi import encode
from eth_utils import keccak

from backend.adapters.chain import eip712

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def test_the_digest_is_the_contracts(registry, cid):
    signed = registry.sign(cid)
    d = signed.diagnosis
    message = eip712.message(d, chain_id=registry.chain.chain_id, contract=registry.chain.contract)
    fields = (d.image_id, d.model_id, d.label, d.confidence, d.manifest_hash, d.issued_at)

    digest = keccak(b"\x19" + message.version + message.header + message.body)

    assert digest == registry.contract.functions.hashDiagnosis(fields).call()


def test_the_quick_digest_is_that_of_the_typed_data(registry, cid):
    d = registry.sign(cid).diagnosis
    network = {"chain_id": registry.chain.chain_id, "contract": registry.chain.contract}
    message = eip712.message(d, **network)
    types = ["bytes32", "bytes32", "uint16", "uint16", "bytes32", "uint64"]
    hashes = [bytes.fromhex(hash_[2:]) for hash_ in (d.image_id, d.model_id, d.manifest_hash)]
    fields = encode(types, [*hashes[:2], d.label, d.confidence, hashes[2], d.issued_at])

    digest = eip712.digest(eip712.domain_separator(**network), fields)

    assert digest == keccak(b"\x19" + message.version + message.header + message.body)


def test_the_signer_is_recovered(registry, cid):
    assert eip712.recover(registry.sign(cid)) == registry.signer.address


@pytest.mark.parametrize(
    "change",
    [
        {"image_id": "0x" + "01" * 32},
        {"model_id": "0x" + "02" * 32},
        {"label": 2},
        {"confidence": 1},
        {"manifest_hash": "0x" + "03" * 32},
        {"issued_at": 1},
    ],
    ids=str,
)
def test_every_field_is_signed(registry, cid, change):
    signed = registry.sign(cid)

    assert eip712.recover(replace(signed, diagnosis=replace(signed.diagnosis, **change))) != registry.signer.address


def test_chain_and_contract_are_signed(registry, cid):
    signed = registry.sign(cid)

    assert eip712.recover(replace(signed, chain_id=1)) != registry.signer.address
    assert eip712.recover(replace(signed, contract="0x" + "11" * 20)) != registry.signer.address


def test_the_second_form_of_a_signature_is_refused_as_the_contract_refuses_it(registry, cid):
    signed = registry.sign(cid)
    raw = bytes.fromhex(signed.signature[2:])
    high_s = (ORDER - int.from_bytes(raw[32:64], "big")).to_bytes(32, "big")
    twin = raw[:32] + high_s + bytes([27 + 28 - raw[64]])

    assert eip712.recover(replace(signed, signature="0x" + twin.hex())) is None


@pytest.mark.parametrize("signature", ["0x", "0x" + "00" * 65, "0x" + "11" * 64, "0x" + "11" * 66, "0x" + "ff" * 65])
def test_what_is_no_signature_has_no_signer(registry, cid, signature):
    assert eip712.recover(replace(registry.sign(cid), signature=signature)) is None
