"""The registry on the embedded chain: the one of an earlier run, or a new deployment."""

from __future__ import annotations

import json
import logging
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from hexbytes import HexBytes
from web3 import Web3
from web3.contract import Contract
from web3.exceptions import ContractLogicError, TransactionNotFound
from web3.middleware import SignAndSendRawMiddlewareBuilder

from backend.adapters.chain import artifact, reverts, rpc
from backend.adapters.chain.development_accounts import ADMIN, CLINICIAN
from backend.errors import ChainUnavailable, ConfigurationError

_log = logging.getLogger(__name__)
_ADMIN_DELAY_S = 0
_MINED_WITHIN_S = 30


@dataclass(frozen=True, slots=True)
class Deployment:
    """Address of the registry; ``block`` and ``transaction`` are those of its creation."""

    chain_id: int
    address: str
    block: int
    transaction: str


def load(folder: Path) -> Deployment:
    """The deployment that an earlier run wrote to ``folder``. Raises ConfigurationError."""
    try:
        found = Deployment(**json.loads(_file(folder).read_text(encoding="utf-8")))
        if not (
            type(found.chain_id) is int
            and type(found.block) is int
            and re.fullmatch("0x[0-9a-fA-F]{40}", found.address)
            and re.fullmatch("0x[0-9a-f]{64}", found.transaction)
        ):
            raise ValueError
    except FileNotFoundError:
        raise ConfigurationError(f"no contract is deployed on the chain in {folder} yet: run `scanproof up`") from None
    except (OSError, ValueError, TypeError) as error:
        raise ConfigurationError(
            f"{_file(folder)} cannot be read: remove it, a new contract is deployed then"
        ) from error
    return found


def find_or_deploy(url: str, folder: Path, *, classifier: str) -> Deployment:
    """The registry on the development chain at ``url``; grants ``classifier`` and CLINICIAN their roles.

    Deploys a new contract on a chain that was wiped. A former contract that is found is kept, so that its records go
    on; the log names what it lacks. Raises ChainUnavailable.
    """
    web3 = rpc.connect(url)
    # The node signs for nobody.
    web3.middleware_onion.inject(SignAndSendRawMiddlewareBuilder.build(ADMIN.private_key), name="sign", layer=0)
    with rpc.translated():
        deployment = _found(web3, folder)
        if deployment is None:
            deployment = _deploy(web3, classifier)
            draft = _file(folder).with_suffix(".tmp")
            draft.write_text(json.dumps(asdict(deployment), indent=2) + "\n", encoding="utf-8")
            draft.replace(_file(folder))
        # What is called here is the same in every build.
        address = Web3.to_checksum_address(deployment.address)
        registry = web3.eth.contract(address=address, abi=artifact.current().abi)
        # The key file may be a new one since the deployment.
        _grant(registry, "CLASSIFIER_ROLE", classifier)
        _grant(registry, "CLINICIAN_ROLE", CLINICIAN.address)
    return deployment


def _file(folder: Path) -> Path:
    return folder / "deployment.json"


def _found(web3: Web3, folder: Path) -> Deployment | None:
    try:
        deployment = load(folder)
        receipt = web3.eth.get_transaction_receipt(HexBytes(deployment.transaction))
    except (ConfigurationError, TransactionNotFound):
        return None
    # The genesis hash would not do: Anvil makes a new one whenever it loads its state.
    address = receipt["contractAddress"]
    if address is None or (address, receipt["blockNumber"]) != (deployment.address, deployment.block):
        return None
    build = artifact.of(bytes(web3.eth.get_code(address)))
    if build is None:
        return None
    if build.former:
        lacking = ", ".join(sorted(artifact.current().functions - build.functions))
        _log.warning(
            "the registry at %s is of a former version (code %s), which is used on: models are registered without "
            "their number of labels, and these functions are not available: %s. Remove %s to begin with a new one",
            address,
            build.code_hash,
            lacking,
            folder,
        )
    return deployment


def _deploy(web3: Web3, classifier: str) -> Deployment:
    contract = web3.eth.contract(abi=artifact.current().abi, bytecode=artifact.current().bytecode)
    transaction = contract.constructor(_ADMIN_DELAY_S, ADMIN.address, classifier).transact({"from": ADMIN.address})
    receipt = web3.eth.wait_for_transaction_receipt(transaction, timeout=_MINED_WITHIN_S)
    address = receipt["contractAddress"]
    if address is None:
        raise ChainUnavailable("the node's receipt of the deployment names no contract")
    return Deployment(
        chain_id=web3.eth.chain_id,
        address=address,
        block=receipt["blockNumber"],
        transaction=transaction.to_0x_hex(),
    )


def _grant(registry: Contract, role: str, address: str) -> None:
    """Grant the role, unless the account has it, or is reported as compromised: that one never gets it again."""
    role_id = Web3.keccak(text=role)
    if registry.functions.hasRole(role_id, address).call():
        return
    try:
        transaction = registry.functions.grantRole(role_id, address).transact({"from": ADMIN.address})
        registry.w3.eth.wait_for_transaction_receipt(transaction, timeout=_MINED_WITHIN_S)
    except ContractLogicError as error:
        _log.error("%s does not get %s: %s", address, role, reverts.explain(error.data) or error.message)
