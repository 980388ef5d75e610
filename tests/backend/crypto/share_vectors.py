"""The vectors of docs/vectors/share-1: ``python -m tests.backend.crypto.share_vectors`` writes new ones.

Shares are random, so these cannot be compared with what is written now. A picture is the PNG of a share as hex."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from backend.crypto import image_shares
from backend.crypto.image_shares import HEADER_BYTES, read_share, split
from backend.crypto.noise_png import SIGNATURE, read_png, write_png
from backend.crypto.sealing import seal
from backend.crypto.wraps import RecipientKey, new_rsa_key
from backend.settings import ROOT
from tests.backend.crypto.wrap_vectors import private_pem

VECTORS = ROOT / "docs" / "vectors" / "share-1"
CONTENT = bytes(range(256)) + b"the picture"


def vectors() -> Iterator[tuple[str, dict[str, Any]]]:
    keys: list[RecipientKey] = [X25519PrivateKey.generate(), new_rsa_key()]
    pems = [private_pem(key) for key in keys]
    for name, compact in (("perfect", False), ("compact", True)):
        made = list(split(CONTENT, shares=4, threshold=3, compact=compact))
        other = list(split(CONTENT, shares=4, threshold=3, compact=compact))
        sealed = [seal(made[0], keys[0].public_key()), seal(made[2], keys[1].public_key()), made[3]]
        yield f"good_{name}_first", _vector(made[:3])
        yield f"good_{name}_last", _vector(made[1:])
        yield f"good_{name}_all", _vector(made)
        yield f"good_{name}_sealed", _vector(sealed, keys=pems)
        yield f"fail_{name}_sealed_to_another", _vector(sealed, keys=pems[1:], reason="recipient")
        yield f"fail_{name}_too_few", _vector([made[0], made[1], made[1]], reason="threshold")
        yield f"fail_{name}_of_two_sets", _vector([*made[:2], other[2]], reason="sets")
        for part, place in (("header", 40), ("signature", 150), ("payload", HEADER_BYTES + 5)):
            altered = bytearray(made[0])
            altered[place] ^= 1
            yield f"fail_{name}_altered_{part}", _vector([bytes(altered), *made[1:3]], reason="altered")
    yield "good_perfect_empty_file", _vector(list(split(b"", shares=2, threshold=2)), content=b"")
    good = [write_png(document) for document in split(CONTENT, shares=2, threshold=2)]
    yield "fail_picture_damaged", _pictures([good[0][:-20] + bytes(20), good[1]], reason="png")
    yield "fail_picture_cut", _pictures([good[0][:-1], good[1]], reason="png")
    rows = bytes(101 * 50)
    bomb = (
        SIGNATURE
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 100, 50, 8, 0, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(rows))
    )
    yield "fail_picture_compressed", _pictures([bomb + chunk(b"IEND", b""), good[1]], reason="png")
    for compact in (False, True):
        name = "compact" if compact else "perfect"
        yield f"fail_{name}_short_content", _vector(_shortened(compact=compact), reason="format")
    yield "fail_picture_of_something_else", _vector([b"a" * 600, b"b" * 600], reason="format")


def chunk(name: bytes, content: bytes) -> bytes:
    body = name + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def _shortened(*, compact: bool) -> list[bytes]:
    """Shares whose signer left out the end of one, which then fills its picture without zeros."""
    signer = Ed25519PrivateKey.generate()
    first, *others = split(CONTENT, shares=3, threshold=2, compact=compact, signer=signer)
    share = read_share(first)
    cut = (image_shares._write(share.set, 1, share.payload[:-less], signer) for less in range(1, 100))
    return [next(made for made in cut if read_png(write_png(made), 10_000) == made), *others]


def _vector(
    documents: list[bytes], *, content: bytes = CONTENT, keys: list[str] | None = None, **expected: str
) -> dict[str, Any]:
    expected = expected or {"content": content.hex()}
    return _pictures([write_png(document) for document in documents], keys=keys, **expected)


def _pictures(pictures: list[bytes], *, keys: list[str] | None = None, **expected: str) -> dict[str, Any]:
    return {"pictures": [picture.hex() for picture in pictures], "keys": keys or [], **expected}


if __name__ == "__main__":
    for vector_name, vector in vectors():
        (VECTORS / f"{vector_name}.json").write_text(json.dumps(vector, indent=1) + "\n")
