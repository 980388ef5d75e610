"""EIP-712 typed data of a diagnosis: what is signed, and who signed (https://eips.ethereum.org/EIPS/eip-712)."""

from __future__ import annotations

from eth_account import Account
from eth_account.messages import SignableMessage, encode_typed_data
from eth_utils import keccak

from backend.adapters.chain.development_accounts import ORDER
from backend.domain import Diagnosis, SignedDiagnosis

_TYPES: dict[str, list[dict[str, str]]] = {
    "Diagnosis": [
        {"name": "imageId", "type": "bytes32"},
        {"name": "modelId", "type": "bytes32"},
        {"name": "label", "type": "uint16"},
        {"name": "confidence", "type": "uint16"},
        {"name": "manifestHash", "type": "bytes32"},
        {"name": "issuedAt", "type": "uint64"},
    ]
}
_ZERO = "0x" + "00" * 32
HALF_ORDER = ORDER // 2
"""Half of secp256k1's order, the largest s that OpenZeppelin's ECDSA accepts (EIP-2)."""
_TYPE_HASH = keccak(text=f"Diagnosis({','.join('{type} {name}'.format(**field) for field in _TYPES['Diagnosis'])})")


def message(diagnosis: Diagnosis, *, chain_id: int, contract: str) -> SignableMessage:
    """The typed data that the registry at ``contract`` verifies the signature of (see IImageRegistry.Diagnosis)."""
    return encode_typed_data(
        domain_data={"name": "ScanProof", "version": "1", "chainId": chain_id, "verifyingContract": contract},
        message_types=_TYPES,
        message_data={
            "imageId": bytes.fromhex(diagnosis.image_id.removeprefix("0x")),
            "modelId": bytes.fromhex(diagnosis.model_id.removeprefix("0x")),
            "label": diagnosis.label,
            "confidence": diagnosis.confidence,
            "manifestHash": bytes.fromhex(diagnosis.manifest_hash.removeprefix("0x")),
            "issuedAt": diagnosis.issued_at,
        },
    )


def domain_separator(*, chain_id: int, contract: str) -> bytes:
    """The 32 bytes that bind a signature to one registry on one chain."""
    any_diagnosis = Diagnosis(image_id=_ZERO, model_id=_ZERO, label=0, confidence=0, manifest_hash=_ZERO, issued_at=0)
    return bytes(message(any_diagnosis, chain_id=chain_id, contract=contract).header)


def digest(domain: bytes, fields: bytes) -> bytes:
    """The hash that the classifier signs; it is the id of the diagnosis. ``fields``: its six fields ABI-encoded, 192
    bytes. Their types are static, so that the ABI encoding equals EIP-712's encodeData.
    """
    return keccak(b"\x19\x01" + domain + keccak(_TYPE_HASH + fields))


def recover(signed: SignedDiagnosis) -> str | None:
    """The EIP-55 address of the key that made ``signed.signature``; None for a malformed one or a high s (EIP-2)."""
    signature = bytes.fromhex(signed.signature.removeprefix("0x"))
    if len(signature) != 65 or int.from_bytes(signature[32:64], "big") > HALF_ORDER:
        return None
    typed_data = message(signed.diagnosis, chain_id=signed.chain_id, contract=signed.contract)
    try:
        signer: str = Account.recover_message(typed_data, signature=signature)
    except Exception:  # eth_keys and its backends raise several unrelated types for a malformed signature
        return None
    return signer
