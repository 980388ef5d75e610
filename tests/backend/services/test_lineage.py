"""A model walks back to its first training, and no answer of a node makes that endless."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import pytest

from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.adapters.chain.development_accounts import ADMIN
from backend.adapters.ipfs.block_store import EmbeddedStore
from backend.cids import raw_cid
from backend.container import Container
from backend.domain import BlockRef, ModelStatus, RegisteredState, Training, TrainingAnchoredEvent
from backend.services.lineage import MAX_TRAININGS, LineageService
from backend.settings import Settings
from backend.wiring import wire
from tests.backend.models import CARD_CID, LABELS

_numbers = itertools.count(1)


def new_id() -> str:
    return f"0x1e{next(_numbers):062x}"


@pytest.fixture
def admin(ganache: Settings) -> DevelopmentWallet:
    return DevelopmentWallet(ganache.rpc_url, ganache.contract_address, ADMIN)


def test_an_installed_model_has_its_training(container: Container) -> None:
    model = container.models.all()[0]
    found = container.lineage.lineage("0x" + model.facts.sha256)

    assert (found.name, found.status, found.retired) == (model.facts.name, ModelStatus.IN_USE, None)
    assert found.registered.admin == ADMIN.address.lower()
    assert [training.model_id for training in found.trainings] == [found.model_id]


def test_rounds_of_training_lead_back_to_the_first(container: Container, admin: DevelopmentWallet) -> None:
    """As rounds of federated training are anchored: each begins from what the one before produced."""
    rounds = [new_id() for _ in range(4)]
    for model_id, parent in zip(rounds, [None, *rounds], strict=False):
        admin.anchor_training(Training(new_id(), model_id, parent, new_id(), 3))
    admin.register_model(rounds[-1], LABELS, CARD_CID)
    admin.retire_model(rounds[-1])

    found = container.lineage.lineage(rounds[-1])

    assert [training.model_id for training in found.trainings] == rounds[::-1]
    assert (found.name, found.status, found.card_available) == (None, ModelStatus.RETIRED, False)
    assert found.retired.block.number > found.registered.block.number
    middle = container.lineage.lineage(rounds[1])
    assert (middle.status, middle.registered) == (ModelStatus.UNKNOWN, None)
    assert [training.model_id for training in middle.trainings] == [rounds[1], rounds[0]]


def test_a_way_back_reads_the_chain_once(
    container: Container, admin: DevelopmentWallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = [new_id() for _ in range(3)]
    for model_id, parent in zip(rounds, [None, *rounds], strict=False):
        admin.anchor_training(Training(new_id(), model_id, parent, new_id(), 3))
    sync = Mock(wraps=container.index.sync)
    monkeypatch.setattr(container.index, "sync", sync)

    assert len(container.lineage.lineage(rounds[-1]).trainings) == 3
    assert sync.call_count == 1


def test_a_card_is_available_when_the_store_has_it(container: Container, admin: DevelopmentWallet) -> None:
    model_id = new_id()
    card = container.store.put(b"# A card of " + model_id.encode(), name="card", media_type="text/markdown")
    admin.register_model(model_id, LABELS, card.cid)

    assert container.lineage.lineage(model_id).card_available


def test_the_store_is_asked_for_a_card_until_it_has_it(
    container: Container, admin: DevelopmentWallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    model_id = new_id()
    card = b"# A later card of " + model_id.encode()
    admin.register_model(model_id, LABELS, raw_cid(hashlib.sha256(card).hexdigest()))
    has = Mock(wraps=container.store.has)
    monkeypatch.setattr(container.store, "has", has)

    assert [container.lineage.lineage(model_id).card_available for _ in range(2)] == [False, False]
    container.store.put(card, name="card", media_type="text/markdown")
    assert [container.lineage.lineage(model_id).card_available for _ in range(2)] == [True, True]
    assert has.call_count == 3


class FalseNode:
    """Answers with trainings that the contract would have refused: each of ``model_id``'s, begun from ``parent``."""

    def __init__(self, parent_of) -> None:
        self._parent_of = parent_of
        self.asked = 0

    def events_of_model(self, model_id: str) -> list[TrainingAnchoredEvent]:
        self.asked += 1
        block = BlockRef(1, "0x" + "00" * 32, 0)
        parent = self._parent_of(model_id)
        return [TrainingAnchoredEvent(model_id, model_id, parent, model_id, 1, ADMIN.address, model_id, 0, block)]

    known_events_of_model = events_of_model

    def model_states(self, model_ids: list[str]) -> list[RegisteredState]:
        return [RegisteredState(ModelStatus.UNKNOWN, model_id) for model_id in model_ids]


@pytest.mark.parametrize("length", [1, 2, 5])
def test_a_circle_ends(container: Container, tmp_path: Path, length: int) -> None:
    circle = [new_id() for _ in range(length)]
    node = FalseNode(lambda model_id: circle[(circle.index(model_id) + 1) % length])
    service = LineageService(node, node, EmbeddedStore(tmp_path / "other"), container.models)

    assert [training.model_id for training in service.lineage(circle[0]).trainings] == circle


def test_a_way_back_without_end_is_cut_and_tells_where_to_go_on(container: Container, tmp_path: Path) -> None:
    node = FalseNode(lambda _model_id: new_id())
    service = LineageService(node, node, EmbeddedStore(tmp_path / "other"), container.models)

    trainings = service.lineage(new_id()).trainings

    assert len(trainings) == node.asked == MAX_TRAININGS
    assert trainings[-1].parent_model_id not in {training.model_id for training in trainings}


def test_without_the_chain_the_models_are_still_listed(container: Container, settings: Settings) -> None:
    offline = wire(replace(settings, rpc_url="http://127.0.0.1:1"))
    assert offline.lineage.states(["0x" + "11" * 32]) == [None]
    offline.close()
