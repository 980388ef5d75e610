"""The reviews in a bundle with one thing false at a time."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
import rlp

from backend.cids import raw_cid
from backend.domain import Verdict

from . import forgery
from .conftest import make_world
from .forgery import Bundle


@pytest.fixture(scope="module")
def reviewed(ganache, tmp_path_factory) -> Bundle:
    """Confirmed, then withdrawn."""
    world = make_world(ganache, tmp_path_factory.mktemp("reviewed"))
    record = world.record()
    statements = tuple(
        world.review(record.image_id, verdict, label)
        for verdict, label in ((Verdict.CONFIRMED, 1), (Verdict.WITHDRAWN, 0))
    )
    return Bundle(world, record, world.evidence(record.image_id), statements)


def test_nothing_is_wrong_before(reviewed):
    assert reviewed.failing(reviewed.evidence) == ([], [])


def test_the_statement_of_a_review(reviewed):
    cid = raw_cid(hashlib.sha256(reviewed.statements[1]).hexdigest())
    changed = forgery.with_object(reviewed.evidence, cid, reviewed.statements[1].replace(b"withdrawn", b"confirmed"))

    assert reviewed.failing(changed) == (["review statement (review 2 of 2)"], [])


def test_a_review_history_that_is_cut_in_the_middle(reviewed):
    changed = forgery.without(reviewed.evidence, "DiagnosisReviewed", 0)

    assert reviewed.failing(changed) == (["objects", "review order"], [])


def test_a_review_history_that_is_cut_at_its_end_is_seen_with_a_node(reviewed):
    changed = forgery.without(reviewed.evidence, "DiagnosisReviewed", 1)
    changed = forgery.with_object(changed, raw_cid(hashlib.sha256(reviewed.statements[1]).hexdigest()), None)

    assert reviewed.failing(changed) == ([], [])
    assert reviewed.failing(changed, node=reviewed.world.chain) == (["record on the chain"], [])


def test_reviews_that_are_reordered(reviewed):
    events = list(reviewed.evidence.events)
    first, second = (i for i, event in enumerate(events) if event["event"] == "DiagnosisReviewed")
    events[first], events[second] = events[second], events[first]
    assert reviewed.failing(replace(reviewed.evidence, events=tuple(events))) == (["events"], [])

    (a, _), (b, _) = (forgery.place_of(reviewed.evidence, "DiagnosisReviewed", nth) for nth in (0, 1))
    blocks = list(reviewed.evidence.blocks)
    for place, other in ((a, b), (b, a)):
        header = rlp.decode(blocks[place].header)
        header[8] = rlp.decode(reviewed.evidence.blocks[other].header)[8]
        blocks[place] = replace(blocks[place], header=rlp.encode(header))
    found, _ = reviewed.failing(replace(reviewed.evidence, blocks=tuple(blocks)))
    numbers = sorted(reviewed.block("DiagnosisReviewed", nth) for nth in (0, 1))
    headers = [f"header of block {number}" for number in numbers]
    assert sorted(found[:2]) == headers
    assert {"review order (review 1 of 2)", "review order (review 2 of 2)"} < set(found)


@pytest.mark.parametrize(
    ("word", "value", "lines"),
    [
        (0, 1, ["review id (review 1 of 2)", "review order (review 2 of 2)"]),
        (1, 1, ["review id (review 1 of 2)", "review order (review 1 of 2)"]),
        (2, 1, ["objects", "review id (review 1 of 2)"]),
        (3, 1, ["review id (review 1 of 2)", "review statement (review 1 of 2)"]),
        (4, 9, ["review id (review 1 of 2)", "review statement (review 1 of 2)"]),
    ],
    ids=["review id", "superseded step", "reason", "verdict", "label"],
)
def test_a_review_in_a_receipt(reviewed, word, value, lines):
    receipt = f"receipt 0 of block {reviewed.block('DiagnosisReviewed')}"
    found, _ = reviewed.failing(forgery.with_word(reviewed.evidence, "DiagnosisReviewed", word, value))

    assert sorted(found) == sorted([receipt, "events", *lines])


def test_a_reviewer_who_is_the_uploader(reviewed):
    receipt = f"receipt 0 of block {reviewed.block('DiagnosisReviewed')}"

    def change(log: list) -> None:
        log[1][3] = bytes.fromhex(reviewed.world.wallet.address[2:]).rjust(32, b"\0")

    found, _ = reviewed.failing(forgery.with_log(reviewed.evidence, "DiagnosisReviewed", change))
    first = " (review 1 of 2)"
    assert found == [receipt, "events", f"review id{first}", f"reviewer role{first}", f"reviewer{first}"]


def test_a_grant_of_the_clinicians_role_that_is_missing(reviewed):
    changed = forgery.without(reviewed.evidence, "RoleGranted", 1)

    assert reviewed.failing(changed) == ([f"reviewer role (review {n} of 2)" for n in (1, 2)], [])


def test_a_review_of_a_diagnosis_that_was_never_recorded(reviewed):
    receipt = f"receipt 0 of block {reviewed.block('DiagnosisReviewed')}"

    def change(log: list) -> None:
        log[1][2] = b"\x11" * 32

    found, _ = reviewed.failing(forgery.with_log(reviewed.evidence, "DiagnosisReviewed", change))
    assert found == [receipt, "events", "review order", "reviewed diagnosis"]
