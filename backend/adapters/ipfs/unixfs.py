"""Files as IPFS blocks, in the layout of Pinata: CIDv1, raw leaves of 256 KiB, balanced nodes of 174 links.

Source: https://specs.ipfs.tech/unixfs/
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from backend.adapters.ipfs import dag_pb
from backend.adapters.ipfs.dag_pb import Link
from backend.cids import DAG_PB, RAW, Cid
from backend.errors import CidMismatch, ImageTooLarge, InvalidDag

CHUNK_BYTES = 256 * 1024
LINKS = 174


class Readable(Protocol):
    """What a file is read through."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Block:
    cid: Cid
    data: bytes


def blocks_of(content: bytes | Readable) -> Iterator[Block]:
    """All blocks of a file, children before their parent: the last one is the root. Reads a stream chunk by chunk."""
    stream = io.BytesIO(content) if isinstance(content, bytes) else content
    levels: list[list[Link]] = [[]]

    def add(depth: int, link: Link) -> Iterator[Block]:
        if depth == len(levels):
            levels.append([])
        if len(levels[depth]) == LINKS:
            yield from close(depth)
        levels[depth].append(link)

    def close(depth: int) -> Iterator[Block]:
        links, levels[depth] = levels[depth], []
        node = dag_pb.encode(links)
        block = Block(Cid.of(DAG_PB, node), node)
        yield block
        dag_size = len(node) + sum(link.dag_size for link in links)
        yield from add(depth + 1, Link(block.cid, sum(link.file_size for link in links), dag_size))

    chunk = _read_chunk(stream)
    while True:
        leaf = Block(Cid.of(RAW, chunk), chunk)
        yield leaf
        yield from add(0, Link(leaf.cid, len(chunk), len(chunk)))
        chunk = _read_chunk(stream)
        if not chunk:
            break
    depth = 0
    while depth < len(levels) - 1 or len(levels[depth]) > 1:
        yield from close(depth)
        depth += 1


def cid_of(content: bytes | Readable) -> str:
    """The CID of a file. Does not keep its blocks in memory."""
    root = None
    for block in blocks_of(content):
        root = block.cid
    return str(root)


def verify(content: bytes | Readable, cid: Cid) -> None:
    """Raises CidMismatch unless ``content`` is the whole file of ``cid``."""
    found = cid_of(content)
    if found != str(cid):
        raise CidMismatch(expected=str(cid), found=found)


def stream_file(root: Cid, fetch: Callable[[Cid], bytes], *, max_bytes: int) -> Iterator[bytes]:
    """The parts of a file in their order. ``fetch`` gives the bytes of a block, which are hashed here.

    A file's size determines its tree, so the sizes that a node declares are checked before its children are fetched.
    Raises CidMismatch (a block is damaged), InvalidDag (another layout or hostile sizes), ImageTooLarge past
    ``max_bytes``, and whatever ``fetch`` raises.
    """

    def read(cid: Cid, block: bytes, size: int, depth: int) -> Iterator[bytes]:
        if depth == 0:
            _check(cid, "bytes", size, len(block))
            yield block
            return
        links = dag_pb.decode(block)
        _check(cid, "sizes of the parts", _child_sizes(size, depth), [link.file_size for link in links])
        for link in links:
            _check(link.cid, "codec", RAW if depth == 1 else DAG_PB, link.cid.codec)
            yield from read(link.cid, _fetch_verified(link.cid, fetch), link.file_size, depth - 1)

    block = _fetch_verified(root, fetch)
    size = len(block) if root.codec == RAW else sum(link.file_size for link in dag_pb.decode(block))
    if size > max_bytes:
        raise ImageTooLarge(f"{root} holds {size} bytes, at most {max_bytes} are read")
    _check(root, "codec", RAW if size <= CHUNK_BYTES else DAG_PB, root.codec)
    yield from read(root, block, size, _depth(size))


def _read_chunk(stream: Readable) -> bytes:
    chunk = b""
    while len(chunk) < CHUNK_BYTES and (part := stream.read(CHUNK_BYTES - len(chunk))):
        chunk += part
    return chunk


def _fetch_verified(cid: Cid, fetch: Callable[[Cid], bytes]) -> bytes:
    block = fetch(cid)
    found = Cid.of(cid.codec, block)
    if found != cid:
        raise CidMismatch(expected=str(cid), found=str(found))
    return block


def _depth(size: int) -> int:
    """Levels of nodes above the leaves."""
    depth, span = 0, CHUNK_BYTES
    while span < size:
        depth, span = depth + 1, span * LINKS
    return depth


def _child_sizes(size: int, depth: int) -> list[int]:
    span = CHUNK_BYTES * LINKS ** (depth - 1)
    full, rest = divmod(size, span)
    return [span] * full + [rest] * bool(rest)


def _check(cid: Cid, what: str, expected: object, found: object) -> None:
    if expected != found:
        raise InvalidDag(f"expected the {what} of {cid} to be {expected}, found {found}")
