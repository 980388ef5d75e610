"""Evidence files of true records, on Ganache."""

from __future__ import annotations

import pytest

from backend.cids import hash_of, raw_cid
from backend.domain import SEALED_LABEL, RoleChange, Training, Verdict
from backend.errors import InvalidInput, NotFound, StorageUnavailable
from backend.services import manifests
from backend.services.evidence_file import pack, unpack

from . import forgery
from .conftest import CARD, MODEL, FalseChain, failures, wrong

TRAINING = b'{"schema":"scanproof.training/1"}'
FIGURES = b'{"accuracy":0.97}'


@pytest.fixture
def reviewed(world):
    """A record that was confirmed and then withdrawn."""
    record = world.record()
    world.review(record.image_id, Verdict.CONFIRMED, 1)
    world.review(record.image_id, Verdict.WITHDRAWN, 0)
    return record


def test_an_evidence_file_passes_every_check_with_and_without_its_chain(world, reviewed):
    evidence = unpack(pack(world.evidence(reviewed.image_id)))
    for node in (None, world.chain):
        verification = world.verify_evidence(evidence, node=node)
        assert failures(verification) == {}
        assert [state.status for state in verification.diagnoses] == ["withdrawn"]


def test_the_same_record_gives_the_same_bytes(world, reviewed):
    first = pack(world.evidence(reviewed.image_id))

    assert pack(world.evidence(reviewed.image_id)) == first
    assert pack(unpack(first)) == first


def test_the_checks_of_the_record_are_those_of_the_chain(world, reviewed):
    online = world.verify(reviewed.image_id)
    offline = world.verify_evidence(world.evidence(reviewed.image_id))

    assert [c for c in offline.checks if c.name in {check.name for check in online.checks}] == list(online.checks)
    assert offline.diagnoses == online.diagnoses


def test_it_holds_every_object_that_can_be_had(world, reviewed):
    world.review(world.record().image_id, Verdict.CONFIRMED, 1)
    evidence = world.evidence(reviewed.image_id)

    assert evidence.objects[reviewed.cid] == reviewed.content
    assert reviewed.manifest in evidence.objects.values()
    assert CARD in evidence.objects.values()
    assert len(evidence.objects) == 5


def test_a_statement_that_nobody_published_is_not_in_it(world):
    record = world.record()
    world.review(record.image_id, Verdict.OVERRIDDEN, 3, publish=False)

    evidence = world.evidence(record.image_id)
    verification = world.verify_evidence(evidence)

    assert failures(verification) == {}
    assert len(evidence.objects) == 3
    assert [c.found for c in verification.checks if c.name == "review statement"] == ["none is published"]


def test_the_trainings_of_a_model_are_walked_back_in_it(world):
    grandparent, parent = "0x" + "b1" * 32, "0x" + "b2" * 32
    if not world.chain.events_of_model(grandparent):
        for number, (model, began) in enumerate(((grandparent, None), (parent, grandparent))):
            world.admin.anchor_training(Training(f"0x{number + 1:064x}", model, began, "0x" + "cc" * 32, 3))
        figures, paper = (hash_of(each) for each in (FIGURES, TRAINING))
        world.admin.anchor_training(Training(paper, "0x" + MODEL.sha256, parent, figures, 1))
    for each in (FIGURES, TRAINING):
        world.store.put(each, name="paper", media_type="application/json")
    evidence = world.evidence(world.record().image_id)
    verification = world.verify_evidence(evidence, node=world.chain)

    assert failures(verification) == {}
    (training,) = (check.found for check in verification.checks if check.name == "model training")
    assert training.count("started from") == 2
    assert "with 3 participants" in training
    assert [event["event"] for event in evidence.events].count("TrainingAnchored") == 3
    assert {FIGURES, TRAINING} < set(evidence.objects.values())

    for each in (FIGURES, TRAINING):
        changed = forgery.with_object(evidence, raw_cid(hash_of(each)), each + b" ")
        assert list(failures(world.verify_evidence(changed))) == ["model training"]


def test_a_sealed_diagnosis_is_opened_only_by_who_holds_its_manifest(world):
    record = world.record(
        lambda content, cid: world.manifest(content, cid, salt=manifests.new_salt()),
        label=SEALED_LABEL,
        confidence=0,
    )
    world.store.delete(world.store.put(record.manifest, name="manifest", media_type="application/json"))

    sealed = unpack(pack(world.evidence(record.image_id)))
    assert record.manifest not in sealed.objects.values()
    verification = world.verify_evidence(sealed)
    assert failures(verification) == {}
    assert "manifest bytes" not in {check.name for check in verification.checks}

    opened = unpack(pack(world.evidence(record.image_id, openings=[record.manifest])))
    for verification in (world.verify_evidence(opened), world.verify_evidence(sealed, openings=[record.manifest])):
        assert failures(verification) == {}
        (line,) = (check for check in verification.checks if check.name == "sealed")
        assert line.found == "opened: glioma, confidence 75.00%"
        assert "result reproduced" in {check.name for check in verification.checks}
    assert wrong(world.verify_evidence(sealed, openings=[record.manifest + b" "])) == ["opening"]

    with pytest.raises(InvalidInput, match="expected the manifest of a sealed diagnosis of this record, found a file"):
        world.evidence(record.image_id, openings=[b"another file"])


def test_a_record_that_is_not_there(world):
    with pytest.raises(NotFound, match=f"no image 0x{'ab' * 32} is registered"):
        world.evidence("0x" + "ab" * 32)


def test_without_the_image_there_is_no_evidence_file(world, reviewed):
    class NoStore:
        def get(self, cid, *, max_bytes):
            raise StorageUnavailable("Pinata timed out")

    world.store = NoStore()
    with pytest.raises(StorageUnavailable):
        world.evidence(reviewed.image_id)


def test_what_a_node_holds_beyond_the_evidence_file_is_reported(world, reviewed):
    evidence = world.evidence(reviewed.image_id)
    manifest = world.manifest(reviewed.content, reviewed.cid).replace(b'"reason":null', b'"reason":"new"')
    issued_at = world.diagnoses(reviewed.image_id)[0].issued_at + 1
    world.wallet.record_diagnosis(world.sign(reviewed.cid, manifest, issued_at=issued_at))

    assert failures(world.verify_evidence(evidence)) == {}
    found = failures(world.verify_evidence(evidence, node=world.chain))
    assert list(found) == ["record on the chain", "complete record on the chain"]
    assert found["record on the chain"].found.startswith("the evidence file lacks DiagnosisRecorded in block ")


def test_a_revocation_that_the_evidence_file_does_not_hold_is_reported(world, reviewed):
    evidence = world.evidence(reviewed.image_id)

    def revoked(role, address):
        return [*world.chain.roles(role, address), RoleChange(10**6, 0, False, address, "0x")]

    verification = world.verify_evidence(evidence, node=FalseChain(world.chain, roles=revoked))

    assert list(failures(verification)) == ["roles on the chain"]


def test_a_node_of_another_chain_is_reported(world, reviewed):
    evidence = world.evidence(reviewed.image_id)

    class Other:
        chain_id = 11155111
        contract = world.chain.contract

    verification = world.verify_evidence(evidence, node=Other())

    assert list(failures(verification)) == ["contract on the chain"]
