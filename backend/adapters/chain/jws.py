"""JSON Web Signatures of an Ethereum key: ES256K (RFC 7515, RFC 8812), compact serialisation."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from eth_keys.datatypes import PrivateKey

_BYTES = 32
"""Of a coordinate, and of each half of a signature."""


def sign(header: Mapping[str, str], payload: Mapping[str, Any], key: PrivateKey) -> str:
    """The JWS of ``payload``, with ``alg`` and the public key as ``jwk`` added to its protected header.

    The signature is deterministic (RFC 6979), with low s. The ``jwk`` lets a verifier who knows the signer's address
    alone check it: ES256K has no recovery of the public key, as signatures of transactions have.
    """
    protected = {**header, "alg": "ES256K", "jwk": _jwk(key)}
    signed = f"{_encoded(_json(protected))}.{_encoded(_json(payload))}"
    # Without the recovery id, the last byte.
    signature = key.sign_msg_hash(hashlib.sha256(signed.encode("ascii")).digest()).to_bytes()[: 2 * _BYTES]
    return f"{signed}.{_encoded(signature)}"


def _jwk(key: PrivateKey) -> dict[str, str]:
    point = key.public_key.to_bytes()
    return {"kty": "EC", "crv": "secp256k1", "x": _encoded(point[:_BYTES]), "y": _encoded(point[_BYTES:])}


def _json(values: Mapping[str, Any]) -> bytes:
    return json.dumps(values, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii")
