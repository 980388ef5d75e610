"""EIP-712 typed data of a diagnosis: signing it and recovering its signer (https://eips.ethereum.org/EIPS/eip-712)."""

from __future__ import annotations

from eth_account import Account
from eth_account.messages import SignableMessage, encode_typed_data
from eth_utils import keccak

from backend.domain import Diagnosis, SignedDiagnosis

_TYPES = {
    "Diagnosis": [
        {"name": "imageId", "type": "bytes32"},
        {"name": "modelId", "type": "bytes32"},
        {"name": "label", "type": "uint16"},
        {"name": "confidence", "type": "uint16"},
        {"name": "manifestHash", "type": "bytes32"},
        {"name": "issuedAt", "type": "uint64"},
    ]
}
_TYPE_HASH = keccak(text=f"Diagnosis({','.join('{type} {name}'.format(**field) for field in _TYPES['Diagnosis'])})")


def message(diagnosis: Diagnosis, *, chain_id: int, contract: str) -> SignableMessage:
    """The typed data that the registry at ``contract`` checks the signature against (see IImageRegistry.Diagnosis)."""
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
    no_matter = Diagnosis("0x" + "00" * 32, "0x" + "00" * 32, 0, 0, "0x" + "00" * 32, 0)
    return bytes(message(no_matter, chain_id=chain_id, contract=contract).header)


def digest(domain: bytes, fields: bytes) -> bytes:
    """What the classifier signs, the id of a diagnosis; ``fields`` are its six fields ABI-encoded, 192 bytes.

    All of them are static, so that ABI encoding is EIP-712's encodeData.
    """
    return keccak(b"\x19\x01" + domain + keccak(_TYPE_HASH + fields))


def recover(signed: SignedDiagnosis) -> str | None:
    """The EIP-55 address whose key made ``signed.signature``, or None if it is no signature (EIP-2: low s) at all."""
    signature = bytes.fromhex(signed.signature.removeprefix("0x"))
    if len(signature) != 65 or int.from_bytes(signature[32:64], "big") > _HALF_ORDER:
        return None
    typed_data = message(signed.diagnosis, chain_id=signed.chain_id, contract=signed.contract)
    try:
        return Account.recover_message(typed_data, signature=signature)
    except Exception:  # eth_keys and its backends raise several unrelated types for a malformed signature
        return None


_HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
"""Half of secp256k1's order, the largest s that OpenZeppelin's ECDSA accepts."""
