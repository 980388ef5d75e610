"""A file that may come from anybody: what is no evidence file is refused with a reason, whatever it holds."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace

import pytest
import rfc8785

from backend.ancestry import MAX_GENERATIONS
from backend.cids import raw_cid
from backend.errors import InvalidEvidence
from backend.evidence import Evidence, ProvenBlock, ProvenCode, ProvenTransaction
from backend.services import evidence_file
from backend.services.evidence_file import pack, unpack

CONTENT = b"the image"
CID = raw_cid("11" * 32)
HASH = "0x" + "ab" * 32
EVIDENCE = Evidence(
    chain_id=1337,
    contract="0x" + "ab" * 20,
    image_id=HASH,
    code=ProvenCode(b"\x60", HASH, (b"\xc0",)),
    blocks=(ProvenBlock(HASH, b"\xc0", (ProvenTransaction(0, b"\x02", (b"\xc0",), b"\x02", ()),)),),
    events=({"event": "ImageRegistered", "block": {"number": 1}},),
    objects={CID: CONTENT},
)


def archive(*entries: tuple[object, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", method) as file:
        for name, content in entries:
            file.writestr(name, content)
    return output.getvalue()


def index(**changes: object) -> dict:
    with zipfile.ZipFile(io.BytesIO(pack(EVIDENCE))) as file:
        values = json.loads(file.read("evidence.json"))
    return {name: value for name, value in {**values, **changes}.items() if value is not ...}


def with_index(content: bytes | dict) -> bytes:
    return archive(("evidence.json", content if isinstance(content, bytes) else rfc8785.dumps(content)))


def refused(content: bytes) -> str:
    with pytest.raises(InvalidEvidence) as error:
        unpack(content)
    assert len(str(error.value)) < 400
    return str(error.value)


@pytest.mark.parametrize(("storage_proof", "schema"), [(None, 1), ((b"\xc0", b"\xc1\x80"), 2), ((), 2)])
def test_what_is_packed_is_what_is_unpacked(storage_proof, schema):
    evidence = replace(EVIDENCE, storage_proof=storage_proof)
    packed = pack(evidence)

    assert f'"schema":"scanproof.evidence/{schema}"'.encode() in packed
    assert unpack(packed) == evidence
    assert pack(unpack(packed)) == packed


def test_the_file_is_the_same_on_every_machine_at_every_time():
    with zipfile.ZipFile(io.BytesIO(pack(EVIDENCE))) as file:
        assert file.namelist() == ["evidence.json", f"objects/{CID}"]
        assert {info.date_time for info in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {info.compress_type for info in file.infolist()} == {zipfile.ZIP_STORED}


def test_an_evidence_file_that_somebody_packed_anew_is_the_same_evidence_file():
    entries = [("objects/" + CID, CONTENT), ("evidence.json", rfc8785.dumps(index()))]

    assert unpack(archive(*entries, method=zipfile.ZIP_DEFLATED)) == EVIDENCE


@pytest.mark.parametrize(
    "content", [b"", b"PK", b"\x89PNG\r\n\x1a\n" + bytes(100), b"PK\x03\x04" + bytes(200)], ids=repr
)
def test_what_is_no_zip(content):
    assert "expected a ZIP that can be read" in refused(content)


def test_every_cut_and_every_changed_byte_is_refused_or_harmless():
    packed = pack(EVIDENCE)
    for place in range(0, len(packed), 7):
        for damaged in (packed[:place], packed[:place] + bytes([packed[place] ^ 0xFF]) + packed[place + 1 :]):
            try:
                found = unpack(damaged)
            except InvalidEvidence:
                continue
            assert found == EVIDENCE, place


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "/etc/passwd",
        "objects/../../x",
        "objects/",
        "objects/x",
        "note.txt",
        f"OBJECTS/{CID}",
        f"objects/{CID.upper()}",
    ],
)
def test_names_that_do_not_belong_there(name):
    assert repr(name)[1:-1] in refused(archive(("evidence.json", b"{}"), (name, b"x")))


def test_an_entry_that_is_there_twice():
    with pytest.warns(UserWarning, match="Duplicate name"):
        content = archive(("evidence.json", b"{}"), ("evidence.json", b"{}"))
    assert "each once" in refused(content)


def test_an_evidence_file_without_its_index():
    assert refused(archive((f"objects/{CID}", b"x"))) == "expected evidence.json in the file, found none"


def test_a_bomb_is_not_unpacked(monkeypatch):
    bomb = archive(("evidence.json", bytes(33 * 1024 * 1024)), method=zipfile.ZIP_DEFLATED)
    assert len(bomb) < 40_000
    assert "expected at most 33,554,432 bytes in evidence.json, found more" in refused(bomb)

    monkeypatch.setattr(evidence_file, "MAX_FILE_BYTES", 1_000_000)
    names = [raw_cid(f"{number:064x}") for number in range(20)]
    many = archive(*((f"objects/{name}", bytes(100_000)) for name in names), method=zipfile.ZIP_DEFLATED)
    assert "found more" in refused(many)


def test_a_size_that_is_a_lie_is_found_out():
    packed = bytearray(archive(("evidence.json", bytes(33 * 1024 * 1024)), method=zipfile.ZIP_DEFLATED))
    size = (33 * 1024 * 1024).to_bytes(4, "little")
    assert packed.count(size) == 2
    refused(bytes(packed).replace(size, (10).to_bytes(4, "little")))


def test_more_entries_than_any_record_has():
    entries = [(f"objects/{raw_cid(f'{number:064x}')}", b"") for number in range(1001)]
    assert "expected at most 1000 entries, found 1001" in refused(archive(*entries))


def test_proofs_that_could_not_be_read_again_are_not_packed(monkeypatch):
    monkeypatch.setattr(evidence_file, "_MAX_INDEX_BYTES", 100)
    with pytest.raises(InvalidEvidence, match="expected a record whose proofs take at most 100 bytes"):
        pack(EVIDENCE)


def test_the_longest_ancestry_in_full_blocks_fits():
    """Each training is in a block of hundreds of transactions: three branches of 532 bytes lead to it in both tries."""
    branches = (bytes(532),) * 3
    proven = ProvenTransaction(200, bytes(350), (*branches, bytes(360)), bytes(700), (*branches, bytes(710)))
    blocks = tuple(ProvenBlock(f"0x{number:064x}", bytes(620), (proven,)) for number in range(MAX_GENERATIONS))
    evidence = replace(EVIDENCE, blocks=blocks, events=({"event": "TrainingAnchored", "hash": HASH * 8},) * len(blocks))

    assert unpack(pack(evidence)).blocks == blocks


def test_what_could_not_be_read_again_is_not_packed(monkeypatch):
    many = replace(EVIDENCE, objects={raw_cid(f"{number:064x}"): b"" for number in range(1000)})
    with pytest.raises(InvalidEvidence, match="expected a record with at most 999 objects, found 1000"):
        pack(many)

    monkeypatch.setattr(evidence_file, "MAX_FILE_BYTES", len(pack(EVIDENCE)) - 1)
    with pytest.raises(InvalidEvidence, match=r"expected a record of at most [\d,]+ bytes, found "):
        pack(EVIDENCE)


def test_a_file_that_is_too_large(monkeypatch):
    monkeypatch.setattr(evidence_file, "MAX_FILE_BYTES", 10)
    assert refused(bytes(11)) == "expected at most 10 bytes, found more"


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_other_ways_of_compression(method):
    assert "stored or deflated" in refused(archive(("evidence.json", b"{}"), method=method))


def test_an_encrypted_entry():
    packed = bytearray(with_index(index()))
    packed[6] |= 1
    packed[packed.index(b"PK\x01\x02") + 8] |= 1
    assert "expected a ZIP that can be read" in refused(bytes(packed))


def test_a_damaged_entry():
    packed = bytearray(archive(("evidence.json", rfc8785.dumps(index())), method=zipfile.ZIP_DEFLATED))
    packed[60] ^= 0xFF
    assert "expected a ZIP that can be read" in refused(bytes(packed))


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[" * 200_000, b'{"a":' * 100_000, b"NaN", b"\xff\xfe", b"1" * 5000, b'{"a":1e999}', b'"\\ud800"'],
    ids=lambda content: repr(content[:8]),
)
def test_json_that_is_none(content):
    assert "expected evidence.json" in refused(with_index(content))


@pytest.mark.parametrize("content", [b'{"b":1,"a":1}', b'{ "a":1}', b'{"a":1,"a":1}', b"1.0"], ids=repr)
def test_json_that_is_not_canonical(content):
    assert refused(with_index(content)) == "expected evidence.json in canonical form (RFC 8785)"


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "scanproof.evidence/2"},
        {"schema": "scanproof.evidence/3"},
        {"schema": None},
        {"schema": ["scanproof.evidence/1"]},
        {"storageProof": []},
        {"schema": "scanproof.evidence/2", "storageProof": "0x"},
        {"schema": "scanproof.evidence/2", "storageProof": [1]},
        {"chainId": "1337"},
        {"chainId": -1},
        {"chainId": True},
        {"chainId": 1.5},
        {"contract": "0x12"},
        {"contract": "0x" + "zz" * 20},
        {"imageId": HASH.upper()},
        {"imageId": HASH + "\n"},
        {"imageId": ...},
        {"extra": 1},
        {"code": []},
        {"code": {"code": "0x6", "blockHash": HASH, "accountProof": []}},
        {"code": {"code": "0x60", "blockHash": HASH, "accountProof": "0x"}},
        {"code": {"code": "0x60", "blockHash": HASH, "accountProof": [1]}},
        {"blocks": {}},
        {"blocks": [[]]},
        {"blocks": [{"hash": HASH, "header": "0x", "transactions": [{"index": 0}]}]},
        {"blocks": [{"hash": HASH, "header": "c0", "transactions": []}]},
        {"events": "none"},
        {"events": [1]},
    ],
    ids=lambda change: repr(change)[:40],
)
def test_an_index_of_another_shape(change):
    assert "expected" in refused(with_index(index(**change)))


@pytest.mark.parametrize("content", [b"[]", b"null", b'"text"', b"1"], ids=repr)
def test_an_index_that_is_no_object(content):
    assert "expected the file to be a dict" in refused(with_index(content))
