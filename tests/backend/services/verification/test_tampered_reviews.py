"""The reviews in an evidence file with one thing false at a time."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
import rlp

from backend.adapters.chain.proofs.reader import ProofReader
from backend.cids import raw_cid
from backend.domain import Verdict
from backend.errors import LogsIncomplete
from backend.evidence import Evidence
from backend.services.completeness import keys_of
from backend.services.evidence_file import pack, unpack

from . import forgery
from .conftest import FalseChain, failures, make_world
from .forgery import Falsifiable


@pytest.fixture(scope="module")
def reviewed(ganache, tmp_path_factory) -> Falsifiable:
    """Confirmed, then withdrawn."""
    world = make_world(ganache, tmp_path_factory.mktemp("reviewed"))
    record = world.record()
    statements = tuple(
        world.review(record.image_id, verdict, label)
        for verdict, label in ((Verdict.CONFIRMED, 1), (Verdict.WITHDRAWN, 0))
    )
    return Falsifiable(world, record, world.evidence(record.image_id), statements)


def test_nothing_is_wrong_before(reviewed):
    assert reviewed.failing(reviewed.evidence) == ([], [])


def test_the_statement_of_a_review(reviewed):
    cid = raw_cid(hashlib.sha256(reviewed.statements[1]).hexdigest())
    changed = forgery.with_object(reviewed.evidence, cid, reviewed.statements[1].replace(b"withdrawn", b"confirmed"))

    assert reviewed.failing(changed) == (["review statement (review 2 of 2)"], [])


def test_a_review_history_that_is_cut_in_the_middle(reviewed):
    changed = forgery.without(reviewed.evidence, "DiagnosisReviewed", 0)

    assert reviewed.failing(changed) == (["objects", "review order"], [])


def cut(true: Falsifiable, *, reviews: int) -> Evidence:
    """Without its newest reviews, as a forger would leave them out who tidies up behind."""
    changed = true.evidence
    for nth in range(2 - reviews, 2):
        changed = forgery.without(changed, "DiagnosisReviewed", 2 - reviews)
        changed = forgery.with_object(changed, raw_cid(hashlib.sha256(true.statements[nth]).hexdigest()), None)
    if reviews == 2:
        changed = forgery.without(changed, "RoleGranted", 1)
    return changed


@pytest.mark.parametrize("reviews", [1, 2])
def test_a_withdrawal_that_is_cut_out_is_missed_in_the_registrys_state(reviewed, reviews):
    changed = cut(reviewed, reviews=reviews)

    verification = reviewed.world.verify_evidence(unpack(pack(changed)))
    (check,) = failures(verification).values()
    assert check.name == "complete reviews"
    (diagnosis,) = verification.diagnoses
    newest = reviewed.world.reviews(reviewed.record.image_id)[-1].review_id
    assert check.found.startswith(f"{diagnosis.diagnosis_id}: ")
    assert check.found.endswith(f"stored is {newest}")
    assert (verification.verdict, verification.complete_to) == ("invalid", None)


@pytest.mark.parametrize("reviews", [1, 2])
def test_and_with_a_node_that_hides_the_withdrawal_too(reviewed, reviews):
    """The registry's state contradicts the node's logs, also for a file that holds no state itself."""
    changed = replace(cut(reviewed, reviews=reviews), storage_proof=None)
    image_id = reviewed.record.image_id
    hidden = reviewed.world.chain.events_of_image(image_id)[:-reviews]
    node = FalseChain(
        reviewed.world.chain, events_of_image=lambda _: hidden, state_block=reviewed.world.chain.state_block
    )

    assert reviewed.failing(changed) == ([], [])
    assert reviewed.failing(changed, node=node) == (["complete reviews on the chain"], [])
    with pytest.raises(LogsIncomplete, match="it does not show the review 0x"):
        reviewed.world.verify(image_id, chain=node)


def test_a_state_from_before_the_withdrawal_is_not_that_of_the_newest_block(reviewed, ganache):
    world = reviewed.world
    review = world.reviews(reviewed.record.image_id)[0]
    reader = ProofReader(ganache.rpc_url, contract=world.chain.contract)
    keys = keys_of(world.chain, reviewed.record.image_id, world.chain.events_of_image(reviewed.record.image_id))
    block, code, nodes = reader._state(review.block.number - 1, keys)
    blocks = {each.hash: each for each in (*cut(reviewed, reviews=1).blocks, block)}
    old = replace(
        cut(reviewed, reviews=1),
        blocks=tuple(sorted(blocks.values(), key=forgery.number_of)),
        code=code,
        storage_proof=nodes,
    )

    found, _ = reviewed.failing(old)
    assert found[0] == "state block"


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
        (1, 1, [f"review {what} (review 1 of 2)" for what in ("id", "order", "origin")]),
        (2, 1, ["objects", *(f"review {what} (review 1 of 2)" for what in ("id", "origin"))]),
        (3, 1, [f"review {what} (review 1 of 2)" for what in ("id", "origin")]),
        (4, 9, [f"review {what} (review 1 of 2)" for what in ("id", "origin")]),
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
    lines = [f"{line}{first}" for line in ("review origin", "review id", "reviewer role", "reviewer")]
    assert [line for line in found if not line.startswith("complete")] == [receipt, "events", *lines]


def test_a_grant_of_the_clinicians_role_that_is_missing(reviewed):
    changed = forgery.without(reviewed.evidence, "RoleGranted", 1)

    lines = [f"reviewer role (review {n} of 2)" for n in (1, 2)]
    assert reviewed.failing(changed) == ([*lines, "complete roles"], [])


def test_a_review_of_a_diagnosis_that_was_never_recorded(reviewed):
    receipt = f"receipt 0 of block {reviewed.block('DiagnosisReviewed')}"

    def change(log: list) -> None:
        log[1][2] = b"\x11" * 32

    verification = reviewed.world.verify_evidence(forgery.with_log(reviewed.evidence, "DiagnosisReviewed", change))
    assert list(failures(verification)) == [receipt, "events", "review order"]
    assert [review.diagnosis_id for review in verification.noise] == ["0x" + "11" * 32]
