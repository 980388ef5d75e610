"""All kinds of events as one list, without a chain."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from backend.adapters.database.engine import Database, open_database
from backend.adapters.database.event_tables import LedgerRow
from backend.adapters.database.events import SqlEventStore
from backend.domain import (
    Checkpoint,
    ClassifierCompromisedEvent,
    DiagnosisRecordedEvent,
    DiagnosisReviewedEvent,
    Event,
    ImageRegisteredEvent,
    LedgerEntry,
    LedgerKind,
    ModelRegisteredEvent,
    ModelRetiredEvent,
    TrainingAnchoredEvent,
)
from tests.backend.adapters.database.test_search import ALICE, BOB, EVENTS, MODEL, hash_of, image, place

KINDS = {
    ImageRegisteredEvent: LedgerKind.IMAGE_REGISTERED,
    DiagnosisRecordedEvent: LedgerKind.DIAGNOSIS_RECORDED,
    DiagnosisReviewedEvent: LedgerKind.DIAGNOSIS_REVIEWED,
    ModelRegisteredEvent: LedgerKind.MODEL_REGISTERED,
    ModelRetiredEvent: LedgerKind.MODEL_RETIRED,
    TrainingAnchoredEvent: LedgerKind.TRAINING_ANCHORED,
    ClassifierCompromisedEvent: LedgerKind.CLASSIFIER_COMPROMISED,
}
ONE_OF_EACH = {
    "m-anchored": ("trainingAnchored", BOB, None, MODEL, None, None, None),
    "m-registered": ("modelRegistered", BOB, None, MODEL, None, None, None),
    "confirmed": ("imageRegistered", BOB, hash_of("confirmed"), None, None, None, None),
    "d-confirmed": ("diagnosisRecorded", BOB, hash_of("confirmed"), MODEL, 2, 9_000, None),
    "r-confirmed": ("diagnosisReviewed", BOB, hash_of("confirmed"), MODEL, 2, None, "confirmed"),
    "reported": ("classifierCompromised", BOB, None, None, None, None, None),
    "m-retired": ("modelRetired", BOB, None, MODEL, None, None, None),
}
UPTO = Checkpoint(20, hash_of("block 20"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlEventStore]:
    """Ledger 1 holds EVENTS up to block 20, ledger 2 of another contract the first of them."""
    with closing(open_database(f"sqlite:///{tmp_path / 'index.db'}")) as database:
        store = SqlEventStore(database)
        for contract, events in (("0x" + "c" * 40, EVENTS), ("0x" + "d" * 40, EVENTS[:3])):
            assert store.advance(store.ledger(1, contract), None, UPTO, events)
        yield store


def position(entry: Event | LedgerEntry) -> tuple[int, int]:
    return entry.block.number, entry.log_index


def names(events: list[Event] | list[LedgerEntry]) -> list[str]:
    return [event.transaction_hash for event in events]


def newest_first(events: list[Event]) -> list[Event]:
    """Without the one review whose diagnosis was never recorded."""
    recorded = {event.diagnosis_id for event in events if isinstance(event, DiagnosisRecordedEvent)}
    counted = [e for e in events if not isinstance(e, DiagnosisReviewedEvent) or e.diagnosis_id in recorded]
    return sorted(counted, key=position, reverse=True)


def test_every_event_of_every_kind_comes_in_the_order_of_the_chain_within_a_block_too(store: SqlEventStore) -> None:
    expected = newest_first(EVENTS)
    assert len(expected) == len(EVENTS) - 1
    found = store.entries(1, 100, None)
    assert [(e.kind, e.block, e.log_index, e.transaction_hash) for e in found] == [
        (KINDS[type(e)], e.block, e.log_index, e.transaction_hash) for e in expected
    ]
    assert {entry.kind for entry in found} == set(LedgerKind)
    assert names(store.entries(2, 100, None)) == names(newest_first(EVENTS[:3]))


def test_an_entry_says_in_few_words_what_its_event_says(store: SqlEventStore) -> None:
    by_transaction = {entry.transaction_hash: entry for entry in store.entries(1, 100, None)}
    for name, expected in ONE_OF_EACH.items():
        entry = by_transaction[hash_of(f"transaction of {name}")]
        said = (entry.kind, entry.who, entry.image_id, entry.model_id, entry.label, entry.confidence, entry.verdict)
        assert said == expected
    assert by_transaction[hash_of("transaction of plain")].who == ALICE


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_pages_have_no_gap_and_no_repeat_while_events_are_added(store: SqlEventStore, limit: int) -> None:
    seen: list[LedgerEntry] = []
    upto = UPTO
    while page := store.entries(1, limit, position(seen[-1]) if seen else None):
        assert len(page) <= limit
        assert not {*page} & {*seen}
        seen += page
        added = Checkpoint(upto.number + 1, hash_of(f"block {upto.number + 1}"))
        new = image(added.number, f"new {added.number}")
        other = ModelRegisteredEvent(
            new.image_id, BOB, None, "bafcard", **place(added.number, f"model {added.number}", 1)
        )
        assert store.advance(1, upto, added, [new, other])
        upto = added
    assert names(seen) == names(newest_first(EVENTS))


def test_after_a_rewind_the_pages_go_on_with_what_is_on_the_chain_now(store: SqlEventStore) -> None:
    """Of another length and with other events, none of which is shown twice, nor one that is gone."""
    rewound = store.ledger(1, "0x" + "e" * 40)
    ancestor = Checkpoint(8, hash_of("block 8"))
    kept = [event for event in EVENTS if event.block.number <= 8]
    assert store.advance(rewound, None, ancestor, kept)
    assert store.advance(rewound, ancestor, UPTO, [event for event in EVENTS if event.block.number > 8])
    seen = list(store.entries(rewound, 2, None))

    assert store.rewind(rewound, UPTO, ancestor)
    assert names(store.entries(rewound, 100, None)) == names(newest_first(kept))
    put = image(9, "in its place"), image(30, "later")
    assert store.advance(rewound, ancestor, Checkpoint(30, hash_of("block 30")), put)

    rest = store.entries(rewound, 100, position(seen[-1]))
    assert names(rest) == names(newest_first([*kept, put[0]]))
    assert names(store.entries(rewound, 100, None)) == names(newest_first([*kept, *put]))


@pytest.mark.parametrize("before", [None, (12, 0)])
def test_a_page_is_one_query_that_reads_each_table_in_order(store: SqlEventStore, before: tuple | None) -> None:
    """Without sorting all of them first."""
    plans: list[list[str]] = []

    def explain(_connection, cursor, statement: str, parameters: tuple, *_: object) -> None:
        if statement.startswith("SELECT"):
            steps = cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
            plans.append([step[3] for step in steps])

    event.listen(Engine, "before_cursor_execute", explain)
    try:
        store.entries(1, 20, before)
    finally:
        event.remove(Engine, "before_cursor_execute", explain)
    (steps,) = plans
    assert any("MERGE" in step for step in steps)
    assert [step for step in steps if "TEMP B-TREE" in step] == []
    assert before is None or [step for step in steps if step.startswith("SCAN")] == []


def test_another_process_that_adds_a_contract_first_takes_nothing_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(open_database(f"sqlite:///{tmp_path / 'index.db'}")) as database:
        store, insert, faster = SqlEventStore(database), Database.insert, ["0x" + "c" * 40, "0x" + "d" * 40]

        def overtaken(self: Database, row: LedgerRow) -> bool:
            if faster:
                assert insert(self, LedgerRow(id=row.id, chain_id=1, contract=faster.pop()))
            return insert(self, row)

        monkeypatch.setattr(Database, "insert", overtaken)
        assert store.ledger(1, "0x" + "e" * 40) == 3
        assert [store.ledger(1, "0x" + letter * 40) for letter in "dce"] == [1, 2, 3]
