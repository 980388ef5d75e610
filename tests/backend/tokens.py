"""JSON Web Signatures by ES256K, verified by `cryptography` and by recovery of the signer's account."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from eth_keys.datatypes import PublicKey, Signature


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


@dataclass(frozen=True, slots=True)
class Token:
    """``address`` is that of the key in the header; ``s`` is half of the signature."""

    header: dict[str, Any]
    payload: dict[str, Any]
    address: str
    s: int


def verified(token: str) -> Token:
    """Raises InvalidSignature."""
    header, payload, signature = token.split(".")
    signed = f"{header}.{payload}".encode()
    jwk = json.loads(decoded(header))["jwk"]
    x, y = decoded(jwk["x"]), decoded(jwk["y"])
    halves = decoded(signature)
    assert len(halves) == 64
    r, s = int.from_bytes(halves[:32]), int.from_bytes(halves[32:])
    numbers = ec.EllipticCurvePublicNumbers(int.from_bytes(x), int.from_bytes(y), ec.SECP256K1())
    numbers.public_key().verify(encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
    digest = hashlib.sha256(signed).digest()
    address = PublicKey(x + y).to_checksum_address()
    assert address in {
        Signature(vrs=(v, r, s)).recover_public_key_from_msg_hash(digest).to_checksum_address() for v in (0, 1)
    }
    return Token(json.loads(decoded(header)), json.loads(decoded(payload)), address, s)
