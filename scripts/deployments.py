"""Records of deployments on live chains, ``deployments/<chain id>.json``; the format is in deployments/README.md."""

from __future__ import annotations

import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any

from eth_abi import encode

from scripts.solc import ROOT

FOLDER = ROOT / "deployments"
CONTRACT = "ImageRegistry"
CONSTRUCTOR = {"adminDelay": "uint48", "admin": "address", "classifier": "address"}
_ADDRESS, _HASH = r"0x[0-9a-fA-F]{40}", r"0x[0-9a-f]{64}"
_TEXTS = {
    "contract": CONTRACT,
    "address": _ADDRESS,
    "transaction": _HASH,
    "deployer": _ADDRESS,
    "time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
    "standardInputSha256": r"[0-9a-f]{64}",
    "codeHash": _HASH,
}
_NUMBERS = ("chainId", "block")
_KEYS = {*_TEXTS, *_NUMBERS, "constructorArguments", "compiler"}


class DeploymentRecordInvalid(ValueError):
    """A record is not what deployments/README.md says; the message names the file and the field."""


def encode_arguments(values: dict[str, Any]) -> str:
    """Return the ABI encoding of the constructor's arguments, hex without 0x. ``values`` as in the record."""
    return encode(list(CONSTRUCTOR.values()), [values[name] for name in CONSTRUCTOR]).hex()


def read(chain_id: int, folder: Path = FOLDER) -> dict[str, Any] | None:
    """Return the record of ``chain_id``, None where there is none. Raises DeploymentRecordInvalid."""
    path = folder / f"{chain_id}.json"
    if not path.is_file():
        return None
    record = load(path)
    if record["chainId"] != chain_id:
        raise DeploymentRecordInvalid(f"{path}: expected chainId {chain_id} as in its name, found {record['chainId']}")
    return record


def load(path: Path) -> dict[str, Any]:
    """Return the record in ``path``, checked. Raises DeploymentRecordInvalid."""
    try:
        record = json.loads(path.read_text())
    except (ValueError, RecursionError) as error:
        raise DeploymentRecordInvalid(f"{path}: expected JSON, found {error}") from error
    if not isinstance(record, dict) or record.keys() != _KEYS:
        raise DeploymentRecordInvalid(f"{path}: expected an object with {', '.join(sorted(_KEYS))}")
    for name, pattern in _TEXTS.items():
        if not isinstance(record[name], str) or not re.fullmatch(pattern, record[name]):
            raise DeploymentRecordInvalid(f"{path}: expected {name} to match {pattern}, found {record[name]!r}")
    for name in _NUMBERS:
        if type(record[name]) is not int or record[name] < 0:
            raise DeploymentRecordInvalid(f"{path}: expected {name} to be a whole number, found {record[name]!r}")
    _check_arguments(path, record["constructorArguments"])
    compiler = record["compiler"]
    if not isinstance(compiler, dict) or compiler.keys() != {"version", "evmVersion", "optimizer"}:
        raise DeploymentRecordInvalid(f"{path}: expected compiler with version, evmVersion and optimizer")
    return record


def write(record: dict[str, Any], folder: Path = FOLDER) -> Path:
    """Write ``record`` and return its path.

    The record of an earlier deployment on the same chain is kept beside it as ``<chain id>.<block>.json``.
    Raises DeploymentRecordInvalid when the earlier one cannot be read.
    """
    folder.mkdir(exist_ok=True)
    chain_id = record["chainId"]
    if earlier := read(chain_id, folder):
        _write(folder / f"{chain_id}.{earlier['block']}.json", earlier)
    return _write(folder / f"{chain_id}.json", record)


def _write(path: Path, record: dict[str, Any]) -> Path:
    """Whole or not at all: a reader never sees half of it."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".deployment-")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(json.dumps(record, indent=2) + "\n")
        temporary.chmod(0o644)
        return temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _check_arguments(path: Path, arguments: Any) -> None:
    if not isinstance(arguments, dict) or arguments.keys() != {*CONSTRUCTOR, "encoded"}:
        raise DeploymentRecordInvalid(
            f"{path}: expected constructorArguments with {', '.join(CONSTRUCTOR)} and encoded"
        )
    try:
        expected = encode_arguments(arguments)
    except Exception as error:  # eth_abi's errors have no common type
        raise DeploymentRecordInvalid(f"{path}: expected constructorArguments that can be encoded: {error}") from error
    if arguments["encoded"] != expected:
        raise DeploymentRecordInvalid(
            f"{path}: expected constructorArguments.encoded {expected}, found {arguments['encoded']!r}"
        )
