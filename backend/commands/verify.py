"""``scanproof verify``: every check of a record, against the chain alone."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from backend import settings as configuration
from backend.commands.arguments import WrongUse, address, existing_file, hash32, http_url, natural, read_image
from backend.commands.console import Console
from backend.errors import NotFound
from backend.settings import Secret, Settings

if TYPE_CHECKING:
    from backend.ports import Chain, ObjectReader
    from backend.services.verification import Verification

HELP = "Check a record: who, when, which bytes, which model, and the result itself; needs no ScanProof server"
EXAMPLE = "scanproof verify --tx 0x… --rpc https://ethereum-sepolia-rpc.publicnode.com --contract 0x…"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--image-id", metavar="ID", type=hash32, help="the record's image id")
    what.add_argument("--tx", metavar="HASH", type=hash32, help="a transaction: every record that it wrote to")
    parser.add_argument(
        "--file", metavar="F", type=existing_file, help="the image, pinned or as uploaded, instead of fetching it"
    )
    parser.add_argument("--rpc", metavar="URL", type=http_url, help="the node to ask (default: that of the settings)")
    parser.add_argument("--contract", metavar="ADDRESS", type=address, help="the registry, if not that of the settings")
    parser.add_argument(
        "--contract-block", metavar="N", type=natural, help="the block that created --contract (default: 0)"
    )


def run(options: argparse.Namespace, console: Console) -> int:
    from backend.adapters.chain import eip712
    from backend.adapters.classifier import BundleClassifier
    from backend.adapters.image_inspector import PillowInspector
    from backend.adapters.unixfs import cid_of
    from backend.services.verification import VerificationService

    settings = _settings(options)
    content = read_image(options.file) if options.file else None
    with _chain(settings, console) as chain:
        service = VerificationService(
            chain, _reader(settings), BundleClassifier(), PillowInspector(), cid_of=cid_of, recover=eip712.recover
        )
        if options.image_id:
            verifications = [service.verify(options.image_id, content=content)]
        else:
            verifications = service.verify_transaction(options.tx, content=content)
            if not verifications:
                raise NotFound(f"no successful transaction {options.tx} with a record in {chain.contract}")
    passed = all(verification.passed for verification in verifications)
    console.result(
        {
            "verified": passed,
            "imageIds": [verification.image_id for verification in verifications],
            "checks": [
                {"imageId": verification.image_id, **asdict(check)}
                for verification in verifications
                for check in verification.checks
            ],
        },
        "\n\n".join(report(verification) for verification in verifications),
    )
    return 0 if passed else 1


def report(verification: Verification) -> str:
    """One line a check; a failed one says what was expected."""
    width = max(len(check.name) for check in verification.checks)
    lines = [f"Record {verification.image_id}"]
    for check in verification.checks:
        lines.append(f"  {'passed' if check.passed else 'FAILED'}  {check.name:<{width}}  {check.found}")
        if not check.passed:
            lines.append(f"  {'':6}  {'':<{width}}  expected: {check.expected}")
    failed = sum(not check.passed for check in verification.checks)
    lines.append(f"{failed} of {len(verification.checks)} checks failed." if failed else "Every check passed.")
    return "\n".join(lines)


def _settings(options: argparse.Namespace) -> Settings:
    """The settings; a node or a contract that is named makes the chain an external one."""
    settings = configuration.load()
    if not (options.rpc or options.contract):
        return settings
    if settings.embedded_chain and not (options.rpc and options.contract):
        raise WrongUse("--rpc and --contract belong together; for a record of the embedded chain leave both out")
    from backend.adapters.chain.rpc import chain_id_of

    rpc_url = options.rpc or settings.rpc_url
    block = options.contract_block
    if block is None:
        block = 0 if options.contract else settings.contract_block
    return replace(
        settings,
        chain="external",
        rpc_url=Secret(rpc_url),
        chain_id=chain_id_of(rpc_url) if options.rpc else settings.chain_id,
        contract_address=options.contract or settings.contract_address,
        contract_block=block,
    )


@contextmanager
def _chain(settings: Settings, console: Console) -> Iterator[Chain]:
    from backend.adapters.chain import embedded
    from backend.wiring import wire_chain

    if not settings.embedded_chain:
        yield wire_chain(settings)
        return
    with embedded.joined(settings, classifier=None) as chain:
        if chain.node:
            console.message(f"The chain was not running: {chain.node.kind} runs for the time of this command.")
        yield wire_chain(chain.settings)


def _reader(settings: Settings) -> ObjectReader:
    from backend.adapters.fallback_reader import FallbackReader
    from backend.adapters.gateway import PUBLIC_GATEWAYS, Gateway, GatewayReader
    from backend.wiring import wire_store

    store = wire_store(settings)
    if settings.embedded_chain:
        return store
    return FallbackReader(store, GatewayReader([Gateway(url) for url in PUBLIC_GATEWAYS]))
