"""Gas of deployment and of every function that changes state: ``python -m tests.benchmarks.gas_report [--write]``.

``contracts/gas.json`` holds the figures that are committed; a test compares. Every input is fixed, so that the figures
differ between machines and chains by no more than the zero bytes of account addresses.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from eth_account import Account
from web3 import HTTPProvider, Web3

from scripts.export_artifact import ARTIFACT
from scripts.solc import ROOT
from tests.contracts.support import (
    CLINICIAN_ROLE,
    LABELS,
    MODEL_ID,
    Diagnosis,
    Domain,
    Review,
    Training,
    cid_of,
    image_id_of,
)

COMMITTED = ROOT / "contracts" / "gas.json"
TOLERANCE = 0.02
BATCH = 100
REVIEWS = 10
COMMITMENT = bytes(range(1, 33))
CHILD = bytes(range(32))
ADMIN_DELAY_S = 86_400
START_TIMEOUT_S = 30


def measure(web3: Web3) -> dict[str, int]:
    """Deploy the registry on a development chain and return the gas of each transaction (batch: of each image)."""
    admin, uploader, second, third, clinician, successor = web3.eth.accounts[:6]
    classifier = Account.from_key("0x" + 32 * "c1")
    registry, deployment = _deploy(web3, admin, classifier.address)
    domain = Domain(web3.eth.chain_id, registry.address)

    def gas(sender: str, function: str, *arguments: Any) -> int:
        transaction = registry.functions[function](*arguments).transact({"from": sender})
        return int(web3.eth.wait_for_transaction_receipt(transaction)["gasUsed"])

    def signed(sender: str, seconds: int = 0, of: str = "") -> tuple[Diagnosis, bytes]:
        diagnosis = Diagnosis(image_id_of(sender, of or cid))
        diagnosis = diagnosis._replace(issuedAt=diagnosis.issuedAt + seconds)
        return diagnosis, domain.sign(classifier, diagnosis)

    def reviewed_together() -> int:
        """Review one diagnosis of each of several images in one transaction; returns the gas of a review."""
        recorded = [signed(third, of=each) for each in batch[0][:REVIEWS]]
        for each in recorded:
            gas(third, "recordDiagnosis", *each)
        diagnoses = [diagnosis for diagnosis, _ in recorded]
        reviews = [Review(domain.digest(diagnosis)) for diagnosis in diagnoses]
        return gas(clinician, "reviewDiagnoses", diagnoses, reviews) // REVIEWS

    cid, card = cid_of(b"scan"), cid_of(b"card")
    first = signed(uploader)
    diagnosis_id = domain.digest(first[0])
    review = Review(diagnosis_id)
    batch = [cid_of(bytes([index])) for index in range(BATCH)], [COMMITMENT] * BATCH
    figures = {
        "deployment": deployment,
        "registerModel": gas(admin, "registerModel", MODEL_ID, LABELS, card),
        "anchorTraining, from scratch": gas(admin, "anchorTraining", Training()),
        "anchorTraining, from a parent": gas(
            admin, "anchorTraining", Training(modelId=CHILD, parentModelId=MODEL_ID, participants=10)
        ),
        "registerImage": gas(uploader, "registerImage", cid, COMMITMENT),
        "recordDiagnosis, first": gas(uploader, "recordDiagnosis", *first),
        "recordDiagnosis, later": gas(uploader, "recordDiagnosis", *signed(uploader, seconds=1)),
        "registerWithDiagnosis": gas(second, "registerWithDiagnosis", cid, COMMITMENT, *signed(second)),
        f"registerImages, {BATCH}, an image": gas(third, "registerImages", *batch) // BATCH,
        "grantRole": gas(admin, "grantRole", CLINICIAN_ROLE, clinician),
        "reviewDiagnosis, first": gas(clinician, "reviewDiagnosis", first[0], review),
        "reviewDiagnosis, later": gas(
            clinician, "reviewDiagnosis", first[0], Review(review.id(diagnosis_id, clinician))
        ),
        f"reviewDiagnoses, {REVIEWS}, a first review": reviewed_together(),
        "anchorLog": gas(uploader, "anchorLog", COMMITMENT),
        "retireModel": gas(admin, "retireModel", MODEL_ID),
        "renounceRole": gas(clinician, "renounceRole", CLINICIAN_ROLE, clinician),
        "changeDefaultAdminDelay": gas(admin, "changeDefaultAdminDelay", 2 * ADMIN_DELAY_S),
        "rollbackDefaultAdminDelay": gas(admin, "rollbackDefaultAdminDelay"),
        "beginDefaultAdminTransfer": gas(admin, "beginDefaultAdminTransfer", third),
        "cancelDefaultAdminTransfer": gas(admin, "cancelDefaultAdminTransfer"),
    }
    gas(admin, "grantRole", CLINICIAN_ROLE, clinician)
    figures["revokeRole"] = gas(admin, "revokeRole", CLINICIAN_ROLE, clinician)
    figures["reportCompromise"] = gas(admin, "reportCompromise", classifier.address, first[0].issuedAt)
    gas(admin, "beginDefaultAdminTransfer", successor)
    web3.provider.make_request("evm_increaseTime", [ADMIN_DELAY_S + 1])
    web3.provider.make_request("evm_mine", [])
    return figures | {"acceptDefaultAdminTransfer": gas(successor, "acceptDefaultAdminTransfer")}


def differences(committed: dict[str, int], measured: dict[str, int]) -> list[str]:
    """Return a line for each figure that is missing, unknown, or off by more than two per cent either way."""
    lines = []
    for name in sorted(committed.keys() | measured.keys()):
        before, now = committed.get(name), measured.get(name)
        if before is None or now is None:
            lines.append(f"{name}: expected {before}, found {now}")
        elif abs(now - before) > TOLERANCE * before:
            lines.append(f"{name}: expected {before:,} within 2 %, found {now:,} ({now / before - 1:+.1%})")
    return lines


@contextmanager
def own_chain() -> Iterator[Web3]:
    """Start a Ganache on a free port and stop it afterwards. Raises SystemExit if it does not start."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(ROOT / "node_modules" / ".bin" / "ganache"), "--server.port", str(port), "--wallet.deterministic"]
    with subprocess.Popen([*command, "--logging.quiet"], stdout=subprocess.DEVNULL) as chain:
        try:
            web3 = Web3(HTTPProvider(f"http://127.0.0.1:{port}"))
            deadline = time.monotonic() + START_TIMEOUT_S
            while not web3.is_connected():
                if chain.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"expected Ganache on port {port}, found none after {START_TIMEOUT_S} s")
                time.sleep(0.1)
            yield web3
        finally:
            chain.terminate()


def _deploy(web3: Web3, admin: str, classifier: str) -> tuple[Any, int]:
    artifact = json.loads(ARTIFACT.read_text())
    factory = web3.eth.contract(abi=artifact["abi"], bytecode=artifact["bytecode"])
    transaction = factory.constructor(ADMIN_DELAY_S, admin, classifier).transact({"from": admin})
    receipt = web3.eth.wait_for_transaction_receipt(transaction)
    return web3.eth.contract(receipt["contractAddress"], abi=artifact["abi"]), int(receipt["gasUsed"])


def main(arguments: list[str]) -> int:
    """Compare with the committed figures, or with ``--write`` replace them. Exit status 1 if they differ."""
    with own_chain() as web3:
        measured = measure(web3)
    if arguments == ["--write"]:
        COMMITTED.write_text(json.dumps(measured, indent=2) + "\n")
        return 0
    lines = differences(json.loads(COMMITTED.read_text()), measured)
    print("\n".join(lines) or "no figure differs by more than 2 %")
    return int(bool(lines))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
