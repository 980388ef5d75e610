"""The Merkle tree over the slices of a study: RFC 6962 §2.1, with SHA-256.

A leaf's hash is SHA-256(0x00 || leaf), a node's SHA-256(0x01 || left || right), so that no node can pass for a leaf.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The 32 bytes of the root over ``leaves``, one or more, in their order."""
    return _root([_leaf(leaf) for leaf in leaves])


def path_of(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """The audit path of a leaf (RFC 6962 §2.1.1): the hashes beside the way from the leaf up to the root."""
    return tuple(_path([_leaf(leaf) for leaf in leaves], index))


def root_from_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root of a tree of ``size`` leaves with ``leaf`` at ``index``, as ``path`` says (RFC 9162 §2.1.3.2).

    None for a path or an index that no such tree has.
    """
    if not 0 <= index < size:
        return None
    number, last, found = index, size - 1, _leaf(leaf)
    for sibling in path:
        if last == 0:
            return None
        if number & 1 or number == last:
            found = _node(sibling, found)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            found = _node(found, sibling)
        number, last = number >> 1, last >> 1
    return found if last == 0 else None


def _root(hashes: Sequence[bytes]) -> bytes:
    if len(hashes) == 1:
        return hashes[0]
    split = _split(len(hashes))
    return _node(_root(hashes[:split]), _root(hashes[split:]))


def _path(hashes: Sequence[bytes], index: int) -> list[bytes]:
    if len(hashes) == 1:
        return []
    split = _split(len(hashes))
    if index < split:
        return [*_path(hashes[:split], index), _root(hashes[split:])]
    return [*_path(hashes[split:], index - split), _root(hashes[:split])]


def _split(size: int) -> int:
    """The largest power of two below ``size``."""
    return 1 << (size - 1).bit_length() - 1


def _leaf(leaf: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + leaf).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
