"""Why a transaction failed, in the words of the contract's custom errors."""

from __future__ import annotations

from eth_abi import decode
from eth_abi.exceptions import DecodingError
from eth_utils.abi import abi_to_signature, function_signature_to_4byte_selector, get_abi_input_types
from web3 import Web3
from web3.exceptions import ContractLogicError, Web3RPCError
from web3.types import TxData, TxReceipt

from backend.adapters.chain import artifact
from backend.adapters.chain.revert_meanings import MEANINGS
from backend.adapters.chain.rpc import rpc_message, translated

_ERROR_STRING = bytes.fromhex("08c379a0")
_PANIC = bytes.fromhex("4e487b71")


def reason(web3: Web3, transaction: TxData, receipt: TxReceipt) -> str:
    """The revert reason, found by calling the transaction again in its block.

    Raises ChainUnavailable when the node cannot be reached.
    """
    if receipt["gasUsed"] == transaction["gas"]:
        return "out of gas"
    call = {
        key: transaction[key] for key in ("from", "to", "value", "input", "gas") if transaction.get(key) is not None
    }
    call["data"] = call.pop("input", "0x")
    with translated():
        try:
            web3.eth.call(call, block_identifier=receipt["blockNumber"])
        except ContractLogicError as error:
            return describe(error.data) or error.message or "reverted without a reason"
        except Web3RPCError as error:
            return rpc_message(error)
    return "failed in its block, but passes when called again now"


def explain(data: object) -> str | None:
    """As ``describe``, with what that means, in words."""
    text = describe(data)
    meaning = MEANINGS.get(text.partition("(")[0]) if text else None
    return f"{text}: {meaning}" if meaning else text


def describe(data: object) -> str | None:
    """Revert data as text, such as ``ImageAlreadyRegistered(imageId: 0x…)``; None if there is none to decode."""
    if isinstance(data, dict):  # Ganache, when asked to estimate gas
        data = data.get("result")
    if not isinstance(data, str) or not data.startswith("0x") or len(data) < 10:
        return None
    raw = bytes.fromhex(data[2:])
    selector, arguments = raw[:4], raw[4:]
    try:
        if selector == _ERROR_STRING:
            return decode(["string"], arguments)[0]
        if selector == _PANIC:
            return f"panic 0x{decode(['uint256'], arguments)[0]:02x}"
        for entry in artifact.load()["abi"]:
            if entry["type"] == "error" and function_signature_to_4byte_selector(abi_to_signature(entry)) == selector:
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
