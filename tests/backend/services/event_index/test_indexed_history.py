"""The history that is found with the index is that of the chain, and is found without searching the whole chain."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from eth_utils import to_checksum_address

from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.adapters.chain.development_accounts import ADMIN
from backend.adapters.chain.events import ROLES
from backend.adapters.chain.web3_chain import Web3Chain
from backend.domain import ClassifierCompromisedEvent, Training, Verdict
from backend.errors import ChainUnavailable
from backend.services import event_index, index_check
from backend.services.event_index import EventIndex
from backend.services.index_check import IndexCheck
from backend.services.indexed_history import IndexedHistory
from tests.backend.models import LABELS
from tests.standins.nodes import quirky_node

from .conftest import Node, new_cid, new_hash

GENERATIONS = 5


class Searches:
    """Port Chain: the true one. Remembers each search of the whole chain."""

    def __init__(self, chain) -> None:
        self._chain = chain
        self.searched: list[str] = []
        self.ranges: list[tuple[int, int]] = []
        self.finds_no_block = False

    def __getattr__(self, name: str):
        return getattr(self._chain, name)

    def ancestry(self, model_id: str):
        self.searched.append(model_id)
        return self._chain.ancestry(model_id)

    def events_in(self, numbers):
        if self.finds_no_block:
            raise ChainUnavailable("the node finds no logs by the hash of a block")
        return self._chain.events_in(numbers)

    def read(self, first: int, last: int):
        self.ranges.append((first, last))
        return self._chain.read(first, last)

    def events_of_classifier(self, address: str):
        self.searched.append(address)
        return self._chain.events_of_classifier(address)


@pytest.fixture
def chain(node: Node) -> Searches:
    return Searches(node.chain)


@pytest.fixture
def history(chain: Searches, index: EventIndex) -> IndexedHistory:
    return IndexedHistory(chain, index)


@pytest.fixture
def admin(node: Node) -> DevelopmentWallet:
    return DevelopmentWallet(node.settings.rpc_url, node.chain.contract, ADMIN)


@pytest.fixture
def classifier(admin: DevelopmentWallet) -> str:
    """An account that is granted the role."""
    account: str = to_checksum_address("0x" + new_hash()[-40:])
    admin._send("grantRole", bytes.fromhex(ROLES["CLASSIFIER_ROLE"][2:]), account)
    return account


@pytest.fixture
def rounds(admin: DevelopmentWallet) -> list[str]:
    """The models of rounds of training, the newest first; the newest is registered."""
    models = [new_hash() for _ in range(GENERATIONS)]
    for model, parent in zip(models, [None, *models], strict=False):
        admin.anchor_training(Training(new_hash(), model, parent, new_hash(), 3))
    admin.register_model(models[-1], LABELS, new_cid())
    return models[::-1]


def delete(file: Path, table: str, column: str, value: str) -> None:
    with closing(sqlite3.connect(file)) as database:
        assert database.execute(f"DELETE FROM {table} WHERE lower({column}) = ?", [value.lower()]).rowcount
        database.commit()


def since(reports: list[ClassifierCompromisedEvent]) -> list[int]:
    return [report.since for report in reports]


def test_a_report_is_found_where_the_index_says(node, admin, classifier, index, chain, history) -> None:
    admin._send("reportCompromise", classifier, 1_700_000_000)
    node.mine(3)
    assert index.sync()

    reports = history.events_of_classifier(classifier)

    assert reports == node.chain.events_of_classifier(classifier)
    assert since(reports) == [1_700_000_000]
    assert chain.searched == []


def test_a_classifier_without_a_report_is_not_searched_for(classifier, index, chain, history) -> None:
    assert index.sync()

    assert history.events_of_classifier(classifier) == []
    assert chain.searched == []


def test_every_report_of_a_classifier_is_found(node, admin, classifier, index, chain, history) -> None:
    """The second one revokes nothing."""
    for time in (1_700_000_000, 1_600_000_000):
        admin._send("reportCompromise", classifier, time)
    node.mine(3)
    assert index.sync()

    assert since(history.events_of_classifier(classifier)) == [1_700_000_000, 1_600_000_000]
    assert chain.searched == []
    # Blocks that are close to each other are read together.
    assert len(chain.ranges) == 1


def test_a_report_that_the_index_lost_is_searched_for(
    node, admin, classifier, index, chain, history, file: Path
) -> None:
    """The older one is found, but the contract stores an earlier time."""
    admin._send("reportCompromise", classifier, 1_700_000_000)
    last = admin._send("reportCompromise", classifier, 1_600_000_000)
    node.mine(3)
    assert index.sync()
    delete(file, "compromises", "transaction_hash", last.hash)

    assert since(history.events_of_classifier(classifier)) == [1_700_000_000, 1_600_000_000]
    assert chain.searched == [classifier]


def test_an_ancestry_is_found_where_the_index_says(node, rounds, index, chain, history) -> None:
    node.mine(3)
    assert index.sync()

    found = history.ancestry(rounds[0])

    assert list(found) == rounds
    assert found == node.chain.ancestry(rounds[0])
    assert chain.searched == []


def test_the_newest_round_is_found_before_it_is_in_the_index(
    node, admin, rounds, index, chain, history, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert index.sync()
    monkeypatch.setattr(index, "refresh", lambda max_age_s: None)
    newest = new_hash()
    admin.anchor_training(Training(new_hash(), newest, rounds[0], new_hash(), 3))
    admin.retire_model(rounds[0])

    assert list(history.ancestry(newest)) == [newest, *rounds]
    assert history.ancestry(newest) == node.chain.ancestry(newest)
    assert chain.searched == []


@pytest.mark.parametrize("table", ["trainings", "model_registrations"])
def test_an_event_that_the_index_lost_is_searched_for(
    node, rounds, index, chain, history, file: Path, table: str
) -> None:
    node.mine(3)
    assert index.sync()
    delete(file, table, "model_id", rounds[0 if table == "model_registrations" else 2])

    assert history.ancestry(rounds[0]) == node.chain.ancestry(rounds[0])
    assert chain.searched == [rounds[0]]


def test_blocks_that_the_node_does_not_have_are_no_answer(node, rounds, index, chain, history, file: Path) -> None:
    node.mine(3)
    assert index.sync()
    with closing(sqlite3.connect(file)) as database:
        database.execute("UPDATE trainings SET block_hash = ?", ["0x" + "12" * 32])
        database.commit()

    assert history.ancestry(rounds[0]) == node.chain.ancestry(rounds[0])
    assert chain.searched == [rounds[0]]


def test_the_blocks_that_are_not_in_the_index_are_read_once_for_all_histories(
    node, classifier, rounds, index, chain, history, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert index.sync()
    monkeypatch.setattr(index, "refresh", lambda max_age_s: None)
    node.mine(2)
    unindexed = (index.newest().number + 1, node.chain.head().number)

    for _ in range(2):
        assert history.ancestry(rounds[0]) == node.chain.ancestry(rounds[0])
        assert history.events_of_classifier(classifier) == []
    assert chain.ranges.count(unindexed) == 1

    node.mine(1)
    history.events_of_classifier(classifier)
    assert chain.ranges[-1] == (unindexed[0], unindexed[1] + 1)


@pytest.mark.parametrize("node", ["anvil"], indirect=True)
def test_what_the_index_lost_of_a_diagnosis_differs_from_the_state_too(node, index, events, file: Path) -> None:
    reviewed, lost, bare = node.diagnose(), node.diagnose(), node.diagnose()
    node.review(Verdict.CONFIRMED, image_id=reviewed)
    (review,) = next(record.reviews for record in node.recorded() if record.image.image_id == reviewed)
    check = IndexCheck(node.chain, events, index)
    assert check.compare(lambda *_: None).differences == ()
    with closing(sqlite3.connect(file)) as database:
        database.execute("DELETE FROM reviews WHERE image_id = ?", [reviewed])
        database.execute("DELETE FROM diagnoses WHERE image_id IN (?, ?)", [lost, bare])
        database.execute("DELETE FROM registrations WHERE image_id = ?", [lost])
        database.commit()
    differences = check.compare(lambda *_: None).differences
    assert {each.found for each in differences if each.block} == {"no event"}
    state = [(each.expected, each.found) for each in differences if not each.block]
    assert state == [
        (f"1 diagnoses of the image {bare}", f"0 diagnoses of the image {bare}"),
        (f"{review.review_id} as the newest review of the diagnosis {review.diagnosis_id}", "None"),
    ]


@pytest.mark.parametrize("node", ["anvil"], indirect=True)
def test_an_index_that_another_thread_brings_up_to_date_is_not_compared(
    node, index, events, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_index, "LOCK_TIMEOUT_S", 0)
    monkeypatch.setattr(index_check, "_RETRY_S", 0)
    check = IndexCheck(node.chain, events, index)
    with index._lock, pytest.raises(ChainUnavailable, match=r"^the index cannot be brought up to date: "):
        check.compare(lambda *_: None)
    assert check.compare(lambda *_: None).different == 0


@pytest.fixture
def scattered(node: Node, index: EventIndex) -> str:
    """A record whose reviews are far from each other, all of them in the index."""
    image_id = node.diagnose()
    for _ in range(4):
        node.mine(10)
        node.review(Verdict.CONFIRMED, image_id=image_id)
    assert index.sync()
    return image_id


def test_reviews_in_scattered_blocks_are_read_together(node, scattered, chain, history) -> None:
    with quirky_node(node.settings.rpc_url) as counting:
        chain._chain = Web3Chain(
            counting.url,
            chain_id=node.chain.chain_id,
            contract=node.chain.contract,
            start_block=node.chain.start_block,
        )
        chain._chain.head()
        counting.counts.clear()
        found = history.events_of_image(scattered)
        batches, logs = counting.counts["batch"], counting.counts["eth_getLogs"]

    assert found == node.chain.events_of_image(scattered)
    assert len(found) == 6
    assert chain.ranges == []
    assert (batches, logs) == (2, 5)


def test_a_node_that_finds_no_logs_by_a_blocks_hash_is_asked_for_each_range(node, scattered, chain, history) -> None:
    chain.finds_no_block = True

    assert history.events_of_image(scattered) == node.chain.events_of_image(scattered)
    assert len(chain.ranges) == 5


def test_blocks_that_the_node_lacks_are_an_error(node) -> None:
    with pytest.raises(ChainUnavailable, match="does not have every block yet"):
        node.chain.events_in([node.chain.head().number, 10**9])
