"""Errors as MetaMask 13 answers them: code and text of EIP-1193, EIP-1474, EIP-3085 and EIP-3326."""

from __future__ import annotations

from typing import Any


class ProviderRpcError(Exception):
    """A request that the wallet or the node refused. ``data`` is whatever the wallet passes along, or None."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code, self.message, self.data = code, message, data

    def to_json(self) -> dict[str, Any]:
        return {"code": self.code, "message": self.message, "data": self.data}


def rejected() -> ProviderRpcError:
    return ProviderRpcError(4001, "User rejected the request.")


def transaction_rejected() -> ProviderRpcError:
    return ProviderRpcError(4001, "MetaMask Tx Signature: User denied transaction signature.")


def unauthorized() -> ProviderRpcError:
    return ProviderRpcError(4100, "The requested account and/or method has not been authorized by the user.")


def unsupported(method: str) -> ProviderRpcError:
    return ProviderRpcError(-32601, f'The method "{method}" does not exist / is not available.')


def invalid(message: str) -> ProviderRpcError:
    return ProviderRpcError(-32602, message)


def unknown_chain(chain_id: int, *, mobile: bool) -> ProviderRpcError:
    message = f'Unrecognized chain ID "{chain_id:#x}". Try adding the chain using wallet_addEthereumChain first.'
    if mobile:
        nested = {"originalError": {"code": 4902, "message": message}}
        return ProviderRpcError(-32603, "Internal JSON-RPC error.", nested)
    return ProviderRpcError(4902, message)


def already_open(method: str) -> ProviderRpcError:
    message = f"Request of type '{method}' already pending. Please wait."
    return ProviderRpcError(-32002, message)


def other_chain(given: int, active: int) -> ProviderRpcError:
    return ProviderRpcError(-32603, f'Provided chainId "{given}" must match the active chainId "{active}"')


def node_error(error: dict[str, Any]) -> ProviderRpcError:
    """What a node answered, wrapped as MetaMask wraps it: the node's whole error becomes ``data``."""
    return ProviderRpcError(-32603, error["message"], error)
