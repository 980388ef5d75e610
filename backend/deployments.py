"""The registry's address on a live chain: ``deployments/<chain id>.json``, written by its deployment."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from backend.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class RecordedDeployment:
    """``block`` contains the deployment: the registry has no events before it."""

    address: str
    block: int


def recorded(chain_id: int, folder: Path) -> RecordedDeployment | None:
    """The deployment on ``chain_id``; None if no file records one.

    Raises ConfigurationError, with the file's name, when the file has no address and block of that chain.
    """
    path = folder / f"{chain_id}.json"
    if not path.is_file():
        return None
    try:
        record = json.loads(path.read_text())
        address, block = record["address"], record["block"]
        good = (
            record["chainId"] == chain_id
            and re.fullmatch("0x[0-9a-fA-F]{40}", address)
            and type(block) is int
            and block >= 0
        )
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        good = False
    if not good:
        raise ConfigurationError(f"{path} does not record a deployment on chain {chain_id}: see deployments/README.md")
    return RecordedDeployment(address, block)
