"""Every start makes the installed models known to the embedded chain's registry, where they are not yet."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import rfc8785
from eth_account import Account

from backend.adapters.chain.dev import embedded
from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.adapters.chain.development_accounts import ADMIN, CLINICIAN, USER
from backend.adapters.ipfs.block_store import EmbeddedStore
from backend.adapters.models.bundled import BundledModels
from backend.cids import raw_cid
from backend.domain import ModelRegisteredEvent, ModelStatus, TrainingAnchoredEvent
from backend.errors import ClassificationFailed, ConfigurationError, Conflict, NotFound
from backend.processes import free_port
from backend.services.model_registration import ModelRegistrationService
from backend.settings import Secret, Settings, load
from backend.wiring import complete_registration, wire_chain, wire_registration
from ml.bundle.retired import retire
from ml.inference.registry import BUNDLES, RETIRED, Registry


@pytest.fixture
def own(tmp_path: Path) -> Settings:
    return load(
        {
            "SCANPROOF_VAR": str(tmp_path / "var"),
            "SCANPROOF_CHAIN": "anvil",
            "SCANPROOF_CHAIN_PORT": str(free_port()),
        },
        env_file=None,
    )


@pytest.fixture
def running(own: Settings) -> Iterator[Settings]:
    """A registry that knows no model."""
    with embedded.running(own, classifier=USER.address):
        yield own


@pytest.fixture
def admin(running: Settings) -> DevelopmentWallet:
    return DevelopmentWallet(running.rpc_url, wire_chain(running).contract, ADMIN)


@pytest.fixture
def bundles(tmp_path: Path) -> Path:
    """A folder with two small ones."""
    for name in ("breast-histology", "modality-gate"):
        shutil.copytree(BUNDLES / name, tmp_path / "models" / name)
    return tmp_path / "models"


@pytest.fixture
def service(running: Settings, admin: DevelopmentWallet, bundles: Path) -> ModelRegistrationService:
    """With those two as the installed models."""
    store = EmbeddedStore(running.var / "ipfs")
    models = BundledModels(Registry(bundles))
    return ModelRegistrationService(models, wire_chain(running), lambda: admin, lambda: store)


def test_a_start_makes_every_model_known_and_the_next_one_sends_nothing(own: Settings) -> None:
    with embedded.running(own, classifier=USER.address, prepare=complete_registration):
        models = wire_registration(own).installed()
        head = wire_chain(own).head().number
    assert {model.name for model in models} == {folder.parent.name for folder in BUNDLES.glob("*/SHA256SUMS")}
    assert all(model.state.status is ModelStatus.IN_USE and model.state.training_id for model in models)

    with embedded.running(own, classifier=USER.address, prepare=complete_registration):
        assert wire_registration(own).installed() == models
        assert wire_chain(own).head().number == head
        roles = wire_chain(own).roles("CLINICIAN_ROLE", CLINICIAN.address)
    assert [role.granted for role in roles] == [True]


def test_a_model_no_longer_offered_is_listed_while_the_registry_knows_it(
    service: ModelRegistrationService, bundles: Path
) -> None:
    model, other = service.installed()
    service.register_models([model])
    (bundles / RETIRED).mkdir()
    for each in (model, other):
        retire(bundles / each.name, bundles / RETIRED)
        shutil.rmtree(bundles / each.name)
    assert service.installed() == []
    assert [(each.name, each.state.status) for each in service.known()] == [(model.name, ModelStatus.IN_USE)]
    assert service.complete() == []
    assert service.retire(service.find(model.name).model_id)
    assert service.find(model.name).state.status is ModelStatus.RETIRED


def test_card_training_and_figures_can_be_had_by_what_is_on_the_chain(running: Settings) -> None:
    wire_registration(running).complete()
    store = EmbeddedStore(running.var / "ipfs")
    bundle = BUNDLES / "brain-mri"
    metadata = json.loads((bundle / "metadata.json").read_bytes())
    identity = hashlib.sha256((bundle / "SHA256SUMS").read_bytes()).hexdigest()

    registered, anchored = wire_chain(running).events_of_model("0x" + identity)

    assert isinstance(registered, ModelRegisteredEvent)
    assert isinstance(anchored, TrainingAnchoredEvent)
    assert store.get(registered.card_cid, max_bytes=10**6) == (bundle / "card.md").read_bytes()
    training = store.get(raw_cid(anchored.training_id), max_bytes=10**6)
    assert json.loads(training) == {
        "schema": "scanproof.training/1",
        "model": {"name": "brain-mri", "version": metadata["version"], "sha256": identity},
        **{name: metadata[name] for name in ("architecture", "data", "training", "created")},
    }
    assert rfc8785.dumps(json.loads(training)) == training
    metrics = store.get(raw_cid(anchored.metrics_hash), max_bytes=10**6)
    assert json.loads(metrics) == json.loads((bundle / "metrics.json").read_bytes())
    assert (anchored.participants, anchored.parent_model_id) == (1, "0x" + "00" * 32)


def test_the_training_of_an_ensemble_names_its_members() -> None:
    documents = BundledModels().documents("brain-mri-ensemble")
    combination = json.loads((BUNDLES / "brain-mri-ensemble" / "ensemble.json").read_bytes())

    assert json.loads(documents.training)["members"] == combination["members"]


def test_a_key_that_is_there_for_a_live_chain_does_not_keep_the_embedded_one_from_starting(own: Settings) -> None:
    live = replace(own, model_admin_key=Secret(Account.create().key.hex()))
    with embedded.running(live, classifier=USER.address, prepare=complete_registration):
        events = wire_chain(own).events_of_model(wire_registration(own).installed()[0].model_id)
    assert {event.admin for event in events} == {ADMIN.address}


def test_a_start_that_was_cut_off_is_completed(service: ModelRegistrationService) -> None:
    """As if the process had been killed after the first of its transactions."""
    service.register_models(service.installed()[:1])

    sent = [each.name for each in service.complete()]

    assert sorted(sent) == ["anchorTraining", "anchorTraining", "registerModel"]
    assert service.complete() == []


def test_a_retired_model_stays_retired(service: ModelRegistrationService) -> None:
    service.complete()
    model = service.find("modality-gate")

    assert service.retire(model.model_id).name == "retireModel"
    assert service.retire(model.model_id) is None
    assert service.complete() == []
    assert service.find(model.model_id[2:].upper()).retired
    with pytest.raises(Conflict, match=r"^ModelAlreadyRegistered\(.*\): .* a retired model stays retired$"):
        service.register_models([service.find("modality-gate")])


def test_a_damaged_bundle_is_passed_over_and_the_others_are_not(
    service: ModelRegistrationService, bundles: Path, caplog: pytest.LogCaptureFixture
) -> None:
    card = bundles / "breast-histology" / "card.md"
    card.write_bytes(card.read_bytes() + b" ")

    sent = service.complete()

    assert [each.name for each in sent] == ["registerModel", "anchorTraining"]
    assert [model.state.status for model in service.installed()] == [ModelStatus.UNKNOWN, ModelStatus.IN_USE]
    assert "the model breast-histology is not registered: the model is refused: " in caplog.text
    with pytest.raises(ClassificationFailed, match=r"^the model is refused: .*card\.md"):
        service.register_models([service.find("breast-histology")])


def test_an_unknown_name_lists_what_there_is(service: ModelRegistrationService) -> None:
    expected = r"^expected an installed model \(breast-histology, modality-gate\) or its SHA-256, found 'none'$"
    with pytest.raises(NotFound, match=expected):
        service.find("none")


def test_on_an_external_chain_nothing_is_sent_without_a_key_of_ones_own(running: Settings) -> None:
    external = load(
        {
            "SCANPROOF_VAR": str(running.var),
            "SCANPROOF_CHAIN": "external",
            "SCANPROOF_RPC_URL": running.rpc_url,
            "SCANPROOF_CHAIN_ID": str(running.chain_id),
            "SCANPROOF_CONTRACT_ADDRESS": wire_chain(running).contract,
        },
        env_file=None,
    )
    service = wire_registration(external)

    assert {model.state.status for model in service.installed()} == {ModelStatus.UNKNOWN}
    with pytest.raises(ConfigurationError, match=r"^SCANPROOF_MODEL_ADMIN_KEY is not set, and an external chain needs"):
        service.complete()
