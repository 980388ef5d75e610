from __future__ import annotations

import io
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from backend.adapters.ipfs import dag_pb, unixfs
from backend.adapters.ipfs.dag_pb import Link
from backend.adapters.ipfs.unixfs import CHUNK_BYTES, LINKS, blocks_of, cid_of, stream_file, verify
from backend.cids import DAG_PB, RAW, Cid, parse_cid
from backend.errors import CidMismatch, ImageTooLarge, InvalidDag

REFERENCE = Path(__file__).parents[3] / "standins" / "pinata" / "cid.mjs"
MIB = 1024 * 1024
SIZES = [0, 1, CHUNK_BYTES, CHUNK_BYTES + 1, MIB - 1, MIB, MIB + 1, LINKS * CHUNK_BYTES, LINKS * CHUNK_BYTES + 1]


def content_of(size: int) -> bytes:
    return np.arange(-(-size // 4), dtype="<u4").tobytes()[:size]


def reference(files: list[dict]) -> list[str]:
    lines = "\n".join(json.dumps(file) for file in files)
    return subprocess.run(["node", REFERENCE], input=lines, capture_output=True, text=True, check=True).stdout.split()


def stored(content: bytes) -> tuple[Cid, dict[Cid, bytes]]:
    blocks = list(blocks_of(content))
    return blocks[-1].cid, {block.cid: block.data for block in blocks}


def test_cids_equal_those_of_helia():
    assert [cid_of(content_of(size)) for size in SIZES] == reference([{"size": size} for size in SIZES])


def test_cids_of_deep_trees_equal_those_of_helia(monkeypatch):
    monkeypatch.setattr(unixfs, "CHUNK_BYTES", 2)
    monkeypatch.setattr(unixfs, "LINKS", 3)
    sizes = [2, 3, 6, 7, 18, 19, 54, 55, 56, 162, 163, 500]
    expected = reference([{"size": size, "chunkSize": 2, "links": 3} for size in sizes])
    assert [cid_of(content_of(size)) for size in sizes] == expected
    for size in sizes:
        root, blocks = stored(content_of(size))
        assert b"".join(stream_file(root, blocks.__getitem__, max_bytes=size)) == content_of(size)


def test_a_stream_gives_the_same_cid_however_it_is_cut():
    class Dripping(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(size, 100_000))

    content = content_of(MIB + 1)
    assert cid_of(Dripping(content)) == cid_of(io.BytesIO(content)) == cid_of(content)


@pytest.mark.parametrize("size", SIZES)
def test_blocks_give_the_file_back(size):
    root, blocks = stored(content_of(size))
    assert b"".join(stream_file(root, blocks.__getitem__, max_bytes=size)) == content_of(size)


def test_a_changed_block_is_refused_by_name(photo):
    root, blocks = stored(photo)
    for cid, data in blocks.items():
        changed = bytes([data[0] ^ 1]) + data[1:]
        with pytest.raises(CidMismatch) as error:
            b"".join(stream_file(root, (blocks | {cid: changed}).__getitem__, max_bytes=len(photo)))
        assert error.value.expected == str(cid)
        assert error.value.found == str(Cid.of(cid.codec, changed))


def test_a_file_past_the_cap_is_refused_before_its_leaves_are_fetched(photo):
    root, blocks = stored(photo)
    with pytest.raises(ImageTooLarge) as error:
        b"".join(stream_file(root, {root: blocks[root]}.__getitem__, max_bytes=len(photo) - 1))
    assert str(error.value) == f"{root} holds 700000 bytes, at most 699999 are read"


def test_verify_names_both_cids():
    with pytest.raises(CidMismatch) as error:
        verify(b"found", parse_cid(cid_of(b"expected")))
    assert str(error.value) == f"expected the bytes of {cid_of(b'expected')}, got bytes of {cid_of(b'found')}"


def leaf(size: int) -> Link:
    return Link(Cid.of(RAW, bytes(size)), size, size)


def node(*links: Link) -> Link:
    block = dag_pb.encode(links)
    size = sum(link.file_size for link in links)
    return Link(Cid.of(DAG_PB, block), size, len(block))


def refused(*blocks: bytes) -> str:
    """What reading the last block as a file's root says, when these blocks and zero-filled leaves are there."""
    known = {Cid.of(DAG_PB, block): block for block in blocks}
    known |= {Cid.of(RAW, bytes(size)): bytes(size) for size in (0, 1, 10, CHUNK_BYTES, CHUNK_BYTES + 1)}
    with pytest.raises(InvalidDag) as error:
        b"".join(stream_file(Cid.of(DAG_PB, blocks[-1]), known.__getitem__, max_bytes=10**9))
    return str(error.value)


def test_hostile_trees_are_refused():
    whole, tiny = leaf(CHUNK_BYTES), leaf(10)
    deep = dag_pb.encode([whole])
    assert "the codec of" in refused(dag_pb.encode([tiny]))  # a node where one raw block suffices
    assert "sizes of the parts" in refused(dag_pb.encode([tiny, whole]))  # wrong order of sizes
    assert "sizes of the parts" in refused(dag_pb.encode([leaf(100)] * 3000))  # very wide
    assert "sizes of the parts" in refused(dag_pb.encode([whole] * (LINKS + 1)))
    assert "the codec of" in refused(deep, dag_pb.encode([node(whole), tiny]))  # deeper than its size asks for
    lying = Link(tiny.cid, CHUNK_BYTES, CHUNK_BYTES)
    assert "the bytes of" in refused(dag_pb.encode([lying, tiny]))


@pytest.mark.parametrize(
    "change",
    [
        lambda block: b"",
        lambda block: block[:-1],
        lambda block: block + b"\x0a\x00",
        lambda block: block + b"\x20\x00",
        lambda block: b"\xff" * 20,
        lambda block: b"\x0a\x02\x08\x01",  # a UnixFS directory
        lambda block: block.replace(b"\x01\x55\x12\x20", b"\x01\x71\x12\x20", 1),
        lambda block: block.replace(b"\x12\x00\x18", b"\x12\x00\x19", 1),
        lambda block: block.replace(b"\x12\x00\x18\x0a", b"\x12\x00\x1a\x00", 1),  # bytes in place of a size
    ],
)
def test_blocks_that_are_no_file_node_are_refused(change):
    message = refused(change(dag_pb.encode([leaf(CHUNK_BYTES), leaf(10)])))
    assert message.startswith(("expected a dag-pb node of a UnixFS file", "expected the canonical form"))


def test_random_blocks_are_refused(photo):
    for start in range(0, 20_000, 40):
        with pytest.raises(InvalidDag):
            dag_pb.decode(photo[start : start + 40])
