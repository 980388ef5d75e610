"""URLs of a block explorer's pages. Every explorer of ``known_chains`` has these paths. Source: EIP-3091."""

from __future__ import annotations


def transaction_url(explorer: str | None, hash_: str) -> str | None:
    """None for a chain without ``explorer``; the next functions too."""
    return f"{explorer}/tx/{hash_}" if explorer else None


def block_url(explorer: str | None, number: int) -> str | None:
    return f"{explorer}/block/{number}" if explorer else None


def address_url(explorer: str | None, address: str) -> str | None:
    return f"{explorer}/address/{address}" if explorer else None
