"""Gas of each call beside the naive contract: ``python -m tests.benchmarks.gas``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from web3 import Web3

from scripts.export_artifact import ARTIFACT
from scripts.solc import ROOT, compile_with_npm
from tests.benchmarks import gas_report
from tests.contracts.support import cid_of

NAIVE = "tests/benchmarks/contracts/NaiveRegistry.sol"


@dataclass(frozen=True, slots=True)
class Row:
    """Gas of one action: with the naive contract, with ours, and the most that ours may take."""

    action: str
    naive: int
    ours: int
    limit: int


def measure(web3: Web3) -> list[Row]:
    """Deploy both contracts on a development chain and measure every action, in gas a transaction (batch: an image)."""
    ours = gas_report.measure(web3)
    admin, uploader = web3.eth.accounts[:2]
    naive = _deploy_naive(web3, admin)

    def gas(sender: str, call: Any) -> int:
        return int(web3.eth.wait_for_transaction_receipt(call.transact({"from": sender}))["gasUsed"])

    cid = cid_of(b"scan")
    # The first image also pays for the length of the array: measure the second.
    gas(admin, naive.functions.registerImage(cid))
    register = gas(uploader, naive.functions.registerImage(cid))
    record = gas(uploader, naive.functions.recordDiagnosis(1, "glioma 97.31 %"))
    batch = f"registerImages, {gas_report.BATCH}, an image"
    return [
        Row("registerImage", register, ours["registerImage"], 52_000),
        Row("recordDiagnosis", record, ours["recordDiagnosis, first"], 46_000),
        Row("registerWithDiagnosis", register + record, ours["registerWithDiagnosis"], 70_000),
        Row(batch, register, ours[batch], 29_500),
    ]


def table(rows: list[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = ["| action | naive | ImageRegistry | limit |", "|---|---:|---:|---:|"]
    lines += [f"| {row.action} | {row.naive:,} | {row.ours:,} | {row.limit:,} |" for row in rows]
    return "\n".join(lines)


def _deploy_naive(web3: Web3, sender: str) -> Any:
    settings = json.loads(ARTIFACT.with_name("ImageRegistry.input.json").read_text())["settings"]
    sources = {NAIVE: {"content": (ROOT / NAIVE).read_text()}}
    output = compile_with_npm({"language": "Solidity", "sources": sources, "settings": settings})
    contract = output["contracts"][NAIVE]["NaiveRegistry"]
    factory = web3.eth.contract(abi=contract["abi"], bytecode=contract["evm"]["bytecode"]["object"])
    receipt = web3.eth.wait_for_transaction_receipt(factory.constructor().transact({"from": sender}))
    return web3.eth.contract(receipt["contractAddress"], abi=contract["abi"])


def main() -> None:
    """Print the table, measured on a Ganache of its own."""
    with gas_report.own_chain() as web3:
        print(table(measure(web3)))


if __name__ == "__main__":
    main()
