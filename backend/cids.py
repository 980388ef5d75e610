"""CIDs as ScanProof writes them: version 1, base32 in lower case, SHA-256, codec raw or dag-pb.

Source: https://github.com/multiformats/cid
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache

from backend.errors import InvalidCid

RAW = 0x55
DAG_PB = 0x70
_SHA2_256 = b"\x12\x20"
_BASE32 = re.compile(r"b[a-z2-7]{58}")
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_VERSION_0 = re.compile(rf"Qm[{_BASE58}]{{44}}")


@dataclass(frozen=True, slots=True)
class Cid:
    """``codec`` is RAW or DAG_PB; ``digest`` the 32 bytes of SHA-256 over the block."""

    codec: int
    digest: bytes

    @classmethod
    def of(cls, codec: int, block: bytes) -> Cid:
        return cls(codec, hashlib.sha256(block).digest())

    @property
    def binary(self) -> bytes:
        """The 36 bytes of the binary form, as in dag-pb links."""
        return bytes((1, self.codec)) + _SHA2_256 + self.digest

    def __str__(self) -> str:
        return _text(self.binary)


@lru_cache(maxsize=1024)
def _text(binary: bytes) -> str:
    return "b" + base64.b32encode(binary).decode().lower().rstrip("=")


def cid_from_binary(binary: bytes) -> Cid:
    """Raises InvalidCid unless ``binary`` is a version 1 CID with SHA-256 and codec raw or dag-pb."""
    if len(binary) != 36 or binary[0] != 1 or binary[1] not in (RAW, DAG_PB) or binary[2:4] != _SHA2_256:
        raise InvalidCid(f"expected a CIDv1 (raw or dag-pb, SHA-256), found the bytes {binary[:40].hex()}")
    return Cid(binary[1], binary[4:])


def parse_cid(text: str) -> Cid:
    """Read a CIDv1 in base32 (any case), or a CIDv0 ("Qm…"), which becomes the CIDv1 of the same block.

    Raises InvalidCid for everything else: other bases, hashes and codecs, paths, gateway URLs.
    """
    if _BASE32.fullmatch(text.lower()):
        cid = cid_from_binary(base64.b32decode(text[1:].upper() + "======"))
        if str(cid) == text.lower():
            return cid
    if _VERSION_0.fullmatch(text):
        number = 0
        for character in text:
            number = number * 58 + _BASE58.index(character)
        if number >> 256 == int.from_bytes(_SHA2_256):
            return Cid(DAG_PB, (number & (2**256 - 1)).to_bytes(32))
    raise InvalidCid(f"expected a CIDv1 in base32 such as bafkrei… or bafybei…, found {text[:80]!r}")


def find_cid(text: str) -> Cid | None:
    """As ``parse_cid``, None for everything that is no CID."""
    try:
        return parse_cid(text)
    except InvalidCid:
        return None


def hash_of(content: bytes) -> str:
    """SHA-256 in the chain's form: lower-case hex with 0x. ``raw_cid`` makes a CID of it."""
    return "0x" + hashlib.sha256(content).hexdigest()


def raw_cid(sha256: str) -> str:
    """The CID of a file of at most 256 KiB, from the SHA-256 of its bytes in hex (with or without 0x)."""
    return str(Cid(RAW, bytes.fromhex(sha256.removeprefix("0x"))))
