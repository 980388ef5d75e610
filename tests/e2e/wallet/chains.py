"""The networks that the wallet knows, and the checks that MetaMask makes before it adds one (EIP-3085)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from eth_account.datastructures import SignedTransaction

from tests.e2e.wallet.errors import ProviderRpcError, invalid, node_error

FORWARDED = frozenset(
    [
        "eth_blockNumber",
        "eth_call",
        "eth_estimateGas",
        "eth_feeHistory",
        "eth_gasPrice",
        "eth_getBalance",
        "eth_getBlockByHash",
        "eth_getBlockByNumber",
        "eth_getCode",
        "eth_getLogs",
        "eth_getStorageAt",
        "eth_getTransactionByHash",
        "eth_getTransactionCount",
        "eth_getTransactionReceipt",
        "eth_maxPriorityFeePerGas",
        "eth_sendRawTransaction",
        "web3_clientVersion",
    ]
)
_KNOWN_KEYS = frozenset(["chainId", "chainName", "nativeCurrency", "rpcUrls", "blockExplorerUrls", "iconUrls"])


@dataclass(frozen=True, slots=True)
class Network:
    """``rpc_url`` None stands for a public network that a test cannot reach. ``running`` is the file in which ScanProof
    writes the node's own address.
    """

    chain_id: int
    name: str
    rpc_url: str | None = None
    running: Path | None = None

    def call(self, method: str, params: list[Any]) -> Any:
        """One JSON-RPC call. Raises ProviderRpcError."""
        return _post(self.rpc_url or "http://127.0.0.1:9", method, params)

    def control(self, method: str, params: list[Any]) -> Any:
        """As ``call``, of the node itself: a method that ScanProof lets nobody use."""
        url = json.loads(self.running.read_text())["node_url"] if self.running else self.rpc_url
        return _post(url, method, params)

    def broadcast(self, signed: SignedTransaction) -> str:
        """The hash that the node gives the transaction. Raises ProviderRpcError."""
        return self.call("eth_sendRawTransaction", [signed.raw_transaction.to_0x_hex()])


def _post(url: str, method: str, params: list[Any]) -> Any:
    try:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = requests.post(url, json=body, timeout=20).json()
    except requests.RequestException as error:
        raise ProviderRpcError(-32603, "Failed to fetch") from error
    if "error" in answer:
        raise node_error(answer["error"])
    return answer["result"]


MAINNET = Network(1, "Ethereum Mainnet")


def parse_chain_id(value: Any) -> int:
    """A chain id as wallets take it: 0x and hex digits without leading zeros."""
    if not isinstance(value, str) or not value.startswith("0x") or value != f"{int(value, 16):#x}":
        raise invalid(f"Expected 0x-prefixed, unpadded, non-zero hexadecimal string 'chainId'. Received:\n{value}")
    return int(value, 16)


def network_from(parameter: dict[str, Any]) -> Network:
    """The network that wallet_addEthereumChain names. Raises ProviderRpcError where MetaMask refuses to add it."""
    unexpected = set(parameter) - _KNOWN_KEYS
    if unexpected:
        raise invalid(f"Received unexpected keys on object parameter. Unsupported keys:\n{', '.join(unexpected)}")
    chain_id = parse_chain_id(parameter.get("chainId"))
    rpc_urls = parameter.get("rpcUrls") or []
    if not any(_is_acceptable(url) for url in rpc_urls):
        raise invalid(f"Expected an array with at least one valid string HTTPS url 'rpcUrls', Received:\n{rpc_urls}")
    explorers = parameter.get("blockExplorerUrls")
    if explorers is not None and not any(str(url).startswith("https://") for url in explorers):
        raise invalid("Expected null or array with at least one valid string HTTPS URL 'blockExplorerUrl'.")
    currency = parameter.get("nativeCurrency") or {}
    if currency.get("decimals") != 18:
        raise invalid("Expected the number 18 for 'nativeCurrency.decimals' when 'nativeCurrency' is provided.")
    if not 1 <= len(currency.get("symbol") or "") <= 6:
        raise invalid("Expected 1-6 character string 'nativeCurrency.symbol'.")
    if not parameter.get("chainName"):
        raise invalid("Expected non-empty string 'chainName'.")
    network = Network(chain_id, parameter["chainName"], rpc_urls[0])
    found = int(network.call("eth_chainId", []), 16)
    if found != chain_id:
        raise invalid(f"Chain ID returned by RPC URL {rpc_urls[0]} does not match {chain_id:#x}: it is {found:#x}")
    return network


def _is_acceptable(url: Any) -> bool:
    return str(url).startswith(("https://", "http://127.0.0.1", "http://localhost"))
