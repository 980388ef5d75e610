from __future__ import annotations

import hashlib

import cid as py_cid
import pytest

from backend.cids import DAG_PB, RAW, Cid, cid_from_binary, parse_cid, raw_cid
from backend.errors import InvalidCid

EMPTY = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"


def test_a_cid_is_written_as_the_library_writes_it():
    for codec, name in ((RAW, "raw"), (DAG_PB, "dag-pb")):
        cid = Cid.of(codec, b"block")
        multihash = b"\x12\x20" + hashlib.sha256(b"block").digest()
        assert str(cid) == py_cid.make_cid(1, name, multihash).encode("base32").decode()


def test_any_case_is_read_and_lower_case_is_written():
    assert str(parse_cid(EMPTY.upper())) == EMPTY


def test_a_version_0_cid_becomes_its_version_1():
    old = "QmbWqxBEKC3P8tqsKc98xmWNzrzDtRLMiMPL8wBuTGsMnR"
    assert parse_cid(old) == Cid(DAG_PB, py_cid.make_cid(old).multihash[2:])


def test_raw_cid_follows_from_the_hash():
    digest = hashlib.sha256(b"").hexdigest()
    assert raw_cid(digest) == raw_cid(f"0x{digest}") == EMPTY


@pytest.mark.parametrize(
    "text",
    [
        "",
        "b",
        EMPTY[:-1],
        EMPTY + "a",
        EMPTY + "\n",
        EMPTY[:-1] + "v",  # the last character has bits that no byte needs: a second spelling of the same CID
        "b" + "a" * 58,
        "../../etc/passwd",
        f"../{EMPTY}",
        f"/ipfs/{EMPTY}",
        f"https://ipfs.io/ipfs/{EMPTY}",
        "bafkqaaa",  # identity hash
        "bafyrei" + "a" * 52,  # dag-cbor
        "zb2rhmy65F3REf8SZp7De11gxtECBGgUKaLdiDj7MCGCHxbDW",  # base58
        "Qm" + "1" * 44,
        "Qm" + "0" * 44,
        "\u017f" + EMPTY[1:],
        "\0" * 59,
        "b" * 1_000_000,
    ],
)
def test_everything_else_is_refused(text):
    with pytest.raises(InvalidCid) as error:
        parse_cid(text)
    assert str(error.value) == f"expected a CIDv1 in base32 such as bafkrei… or bafybei…, found {text[:80]!r}" or (
        str(error.value).startswith("expected a CIDv1 (raw or dag-pb, SHA-256), found the bytes 0")
    )


def test_binary_of_another_codec_is_refused():
    with pytest.raises(InvalidCid, match=r"^expected a CIDv1 \(raw or dag-pb, SHA-256\), found the bytes 01711220"):
        cid_from_binary(b"\x01\x71\x12\x20" + bytes(32))
