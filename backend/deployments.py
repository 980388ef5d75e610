"""Where the registry is on a live chain: ``deployments/<chain id>.json``, written when it was deployed."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from backend.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class RecordedDeployment:
    """``block`` is the one that holds the deployment: nothing of the registry is before it."""

    address: str
    block: int


def recorded(chain_id: int, folder: Path) -> RecordedDeployment | None:
    """The deployment on ``chain_id``; None where no file records one.

    Raises ConfigurationError, naming the file, when it does not hold an address and a block of that chain.
    """
    path = folder / f"{chain_id}.json"
    if not path.is_file():
        return None
    try:
        record = json.loads(path.read_text())
        found = RecordedDeployment(record["address"], record["block"])
        good = record["chainId"] == chain_id and re.fullmatch("0x[0-9a-fA-F]{40}", found.address)
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        good = False
    if not good or type(found.block) is not int or found.block < 0:
        raise ConfigurationError(f"{path} does not record a deployment on chain {chain_id}: see deployments/README.md")
    return found
