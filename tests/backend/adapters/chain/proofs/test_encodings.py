"""Receipts of an untrusted file: one of the right shape is read, every other one is refused in the same words."""

from __future__ import annotations

from typing import Any

import pytest
import rlp

from backend.adapters.chain.proofs import encodings
from backend.adapters.chain.proofs.encodings import Log, decode_logs

ADDRESS, TOPIC, DATA = b"\x11" * 20, b"\x22" * 32, b"\x33" * 7
LOG: list[Any] = [ADDRESS, [TOPIC] * 4, DATA]


def receipt(logs: Any) -> bytes:
    return rlp.encode([b"\x01", b"\x52\x08", bytes(256), logs])


@pytest.mark.parametrize("kind", [b"", b"\x02", b"\x7e"])
def test_the_logs_of_a_receipt_of_any_type(kind: bytes) -> None:
    assert decode_logs(kind + receipt([LOG, [ADDRESS, [], b""]])) == (
        Log(ADDRESS, (TOPIC,) * 4, DATA),
        Log(ADDRESS, (), b""),
    )
    assert decode_logs(kind + receipt([])) == ()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x02",
        rlp.encode(b"no list"),
        rlp.encode([b"\x01", b"\x52\x08", bytes(256)]),
        receipt([LOG])[:-1],
        receipt([LOG]) + b"\x00",
        receipt(b"no list"),
        receipt([b"no list"]),
        receipt([[ADDRESS, [TOPIC]]]),
        receipt([[*LOG, b""]]),
        receipt([[[ADDRESS], [TOPIC], DATA]]),
        receipt([[ADDRESS, TOPIC, DATA]]),
        receipt([[ADDRESS, [TOPIC], [DATA]]]),
        receipt([[ADDRESS[:-1], [TOPIC], DATA]]),
        receipt([[ADDRESS, [TOPIC] * 5, DATA]]),
        receipt([[ADDRESS, [TOPIC[:-1]], DATA]]),
        receipt([[ADDRESS, [[TOPIC]], DATA]]),
    ],
    ids=lambda content: content[:4].hex() + f"-{len(content)}",
)
def test_bytes_that_are_no_receipt_are_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"^expected a receipt with its logs in RLP$"):
        decode_logs(content)


def test_more_logs_than_a_block_has_room_for_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encodings, "_MAX_LOGS", 2)
    assert len(decode_logs(receipt([LOG] * 2))) == 2
    with pytest.raises(ValueError, match=r"^expected a receipt"):
        decode_logs(receipt([LOG] * 3))
