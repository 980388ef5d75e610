"""Name, currency, explorer and public node of the chains that ScanProof is likely to run on.

Source: https://chainid.network and each chain's own documentation.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Currency:
    name: str
    symbol: str
    decimals: int = 18


@dataclass(frozen=True, slots=True)
class KnownChain:
    """``explorer_url`` is the base of the paths of EIP-3091; ``rpc_url`` is a public node, for wallets."""

    id: int
    name: str
    currency: Currency
    explorer_url: str | None
    rpc_url: str | None
    testnet: bool


_ETHER = Currency("Ether", "ETH")
_POL = Currency("POL", "POL")
_XDAI = Currency("xDAI", "XDAI")

_CHAINS = (
    KnownChain(1, "Ethereum", _ETHER, "https://etherscan.io", "https://ethereum-rpc.publicnode.com", False),
    KnownChain(
        11155111, "Sepolia", _ETHER, "https://sepolia.etherscan.io", "https://ethereum-sepolia-rpc.publicnode.com", True
    ),
    KnownChain(
        560048, "Hoodi", _ETHER, "https://hoodi.etherscan.io", "https://ethereum-hoodi-rpc.publicnode.com", True
    ),
    KnownChain(8453, "Base", _ETHER, "https://basescan.org", "https://mainnet.base.org", False),
    KnownChain(84532, "Base Sepolia", _ETHER, "https://sepolia.basescan.org", "https://sepolia.base.org", True),
    KnownChain(10, "OP Mainnet", _ETHER, "https://optimistic.etherscan.io", "https://mainnet.optimism.io", False),
    KnownChain(
        11155420, "OP Sepolia", _ETHER, "https://sepolia-optimism.etherscan.io", "https://sepolia.optimism.io", True
    ),
    KnownChain(42161, "Arbitrum One", _ETHER, "https://arbiscan.io", "https://arb1.arbitrum.io/rpc", False),
    KnownChain(
        421614,
        "Arbitrum Sepolia",
        _ETHER,
        "https://sepolia.arbiscan.io",
        "https://sepolia-rollup.arbitrum.io/rpc",
        True,
    ),
    KnownChain(137, "Polygon", _POL, "https://polygonscan.com", "https://polygon-rpc.com", False),
    KnownChain(
        80002, "Polygon Amoy", _POL, "https://amoy.polygonscan.com", "https://rpc-amoy.polygon.technology", True
    ),
    KnownChain(534352, "Scroll", _ETHER, "https://scrollscan.com", "https://rpc.scroll.io", False),
    KnownChain(
        534351, "Scroll Sepolia", _ETHER, "https://sepolia.scrollscan.com", "https://sepolia-rpc.scroll.io", True
    ),
    KnownChain(59144, "Linea", _ETHER, "https://lineascan.build", "https://rpc.linea.build", False),
    KnownChain(
        59141, "Linea Sepolia", _ETHER, "https://sepolia.lineascan.build", "https://rpc.sepolia.linea.build", True
    ),
    KnownChain(100, "Gnosis", _XDAI, "https://gnosisscan.io", "https://rpc.gnosischain.com", False),
    KnownChain(
        10200, "Gnosis Chiado", _XDAI, "https://gnosis-chiado.blockscout.com", "https://rpc.chiadochain.net", True
    ),
    KnownChain(1337, "Ganache (this machine)", _ETHER, None, None, True),
    KnownChain(31337, "Anvil (this machine)", _ETHER, None, None, True),
)
_BY_ID = {chain.id: chain for chain in _CHAINS}

DEVELOPMENT_CHAIN_IDS = frozenset({1337, 31337, 5777})
"""Ganache; Anvil and Hardhat; Ganache's desktop program: chains whose coins have no value."""


def describe(chain_id: int) -> KnownChain:
    """The chain of that id. An unknown one gets its id as name, and no explorer."""
    return _BY_ID.get(chain_id) or KnownChain(
        chain_id, f"Chain {chain_id}", _ETHER, None, None, chain_id in DEVELOPMENT_CHAIN_IDS
    )
