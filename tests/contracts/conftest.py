"""Fixtures of the contract tests: one fresh registry a module, one clean chain a test."""

from __future__ import annotations

import shutil

import pytest
from brownie import accounts, chain, rpc
from eth_account import Account

from scripts.deploy import deploy
from tests.contracts.support import CLINICIAN_ROLE, LABELS, MODEL_ID, Diagnosis, Domain, Review, cid_of, image_id_of


def pytest_configure(config: pytest.Config) -> None:
    """Say what to type where Brownie would not find the node."""
    if not any(map(shutil.which, ("ganache-cli", "anvil"))):
        raise pytest.UsageError(
            "no ganache-cli or anvil is on the PATH: type `uv run python -m tests.contracts.run ganache-cli [FILE]`, "
            "which uses those of node_modules"
        )


@pytest.fixture(scope="session", autouse=True)
def own_chain():
    """Brownie attaches to any chain on its port; a foreign one would decide the outcome."""
    assert rpc.is_child(), "another process listens on the port of this network (see brownie-config.yaml); stop it"


@pytest.fixture(autouse=True)
def isolation(fn_isolation):
    pass


@pytest.fixture(scope="session")
def admin():
    return accounts[0]


@pytest.fixture(scope="session")
def alice():
    return accounts[1]


@pytest.fixture(scope="session")
def bob():
    return accounts[2]


@pytest.fixture(scope="session")
def charlie():
    return accounts[3]


@pytest.fixture(scope="session")
def clinician():
    return accounts[4]


@pytest.fixture(scope="session")
def classifier():
    """A key outside of the chain: a classifier signs and sends nothing."""
    return Account.from_key("0x" + 32 * "c1")


@pytest.fixture(scope="module")
def registry(module_isolation, admin, classifier, clinician, card_cid):
    """A registry with one model in use and one clinician."""
    registry = deploy(admin, classifier.address)
    registry.registerModel(MODEL_ID, LABELS, card_cid, {"from": admin})
    registry.grantRole(CLINICIAN_ROLE, clinician, {"from": admin})
    return registry


@pytest.fixture(scope="module")
def domain(registry):
    return Domain(chain.id, registry.address)


@pytest.fixture(scope="session")
def cid():
    return cid_of(b"scan")


@pytest.fixture(scope="session")
def card_cid():
    return cid_of(b"model card")


@pytest.fixture
def image_id(registry, alice, cid):
    """An image that alice has registered."""
    registry.registerImage(cid, bytes(32), {"from": alice})
    return image_id_of(alice, cid)


@pytest.fixture
def diagnosis(image_id):
    return Diagnosis(image_id)


@pytest.fixture
def signature(domain, classifier, diagnosis):
    return domain.sign(classifier, diagnosis)


@pytest.fixture
def first_review(domain, diagnosis):
    """A confirmation of the diagnosis."""
    return Review(domain.digest(diagnosis))
