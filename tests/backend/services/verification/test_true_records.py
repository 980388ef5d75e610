from __future__ import annotations

import json

import pytest
import rfc8785
from PIL import Image

from backend.adapters.images.inspector import PillowInspector
from backend.adapters.ipfs.unixfs import cid_of
from backend.domain import DiagnosisRecordedEvent, RoleChange

from .conftest import MODEL, FalseChain, TwinClassifier, failures

ARTIST = 0x013B
"""Of EXIF."""
IMAGE_CHECKS = ["record exists", "image id", "block", "origin", "image bytes"]
COMPLETENESS = [f"complete {what}" for what in ("record", "reviews", "models", "roles", "compromise reports")]
DIAGNOSIS_CHECKS = [
    "diagnosis block",
    "diagnosis origin",
    "manifest bytes",
    "manifest image",
    "manifest result",
    "classifier signature",
    "classifier role",
    "classifier role origin",
    "classifier key",
    "model bundle",
    "result reproduced",
    "model in use",
    "model origin",
    "model card",
    "model training",
]


def names_of(verification) -> list[str]:
    """Without who anchored the model's training, which another test may have done on this chain."""
    return [check.name for check in verification.checks if not check.name.startswith("training origin")]


@pytest.mark.parametrize("confidence", [0, 7500])
def test_an_abstention_has_no_confidence_or_as_in_a_former_registry_that_of_its_manifest(world, confidence):
    world.classifier.label, world.classifier.code = "abstained", 0
    record = world.record(label=0, confidence=0)
    chain = FalseChain(world.chain, events={DiagnosisRecordedEvent: {"confidence": confidence}})

    verification = world.verify(record.image_id, chain=chain)

    # The signature covers the confidence that was recorded.
    assert list(failures(verification)) == ([] if confidence == 0 else ["classifier signature"])


def test_an_abstention_has_no_other_confidence(world):
    world.classifier.label, world.classifier.code = "abstained", 0
    record = world.record(label=0, confidence=0)
    chain = FalseChain(world.chain, events={DiagnosisRecordedEvent: {"confidence": 1}})

    assert "manifest result" in failures(world.verify(record.image_id, chain=chain))


def test_every_check_of_a_true_record_passes(world):
    verification = world.verify(world.record().image_id)

    assert failures(verification) == {}
    assert verification.passed
    assert names_of(verification) == IMAGE_CHECKS + DIAGNOSIS_CHECKS + COMPLETENESS


def test_the_lines_tell_who_when_and_what(world):
    record = world.record()
    found = {check.name: check.found for check in world.verify(record.image_id).checks}

    assert found["record exists"] == f"registered by {world.wallet.address} in transaction {record.transaction}"
    assert found["image bytes"] == f"{record.cid} ({len(record.content)} bytes)"
    assert found["classifier signature"] == f"signed by {world.signer.address}"
    assert found["model bundle"] == f"brain-mri 1.0, 0x{MODEL.sha256}"
    assert found["result reproduced"] == "glioma (0.7500), largest difference 0.000000"
    block = world.chain.events_of_transaction(record.transaction)[0].block
    assert found["block"].startswith(f"block {block.number} of 20")
    assert found["block"].endswith(f" UTC, {block.hash}")


def test_a_result_is_reproduced_with_the_decoding_that_made_it(world):
    record = world.record(lambda content, cid: world.manifest(content, cid, decoding=2))

    assert world.verify(record.image_id).passed
    assert world.classifier.decodings[-1] == 2


def test_a_manifest_that_names_no_decoding_was_made_with_the_first(world):
    def without(content: bytes, cid: str) -> bytes:
        fields = json.loads(world.manifest(content, cid, decoding=2))
        del fields["decoding"]
        return rfc8785.dumps(fields)

    record = world.record(without)

    assert world.verify(record.image_id).passed
    assert world.classifier.decodings[-1] == 1


def test_a_file_takes_the_place_of_the_store(world):
    record = world.record()
    world.damage(record.cid)

    assert world.verify(record.image_id, content=record.content).passed


@pytest.mark.parametrize("format_", ["JPEG", "BMP"])
def test_the_original_file_takes_the_place_of_what_was_pinned_of_it(world, picture, format_):
    exif = Image.Exif()
    exif[ARTIST] = "Jane Doe"
    original = picture(format_, **({"exif": exif} if format_ == "JPEG" else {}))
    pinned, facts = PillowInspector().accept(original)
    world.pin_image(pinned)
    world.wallet.register_image(facts.cid)

    verification = world.verify(world.chain.image_id(world.wallet.address, facts.cid), content=original)

    assert cid_of(original) != facts.cid
    assert verification.passed
    found = next(check.found for check in verification.checks if check.name == "image bytes")
    assert found == f"{facts.cid} ({len(pinned):,} bytes, the file without its metadata)"


def test_the_original_of_another_image_fails_with_its_own_cid(world, picture):
    record = world.record()
    other = picture()

    check = failures(world.verify(record.image_id, content=other))["image bytes"]

    assert check.found == f"{cid_of(other)} ({len(other)} bytes)"


def test_an_image_without_a_diagnosis_is_verified_as_such(world):
    _, cid = world.pin_image()
    world.wallet.register_image(cid)

    verification = world.verify(world.chain.image_id(world.wallet.address, cid))

    assert verification.passed
    assert [check.name for check in verification.checks] == IMAGE_CHECKS + COMPLETENESS


def test_every_diagnosis_is_checked(world):
    record = world.record()
    newer = world.manifest(record.content, record.cid, MODEL).replace(b'"reason":null', b'"reason":"second"')
    world.store.put(newer, name="manifest", media_type="application/json")
    issued_at = world.chain.events_of_image(record.image_id)[1].issued_at + 1
    world.wallet.record_diagnosis(world.sign(record.cid, newer, issued_at=issued_at))

    verification = world.verify(record.image_id)

    assert verification.passed
    names = names_of(verification)
    twice = [f"{name} ({n} of 2)" for n in (1, 2) for name in DIAGNOSIS_CHECKS]
    assert names == IMAGE_CHECKS + twice + COMPLETENESS


def test_an_abstention_is_a_result_like_others(world):
    world.classifier = TwinClassifier(label="abstained", code=0)

    assert world.verify(world.record(label=0, confidence=0).image_id).passed


def test_a_transaction_is_verified_with_every_record_it_wrote(world):
    cids = [world.pin_image()[1] for _ in range(2)]
    sent = world.wallet._send("registerImages", cids, [bytes(32)] * 2)

    verifications = world.service().verify_transaction(sent.hash)

    assert [v.image_id for v in verifications] == [world.chain.image_id(world.wallet.address, cid) for cid in cids]
    assert all(v.passed for v in verifications)


def test_a_transaction_without_records_gives_none(world):
    assert world.service().verify_transaction("0x" + "ab" * 32) == []


def test_a_revocation_of_the_role_after_the_diagnosis_changes_nothing(world):
    record = world.record()
    block = world.chain.events_of_transaction(record.transaction)[0].block.number

    def later_revoked(role, address):
        return [*world.chain.roles(role, address), RoleChange(block, 9, False, address, "0x")]

    assert world.verify(record.image_id, chain=FalseChain(world.chain, roles=later_revoked)).passed
