"""What every source verifier is given, and what it answers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts import deployments
from scripts.export_artifact import ARTIFACT, ARTIFACTS, CONTRACT, SOURCE, STANDARD_INPUT, builds


class VerificationError(Exception):
    """Base of everything that keeps a source from being verified."""


class SubmissionInvalid(VerificationError):
    """What is to be submitted does not belong to the deployment, or is not known."""


class VerifierUnavailable(VerificationError):
    """The verifier could not be reached, or did not answer in time, often enough."""


class VerifierRefused(VerificationError):
    """The verifier does not take the request: wrong key, unknown chain, malformed."""


class SourceDiffers(VerificationError):
    """The verifier compiled the source and it is not, or not exactly, the code on the chain."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The source is verified, and was ``already`` before. ``url`` shows it, if one address serves every chain."""

    already: bool
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Submission:
    """A deployed registry with its complete source.

    ``arguments`` are the constructor's, ABI-encoded, hex without 0x; ``compiler`` reads 0.8.30+commit.73712a01.
    """

    chain_id: int
    address: str
    arguments: str
    transaction: str
    standard_input: str
    compiler: str
    identifier: str = f"{SOURCE}:{CONTRACT}"
    name: str = CONTRACT


def from_record(chain_id: int, address: str, records: Path) -> Submission | None:
    """The registry at ``address`` as the folder ``records`` has it; None where it does not.

    Raises SubmissionInvalid when it was deployed from another source, DeploymentRecordInvalid.
    """
    record = deployments.read(chain_id, records)
    if record is None or record["address"].lower() != address.lower():
        return None
    arguments = record["constructorArguments"]["encoded"]
    for artifact, standard_input in builds():
        if hashlib.sha256(standard_input.encode()).hexdigest() == record["standardInputSha256"]:
            return _submission(
                chain_id, record["address"], arguments, record["transaction"], (artifact, standard_input)
            )
    raise SubmissionInvalid(
        f"expected {STANDARD_INPUT.name} with SHA-256 {record['standardInputSha256']}, from which {address} was "
        f"deployed, found none in {ARTIFACTS.name}; check out the version that it was deployed from"
    )


def from_transaction(chain_id: int, address: str, transaction: str, creation_code: str) -> Submission:
    """The registry at ``address``, created by ``transaction`` whose data is ``creation_code`` (hex with 0x).

    Raises SubmissionInvalid unless that is the bytecode of a committed build, the current or a former one, followed by
    the constructor's arguments.
    """
    for artifact, standard_input in builds():
        arguments = creation_code.removeprefix(artifact["bytecode"])
        if arguments != creation_code and len(arguments) == 64 * len(deployments.CONSTRUCTOR):
            return _submission(chain_id, address, arguments, transaction, (artifact, standard_input))
    raise SubmissionInvalid(
        f"expected transaction {transaction} to hold the bytecode of a committed {ARTIFACT.name} and "
        f"{len(deployments.CONSTRUCTOR)} arguments, found other data; check out the version that was deployed"
    )


def _submission(
    chain_id: int, address: str, arguments: str, transaction: str, build: tuple[dict[str, Any], str]
) -> Submission:
    artifact, standard_input = build
    return Submission(
        chain_id=chain_id,
        address=address,
        arguments=arguments,
        transaction=transaction,
        standard_input=standard_input,
        compiler=artifact["compiler"]["version"],
    )
