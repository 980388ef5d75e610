"""Searching the copies of the chain's events, without a chain."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from backend.adapters.database.engine import open_database
from backend.adapters.database.events import SqlEventStore
from backend.domain import (
    BlockRef,
    Checkpoint,
    ClassifierCompromisedEvent,
    DiagnosisRecordedEvent,
    DiagnosisReviewedEvent,
    DiagnosisStatus,
    ImageRegisteredEvent,
    ModelRegisteredEvent,
    ModelRetiredEvent,
    RecordFilter,
    TrainingAnchoredEvent,
    Verdict,
)

MODEL, OTHER_MODEL = "0x" + "a1" * 32, "0x" + "a2" * 32
ALICE, BOB = "0x" + "a" * 40, "0x" + "b" * 40
GLIOMA, MENINGIOMA = (MODEL, 1), (MODEL, 2)


def hash_of(name: str) -> str:
    return "0x" + hashlib.sha256(name.encode()).hexdigest()


def place(number: int, name: str, index: int = 0) -> dict:
    block = BlockRef(number, hash_of(f"block {number}"), 1_000 + number)
    return {"transaction_hash": hash_of(f"transaction of {name}"), "log_index": index, "block": block}


def image(number: int, name: str, uploader: str = ALICE, index: int = 0) -> ImageRegisteredEvent:
    cid = "bafkrei" + hashlib.sha256(name.encode()).hexdigest()[:52]
    return ImageRegisteredEvent(hash_of(name), uploader, cid, hash_of("none"), **place(number, name, index))


def diagnosis(number: int, name: str, model: str, label: int, *, to: str, index: int = 0) -> DiagnosisRecordedEvent:
    return DiagnosisRecordedEvent(
        hash_of(to), hash_of(name), model, BOB, label, 9_000, hash_of("manifest"), number, "0x" + "5" * 130,
        **place(number, name, index),
    )  # fmt: skip


def review(number: int, name: str, verdict: Verdict, label: int, *, to: str, of: str, after: str | None = None):
    return DiagnosisReviewedEvent(
        hash_of(to), hash_of(of), BOB, hash_of(name), hash_of(after or of), hash_of("reason"), verdict, label,
        **place(number, name),
    )  # fmt: skip


EVENTS = [
    image(1, "plain"),
    image(2, "asserted"),
    diagnosis(3, "d-asserted", MODEL, 1, to="asserted"),
    image(3, "abstained", index=1),
    diagnosis(3, "d-abstained", MODEL, 0, to="abstained", index=2),
    image(4, "confirmed", BOB),
    diagnosis(4, "d-confirmed", MODEL, 2, to="confirmed", index=1),
    image(5, "overridden"),
    diagnosis(5, "d-overridden", MODEL, 1, to="overridden", index=1),
    image(6, "withdrawn"),
    diagnosis(6, "d-withdrawn", MODEL, 1, to="withdrawn", index=1),
    image(7, "twice", BOB),
    diagnosis(7, "d-first", MODEL, 1, to="twice", index=1),
    diagnosis(8, "d-second", OTHER_MODEL, 2, to="twice"),
    review(9, "r-confirmed", Verdict.CONFIRMED, 2, to="confirmed", of="d-confirmed"),
    review(10, "r-overridden-1", Verdict.CONFIRMED, 1, to="overridden", of="d-overridden"),
    review(11, "r-overridden-2", Verdict.OVERRIDDEN, 2, to="overridden", of="d-overridden", after="r-overridden-1"),
    review(12, "r-withdrawn-1", Verdict.OVERRIDDEN, 3, to="withdrawn", of="d-withdrawn"),
    review(13, "r-withdrawn-2", Verdict.WITHDRAWN, 0, to="withdrawn", of="d-withdrawn", after="r-withdrawn-1"),
    review(14, "r-second", Verdict.CONFIRMED, 2, to="twice", of="d-second"),
    TrainingAnchoredEvent(hash_of("t"), MODEL, OTHER_MODEL, hash_of("metrics"), 3, BOB, **place(1, "m-anchored", 1)),
    ModelRegisteredEvent(MODEL, BOB, 4, "bafcard", **place(1, "m-registered", 2)),
    ModelRetiredEvent(MODEL, BOB, **place(14, "m-retired", 1)),
    ModelRegisteredEvent(OTHER_MODEL, BOB, 4, "bafcard", **place(14, "m-other", 2)),
    review(15, "r-never", Verdict.WITHDRAWN, 0, to="asserted", of="d-never"),
    ClassifierCompromisedEvent(ALICE, 1_000, BOB, **place(16, "reported")),
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlEventStore]:
    """Ledger 1 holds EVENTS, ledger 2 of another contract the first of them."""
    with closing(open_database(f"sqlite:///{tmp_path_factory.mktemp('search') / 'index.db'}")) as database:
        store = SqlEventStore(database)
        upto = Checkpoint(20, hash_of("block 20"))
        for contract, events in (("0x" + "c" * 40, EVENTS), ("0x" + "d" * 40, EVENTS[:3])):
            assert store.advance(store.ledger(1, contract), None, upto, events)
        yield store


def found(store: SqlEventStore, **wanted) -> list[str]:
    return [record.image.image_id for record in store.search(1, RecordFilter(**wanted), 100, None)]


def ids(*names: str) -> list[str]:
    return [hash_of(name) for name in names]


def test_everything_is_found_newest_first_and_whole(store: SqlEventStore) -> None:
    records = store.search(1, RecordFilter(), 100, None)
    assert [r.image for r in records] == [e for e in reversed(EVENTS) if isinstance(e, ImageRegisteredEvent)]
    of_models = {e for model in (MODEL, OTHER_MODEL) for e in store.events_of_model(1, model)}
    assert {e for r in records for e in (r.image, *r.diagnoses, *r.reviews)} | of_models == {
        event for event in EVENTS if not isinstance(event, ClassifierCompromisedEvent)
    }
    assert len(store.search(2, RecordFilter(), 100, None)) == 2


@pytest.mark.parametrize("name", ["plain", "asserted", "overridden"])
def test_a_record_is_found_by_the_names_of_its_image(store: SqlEventStore, name: str) -> None:
    record = store.find(1, hash_of(name))
    for text in (record.image.image_id, record.image.cid, record.image.transaction_hash):
        assert found(store, text=text) == ids(name)
    assert store.find(1, hash_of(name).upper().replace("X", "x")) == record
    assert store.find(1, hash_of("nothing")) is None


def test_a_record_is_found_by_its_uploader(store: SqlEventStore) -> None:
    assert found(store, text=BOB) == ids("twice", "confirmed")


@pytest.mark.parametrize(
    ("event", "name"), [("d-second", "twice"), ("r-overridden-1", "overridden"), ("r-withdrawn-2", "withdrawn")]
)
def test_a_record_is_found_by_any_of_its_transactions(store: SqlEventStore, event: str, name: str) -> None:
    assert found(store, text=hash_of(f"transaction of {event}")) == ids(name)


def test_a_record_is_found_by_its_model(store: SqlEventStore) -> None:
    assert found(store, text=OTHER_MODEL) == ids("twice")
    assert found(store, text="other", text_models=(OTHER_MODEL,)) == ids("twice")
    assert found(store, models=(OTHER_MODEL,)) == ids("twice")
    assert found(store, models=("0x" + "00" * 32,)) == []


def test_a_record_is_found_by_the_label_that_was_given_and_by_the_one_that_holds(store: SqlEventStore) -> None:
    given = ids("twice", "withdrawn", "overridden", "asserted")
    holds = ids("overridden", "confirmed")
    assert found(store, labels=(GLIOMA,)) == found(store, text="glioma", text_labels=(GLIOMA,)) == given
    assert found(store, labels=(MENINGIOMA,)) == found(store, text="meningioma", text_labels=(MENINGIOMA,)) == holds


def test_a_label_that_was_superseded_and_a_withdrawal_are_no_labels(store: SqlEventStore) -> None:
    assert found(store, labels=((MODEL, 3),)) == []
    assert found(store, labels=((MODEL, 0),)) == ids("abstained")


def test_a_label_that_no_model_has_finds_nothing(store: SqlEventStore) -> None:
    assert found(store, labels=()) == []


@pytest.mark.parametrize(
    ("status", "names"),
    [
        ("asserted", ["twice", "asserted"]),
        ("abstained", ["abstained"]),
        ("confirmed", ["twice", "confirmed"]),
        ("overridden", ["overridden"]),
        ("withdrawn", ["withdrawn"]),
    ],
)
def test_a_record_is_found_by_the_status_of_a_diagnosis(store: SqlEventStore, status: str, names: list[str]) -> None:
    """A review of a diagnosis that was never recorded counts for nothing."""
    assert found(store, status=DiagnosisStatus(status)) == ids(*names)


def test_model_label_and_status_hold_for_one_and_the_same_diagnosis(store: SqlEventStore) -> None:
    confirmed = DiagnosisStatus.CONFIRMED
    assert found(store, models=(OTHER_MODEL,), status=confirmed, labels=((OTHER_MODEL, 2),)) == ids("twice")
    assert found(store, models=(MODEL,), status=confirmed) == ids("confirmed")
    assert found(store, labels=(GLIOMA,), status=confirmed) == []


def test_times_are_of_the_registration_and_both_included(store: SqlEventStore) -> None:
    assert found(store, first_time=1_006) == ids("twice", "withdrawn")
    assert found(store, last_time=1_002) == ids("asserted", "plain")
    assert found(store, first_time=1_004, last_time=1_004) == ids("confirmed")
    assert found(store, first_time=1_005, last_time=1_004) == []


def test_all_that_is_asked_must_hold(store: SqlEventStore) -> None:
    assert found(store, text=ALICE, status=DiagnosisStatus.ASSERTED, first_time=1_002) == ids("asserted")
    assert found(store, text=BOB, labels=(MENINGIOMA,)) == ids("confirmed")


def test_pages_are_whole_and_stay_so_while_records_are_added(tmp_path: Path) -> None:
    blocks = [[image(number, f"{number}.{index}", index=index) for index in range(3)] for number in range(1, 4)]
    with closing(open_database(f"sqlite:///{tmp_path / 'index.db'}")) as database:
        store = SqlEventStore(database)
        ledger = store.ledger(1, "0x" + "c" * 40)
        upto = Checkpoint(3, hash_of("block 3"))
        store.advance(ledger, None, upto, [event for block in blocks for event in block])
        seen, before = [], None
        while page := store.search(ledger, RecordFilter(), 2, before):
            seen += [record.image for record in page]
            before = seen[-1].block.number, seen[-1].log_index
            new = 4 + len(seen)
            added = Checkpoint(new, hash_of(f"block {new}"))
            assert store.advance(ledger, upto, added, [image(new, f"new {new}")])
            upto = added
    assert seen == [event for block in reversed(blocks) for event in reversed(block)]


@pytest.mark.parametrize(
    ("status", "names"),
    [
        ("asserted", ["d-asserted", "d-first"]),
        ("confirmed", ["d-confirmed", "d-second"]),
        ("overridden", ["d-overridden"]),
        ("withdrawn", ["d-withdrawn"]),
    ],
)
def test_the_queue_has_each_diagnosis_alone_oldest_first(store: SqlEventStore, status: str, names: list[str]) -> None:
    wanted, seen, after = DiagnosisStatus(status), [], None
    while page := store.queue(1, wanted, 1, after):
        (record,) = page
        (diagnosis,) = record.diagnoses
        assert record.image == store.find(1, record.image.image_id).image
        assert record.status_of(diagnosis) is wanted
        assert all(review.diagnosis_id == diagnosis.diagnosis_id for review in record.reviews)
        seen.append(diagnosis.diagnosis_id)
        after = diagnosis.block.number, diagnosis.log_index
    assert seen == ids(*names)
    assert [record.diagnoses[0].diagnosis_id for record in store.queue(1, wanted, 100, None)] == seen


def test_the_events_of_a_model_come_in_order_of_the_chain(store: SqlEventStore) -> None:
    kinds = [type(event) for event in store.events_of_model(1, MODEL)]
    assert kinds == [TrainingAnchoredEvent, ModelRegisteredEvent, ModelRetiredEvent]
    assert store.events_of_model(1, hash_of("nothing")) == store.events_of_model(2, MODEL) == []


def test_a_record_is_found_by_its_review(store: SqlEventStore) -> None:
    assert store.find_review(1, hash_of("r-overridden-2")) == store.find(1, hash_of("overridden"))
    assert store.find_review(1, hash_of("nothing")) is None


@pytest.mark.parametrize("text", [hash_of("asserted"), MODEL, ALICE, "nothing"])
def test_a_name_is_looked_up_without_reading_every_row(store: SqlEventStore, text: str) -> None:
    with plans() as steps:
        store.search(1, RecordFilter(text=text), 20, None)
    assert "MULTI-INDEX OR" in steps
    assert [step for step in steps if step.startswith("SCAN")] == []


def test_the_newest_records_are_read_in_order(store: SqlEventStore) -> None:
    """Without sorting all of them first, whatever is asked of their diagnoses."""
    with plans() as steps:
        store.search(1, RecordFilter(), 20, (6, 0))
        store.search(1, RecordFilter(models=(MODEL,), labels=(GLIOMA,), status=DiagnosisStatus.CONFIRMED), 20, None)
    assert steps
    assert [step for step in steps if "TEMP B-TREE" in step] == []


@contextmanager
def plans() -> Iterator[list[str]]:
    """The steps in which SQLite searches for records while the context lasts."""
    steps: list[str] = []

    def explain(_connection, cursor, statement: str, parameters: tuple, *_: object) -> None:
        if "FROM registrations" in statement:
            steps.extend(row[3] for row in cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall())

    event.listen(Engine, "before_cursor_execute", explain)
    try:
        yield steps
    finally:
        event.remove(Engine, "before_cursor_execute", explain)
