"""What the chain would refuse is not signed: a diagnosis by a model that is not in use there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from backend.adapters.chain.dev import embedded
from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.adapters.chain.development_accounts import ADMIN, USER
from backend.container import Container
from backend.domain import Classification, ImageFacts
from backend.errors import Conflict
from backend.processes import free_port
from backend.settings import Settings, load
from backend.wiring import wire
from tests.backend.models import CARD_CID, LABELS


@pytest.fixture
def settings(tmp_path) -> Iterator[Settings]:
    """A registry that knows no model."""
    own = load(
        {"SCANPROOF_VAR": str(tmp_path), "SCANPROOF_CHAIN": "anvil", "SCANPROOF_CHAIN_PORT": str(free_port())},
        env_file=None,
    )
    with embedded.running(own, classifier=USER.address):
        yield own


@pytest.fixture
def container(settings: Settings) -> Iterator[Container]:
    container = wire(settings)
    yield container
    container.close()


@pytest.fixture
def made(container: Container, image: ImageFacts) -> Classification:
    return container.classification.classify(image.cid, None)[0]


def test_only_a_model_in_use_is_signed_for(container: Container, made: Classification, settings: Settings) -> None:
    admin = DevelopmentWallet(settings.rpc_url, container.chain.contract, ADMIN)
    model_id = "0x" + made.model.sha256

    def attest() -> None:
        container.attestation.attest(made.cid, made.manifest_hash, USER.address)

    with pytest.raises(Conflict, match=rf"^the model {model_id} is not registered on the chain, .*`scanproof registry"):
        attest()
    admin.register_model(model_id, LABELS, CARD_CID)
    attest()
    admin.retire_model(model_id)
    with pytest.raises(Conflict, match=f"^the model {model_id} was retired on the chain: no more diagnoses by it"):
        attest()
