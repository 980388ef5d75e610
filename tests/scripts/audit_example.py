"""The example of contracts/AUDITING.md, made on a real registry, with every number that the page may name."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from eth_abi import encode
from eth_utils import keccak
from hexbytes import HexBytes
from web3.types import TxReceipt

from tests.contracts.support import Diagnosis, Domain, cid_of, image_id_of
from tests.scripts.conftest import CHAIN_TIME, CLASSIFIER, Deployed

ROLES = ("CLASSIFIER_ROLE", "CLINICIAN_ROLE", "MODEL_ADMIN_ROLE", "SITE_ROLE")


@dataclass(frozen=True, slots=True)
class Example:
    """``numbers`` are all computed here, not read from the contract; ``receipts`` are what the chain made of them."""

    numbers: dict[str, str]
    receipts: dict[str, TxReceipt]
    diagnosis: Diagnosis


def make(deployed: Deployed) -> Example:
    """Register a model, anchor its training, record a diagnosis and confirm it."""
    web3 = deployed.web3
    registry = web3.eth.contract(deployed.address, abi=deployed.artifact["abi"])
    admin, uploader, clinician = web3.eth.accounts[:3]
    domain = Domain(web3.eth.chain_id, deployed.address)
    cid = cid_of(b"image")
    diagnosis = Diagnosis(image_id_of(uploader, cid), _sha256(b"bundle"), 1, 9_770, _sha256(b"manifest"), CHAIN_TIME)
    signature = domain.sign(CLASSIFIER, diagnosis)
    diagnosis_id = domain.digest(diagnosis)
    review = (diagnosis_id, _sha256(b"reason"), 0, 1)
    review_id = keccak(
        encode(["bytes32", "address", "(bytes32,bytes32,uint8,uint16)"], [diagnosis_id, clinician, review])
    )
    training = (_sha256(b"training"), diagnosis.modelId, bytes(32), _sha256(b"metrics"), 1)
    roles = {role: keccak(text=role) for role in ROLES}

    def send(sender: str, call: Any) -> TxReceipt:
        return web3.eth.wait_for_transaction_receipt(call.transact({"from": sender}))

    calls = registry.functions
    receipts = {
        "grantRole": send(admin, calls.grantRole(roles["CLINICIAN_ROLE"], clinician)),
        "registerModel": send(admin, calls.registerModel(diagnosis.modelId, 4, cid_of(b"card"))),
        "anchorTraining": send(admin, calls.anchorTraining(training)),
        "registerWithDiagnosis": send(uploader, calls.registerWithDiagnosis(cid, bytes(32), diagnosis, signature)),
        "reviewDiagnosis": send(clinician, calls.reviewDiagnosis(diagnosis, review)),
    }
    numbers = {
        "address": deployed.address,
        "uploader": uploader,
        "classifier": CLASSIFIER.address,
        "clinician": clinician,
        "cid": cid,
        "imageId": HexBytes(diagnosis.imageId).to_0x_hex(),
        "modelId": HexBytes(diagnosis.modelId).to_0x_hex(),
        "cardCid": cid_of(b"card"),
        "manifestHash": HexBytes(diagnosis.manifestHash).to_0x_hex(),
        "manifestCid": cid_of(b"manifest"),
        "signature": HexBytes(signature).to_0x_hex(),
        "diagnosisId": HexBytes(diagnosis_id).to_0x_hex(),
        "reasonHash": HexBytes(review[1]).to_0x_hex(),
        "reviewId": HexBytes(review_id).to_0x_hex(),
        "trainingId": HexBytes(training[0]).to_0x_hex(),
        "metricsHash": HexBytes(training[3]).to_0x_hex(),
        **{role: HexBytes(hash_).to_0x_hex() for role, hash_ in roles.items()},
    }
    return Example(numbers, receipts, diagnosis)


def topics(abi: list[dict[str, Any]]) -> dict[str, str]:
    """Return the first topic of each event by its name."""
    return {e["name"]: HexBytes(keccak(text=_signature(e))).to_0x_hex() for e in abi if e["type"] == "event"}


def selectors(abi: list[dict[str, Any]]) -> dict[str, str]:
    """Return the method id of each function by its name."""
    return {f["name"]: HexBytes(keccak(text=_signature(f))[:4]).to_0x_hex() for f in abi if f["type"] == "function"}


def _signature(entry: dict[str, Any]) -> str:
    return f"{entry['name']}({','.join(map(_type, entry['inputs']))})"


def _type(parameter: dict[str, Any]) -> str:
    if not parameter["type"].startswith("tuple"):
        return parameter["type"]
    return f"({','.join(map(_type, parameter['components']))}){parameter['type'].removeprefix('tuple')}"


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
