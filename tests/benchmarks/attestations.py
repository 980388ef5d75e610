"""ImageRegistry beside EAS and the naive contract: ``python -m tests.benchmarks.attestations``.

One Anvil holds all three, and each gets the same records: an image and its diagnosis. EAS is the code of the npm
package ``@ethereum-attestation-service/eas-contracts`` as its makers compiled it. It holds a record in one attestation,
once sent by the attester itself (``attest``: no signature is checked) and once with the signature of the classifier
(``attestByDelegation``: what our registry does). Gas is the same on every machine; records a second are not.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

from eth_abi import encode
from eth_account import Account
from web3 import HTTPProvider, Web3
from web3.contract import Contract
from web3.contract.contract import ContractFunction

from scripts.export_artifact import ARTIFACT
from scripts.solc import ROOT, compile_with_npm
from tests.chains import running_anvil
from tests.contracts.support import LABELS, MODEL_ID, Diagnosis, Domain, cid_of, image_id_of

CHAIN_ID = 31_337
RECORDS = 100
BLOCK_GAS = 30_000_000
EAS = ROOT / "node_modules" / "@ethereum-attestation-service" / "eas-contracts" / "artifacts" / "contracts"
NAIVE = "tests/benchmarks/contracts/NaiveRegistry.sol"
SCHEMA = (
    "string cid, bytes32 commitment, bytes32 modelId, uint16 label, uint16 confidence, bytes32 manifestHash, "
    "uint64 issuedAt"
)
SCHEMA_TYPES = [field.split()[0] for field in SCHEMA.split(", ")]
COMMITMENT = bytes(range(1, 33))
ZERO_ADDRESS, ZERO_HASH = "0x" + 40 * "0", bytes(32)
CLASSIFIER = Account.from_key("0x" + 32 * "c1")
DELEGATED_FIELDS = (
    *("address attester", "bytes32 schema", "address recipient", "uint64 expirationTime", "bool revocable"),
    *("bytes32 refUID", "bytes data", "uint256 value", "uint256 nonce", "uint64 deadline"),
)
DELEGATED_TYPE = [dict(zip(("type", "name"), field.split(), strict=True)) for field in DELEGATED_FIELDS]


@dataclass(frozen=True, slots=True)
class Result:
    """Gas of one record, and how many records a second one sender got into blocks of 30 million gas."""

    name: str
    gas: int
    records_a_second: float


def measure(web3: Web3, records: int = RECORDS) -> list[Result]:
    """Deploy all three on a fresh Anvil and send ``records`` records to each; ours comes first."""
    sender = web3.eth.accounts[1]
    return [
        _run(web3, sender, name, calls, records)
        for name, calls in (
            ("ImageRegistry.registerWithDiagnosis", _ours(web3, sender)),
            ("EAS.attest", _eas(web3)),
            ("EAS.attestByDelegation", _eas_delegated(web3)),
            ("naive, two transactions", _naive(web3)),
        )
    ]


def table(results: list[Result]) -> str:
    """Return the results as a Markdown table, with ours as a share of each."""
    ours = results[0]
    lines = ["| contract | gas a record | ours / this | records/s | ours / this |", "|---|---:|---:|---:|---:|"]
    lines += [
        f"| {each.name} | {each.gas:,} | {ours.gas / each.gas:.3f} | {each.records_a_second:.0f} | "
        f"{ours.records_a_second / each.records_a_second:.2f} |"
        for each in results
    ]
    return "\n".join(lines)


def _run(web3: Web3, sender: str, name: str, calls: Iterator[list[ContractFunction]], records: int) -> Result:
    """Send every record from one account without waiting, and mine until all are in; a first one is not counted."""
    for call in next(calls):
        web3.eth.wait_for_transaction_receipt(call.transact({"from": sender}))
    nonce = web3.eth.get_transaction_count(sender)
    fields = {"from": sender, "gas": 1_000_000, "gasPrice": 2 * web3.eth.gas_price}
    transactions = [
        call.build_transaction(fields | {"nonce": nonce + index})
        for index, call in enumerate(call for _ in range(records) for call in next(calls))
    ]
    web3.provider.make_request("evm_setAutomine", [False])
    started = time.perf_counter()
    hashes = [web3.eth.send_transaction(transaction) for transaction in transactions]
    while web3.eth.get_transaction_count(sender) < nonce + len(transactions):
        web3.provider.make_request("evm_mine", [])
    took = time.perf_counter() - started
    web3.provider.make_request("evm_setAutomine", [True])
    receipts = [web3.eth.get_transaction_receipt(hash_) for hash_ in hashes]
    assert all(receipt["status"] == 1 for receipt in receipts), f"{name}: a transaction failed"
    return Result(name, sum(receipt["gasUsed"] for receipt in receipts) // records, records / took)


def _diagnoses(image_ids: Iterator[bytes]) -> Iterator[Diagnosis]:
    """One for each image, each with a manifest of its own."""
    return (Diagnosis(image_id, manifestHash=Web3.keccak(image_id)) for image_id in image_ids)


def _cids() -> Iterator[str]:
    return (cid_of(index.to_bytes(4)) for index in count())


def _ours(web3: Web3, sender: str) -> Iterator[list[ContractFunction]]:
    artifact = json.loads(ARTIFACT.read_text())
    admin = web3.eth.accounts[0]
    registry = _deploy(web3, artifact, 86_400, admin, CLASSIFIER.address)
    registered = registry.functions.registerModel(MODEL_ID, LABELS, cid_of(b"card")).transact({"from": admin})
    web3.eth.wait_for_transaction_receipt(registered)
    domain = Domain(CHAIN_ID, registry.address)
    diagnoses = _diagnoses(image_id_of(sender, cid) for cid in _cids())
    for cid, diagnosis in zip(_cids(), diagnoses, strict=True):
        signature = domain.sign(CLASSIFIER, diagnosis)
        yield [registry.functions.registerWithDiagnosis(cid, COMMITMENT, diagnosis, signature)]


def _naive(web3: Web3) -> Iterator[list[ContractFunction]]:
    source = {NAIVE: {"content": (ROOT / NAIVE).read_text()}}
    settings = json.loads(ARTIFACT.with_name("ImageRegistry.input.json").read_text())["settings"]
    output = compile_with_npm({"language": "Solidity", "sources": source, "settings": settings})
    build = output["contracts"][NAIVE]["NaiveRegistry"]
    naive = _deploy(web3, {"abi": build["abi"], "bytecode": build["evm"]["bytecode"]["object"]})
    for index, cid in enumerate(_cids()):
        yield [naive.functions.registerImage(cid), naive.functions.recordDiagnosis(index, "glioma 97.31 %")]


def _eas(web3: Web3) -> Iterator[list[ContractFunction]]:
    eas, schema = _deploy_eas(web3)
    for data in _eas_data():
        yield [eas.functions.attest((schema, _request(data)))]


def _eas_delegated(web3: Web3) -> Iterator[list[ContractFunction]]:
    eas, schema = _deploy_eas(web3)
    _, name, version, *_ = eas.functions.eip712Domain().call()
    domain = {"name": name, "version": version, "chainId": CHAIN_ID, "verifyingContract": eas.address}
    for nonce, data in enumerate(_eas_data()):
        values = (CLASSIFIER.address, schema, *_request(data), nonce, 0)
        message = {field["name"]: value for field, value in zip(DELEGATED_TYPE, values, strict=True)}
        signed = CLASSIFIER.sign_typed_data(domain, {"Attest": DELEGATED_TYPE}, message)
        signature = (signed.v, signed.r.to_bytes(32), signed.s.to_bytes(32))
        yield [eas.functions.attestByDelegation((schema, _request(data), signature, CLASSIFIER.address, 0))]


def _eas_data() -> Iterator[bytes]:
    for cid, diagnosis in zip(_cids(), _diagnoses(Web3.keccak(text=cid) for cid in _cids()), strict=True):
        yield encode(SCHEMA_TYPES, [cid, COMMITMENT, *diagnosis[1:]])


def _request(data: bytes) -> tuple[Any, ...]:
    """recipient, expirationTime, revocable, refUID, data, value: for nobody, for ever, revocable as a diagnosis is."""
    return ZERO_ADDRESS, 0, True, ZERO_HASH, data, 0


def _deploy_eas(web3: Web3) -> tuple[Contract, bytes]:
    """Return EAS on a schema registry of its own, and the id of the schema registered there."""
    artifacts = [json.loads((EAS / f"{name}.sol" / f"{name}.json").read_text()) for name in ("SchemaRegistry", "EAS")]
    schemas = _deploy(web3, artifacts[0])
    register = schemas.functions.register(SCHEMA, ZERO_ADDRESS, True)
    schema = register.call()
    web3.eth.wait_for_transaction_receipt(register.transact({"from": web3.eth.accounts[0]}))
    return _deploy(web3, artifacts[1], schemas.address), schema


def _deploy(web3: Web3, build: dict[str, Any], *arguments: Any) -> Contract:
    contract = web3.eth.contract(abi=build["abi"], bytecode=build["bytecode"])
    sent = contract.constructor(*arguments).transact({"from": web3.eth.accounts[0]})
    return web3.eth.contract(web3.eth.wait_for_transaction_receipt(sent)["contractAddress"], abi=build["abi"])


def main() -> None:
    """Start an Anvil, print the table, stop it."""
    with running_anvil(CHAIN_ID, "--gas-limit", str(BLOCK_GAS), "--order", "fifo") as url:
        print(table(measure(Web3(HTTPProvider(url)))))


if __name__ == "__main__":
    main()
