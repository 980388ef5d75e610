"""What others can write on the chain beside a record: it is shown, and neither verdict nor evidence depend on it."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from web3 import Web3

from backend.adapters.chain import artifact, rpc
from backend.adapters.chain.development_accounts import ADMIN
from backend.adapters.chain.events import ROLES
from backend.adapters.chain.web3_chain import Web3Chain
from backend.domain import Verdict
from backend.services import evidence as collecting
from backend.services import verification as verifying
from backend.services.evidence_file import pack, unpack
from tests.chains import running_anvil
from tests.standins.nodes import quirky_node

from .conftest import failures
from .relays import Relay
from .test_origin import private_chain, relayed

REASON = "0x" + "77" * 32


@pytest.fixture
def record(world):
    record = world.record()
    world.review(record.image_id, Verdict.CONFIRMED, 1)
    return record


def invented(world, image_id: str, number: int = 1) -> tuple:
    """A diagnosis of that image that was never recorded: its fields and its id."""
    true = world.diagnoses(image_id)[0]
    fields = (image_id, true.model_id, 1, 9999, f"0x{number:064x}", true.issued_at)
    contract = rpc.connect(world.rpc_url).eth.contract(address=world.chain.contract, abi=artifact.current().abi)
    return fields, "0x" + contract.functions.hashDiagnosis(fields).call().hex()


def poison(world, image_id: str, number: int = 1) -> str:
    """A review of a diagnosis that never was, by a clinician; returns the diagnosis' id."""
    fields, diagnosis_id = invented(world, image_id, number)
    world.clinician._send("reviewDiagnosis", fields, (diagnosis_id, REASON, 2, 0))
    return diagnosis_id


def test_a_review_of_a_diagnosis_that_never_was_is_noise(world, record):
    before = world.verify(record.image_id)
    stale = unpack(pack(world.evidence(record.image_id)))
    diagnosis_id = poison(world, record.image_id)

    online = world.verify(record.image_id)
    evidence = unpack(pack(world.evidence(record.image_id)))
    verifications = [online, world.verify_evidence(evidence), world.verify_evidence(evidence, node=world.chain)]

    for verification in verifications:
        assert (failures(verification), verification.verdict) == ({}, "valid")
        assert [review.diagnosis_id for review in verification.noise] == [diagnosis_id]
        assert verification.diagnoses == before.diagnoses
        assert verification.complete_to is not None
    assert [check.name for check in online.checks] == [check.name for check in before.checks]
    assert failures(world.verify_evidence(stale, node=world.chain)) == {}


def test_noise_without_end_is_not_in_an_evidence_file(world, record, monkeypatch):
    monkeypatch.setattr(collecting, "MAX_NOISE", 2)
    ids = [poison(world, record.image_id, number) for number in range(4)]

    evidence = unpack(pack(world.evidence(record.image_id)))
    verification = world.verify_evidence(evidence, node=world.chain)

    assert failures(verification) == {}
    assert [review.diagnosis_id for review in verification.noise] == ids[-2:]
    assert len(world.verify(record.image_id).noise) == 4


def test_a_history_of_many_reviews_has_the_newest_statements_only(world, record, monkeypatch):
    monkeypatch.setattr(collecting, "MAX_STATEMENTS", 2)
    statements = [world.review(record.image_id, Verdict.OVERRIDDEN, label) for label in (2, 3, 4)]

    evidence = unpack(pack(world.evidence(record.image_id)))

    assert [statement in evidence.objects.values() for statement in statements] == [False, True, True]
    assert failures(world.verify_evidence(evidence)) == {}


@pytest.fixture
def few(monkeypatch):
    """Evidence files hold two reviews beside the newest one of each diagnosis, and three are checked one by one."""
    monkeypatch.setattr(collecting, "MAX_REVIEWS", 2)
    monkeypatch.setattr(verifying, "MAX_REVIEWS", 3)


@pytest.fixture
def much_reviewed(world, record, few):
    """Six reviews, the newest of which withdraws."""
    for label in (2, 3, 4, 2):
        world.review(record.image_id, Verdict.OVERRIDDEN, label)
    world.review(record.image_id, Verdict.WITHDRAWN, 0)
    return record


def line(verification, name: str):
    return next(check for check in verification.checks if check.name == name)


def test_a_record_of_many_reviews_is_verified_by_the_newest(world, much_reviewed):
    evidence = unpack(pack(world.evidence(much_reviewed.image_id)))
    (diagnosis,) = world.diagnoses(much_reviewed.image_id)

    assert evidence.left_out_reviews == {diagnosis.diagnosis_id: 3}
    assert [event["event"] for event in evidence.events].count("DiagnosisReviewed") == 3
    online = world.verify(much_reviewed.image_id)
    for verification in (online, world.verify_evidence(evidence), world.verify_evidence(evidence, node=world.chain)):
        assert failures(verification) == {}
        assert [state.status for state in verification.diagnoses] == ["withdrawn"]
        assert line(verification, "older reviews").found.startswith("3 older reviews are not checked one by one")
        assert sum(check.name.startswith("review order") for check in verification.checks) == 3
    assert "not in the file" not in line(online, "older reviews").found


def test_the_number_of_left_out_reviews_must_be_true_and_said(world, much_reviewed):
    evidence = world.evidence(much_reviewed.image_id)
    (diagnosis,) = world.diagnoses(much_reviewed.image_id)

    silent = replace(evidence, left_out_reviews={})
    assert list(failures(world.verify_evidence(silent))) == ["review order (review 1 of 3)"]
    wrong = replace(evidence, left_out_reviews={diagnosis.diagnosis_id: 2})
    assert list(failures(world.verify_evidence(wrong, node=world.chain))) == ["record on the chain"]


def test_reviews_said_to_be_left_out_that_are_there_fail(world, record):
    evidence = world.evidence(record.image_id)
    (diagnosis,) = world.diagnoses(record.image_id)

    false = replace(evidence, left_out_reviews={diagnosis.diagnosis_id: 1})
    assert list(failures(world.verify_evidence(false))) == ["older reviews"]


def test_the_newest_review_cannot_be_left_out(world, much_reviewed):
    (diagnosis,) = world.diagnoses(much_reviewed.image_id)
    whole = world.evidence(much_reviewed.image_id)
    newest = world.reviews(much_reviewed.image_id)[-1].block.hash
    cut = replace(
        whole,
        blocks=tuple(replace(b, transactions=()) if b.hash == newest else b for b in whole.blocks),
        events=whole.events[:-1],
        left_out_reviews={diagnosis.diagnosis_id: 4},
    )

    assert "complete reviews" in failures(world.verify_evidence(cut))


def test_a_new_review_after_such_a_file_is_noticed(world, much_reviewed):
    evidence = world.evidence(much_reviewed.image_id)
    world.review(much_reviewed.image_id, Verdict.CONFIRMED, 1)

    assert failures(world.verify_evidence(evidence)) == {}
    assert "record on the chain" in failures(world.verify_evidence(evidence, node=world.chain))


@pytest.fixture(scope="module")
def spacious(tmp_path_factory):
    """A chain whose blocks take megabytes of logs."""
    with running_anvil(31337, "--gas-limit", "120000000") as url:
        yield private_chain(url, 31337, tmp_path_factory.mktemp("spacious"))


def test_a_transaction_full_of_the_logs_of_strangers(spacious):
    """As a bundler of ERC-4337 may send it: 5 MB of logs beside the registration."""
    world = spacious
    relay = Relay.deployed(world.rpc_url, world.chain.contract, ADMIN)
    image_id, call = relayed(world, relay, relay.address)
    relay.run(call, shouts=50, gas=60_000_000)

    packed = pack(world.evidence(image_id))

    assert len(packed) > 16 * 1024 * 1024
    assert failures(world.verify_evidence(unpack(packed), node=world.chain)) == {}


def test_noise_that_would_fill_an_evidence_file_is_left_out(spacious):
    """A clinician that is a contract writes 5 MB of logs beside each review of a diagnosis that never was."""
    world = spacious
    record = world.record()
    relay = Relay.deployed(world.rpc_url, world.chain.contract, ADMIN)
    world.admin._send("grantRole", ROLES["CLINICIAN_ROLE"], relay.address)
    for number in range(2):
        fields, diagnosis_id = invented(world, record.image_id, number)
        step = (diagnosis_id, REASON, 2, 0)
        relay.run(relay.call("reviewDiagnosis", fields, step), shouts=50, gas=60_000_000)

    packed = pack(world.evidence(record.image_id))

    assert len(packed) < 1024 * 1024
    assert failures(world.verify_evidence(unpack(packed), node=world.chain)) == {}
    assert len(world.verify(record.image_id).noise) == 2


def test_true_reviews_that_would_fill_an_evidence_file_are_left_out(spacious):
    """A clinician that is a contract writes 5 MB of logs beside each of its true reviews."""
    world = spacious
    record = world.record()
    relay = Relay.deployed(world.rpc_url, world.chain.contract, ADMIN)
    world.admin._send("grantRole", ROLES["CLINICIAN_ROLE"], relay.address)
    (true,) = world.diagnoses(record.image_id)
    fields = (true.image_id, true.model_id, true.label, true.confidence, true.manifest_hash, true.issued_at)
    newest = true.diagnosis_id
    for verdict, label in ((0, 1), (1, 3), (2, 0)):
        relay.run(relay.call("reviewDiagnosis", fields, (newest, REASON, verdict, label)), shouts=50, gas=60_000_000)
        newest = world.reviews(record.image_id)[-1].review_id

    evidence = unpack(pack(world.evidence(record.image_id)))

    assert evidence.left_out_reviews == {true.diagnosis_id: 2}
    verification = world.verify_evidence(evidence, node=world.chain)
    assert (failures(verification), verification.diagnoses[0].status) == ({}, "withdrawn")


def test_grants_to_others_and_reviews_of_other_images_change_nothing(world, record):
    other = world.record()
    evidence = unpack(pack(world.evidence(record.image_id)))
    world.review(other.image_id, Verdict.WITHDRAWN, 0)
    stranger = Web3.to_checksum_address("0x" + f"{time.time_ns():040x}"[-40:])
    world.admin._send("grantRole", ROLES["CLINICIAN_ROLE"], stranger)
    world.admin._send("revokeRole", ROLES["CLINICIAN_ROLE"], stranger)
    world.admin._send("anchorLog", "0x" + "99" * 32)
    world.admin._send("reportCompromise", stranger, 1)

    assert failures(world.verify_evidence(evidence, node=world.chain)) == {}
    assert failures(world.verify(record.image_id)) == {}
    assert failures(world.verify_evidence(world.evidence(record.image_id))) == {}


def test_more_reviews_take_no_more_requests(world, record):
    posts = []
    for _ in range(2):
        with quirky_node(world.rpc_url) as node:
            chain = Web3Chain(node.url, chain_id=world.chain.chain_id, contract=world.chain.contract)
            assert failures(world.verify(record.image_id, chain=chain)) == {}
            posts.append(node.posts)
        for _ in range(8):
            world.review(record.image_id, Verdict.CONFIRMED, 1)
    assert posts[1] == posts[0]


def test_two_reviews_of_one_batch(world, record):
    """One transaction, of which one review counts and the other is noise."""
    fields, invented_id = invented(world, record.image_id)
    true = world.diagnoses(record.image_id)[0]
    newest = world.reviews(record.image_id)[-1].review_id
    own = (true.image_id, true.model_id, true.label, true.confidence, true.manifest_hash, true.issued_at)
    steps = [(newest, REASON, 2, 0), (invented_id, REASON, 2, 0)]
    world.clinician._send("reviewDiagnoses", [own, fields], steps)

    for verification in (
        world.verify(record.image_id),
        world.verify_evidence(unpack(pack(world.evidence(record.image_id))), node=world.chain),
    ):
        assert failures(verification) == {}
        assert [state.status for state in verification.diagnoses] == ["withdrawn"]
        assert [review.diagnosis_id for review in verification.noise] == [invented_id]
