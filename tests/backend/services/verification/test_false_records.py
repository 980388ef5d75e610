"""One thing is false at a time: that line fails, and no other but those that depend on it."""

from __future__ import annotations

import json

import pytest
import rfc8785

from backend.domain import BlockRef, DiagnosisRecordedEvent, GateOpinion, ImageRegisteredEvent, RoleChange
from backend.errors import ClassificationFailed, ImageTooLarge, StorageUnavailable, UnsupportedImage

from .conftest import GATE, OTHER_MODEL, PROBABILITIES, FalseChain, failures, unchecked, wrong

OTHER_ADDRESS = "0x00000000000000000000000000000000000000AA"
REPRODUCED = "result reproduced"
MANIFEST_LINES = ["manifest image", "manifest result", REPRODUCED]


def test_a_bit_of_the_stored_image(world):
    record = world.record()
    world.damage(record.cid)

    verification = world.verify(record.image_id)

    assert (wrong(verification), unchecked(verification)) == (["image bytes"], [REPRODUCED])
    assert failures(verification)["image bytes"].expected == record.cid
    assert record.cid in failures(verification)["image bytes"].found


def test_a_bit_of_the_given_file(world):
    record = world.record()
    changed = record.content[:-1] + bytes([record.content[-1] ^ 1])

    verification = world.verify(record.image_id, content=changed)

    assert (wrong(verification), unchecked(verification)) == (["image bytes"], [REPRODUCED])


def test_an_image_that_is_nowhere(world):
    record = world.record()
    world.store.delete(world.store.put(record.content, name="image", media_type="image/png"))

    verification = world.verify(record.image_id)

    assert (wrong(verification), unchecked(verification)) == (["image bytes"], [REPRODUCED])
    assert failures(verification)["image bytes"].found == f"{record.cid} is not in the store"


def test_a_bit_of_the_manifest(world):
    record = world.record()
    manifest = world.store.put(record.manifest, name="manifest", media_type="application/json")
    world.damage(manifest.cid)

    verification = world.verify(record.image_id)

    assert (wrong(verification), unchecked(verification)) == (["manifest bytes"], MANIFEST_LINES)


def test_a_manifest_that_is_nowhere(world):
    record = world.record()
    world.store.delete(world.store.put(record.manifest, name="manifest", media_type="application/json"))

    verification = world.verify(record.image_id)

    assert (wrong(verification), unchecked(verification)) == (["manifest bytes"], MANIFEST_LINES)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not JSON",
        b"[]",
        b"null",
        b'{"schema":"scanproof.manifest/1"}',
        b"[" * 20_000,
        b'{"image":' * 5_000,
        b"\xff\xfe",
    ],
    ids=lambda content: repr(content[:20]),
)
def test_a_manifest_that_is_none(world, content):
    verification = world.verify(world.record(lambda *_: content).image_id)

    assert (wrong(verification), unchecked(verification)) == (["manifest bytes"], MANIFEST_LINES)
    assert failures(verification)["manifest bytes"].found.endswith("but this is no ScanProof manifest")


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "scanproof.manifest/2"},
        {"confidence": "0.75"},
        {"confidence": True},
        {"confidence": 1.5},
        {"confidence": float("nan")},
        {"confidence": float("inf")},
        {"confidence": 10**400},
        {"probabilities": {"glioma": 10**400}},
        {"label": "\ud800"},
        {"label": "glioma\x1b[2J"},
        {"labelCode": 1.0},
        {"abstained": 0},
        {"image": "cid"},
        {"probabilities": {"glioma": None}},
        {"probabilities": [0.75]},
    ],
    ids=lambda change: ascii(change)[:40],
)
def test_a_manifest_of_another_shape(world, change):
    def manifest(content, cid):
        return json.dumps({**json.loads(world.manifest(content, cid)), **change}).encode()

    assert wrong(world.verify(world.record(manifest).image_id)) == ["manifest bytes"]


def test_a_manifest_of_another_image(world):
    other, other_cid = world.pin_image()

    verification = world.verify(world.record(lambda *_: world.manifest(other, other_cid)).image_id)

    assert list(failures(verification)) == ["manifest image"]
    assert other_cid in failures(verification)["manifest image"].found


def test_a_manifest_with_another_hash_of_the_same_image(world):
    verification = world.verify(world.record(lambda content, cid: world.manifest(content + b"!", cid)).image_id)

    assert list(failures(verification)) == ["manifest image"]


@pytest.mark.parametrize("change", [{"label": 2}, {"confidence": 7501}], ids=str)
def test_a_diagnosis_that_is_not_the_manifests(world, change):
    verification = world.verify(world.record(**change).image_id)

    assert list(failures(verification)) == ["manifest result"]
    assert "label code 1, confidence 75.00%" in failures(verification)["manifest result"].found


def test_a_manifest_of_another_model(world):
    verification = world.verify(world.record(lambda *image: world.manifest(*image, OTHER_MODEL)).image_id)

    assert list(failures(verification)) == ["manifest result"]


def test_a_model_that_is_not_here(world):
    record = world.record(lambda *image: world.manifest(*image, OTHER_MODEL), model_id="0x" + OTHER_MODEL.sha256)

    verification = world.verify(record.image_id)

    assert (wrong(verification), unchecked(verification)) == (["model bundle"], [REPRODUCED])


def test_a_byte_of_the_signature(world):
    record = world.record()
    signature = bytearray.fromhex(world.chain.events_of_image(record.image_id)[1].signature[2:])
    for position in (0, 20, 40, 63, 64):
        changed = signature.copy()
        changed[position] ^= 1
        chain = FalseChain(world.chain, {DiagnosisRecordedEvent: {"signature": "0x" + changed.hex()}})

        verification = world.verify(record.image_id, chain=chain)

        assert list(failures(verification)) == ["classifier signature"]
        assert failures(verification)["classifier signature"].expected == f"signed by {world.signer.address}"


def test_a_classifier_that_did_not_sign(world):
    record = world.record()
    chain = FalseChain(
        world.chain,
        {DiagnosisRecordedEvent: {"classifier": OTHER_ADDRESS}},
        roles=lambda role, _: world.chain.roles(role, world.signer.address),
    )

    assert list(failures(world.verify(record.image_id, chain=chain))) == ["classifier signature"]


@pytest.mark.parametrize(
    ("offsets", "found"),
    [
        ([], "never granted before it"),
        ([(0, 1, True)], "never granted before it"),
        ([(1, 0, True)], "never granted before it"),
        ([(-3, 0, True), (-1, 0, False)], "revoked in block"),
        ([(-3, 0, True), (0, 0, False)], "revoked in block"),
    ],
    ids=["never", "granted by the same log", "granted later", "revoked before", "revoked just before"],
)
def test_a_classifier_without_the_role_at_that_moment(world, offsets, found):
    record = world.record()
    event = world.chain.events_of_image(record.image_id)[1]
    assert event.log_index == 1
    history = [
        RoleChange(event.block.number + offset, index, granted, OTHER_ADDRESS, "0x")
        for offset, index, granted in offsets
    ]
    chain = FalseChain(world.chain, roles=lambda *_: history)

    verification = world.verify(record.image_id, chain=chain)

    assert list(failures(verification)) == ["classifier role"]
    assert failures(verification)["classifier role"].found.startswith(found)


@pytest.mark.parametrize(
    ("change", "passes"),
    [
        ({"glioma": 0.75009, "notumor": 0.24991}, True),
        ({"glioma": 0.7502, "notumor": 0.25}, False),
        ({"glioma": 0.75, "notumor": 0.2502}, False),
    ],
)
def test_a_result_is_reproduced_within_the_tolerance(world, change, passes):
    record = world.record()
    world.classifier.probabilities = change

    verification = world.verify(record.image_id)

    assert list(failures(verification)) == ([] if passes else [REPRODUCED])


@pytest.mark.parametrize(
    "change",
    [
        {"label": "notumor"},
        {"code": 3},
        {"probabilities": {"glioma": 0.75}},
        {"probabilities": {**PROBABILITIES, "pituitary": 0.0}},
    ],
    ids=str,
)
def test_another_result_is_not_the_manifests(world, change):
    record = world.record()
    for name, value in change.items():
        setattr(world.classifier, name, value)

    assert list(failures(world.verify(record.image_id))) == [REPRODUCED]


@pytest.mark.parametrize("error", [ImageTooLarge, UnsupportedImage, ClassificationFailed])
def test_an_image_that_the_model_cannot_take(world, monkeypatch, error):
    record = world.record()

    def refuse(model, image, decoding):
        raise error("not this one")

    monkeypatch.setattr(world.classifier, "predict", refuse)
    verification = world.verify(record.image_id)

    assert list(failures(verification)) == [REPRODUCED]
    assert failures(verification)[REPRODUCED].found == "not this one"


@pytest.mark.parametrize(
    ("kind", "line"), [(ImageRegisteredEvent, "block"), (DiagnosisRecordedEvent, "diagnosis block")]
)
@pytest.mark.parametrize("change", ["hash", "timestamp", "number"])
def test_a_block_that_is_not_on_the_chain(world, kind, line, change):
    record = world.record()
    block = world.chain.events_of_image(record.image_id)[0].block
    false = {
        "hash": BlockRef(block.number, "0x" + "12" * 32, block.timestamp),
        "timestamp": BlockRef(block.number, block.hash, block.timestamp - 60),
        "number": BlockRef(block.number + 1000, block.hash, block.timestamp),
    }[change]
    chain = FalseChain(world.chain, {kind: {"block": false}})

    assert list(failures(world.verify(record.image_id, chain=chain))) == [line]


def test_an_uploader_that_does_not_give_the_image_id(world):
    record = world.record()
    chain = FalseChain(world.chain, {ImageRegisteredEvent: {"uploader": OTHER_ADDRESS}})

    assert list(failures(world.verify(record.image_id, chain=chain))) == ["image id"]


def test_no_record_at_all(world):
    verification = world.verify("0x" + "ab" * 32)

    assert wrong(verification) == ["record exists"]
    assert unchecked(verification) == ["image id", "block", "image bytes"]
    assert not any(check.passed for check in verification.checks)


def test_a_store_that_cannot_be_reached(world):
    record = world.record()

    class NoStore:
        def get(self, cid, *, max_bytes):
            raise StorageUnavailable("Pinata timed out")

    world.store = NoStore()
    verification = world.verify(record.image_id)

    assert wrong(verification) == ["image bytes", "manifest bytes"]
    assert failures(verification)["image bytes"].found == "Pinata timed out"


@pytest.mark.parametrize(
    ("opinion", "recognised", "found"),
    [
        ("brain-mri", "brain-mri", None),
        ("brain-mri", None, "the gate recognises no modality, not brain-mri"),
        ("brain-mri", "knee-mri", "the gate recognises knee-mri, not brain-mri"),
        (None, "brain-mri", "the gate recognises brain-mri, not none"),
        (None, None, "an answer, although the gate recognises no modality: expected an abstention"),
        ("knee-mri", "knee-mri", "an answer, although the gate recognises knee-mri: expected an abstention"),
    ],
)
def test_the_opinion_of_the_gate_is_reproduced(world, opinion, recognised, found):
    record = world.record(lambda *image: world.manifest(*image, opinion=GateOpinion(GATE, opinion)))
    world.classifier.modality = recognised

    failed = failures(world.verify(record.image_id))

    assert {name: check.found for name, check in failed.items()} == ({REPRODUCED: found} if found else {})


def test_an_abstention_follows_from_any_opinion(world):
    world.classifier.label, world.classifier.code = "abstained", 0
    world.classifier.probabilities = dict.fromkeys(PROBABILITIES, 0.0)
    world.classifier.modality = None
    record = world.record(lambda *image: world.manifest(*image, opinion=GateOpinion(GATE, None)), label=0, confidence=0)

    assert failures(world.verify(record.image_id)) == {}


def test_an_opinion_of_a_gate_that_is_not_installed_cannot_be_reproduced(world):
    record = world.record(lambda *image: world.manifest(*image, opinion=GateOpinion(OTHER_MODEL, "brain-mri")))

    verification = world.verify(record.image_id)

    assert unchecked(verification) == [REPRODUCED]
    assert wrong(verification) == []


def test_a_manifest_of_a_former_release_has_no_opinion(world):
    def former(content, cid):
        fields = json.loads(world.manifest(content, cid))
        del fields["gate"]
        return rfc8785.dumps(fields)

    assert failures(world.verify(world.record(former).image_id)) == {}


@pytest.mark.parametrize(
    "opinion", [1, [], {}, {"sha256": 1, "modality": None}, {"sha256": "ab", "modality": "\x1b[2J"}]
)
def test_a_manifest_with_a_damaged_opinion_is_none(world, opinion):
    def damaged(content, cid):
        return rfc8785.dumps({**json.loads(world.manifest(content, cid)), "gate": opinion})

    assert "manifest bytes" in wrong(world.verify(world.record(damaged).image_id))
