"""Gas of each call beside the naive contract: ``python -m tests.benchmarks.gas``.

Every input is fixed, so the figures are the same on every machine and on both chains.
"""

from __future__ import annotations

import json
import socket
import subprocess
import time
from dataclasses import dataclass
from typing import Any

from eth_account import Account
from web3 import HTTPProvider, Web3

from scripts.export_artifact import ARTIFACT
from scripts.solc import ROOT, compile_with_npm
from tests.contracts.support import Diagnosis, Domain, cid_of, image_id_of

NAIVE = "tests/benchmarks/contracts/NaiveRegistry.sol"
BATCH = 100
COMMITMENT = bytes(range(1, 33))
START_TIMEOUT_S = 30


@dataclass(frozen=True, slots=True)
class Row:
    """Gas of one action: with the naive contract, with ours, and the most that ours may take."""

    action: str
    naive: int
    ours: int
    limit: int


def measure(web3: Web3) -> list[Row]:
    """Deploy both contracts on a development chain and measure every action, in gas a transaction (batch: an image)."""
    admin, uploader, second, third = web3.eth.accounts[:4]
    classifier = Account.from_key("0x" + 32 * "c1")
    naive = _deploy(web3, admin, *_naive_build())
    artifact = json.loads(ARTIFACT.read_text())
    ours = _deploy(web3, admin, artifact["abi"], artifact["bytecode"], 86_400, admin, classifier.address)
    domain = Domain(web3.eth.chain_id, ours.address)

    def gas(sender: str, call: Any) -> int:
        return int(web3.eth.wait_for_transaction_receipt(call.transact({"from": sender}))["gasUsed"])

    def signed(sender: str, cid: str) -> tuple[Diagnosis, bytes]:
        diagnosis = Diagnosis(image_id_of(sender, cid))
        return diagnosis, domain.sign(classifier, diagnosis)

    cid = cid_of(b"scan")
    # The first image also pays for the length of the array: measure the second.
    gas(admin, naive.functions.registerImage(cid))
    naive_register = gas(uploader, naive.functions.registerImage(cid))
    naive_record = gas(uploader, naive.functions.recordDiagnosis(1, "glioma 97.31 %"))
    register = gas(uploader, ours.functions.registerImage(cid, COMMITMENT))
    record = gas(uploader, ours.functions.recordDiagnosis(*signed(uploader, cid)))
    both = gas(second, ours.functions.registerWithDiagnosis(cid, COMMITMENT, *signed(second, cid)))
    cids = [cid_of(bytes([index])) for index in range(BATCH)]
    batch = gas(third, ours.functions.registerImages(cids, [COMMITMENT] * BATCH)) // BATCH
    return [
        Row("registerImage", naive_register, register, 52_000),
        Row("recordDiagnosis", naive_record, record, 46_000),
        Row("registerWithDiagnosis", naive_register + naive_record, both, 72_000),
        Row(f"registerImages, {BATCH}, an image", naive_register, batch, 29_500),
    ]


def table(rows: list[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = ["| action | naive | ImageRegistry | limit |", "|---|---:|---:|---:|"]
    lines += [f"| {row.action} | {row.naive:,} | {row.ours:,} | {row.limit:,} |" for row in rows]
    return "\n".join(lines)


def _naive_build() -> tuple[list[dict[str, Any]], str]:
    settings = json.loads(ARTIFACT.with_name("ImageRegistry.input.json").read_text())["settings"]
    sources = {NAIVE: {"content": (ROOT / NAIVE).read_text()}}
    output = compile_with_npm({"language": "Solidity", "sources": sources, "settings": settings})
    contract = output["contracts"][NAIVE]["NaiveRegistry"]
    return contract["abi"], contract["evm"]["bytecode"]["object"]


def _deploy(web3: Web3, sender: str, abi: list[dict[str, Any]], bytecode: str, *arguments: Any) -> Any:
    transaction = web3.eth.contract(abi=abi, bytecode=bytecode).constructor(*arguments).transact({"from": sender})
    return web3.eth.contract(web3.eth.wait_for_transaction_receipt(transaction)["contractAddress"], abi=abi)


def main() -> None:
    """Start a Ganache of its own, print the table, stop it."""
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
            print(table(measure(web3)))
        finally:
            chain.terminate()


if __name__ == "__main__":
    main()
