"""Indexing a chain from its first block, beside a reader that takes one event at a time.

    uv run python -m tests.benchmarks.index [--json] [--chain anvil|ganache] [--images N]

The chain holds N images in batches of 100, a diagnosis of every 32nd of them and a review of each of those, in a
block of its own each. Anvil, as newer nodes do, gives the time of its block with each log; Ganache does not, and is
asked for headers. The naive reader decodes with web3, asks for the header of each event, and commits one row at a time;
it is measured on the first events only.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from eth_abi import encode
from eth_account import Account
from web3 import Web3

from backend.adapters.chain import artifact, eip712, rpc
from backend.adapters.chain.dev import deployment
from backend.adapters.chain.dev.node import chain_id_at
from backend.adapters.chain.development_accounts import ADMIN, CLINICIAN, MNEMONIC, USER
from backend.adapters.chain.web3_chain import Web3Chain
from backend.adapters.database.engine import open_database
from backend.adapters.database.event_tables import RegistrationRow
from backend.adapters.database.events import SqlEventStore
from backend.processes import free_port
from backend.services.event_index import EventIndex
from backend.settings import ROOT
from tests.backend.models import register_models
from tests.contracts.support import cid_of

BATCH = 100
DIAGNOSED_EVERY = 32
NAIVE_EVENTS = 500
ROUNDS = 3
MODEL_ID = bytes.fromhex("ab" * 32)
HASH = bytes.fromhex("cd" * 32)
ISSUED_AT = int(time.time()) - 3_600
FIELD_TYPES = ["bytes32", "bytes32", "uint16", "uint16", "bytes32", "uint64"]
GAS = hex(5_000_000)
STOP_MINING = {"anvil": ("evm_setAutomine", False), "ganache": ("miner_stop",)}
_BIN = ROOT / "node_modules" / ".bin"
COMMANDS = {
    "anvil": [_BIN / "anvil", "--silent", "--hardfork", "shanghai", "--mnemonic", MNEMONIC, "--port"],
    "ganache": [
        *(_BIN / "ganache", "--logging.quiet", "--chain.hardfork", "shanghai"),
        *("--wallet.mnemonic", MNEMONIC, "--server.port"),
    ],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--chain", choices=["anvil", "ganache"], default="anvil")
    parser.add_argument("--images", type=int, default=19_200, help="a multiple of 100, at least 500")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, _running(options.chain, Path(folder)) as (chain, web3):
        _fill(chain, web3, options.images, options.chain)
        result = measure(chain, web3, Path(folder))
    print(json.dumps(result) if options.json else table(result))


def measure(chain: Web3Chain, web3: Web3, folder: Path) -> dict[str, float]:
    """Events, blocks, and events a second of both; of ROUNDS the fastest, as whatever is over it is other work."""
    seconds = []
    for number in range(ROUNDS):
        with closing(open_database(f"sqlite:///{folder / f'index-{number}.db'}")) as database:
            index = EventIndex(chain, SqlEventStore(database))
            begun = time.perf_counter()
            if not index.sync():
                raise SystemExit("expected a chain at rest, found one that changed")
            seconds.append(time.perf_counter() - begun)
    head = chain.head().number
    events = len(chain.events(0, head))
    naive = _naive_seconds(chain, web3, folder / "naive.db")
    return {
        "events": events,
        "blocks": head,
        "events_per_second": events / min(seconds),
        "naive_events_per_second": NAIVE_EVENTS / naive,
    }


def table(result: dict[str, float]) -> str:
    """The figures as a Markdown table."""
    naive, ours = result["naive_events_per_second"], result["events_per_second"]
    return "\n".join(
        [
            f"{result['events']:,} events in {result['blocks']:,} blocks\n",
            "| reader | events/s | ratio |",
            "|---|---:|---:|",
            f"| one event at a time | {naive:,.0f} | 1 |",
            f"| the index | {ours:,.0f} | {ours / naive:.1f} |",
        ]
    )


def _naive_seconds(chain: Web3Chain, web3: Web3, file: Path) -> float:
    registered = web3.eth.contract(address=chain.contract, abi=artifact.current().abi).events.ImageRegistered()
    with closing(open_database(f"sqlite:///{file}")) as database:
        ledger = SqlEventStore(database).ledger(chain.chain_id, chain.contract)
        begun = time.perf_counter()
        for event in registered.get_logs(from_block=0, to_block=chain.start_block + NAIVE_EVENTS // BATCH + 10):
            block = web3.eth.get_block(event["blockHash"])
            row = RegistrationRow(
                ledger_id=ledger,
                block_number=event["blockNumber"],
                log_index=event["logIndex"],
                block_hash=event["blockHash"].to_0x_hex(),
                block_timestamp=block["timestamp"],
                transaction_hash=event["transactionHash"].to_0x_hex(),
                image_id="0x" + event["args"]["imageId"].hex(),
                uploader=event["args"]["uploader"].lower(),
                cid=event["args"]["cid"],
                commitment="0x" + event["args"]["commitment"].hex(),
            )
            if not database.insert(row):
                raise SystemExit(f"expected each event once, found {row.image_id} twice")
        return time.perf_counter() - begun


@contextmanager
def _running(kind: str, folder: Path) -> Iterator[tuple[Web3Chain, Web3]]:
    """A node that keeps nothing on the disk, with the registry on it."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen([*COMMANDS[kind], str(port)], stdout=subprocess.DEVNULL) as node:
        try:
            while (chain_id := chain_id_at(url)) is None:
                if node.poll() is not None:
                    raise SystemExit(f"expected {kind} on port {port}, found that it ended with {node.returncode}")
                time.sleep(0.1)
            contract = deployment.find_or_deploy(url, folder, classifier=ADMIN.address).address
            register_models(url, contract, "0x" + MODEL_ID.hex())
            yield Web3Chain(url, chain_id=chain_id, contract=contract, start_block=0), rpc.connect(url)
        finally:
            node.terminate()


def _fill(chain: Web3Chain, web3: Web3, images: int, kind: str) -> None:
    functions = web3.eth.contract(address=chain.contract, abi=artifact.current().abi).functions
    domain = eip712.domain_separator(chain_id=chain.chain_id, contract=chain.contract)
    cids = [cid_of(number.to_bytes(4, "big")) for number in range(images)]
    parts = [cids[start : start + BATCH] for start in range(0, images, BATCH)]
    registrations = [functions.registerImages(part, [HASH] * len(part)) for part in parts]
    diagnoses, reviews = [], []
    for cid in cids[::DIAGNOSED_EVERY]:
        image_id = bytes.fromhex(chain.image_id(USER.address, cid)[2:])
        diagnosis = (image_id, MODEL_ID, 1, 9000, HASH, ISSUED_AT)
        digest = eip712.digest(domain, encode(FIELD_TYPES, diagnosis))
        signature = Account.unsafe_sign_hash(digest, ADMIN.private_key).signature
        diagnoses.append(functions.recordDiagnosis(diagnosis, signature))
        reviews.append(functions.reviewDiagnosis(diagnosis, (digest, HASH, 0, 1)))
    # A node that mines by itself answers before it has, and may take the next call first.
    rpc.ask(web3, *STOP_MINING[kind])
    for sender, calls in ((USER, registrations), (USER, diagnoses), (CLINICIAN, reviews)):
        for call in calls:
            fields = {"from": sender.address, "to": chain.contract, "gas": GAS, "data": call._encode_transaction_data()}
            rpc.ask(web3, "eth_sendTransaction", fields)
            rpc.ask(web3, "evm_mine")
    expected, found = images + len(diagnoses) + len(reviews) + 1, len(chain.events(0, chain.head().number))
    if found != expected:
        raise SystemExit(f"expected {expected} events on the chain, found {found}")


if __name__ == "__main__":
    main()
