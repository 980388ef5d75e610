"""A file in n shares, any k of which restore it bit for bit: the format ``scanproof/share/1`` of docs/SHARES.md.

*Perfect* shares are Shamir's (Communications of the ACM, 1979) over GF(2^8), each as long as the file: fewer than k fit
every file equally well. *Compact* ones are Krawczyk's (Secret Sharing Made Short, CRYPTO 1993): AES-256-GCM, its key
by k of n, and the ciphertext by a Reed-Solomon erasure code (SIAM Journal, 1960), each a k-th of the file."""

from __future__ import annotations

import hashlib
import secrets
import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from backend.crypto import field as gf
from backend.crypto.errors import SharesRefused
from backend.crypto.key_shares import MOST_SHARES, combine_key, split_key

MAGIC = b"scanproof/share/1"
PERFECT, COMPACT = 1, 2
MAX_FILE_BYTES = 32 * 1024 * 1024
MAX_PERFECT_BYTES = 1024 * 1024 * 1024
"""The threshold times the size of the file: so much is in memory while perfect shares are made."""
SALT_BYTES = 64
"""Twice the hash, so that the commitment tells less than one bit of the file even to whom has no limit to computing."""
_SET = struct.Struct(">17sBBB16sQ32s32s")
_SHARE = struct.Struct(">B32s")
_SIGNATURE_BYTES = 64
HEADER_BYTES = _SET.size + _SHARE.size + _SIGNATURE_BYTES
_KEY_BYTES = 32
_KEY_SHARE_BYTES = _KEY_BYTES + 1
_TAG_BYTES = 16
_NONCE = bytes(12)
"""The key encrypts once."""
MAX_SHARE_BYTES = HEADER_BYTES + SALT_BYTES + MAX_FILE_BYTES


@dataclass(frozen=True)
class ShareSet:
    """What all shares of a file have alike. ``commitment`` is SHA-256(salt ‖ SHA-256 of the file); the salt is shared
    with the file. ``signer`` is an Ed25519 public key."""

    mode: int
    threshold: int
    count: int
    id: bytes
    length: int
    commitment: bytes
    signer: bytes

    def fields(self) -> bytes:
        numbers = (self.mode, self.threshold, self.count)
        return _SET.pack(MAGIC, *numbers, self.id, self.length, self.commitment, self.signer)

    def payload_bytes(self) -> int:
        secret = SALT_BYTES + self.length
        return secret if self.mode == PERFECT else _KEY_SHARE_BYTES + -(-(secret + _TAG_BYTES) // self.threshold)


@dataclass(frozen=True)
class Share:
    """One share, whose signature was checked. ``index`` is from 1 to the set's count."""

    set: ShareSet
    index: int
    payload: bytes = field(repr=False)


def split(
    content: bytes, *, shares: int, threshold: int, compact: bool = False, signer: Ed25519PrivateKey | None = None
) -> Iterator[bytes]:
    """The documents of the shares, in their order. Without a ``signer``, its key is made for this set and forgotten.
    Raises ValueError for numbers that make no sense, for a file of more than 32 MiB, and for perfect shares of more
    than MAX_PERFECT_BYTES."""
    if not 2 <= threshold <= shares <= MOST_SHARES:
        raise ValueError(f"expected 2 to {MOST_SHARES} shares and a threshold from 2 to as many")
    if len(content) > MAX_FILE_BYTES:
        raise ValueError(f"expected a file of at most {MAX_FILE_BYTES} bytes, found {len(content)}")
    if not compact and threshold * len(content) > MAX_PERFECT_BYTES:
        raise ValueError(
            f"expected a threshold times the size of the file of at most {MAX_PERFECT_BYTES} bytes, found "
            f"{threshold * len(content)}: choose a lower threshold or compact shares"
        )
    signer = signer or Ed25519PrivateKey.generate()
    salt = secrets.token_bytes(SALT_BYTES)
    made = ShareSet(
        mode=COMPACT if compact else PERFECT,
        threshold=threshold,
        count=shares,
        id=secrets.token_bytes(16),
        length=len(content),
        commitment=_commitment(salt, content),
        signer=signer.public_key().public_bytes_raw(),
    )
    payloads = _compact_payloads(made, salt + content) if compact else _perfect_payloads(made, salt + content)
    return (_write(made, index, payload, signer) for index, payload in enumerate(payloads, 1))


def read_share(document: bytes) -> Share:
    """The share of a document that may have zeros behind it, as pixels have. Raises SharesRefused for one that is
    none, and for one that was altered."""
    if not document.startswith(MAGIC) or len(document) < HEADER_BYTES:
        raise SharesRefused("format", f"expected a share, which begins with {MAGIC.decode()}")
    _, mode, threshold, count, set_id, length, commitment, signer = _SET.unpack_from(document)
    index, digest = _SHARE.unpack_from(document, _SET.size)
    made = ShareSet(mode, threshold, count, set_id, length, commitment, signer)
    try:
        signed = document[: _SET.size + _SHARE.size]
        Ed25519PublicKey.from_public_bytes(signer).verify(document[len(signed) : HEADER_BYTES], signed)
    except (InvalidSignature, ValueError) as error:
        raise SharesRefused("altered", "the share was altered: its signature does not fit its header") from error
    if (
        mode not in (PERFECT, COMPACT)
        or length > MAX_FILE_BYTES
        or not 2 <= threshold <= count
        or not 1 <= index <= count
    ):
        raise SharesRefused("format", "the share's header has numbers that make no sense")
    end = HEADER_BYTES + made.payload_bytes()
    payload = document[HEADER_BYTES:end]
    if hashlib.sha256(payload).digest() != digest or any(document[end:]):
        raise SharesRefused("altered", "the share was altered: its content is not the signed one")
    if len(payload) != made.payload_bytes():
        raise SharesRefused("format", "the share's content has another length than its header says")
    return Share(made, index, payload)


def combine(shares: Sequence[Share]) -> bytes:
    """The file. Raises SharesRefused, with the indexes of those to blame: for shares of several sets (the smaller
    ones), of one index with different contents, for too few, and for shares that do not give the file that they commit
    to, which only their signer can have made so."""
    sets = Counter(share.set for share in shares).most_common()
    if len(sets) > 1:
        main = sets[0][0]
        others = tuple(share.index for share in shares if share.set != main)
        raise SharesRefused("sets", "expected shares of one set, found some of another one", others)
    by_index: dict[int, Share] = {}
    for share in shares:
        if by_index.setdefault(share.index, share) != share:
            raise SharesRefused(
                "index", f"two shares have the index {share.index}, with different contents", (share.index,)
            )
    if not shares or len(by_index) < shares[0].set.threshold:
        needed = shares[0].set.threshold if shares else 2
        raise SharesRefused("threshold", f"expected at least {needed} shares of the set, found {len(by_index)}")
    made = shares[0].set
    chosen = [by_index[index] for index in sorted(by_index)][: made.threshold]
    secret = _open_compact(made, chosen) if made.mode == COMPACT else _open_perfect(chosen)
    salt, content = secret[:SALT_BYTES], secret[SALT_BYTES:]
    if _commitment(salt, content) != made.commitment:
        raise _unfit()
    return content


def _commitment(salt: bytes, content: bytes) -> bytes:
    return hashlib.sha256(salt + hashlib.sha256(content).digest()).digest()


def _unfit() -> SharesRefused:
    return SharesRefused("commitment", "the shares do not give the file that their signer committed to")


def _write(made: ShareSet, index: int, payload: bytes, signer: Ed25519PrivateKey) -> bytes:
    signed = made.fields() + _SHARE.pack(index, hashlib.sha256(payload).digest())
    return signed + signer.sign(signed) + payload


def _perfect_payloads(made: ShareSet, secret: bytes) -> Iterator[bytes]:
    coefficients = [secret, *(secrets.token_bytes(len(secret)) for _ in range(made.threshold - 1))]
    return (gf.evaluate(coefficients, index).tobytes() for index in range(1, made.count + 1))


def _open_perfect(shares: Sequence[Share]) -> bytes:
    return gf.interpolate([share.index for share in shares], [share.payload for share in shares], 0).tobytes()


def _compact_payloads(made: ShareSet, secret: bytes) -> Iterator[bytes]:
    """The first k shares have the stripes of the ciphertext, the others the values of the polynomials through them."""
    key = secrets.token_bytes(_KEY_BYTES)
    sealed = AESGCM(key).encrypt(_NONCE, secret, made.fields())
    length = made.payload_bytes() - _KEY_SHARE_BYTES
    sealed = sealed.ljust(length * made.threshold, b"\0")
    stripes = [sealed[at : at + length] for at in range(0, len(sealed), length)]
    points = range(1, made.threshold + 1)
    for index, key_share in enumerate(split_key(key, made.count, made.threshold), 1):
        stripe = stripes[index - 1] if index in points else gf.interpolate(points, stripes, index).tobytes()
        yield key_share + stripe


def _open_compact(made: ShareSet, shares: Sequence[Share]) -> bytes:
    points = [share.index for share in shares]
    values = [share.payload[_KEY_SHARE_BYTES:] for share in shares]
    found = dict(zip(points, values, strict=True))
    stripes = (
        found[index] if index in found else gf.interpolate(points, values, index).tobytes()
        for index in range(1, made.threshold + 1)
    )
    sealed = b"".join(stripes)[: SALT_BYTES + made.length + _TAG_BYTES]
    key = combine_key([share.payload[:_KEY_SHARE_BYTES] for share in shares])
    try:
        return AESGCM(key).decrypt(_NONCE, sealed, made.fields())
    except InvalidTag as error:
        raise _unfit() from error
