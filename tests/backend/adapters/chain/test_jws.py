"""Signatures of credentials, checked by other libraries."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from eth_keys.datatypes import PrivateKey

from backend.adapters.chain import jws
from backend.adapters.chain.development_accounts import ORDER
from backend.adapters.chain.signer import KeyFileSigner
from tests.backend.tokens import verified

KEY = PrivateKey(bytes.fromhex("01" * 32))


def test_other_libraries_verify_the_signature():
    token = verified(jws.sign({"typ": "vc+jwt"}, {"text": "äöü \N{SNOWMAN}"}, KEY))

    assert (token.header["alg"], token.header["typ"]) == ("ES256K", "vc+jwt")
    assert token.payload == {"text": "äöü \N{SNOWMAN}"}
    assert token.address == KEY.public_key.to_checksum_address()


def test_s_is_low():
    assert all(0 < verified(jws.sign({}, {"number": number}, KEY)).s <= ORDER // 2 for number in range(20))


def test_the_same_payload_has_the_same_signature():
    assert jws.sign({}, {"a": 1, "b": 2}, KEY) == jws.sign({}, {"b": 2, "a": 1}, KEY)


def test_a_changed_payload_does_not_verify():
    header, _, signature = jws.sign({}, {"label": "glioma"}, KEY).split(".")
    changed = base64.urlsafe_b64encode(b'{"label":"notumor"}').rstrip(b"=").decode()

    with pytest.raises(InvalidSignature):
        verified(f"{header}.{changed}.{signature}")


def test_a_credential_names_the_key_of_the_classifier(tmp_path: Path):
    signer = KeyFileSigner(tmp_path / "key", chain_id=1)

    token = verified(signer.sign_credential({"issuer": f"did:pkh:eip155:1:{signer.address}"}))

    assert token.header["kid"] == f"did:pkh:eip155:1:{signer.address}#blockchainAccountId"
    assert (token.header["typ"], token.header["cty"]) == ("vc+jwt", "vc")
    assert token.address == signer.address
