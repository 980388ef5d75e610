from __future__ import annotations

import json
import shutil

import pytest
from eth_utils import keccak

from backend.adapters.chain import artifact
from backend.adapters.chain.dev import deployment, embedded
from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.adapters.chain.development_accounts import ADMIN, USER
from backend.adapters.chain.signer import KeyFileSigner
from backend.adapters.chain.web3_chain import Web3Chain
from backend.errors import ConfigurationError

from ..conftest import settings_of


@pytest.fixture
def settings(tmp_path):
    return settings_of("anvil", tmp_path)


def deployed(settings, signer: KeyFileSigner | None = None) -> deployment.Deployment:
    signer = signer or KeyFileSigner(settings.classifier_key_file, chain_id=settings.chain_id)
    with embedded.running(settings, classifier=signer.address) as chain:
        return chain.deployment


def test_the_contract_is_found_again(settings):
    first = deployed(settings)

    assert deployed(settings) == first
    assert deployment.load(embedded.folder(settings)) == first


def test_a_wiped_chain_gets_a_new_contract(settings):
    deployed(settings)
    (embedded.folder(settings) / "state.json").unlink()

    with embedded.running(settings, classifier=USER.address) as chain:
        found = chain.deployment
        reader = Web3Chain(settings.rpc_url, chain_id=settings.chain_id, contract=found.address)
        assert found.block == 1
        assert reader.head().number == 2, "the deployment, then the clinician's role"


def test_other_code_at_the_address_gets_a_new_contract(settings, monkeypatch):
    first = deployed(settings)
    monkeypatch.setattr(artifact, "of", lambda code: None)

    assert deployed(settings).address != first.address


def test_a_replaced_key_gets_the_role(settings):
    first = deployed(settings)
    settings.classifier_key_file.unlink()
    new_signer = KeyFileSigner(settings.classifier_key_file, chain_id=settings.chain_id)

    with embedded.running(settings, classifier=new_signer.address) as chain:
        reader = Web3Chain(
            settings.rpc_url, chain_id=settings.chain_id, contract=first.address, start_block=first.block
        )
        roles = reader.roles("CLASSIFIER_ROLE", new_signer.address)

    assert chain.deployment == first
    assert [role.granted for role in roles] == [True]


@pytest.mark.parametrize("kind", ["anvil", "ganache"])
def test_a_reported_key_stays_without_the_role_and_the_chain_starts(tmp_path, caplog, kind):
    settings = settings_of(kind, tmp_path)
    signer = KeyFileSigner(settings.classifier_key_file, chain_id=settings.chain_id)
    with embedded.running(settings, classifier=signer.address) as chain:
        admin = DevelopmentWallet(settings.rpc_url, chain.deployment.address, ADMIN)
        admin._send("reportCompromise", signer.address, 1)
        first = chain.deployment

    assert deployed(settings, signer) == first
    assert f"{signer.address} does not get CLASSIFIER_ROLE: ClassifierIsCompromised(" in caplog.text


def test_without_a_deployment_there_is_a_remedy(tmp_path):
    with pytest.raises(ConfigurationError, match=r"no contract is deployed on the chain in .* yet: run `scanproof up`"):
        deployment.load(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"address": 1}'])
def test_a_damaged_note_is_reported(tmp_path, text):
    (tmp_path / "deployment.json").write_text(text)

    with pytest.raises(ConfigurationError, match=r"deployment\.json cannot be read: remove it"):
        deployment.load(tmp_path)


@pytest.mark.parametrize("damage", [{"address": 1}, {"address": "0x12"}, {"block": "1"}, {"transaction": "0xzz"}])
def test_a_note_with_a_wrong_value_is_reported(tmp_path, damage):
    note = {"chain_id": 1337, "address": "0x" + "ab" * 20, "block": 1, "transaction": "0x" + "cd" * 32}
    (tmp_path / "deployment.json").write_text(json.dumps(note))
    assert deployment.load(tmp_path) == deployment.Deployment(**note)
    (tmp_path / "deployment.json").write_text(json.dumps(note | damage))

    with pytest.raises(ConfigurationError, match=r"deployment\.json cannot be read: remove it"):
        deployment.load(tmp_path)


def test_a_damaged_note_is_made_anew(settings):
    first = deployed(settings)
    (embedded.folder(settings) / "deployment.json").write_text("{")

    assert deployed(settings).block > first.block


def test_an_external_chain_is_read_with_the_settings_contract(settings, cid):
    """As `.env` names it: node, chain id, contract and block."""
    from backend.settings import load
    from backend.wiring import wire_chain

    signer = KeyFileSigner(settings.classifier_key_file, chain_id=settings.chain_id)
    with embedded.running(settings, classifier=signer.address) as chain:
        sent = DevelopmentWallet(settings.rpc_url, chain.deployment.address, USER).register_image(cid)
        external = load(
            {
                "SCANPROOF_CHAIN": "external",
                "SCANPROOF_RPC_URL": settings.rpc_url,
                "SCANPROOF_CHAIN_ID": str(settings.chain_id),
                "SCANPROOF_CONTRACT_ADDRESS": chain.deployment.address.lower(),
                "SCANPROOF_CONTRACT_BLOCK": str(chain.deployment.block),
            },
            env_file=None,
        )
        reader = wire_chain(external)
        events = reader.events_of_transaction(sent.hash)

    assert (reader.contract, reader.start_block) == (chain.deployment.address, chain.deployment.block)
    assert [event.cid for event in events] == [cid]


def test_the_artifacts_code_is_recognised_whatever_its_immutables_are(registry):
    code = bytes(registry.web3.eth.get_code(registry.chain.contract))

    assert "0x" + keccak(code).hex() != artifact.current().code_hash
    assert artifact.of(code) is artifact.current()
    for other in (code[:-1], code + b"\0", code[:-1] + bytes([code[-1] ^ 1]), b""):
        assert artifact.of(other) is None


def test_a_chain_of_another_process_is_joined(settings):
    shutil.rmtree(embedded.folder(settings), ignore_errors=True)
    signer = KeyFileSigner(settings.classifier_key_file, chain_id=settings.chain_id)
    with embedded.running(settings, classifier=signer.address) as chain:
        with embedded.joined(settings, classifier=signer.address) as joined:
            assert joined.node is None
            assert (joined.deployment, joined.settings.rpc_url) == (chain.deployment, settings.rpc_url)
        with embedded.joined(settings, classifier=None) as reading:
            assert reading.deployment == chain.deployment
    with embedded.joined(settings, classifier=None) as alone:
        assert alone.node is not None
        assert alone.settings.rpc_url == alone.node.url
