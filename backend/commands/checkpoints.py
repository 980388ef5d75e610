"""The checkpoint file of ``scanproof verify``: blocks that the checker trusts, as JSON.

{"schema": "scanproof.checkpoints/1", "blocks": [{"chainId": 11155111, "number": 9000000, "hash": "0x…"}]}
"""

from __future__ import annotations

import argparse
import json
import re
from dataclasses import dataclass

from backend.commands.arguments import existing_file

SCHEMA = "scanproof.checkpoints/1"
_MAX_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """``hash`` is 0x and 64 hex digits in lower case."""

    chain_id: int
    number: int
    hash: str


def checkpoints(text: str) -> tuple[Checkpoint, ...]:
    """The checkpoints of the file at that path: the type of an argument."""
    with existing_file(text).open("rb") as file:
        content = file.read(_MAX_BYTES + 1)
    try:
        values = json.loads(content) if len(content) <= _MAX_BYTES else None
        if not isinstance(values, dict) or values["schema"] != SCHEMA:
            raise ValueError
        found = tuple(_checkpoint(value) for value in values["blocks"])
        if len({(each.chain_id, each.number) for each in found}) != len(found):
            raise ValueError
    except (ValueError, TypeError, KeyError, RecursionError):
        raise argparse.ArgumentTypeError(
            f"expected a file of {SCHEMA} with each block once (chainId, number, hash), found another: {text}"
        ) from None
    return found


def _checkpoint(value: dict[str, object]) -> Checkpoint:
    chain_id, number, hash_ = value["chainId"], value["number"], value["hash"]
    if type(chain_id) is not int or type(number) is not int or type(hash_) is not str:
        raise TypeError
    if not re.fullmatch("0x[0-9a-fA-F]{64}", hash_):
        raise ValueError
    return Checkpoint(chain_id, number, hash_.lower())
