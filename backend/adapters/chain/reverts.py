"""Why a transaction failed: the contract's custom errors as text."""

from __future__ import annotations

from eth_abi import decode
from eth_abi.exceptions import DecodingError
from eth_utils.abi import abi_to_signature, function_signature_to_4byte_selector, get_abi_input_types
from web3 import Web3
from web3.exceptions import ContractLogicError, Web3RPCError
from web3.types import TxParams

from backend.adapters.chain import artifact
from backend.adapters.chain.rpc import JsonObject, quantity, rpc_message, translated
from backend.errors import ChainUnavailable

_ERROR_STRING = bytes.fromhex("08c379a0")
_PANIC = bytes.fromhex("4e487b71")


def reason(web3: Web3, transaction: JsonObject, receipt: JsonObject) -> str:
    """The revert reason, found by calling the transaction again in its block, or why it cannot be found."""
    try:
        with translated():
            gas = quantity(transaction["gas"])
            if quantity(receipt["gasUsed"]) == gas:
                return "out of gas"
            call: TxParams = {
                "from": Web3.to_checksum_address(transaction["from"]),
                "value": Web3.to_wei(quantity(transaction["value"]), "wei"),
                "gas": gas,
                "data": transaction["input"],
            }
            if receiver := transaction.get("to"):
                call["to"] = Web3.to_checksum_address(receiver)
            try:
                web3.eth.call(call, block_identifier=quantity(receipt["blockNumber"]))
            except ContractLogicError as error:
                return describe(error.data) or error.message or "reverted without a reason"
            except Web3RPCError as error:
                return rpc_message(error)
    except ChainUnavailable as error:
        return f"failed for a reason that the node does not tell ({error})"
    return "failed in its block, but passes when called again now"


def explain(data: object) -> str | None:
    """As ``describe``, followed by its meaning in words."""
    text = describe(data)
    meaning = MEANINGS.get(text.partition("(")[0]) if text else None
    return f"{text}: {meaning}" if meaning else text


def describe(data: object) -> str | None:
    """Revert data as text, such as ``ImageAlreadyRegistered(imageId: 0x…)``; None if it cannot be decoded."""
    if isinstance(data, dict):  # Ganache's answer to eth_estimateGas
        data = data.get("result")
    if not isinstance(data, str) or not data.startswith("0x") or len(data) < 10:
        return None
    raw = bytes.fromhex(data[2:])
    selector, arguments = raw[:4], raw[4:]
    try:
        if selector == _ERROR_STRING:
            return str(decode(["string"], arguments)[0])
        if selector == _PANIC:
            return f"panic 0x{decode(['uint256'], arguments)[0]:02x}"
        for entry in (entry for build in artifact.known() for entry in build.abi if entry["type"] == "error"):
            if function_signature_to_4byte_selector(abi_to_signature(entry)) == selector:
                values = decode(get_abi_input_types(entry), arguments)
                named = [f"{item['name']}: {_text(value)}" for item, value in zip(entry["inputs"], values, strict=True)]
                return f"{entry['name']}({', '.join(named)})"
    except DecodingError:
        return None
    return f"unknown error 0x{selector.hex()}"


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, str) and value.startswith("0x") and len(value) == 42:
        return Web3.to_checksum_address(value)
    return str(value)


MEANINGS = {
    "AbstentionConfidence": "an abstention names no class, so that it has no confidence",
    "AccessControlUnauthorizedAccount": "the account does not have the role that this needs; the registry's admin "
    "grants it",
    "ClassifierIsCompromised": "the key of this account is reported as compromised: it is never a classifier again",
    "ClassifierNotAuthorized": "the diagnosis is not signed by an account that has CLASSIFIER_ROLE",
    "CompromiseNotEarlier": "a report of a compromised key may only move to an earlier time",
    "CompromiseTimeOutOfRange": "a key is compromised since a time that has come: not zero, not after the block",
    "ConfidenceOutOfRange": "a confidence has at most 10,000 basis points",
    "DiagnosisExpired": "the diagnosis was signed more than 7 days before the block: have it signed again",
    "DiagnosisFromFuture": "the diagnosis is dated more than 15 minutes after the block: one of the clocks is wrong",
    "DiagnosisNotNewer": "the image has a diagnosis at least as new as this one",
    "DiagnosisNotRecorded": "no such diagnosis is recorded for its image",
    "EmptyBatch": "a batch needs at least one entry",
    "ImageAlreadyRegistered": "this account registered this image before",
    "ImageIdMismatch": "the diagnosis is for another image",
    "ImageNotRegistered": "no image with this id is registered",
    "InvalidCid": "a CID of version 1 in base32 is needed",
    "LabelCountOutOfRange": "a model has 1 to 65,534 labels",
    "LabelDoesNotFit": "to confirm, a review keeps the diagnosis' label; to override, it gives another one (none for "
    "a sealed diagnosis); to withdraw, it gives none",
    "LabelOutOfRange": "the model has no such label",
    "LengthMismatch": "a batch needs one commitment for each CID",
    "ModelAlreadyRegistered": "this model was registered before; a retired model stays retired",
    "ModelNotInUse": "the registry does not know this model, or it was retired",
    "NoParticipants": "a training has at least one participant",
    "NotNewestStep": "the diagnosis was reviewed meanwhile: look at that review first",
    "NotUploader": "only the account that registered an image can record its diagnoses",
    "ParentNotAnchored": "the training of the parent model must be anchored first",
    "ReasonMissing": "a review needs a reason",
    "ReviewCountMismatch": "a batch needs one review for each diagnosis",
    "ReviewerIsUploader": "the account that registered an image cannot review its diagnoses",
    "SealedConfidence": "a sealed diagnosis must not reveal its confidence",
    "TooManyDiagnoses": "an image can have 65,535 diagnoses, and this one has",
    "TrainingAlreadyAnchored": "the training of this model is anchored already",
    "ZeroHash": "a hash must not be zero",
}
