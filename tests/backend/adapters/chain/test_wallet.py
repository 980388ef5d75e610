"""A key in this process: refused where it must be, never shown, and every revert explained."""

from __future__ import annotations

import traceback

import pytest
from eth_account import Account

from backend.adapters.chain import artifact
from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.adapters.chain.development_accounts import ADMIN, CLINICIAN, USER
from backend.adapters.chain.reverts import MEANINGS
from backend.adapters.chain.wallet import Wallet
from backend.domain import ModelStatus, Review, Training, Verdict
from backend.errors import ConfigurationError, Conflict, WrongChain
from backend.settings import Secret
from tests.backend.models import CARD_CID, LABELS

from .conftest import Registry

LIBRARIES = {"InvalidShortString", "StringTooLong", "SafeCastOverflowedUintDowncast"}
_models = iter(range(1, 1000))


@pytest.fixture
def model_id() -> str:
    """One that no other test has."""
    return f"0x{next(_models):064x}"


@pytest.fixture
def admin(registry: Registry) -> DevelopmentWallet:
    return DevelopmentWallet(registry.settings.rpc_url, registry.chain.contract, ADMIN)


@pytest.fixture
def clinician(registry: Registry) -> DevelopmentWallet:
    return DevelopmentWallet(registry.settings.rpc_url, registry.chain.contract, CLINICIAN)


def wallet(registry: Registry, key: str, chain_id: int) -> Wallet:
    return Wallet(registry.settings.rpc_url, registry.chain.contract, Secret(key), chain_id=chain_id)


@pytest.mark.parametrize("account", [ADMIN, CLINICIAN, USER])
def test_a_development_key_is_refused_on_a_live_chain(registry, account):
    expected = (
        f"^expected a key of your own on chain 11155111, which is live, found a well-known development key "
        rf"\({account.address}\)$"
    )
    with pytest.raises(ConfigurationError, match=expected) as raised:
        wallet(registry, account.private_key, 11155111)
    assert account.private_key[2:] not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize("key", ["", "0x12", "no key at all", "0x" + "00" * 32, "0x" + "ff" * 32, "\ud800" * 64])
def test_what_is_no_key_is_refused_and_not_repeated(registry, key):
    with pytest.raises(ConfigurationError, match=r"^expected a private key of 64 hex digits, found something else$"):
        wallet(registry, key, 1)


def test_nothing_is_sent_to_another_chain_than_the_settings_name(registry, cid):
    """The node may be another one than it was, and the account be worth something there."""
    own = wallet(registry, Account.create().key.hex(), 11155111)

    with pytest.raises(
        WrongChain, match=f"^expected chain 11155111, but the node serves chain {registry.chain.chain_id}$"
    ):
        own.register_image(cid)


def test_the_key_does_not_show(registry):
    account = Account.create()
    shown = wallet(registry, account.key.hex(), 1)

    assert repr(shown) == f"Wallet(address={account.address})"
    assert account.key.hex() not in repr(vars(shown))


def test_a_model_is_registered_anchored_and_retired(registry, admin, model_id):
    training = Training("0x" + "01" * 32, model_id, None, "0x" + "02" * 32, 3)

    def state():
        (found,) = registry.chain.model_states([model_id])
        return found.status, found.training_id

    assert state() == (ModelStatus.UNKNOWN, None)
    assert admin.register_model(model_id, LABELS, CARD_CID).name == "registerModel"
    assert state() == (ModelStatus.IN_USE, None)
    admin.anchor_training(training)
    assert state() == (ModelStatus.IN_USE, training.training_id)
    admin.retire_model(model_id)
    assert state() == (ModelStatus.RETIRED, training.training_id)
    kinds = [type(event).__name__ for event in registry.chain.events_of_model(model_id)]
    assert kinds == ["ModelRegisteredEvent", "TrainingAnchoredEvent", "ModelRetiredEvent"]


def test_a_diagnosis_is_reviewed_step_by_step(registry, clinician, cid):
    registry.wallet.register_with_diagnosis(cid, signed := registry.sign(cid))
    image_id = signed.diagnosis.image_id
    _, diagnosis = registry.chain.events_of_image(image_id)

    clinician.review(diagnosis, Review(diagnosis.diagnosis_id, "0x" + "0a" * 32, Verdict.OVERRIDDEN, 3))
    *_, first = registry.chain.events_of_image(image_id)
    clinician.review(diagnosis, Review(first.review_id, "0x" + "0b" * 32, Verdict.WITHDRAWN, 0))
    *_, second = registry.chain.events_of_image(image_id)

    assert (first.reviewer, first.verdict, first.label) == (CLINICIAN.address, Verdict.OVERRIDDEN, 3)
    assert (second.verdict, second.label, second.supersedes) == (Verdict.WITHDRAWN, 0, first.review_id)


def test_reverts_are_reported_in_words(registry, admin, clinician, cid, model_id):
    registry.wallet.register_with_diagnosis(cid, signed := registry.sign(cid))
    _, diagnosis = registry.chain.events_of_image(signed.diagnosis.image_id)
    stale = Review("0x" + "99" * 32, "0x" + "0a" * 32, Verdict.CONFIRMED, diagnosis.label)
    unknown = registry.sign(cid, model_id=model_id, issued_at=signed.diagnosis.issued_at + 1)

    for call, expected in (
        (
            lambda: registry.wallet.record_diagnosis(unknown),
            rf"^ModelNotInUse\(modelId: {model_id}, status: 0\): the registry does not know this model",
        ),
        (lambda: clinician.review(diagnosis, stale), r"^NotNewestStep\(.*\): the diagnosis was reviewed meanwhile"),
        (
            lambda: registry.wallet.retire_model(model_id),
            r"^AccessControlUnauthorizedAccount\(.*does not have",
        ),
        (lambda: admin.retire_model(model_id), r"^ModelNotInUse\("),
    ):
        with pytest.raises(Conflict, match=expected):
            call()


def test_every_error_of_the_contract_has_a_meaning():
    named = {entry["name"] for entry in artifact.current().abi if entry["type"] == "error"}
    administrative = {name for name in named if name.startswith("AccessControl")} - {"AccessControlUnauthorizedAccount"}

    assert MEANINGS.keys() == named - LIBRARIES - administrative
