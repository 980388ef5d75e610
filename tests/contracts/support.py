"""What the classifier and an auditor compute without the contract: CIDs, image ids, EIP-712 signatures, error texts."""

from __future__ import annotations

import base64
import hashlib
import time
from enum import IntEnum
from typing import Any, NamedTuple

from eth_abi import encode
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_account.signers.local import LocalAccount
from eth_utils import keccak

CLASSIFIER_ROLE = keccak(text="CLASSIFIER_ROLE")
CLINICIAN_ROLE = keccak(text="CLINICIAN_ROLE")
MODEL_ADMIN_ROLE = keccak(text="MODEL_ADMIN_ROLE")
SITE_ROLE = keccak(text="SITE_ROLE")
DEFAULT_ADMIN_ROLE = bytes(32)
ZERO_ADDRESS = "0x" + 40 * "0"
DAY_S = 86_400
MAX_AGE_S = 7 * DAY_S
# In the past of every test chain, and so new that the registry records it on a chain whose clock is days ahead.
ISSUED_AT = int(time.time()) - DAY_S // 2
MODEL_ID = hashlib.sha256(b"bundle").digest()
LABELS = 4
SEALED = 65_535
SECP256K1_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141

DIAGNOSIS_TYPE = [
    {"name": "imageId", "type": "bytes32"},
    {"name": "modelId", "type": "bytes32"},
    {"name": "label", "type": "uint16"},
    {"name": "confidence", "type": "uint16"},
    {"name": "manifestHash", "type": "bytes32"},
    {"name": "issuedAt", "type": "uint64"},
]


class Diagnosis(NamedTuple):
    """The signed struct, in the order of the ABI."""

    imageId: bytes
    modelId: bytes = MODEL_ID
    label: int = 2
    confidence: int = 9_731
    manifestHash: bytes = hashlib.sha256(b"manifest").digest()
    issuedAt: int = ISSUED_AT


class Verdict(IntEnum):
    CONFIRMED = 0
    OVERRIDDEN = 1
    WITHDRAWN = 2


class Status(IntEnum):
    """Of a model."""

    UNKNOWN = 0
    IN_USE = 1
    RETIRED = 2


class Review(NamedTuple):
    """One step in the life of a diagnosis, in the order of the ABI."""

    supersedes: bytes
    reasonHash: bytes = hashlib.sha256(b"reason").digest()
    verdict: int = Verdict.CONFIRMED
    label: int = 2

    def id(self, diagnosis_id: bytes, reviewer: Any) -> bytes:
        return keccak(
            encode(["bytes32", "address", "(bytes32,bytes32,uint8,uint16)"], [diagnosis_id, str(reviewer), tuple(self)])
        )


class Training(NamedTuple):
    """A training run, in the order of the ABI."""

    trainingId: bytes = hashlib.sha256(b"training").digest()
    modelId: bytes = MODEL_ID
    parentModelId: bytes = bytes(32)
    metricsHash: bytes = hashlib.sha256(b"metrics").digest()
    participants: int = 1


class Image(NamedTuple):
    """The stored record."""

    uploader: str
    registeredAt: int
    lastIssuedAt: int
    diagnosisCount: int


class Domain(NamedTuple):
    """EIP-712 domain of one registry on one chain."""

    chainId: int
    verifyingContract: str
    name: str = "ScanProof"
    version: str = "1"

    def sign(self, key: LocalAccount, diagnosis: Diagnosis) -> bytes:
        """Return the 65-byte signature r, s, v."""
        return bytes(key.sign_message(self._message(diagnosis)).signature)

    def recover(self, diagnosis: Diagnosis, signature: bytes) -> str:
        """Return the address that would have signed ``diagnosis`` with ``signature``."""
        return Account.recover_message(self._message(diagnosis), signature=signature)

    def digest(self, diagnosis: Diagnosis) -> bytes:
        message = self._message(diagnosis)
        return keccak(b"\x19" + message.version + message.header + message.body)

    def _message(self, diagnosis: Diagnosis):
        return encode_typed_data(self._asdict(), {"Diagnosis": DIAGNOSIS_TYPE}, diagnosis._asdict())


def cid_of(data: bytes) -> str:
    """Return the CIDv1 (raw, SHA-256, base32) of one block."""
    multihash = b"\x01\x55\x12\x20" + hashlib.sha256(data).digest()
    return "b" + base64.b32encode(multihash).decode().lower().rstrip("=")


def image_of(registry: Any, image_id: bytes) -> Image:
    """Return the stored record as plain Python values; Brownie's own do not compare with tuples."""
    uploader, *numbers = registry.imageOf(image_id)
    return Image(str(uploader), *map(int, numbers))


def image_id_of(uploader: Any, cid: str) -> bytes:
    return keccak(encode(["address", "string"], [str(uploader), cid]))


def high_s(signature: bytes) -> bytes:
    """Return the other signature that ECDSA accepts for the same message (EIP-2 forbids it)."""
    r, s, v = signature[:32], int.from_bytes(signature[32:64], "big"), signature[64]
    return r + (SECP256K1_ORDER - s).to_bytes(32, "big") + bytes([55 - v])


def hexed(data: bytes) -> str:
    return "0x" + data.hex()


def error(name: str, *values: Any) -> str:
    """Return a custom error as Brownie prints it: bytes as Python does, addresses in lower case."""
    return f"{name}: {', '.join(_printed(value) for value in values)}"


def _printed(value: Any) -> str:
    if isinstance(value, bytes):
        return str(bytes(value))
    if isinstance(value, IntEnum):
        return str(int(value))
    return str(value).lower() if str(value).startswith("0x") else str(value)
