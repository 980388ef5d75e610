"""Values of JSON-RPC (https://ethereum.org/developers/docs/apis/json-rpc/#conventions) as RLP takes them."""

from __future__ import annotations


def octets(text: str | None) -> bytes:
    """Data: the bytes as they are; None, such as the receiver of a deployment, is none."""
    return b"" if text is None else bytes.fromhex(text.removeprefix("0x"))


def number(text: str | None) -> bytes:
    """A quantity: big-endian without leading zeros."""
    value = int(text or "0x0", 16)
    return value.to_bytes((value.bit_length() + 7) // 8)
