"""One thing of an evidence file is false at a time: the line about it fails, and none about something else."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
import rlp

from backend.cids import raw_cid
from backend.domain import SEALED_LABEL
from backend.errors import InvalidEvidence
from backend.services import manifests

from . import forgery
from .conftest import CARD, failures, make_world
from .forgery import Falsifiable

OTHER_ADDRESS = "0x00000000000000000000000000000000000000AA"
UNVERIFIED_MANIFEST = ["manifest image", "manifest result", "result reproduced"]


@pytest.fixture(scope="module")
def plain(ganache, tmp_path_factory) -> Falsifiable:
    world = make_world(ganache, tmp_path_factory.mktemp("plain"))
    record = world.record()
    return Falsifiable(world, record, world.evidence(record.image_id))


def test_nothing_is_wrong_before(plain):
    assert plain.failing(plain.evidence) == ([], [])


def test_an_image_byte(plain):
    changed = forgery.with_object(plain.evidence, plain.record.cid, forgery.flipped(plain.record.content))

    assert plain.failing(changed) == (["image bytes"], ["result reproduced"])


def test_a_manifest_byte(plain):
    cid = raw_cid(hashlib.sha256(plain.record.manifest).hexdigest())
    changed = forgery.with_object(plain.evidence, cid, plain.record.manifest.replace(b"glioma", b"gliomb", 1))

    assert plain.failing(changed) == (["manifest bytes"], UNVERIFIED_MANIFEST)


@pytest.mark.parametrize(
    "change",
    [
        {"label": 2},
        {"label": True},
        {"confidence": 9999},
        {"classifier": OTHER_ADDRESS},
        {"signature": "0x" + "11" * 65},
        {"transactionHash": "0x" + "11" * 32},
        {"note": "approved"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_an_event_as_a_reader_finds_it(plain, change):
    assert plain.failing(forgery.with_stated(plain.evidence, "DiagnosisRecorded", **change)) == (["events"], [])


def test_a_stated_event_that_is_missing(plain):
    assert plain.failing(replace(plain.evidence, events=plain.evidence.events[:-1])) == (["events"], [])


@pytest.mark.parametrize(("word", "value"), [(0, 2), (1, 9999)], ids=["label", "confidence"])
def test_the_result_in_a_receipt(plain, word, value):
    receipt = f"receipt 0 of block {plain.block('DiagnosisRecorded')}"
    changed = forgery.with_word(plain.evidence, "DiagnosisRecorded", word, value)

    found, _ = plain.failing(changed)
    # Another diagnosis has another id, whose slot need not be proven.
    assert [line for line in found if line != "complete record"] == [
        *(receipt, "events", "diagnosis origin", "manifest result", "classifier signature")
    ]


def test_the_signature_in_a_receipt(plain):
    receipt = f"receipt 0 of block {plain.block('DiagnosisRecorded')}"

    def change(log: list) -> None:
        log[2] = forgery.flipped(log[2], 32 * 6 + 3)

    changed = forgery.with_log(plain.evidence, "DiagnosisRecorded", change)
    assert plain.failing(changed) == ([receipt, "events", "classifier signature"], [])


def test_the_uploader_in_a_receipt(plain):
    receipt = f"receipt 0 of block {plain.block('ImageRegistered')}"

    def change(log: list) -> None:
        log[1][2] = bytes.fromhex(OTHER_ADDRESS[2:]).rjust(32, b"\0")

    changed = forgery.with_log(plain.evidence, "ImageRegistered", change)
    lines = [receipt, "events", "image id", "origin", "diagnosis origin", "complete record"]
    assert plain.failing(changed) == (lines, [])


def test_the_cid_in_a_receipt(plain):
    receipt = f"receipt 0 of block {plain.block('ImageRegistered')}"
    other = raw_cid("ee" * 32)

    def change(log: list) -> None:
        log[2] = log[2].replace(plain.record.cid.encode(), other.encode())

    found = plain.failing(forgery.with_log(plain.evidence, "ImageRegistered", change))
    assert found == (
        [receipt, "events", "objects", "image id", "origin", "image bytes", "manifest image"],
        ["result reproduced"],
    )


def test_a_log_that_cannot_be_read(plain):
    receipt = f"receipt 0 of block {plain.block('DiagnosisRecorded')}"
    place = forgery.place_of(plain.evidence, "DiagnosisRecorded")

    for content in (
        b"",
        b"\x02",
        b"\x02no receipt",
        b"\x02" + nested(2000),
        b"\x02" + rlp.encode([b"", b"", b"", [[]]]),
    ):
        found, _ = plain.failing(forgery.with_transaction(plain.evidence, place, receipt=content))
        assert found[0] == receipt


@pytest.mark.parametrize("word", [0, 1, 3], ids=["label", "confidence", "time"])
def test_a_number_that_the_contract_cannot_write(plain, word):
    receipt = f"receipt 0 of block {plain.block('DiagnosisRecorded')}"

    found, _ = plain.failing(forgery.with_word(plain.evidence, "DiagnosisRecorded", word, 2**200))
    assert found[0] == receipt


def test_a_header_field(plain):
    number = plain.block("DiagnosisRecorded")
    place, _ = forgery.place_of(plain.evidence, "DiagnosisRecorded")
    changed = forgery.with_header_field(plain.evidence, place, forgery.GAS_USED, b"\x05")

    assert plain.failing(changed) == ([f"header of block {number}"], [])


def test_a_receipts_root(plain):
    number = plain.block("DiagnosisRecorded")
    place, _ = forgery.place_of(plain.evidence, "DiagnosisRecorded")
    changed = forgery.with_header_field(plain.evidence, place, forgery.RECEIPTS_ROOT, b"\x11" * 32)

    assert plain.failing(changed) == ([f"header of block {number}", f"receipt 0 of block {number}"], [])


def nested(depth: int) -> bytes:
    """A list in a list in a list."""
    content = b""
    for _ in range(depth):
        content = rlp.codec.length_prefix(len(content), 192) + content
    return content


@pytest.mark.parametrize(
    "header",
    [b"", b"\xff", rlp.encode([b""] * 3), rlp.encode([b""] * 16), rlp.encode([[]] * 16), nested(1300), bytes(5000)],
    ids=["empty", "no RLP", "short", "without roots", "lists", "deep", "long"],
)
def test_a_header_that_is_none(plain, header):
    place, _ = forgery.place_of(plain.evidence, "DiagnosisRecorded")

    found, _ = plain.failing(forgery.with_block(plain.evidence, place, header=header))
    name = f"header of block {plain.evidence.blocks[place].hash}"
    assert found == [name, "state block", "events", "objects", "record exists", "complete record"]


@pytest.mark.parametrize(("field", "size"), [(8, 8), (11, 8), (11, 32)], ids=["number", "time", "endless time"])
def test_a_header_with_numbers_that_no_block_has(plain, field, size):
    place, _ = forgery.place_of(plain.evidence, "DiagnosisRecorded")

    found, _ = plain.failing(forgery.with_header_field(plain.evidence, place, field, b"\xff" * size))
    assert found[0] == f"header of block {plain.evidence.blocks[place].hash}"


@pytest.mark.parametrize("kind", ["transaction", "receipt"])
def test_a_proof_node(plain, kind):
    place = forgery.place_of(plain.evidence, "DiagnosisRecorded")
    proof = getattr(plain.evidence.blocks[place[0]].transactions[place[1]], f"{kind}_proof")
    name = f"{kind} 0 of block {plain.block('DiagnosisRecorded')}"
    for nodes in ((forgery.flipped(proof[0]), *proof[1:]), (), proof * 70, (b"\xc0",)):
        changed = forgery.with_transaction(plain.evidence, place, **{f"{kind}_proof": nodes})
        assert plain.failing(changed) == ([name], [])


def test_the_bytes_of_a_transaction(plain):
    place = forgery.place_of(plain.evidence, "DiagnosisRecorded")
    transaction = plain.evidence.blocks[place[0]].transactions[place[1]].transaction
    changed = forgery.with_transaction(plain.evidence, place, transaction=forgery.flipped(transaction))

    found, _ = plain.failing(changed)
    assert found[:2] == [f"transaction 0 of block {plain.block('DiagnosisRecorded')}", "events"]
    assert {"origin", "diagnosis origin"} < set(found)


def test_the_contracts_code(plain):
    code = plain.evidence.code
    changed = replace(plain.evidence, code=replace(code, code=forgery.flipped(code.code, 100)))

    assert plain.failing(changed) == (["contract code", "contract account", "complete record"], [])


def test_the_proof_of_the_contracts_code(plain):
    code = plain.evidence.code
    proof = (*code.account_proof[:-1], forgery.flipped(code.account_proof[-1]))
    lines = ["contract account", "complete record"]
    assert plain.failing(replace(plain.evidence, code=replace(code, account_proof=proof))) == (lines, [])

    elsewhere = replace(plain.evidence, code=replace(code, block_hash="0x" + "11" * 32))
    assert plain.failing(elsewhere) == (["state block", "complete record"], ["contract account"])


def test_another_chain(plain):
    found, _ = plain.failing(replace(plain.evidence, chain_id=1))
    others = {line for line in found if not line.endswith("origin")}
    assert others - {"complete record"} == {"events", "classifier signature"}
    origins = {line for line in found if line.endswith("origin")}
    assert origins >= {"origin", "diagnosis origin", "classifier role origin", "model origin"}


def test_another_contract(plain):
    found, _ = plain.failing(replace(plain.evidence, contract=OTHER_ADDRESS))

    assert found == ["contract account", "events", "objects", "record exists", "complete record"]


def test_another_image_id(plain):
    found, _ = plain.failing(replace(plain.evidence, image_id="0x" + "ee" * 32))

    assert [line for line in found if line != "complete record"] == ["events", "objects", "record exists"]


def test_the_model_card(plain):
    changed = forgery.with_object(plain.evidence, raw_cid(hashlib.sha256(CARD).hexdigest()), CARD + b"100 % accurate")

    assert plain.failing(changed) == (["model card"], [])


def test_a_model_that_was_never_registered(plain):
    changed = forgery.without(plain.evidence, "ModelRegistered")

    assert plain.failing(changed) == (["objects", "model in use", "complete models"], ["model card"])


def test_a_grant_of_the_classifiers_role_that_is_missing(plain):
    changed = forgery.without(plain.evidence, "RoleGranted")

    assert plain.failing(changed) == (["classifier role", "complete roles"], [])


def test_an_object_that_no_event_names(plain):
    changed = forgery.with_object(
        plain.evidence, raw_cid(hashlib.sha256(b"second opinion").hexdigest()), b"second opinion"
    )

    assert plain.failing(changed) == (["objects"], [])


def test_an_opening(ganache, tmp_path):
    world = make_world(ganache, tmp_path)
    record = world.record(
        lambda content, cid: world.manifest(content, cid, salt=manifests.new_salt()), label=SEALED_LABEL, confidence=0
    )
    true = Falsifiable(world, record, world.evidence(record.image_id, openings=[record.manifest]))
    cid = raw_cid(hashlib.sha256(record.manifest).hexdigest())

    other = record.manifest.replace(b"0.75", b"0.85")
    assert true.failing(true.evidence) == ([], [])
    assert true.failing(forgery.with_object(true.evidence, cid, other)) == (["opening"], [])


def test_a_forger_who_computes_every_hash_is_caught_by_the_block_hashes_alone(plain):
    """A block that never was, whose receipt takes the classifier's grant back."""
    place = forgery.place_of(plain.evidence, "RoleGranted")
    receipt = plain.evidence.blocks[place[0]].transactions[place[1]].receipt
    fields = rlp.decode(receipt[1:])
    fields[1] = b"\x99\x99"
    forged = forgery.with_forged_receipt(plain.evidence, place, receipt[:1] + rlp.encode(fields))

    assert plain.failing(forged) == ([], [])
    number = forgery.number_of(plain.evidence.blocks[place[0]])
    assert plain.failing(forged, node=plain.world.chain) == ([f"block {number} on the chain"], [])


def test_blocks_and_transactions_that_are_there_twice(plain):
    twice = replace(plain.evidence, blocks=(*plain.evidence.blocks, plain.evidence.blocks[-1]))
    with pytest.raises(InvalidEvidence, match="expected each block once"):
        plain.failing(twice)

    place, _ = forgery.place_of(plain.evidence, "DiagnosisRecorded")
    transactions = plain.evidence.blocks[place].transactions
    with pytest.raises(InvalidEvidence, match="in order, each once"):
        plain.failing(forgery.with_block(plain.evidence, place, transactions=transactions * 2))


def test_a_failed_line_tells_what_was_expected_and_found(plain):
    place, _ = forgery.place_of(plain.evidence, "DiagnosisRecorded")
    block = plain.evidence.blocks[place]
    changed = forgery.with_header_field(plain.evidence, place, forgery.GAS_USED, b"\x05")

    (check,) = failures(plain.world.verify_evidence(changed)).values()
    assert check.expected == f"keccak-256 {block.hash}"
    assert check.found.startswith("keccak-256 0x")
