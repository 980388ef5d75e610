"""``scanproof verify``: every check of a record, against the chain alone."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from backend.commands.arguments import WrongUse, existing_file, hash32, read_image
from backend.commands.chosen_chain import add_chain_arguments, chosen_settings, opened_chain
from backend.commands.console import Console
from backend.errors import NotFound
from backend.settings import Settings

if TYPE_CHECKING:
    from backend.ports import ObjectReader
    from backend.services.verification import Verification

HELP = "Check a record: who, when, which bytes, which model, and the result itself; needs no ScanProof server"
EXAMPLE = "scanproof verify --tx 0x… --rpc https://ethereum-sepolia-rpc.publicnode.com --contract 0x…"
_PAPER_SECONDS = 10.0
"""Of search at each gateway for a statement, a model card or a training record."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--image-id", metavar="ID", type=hash32, help="the record's image id")
    what.add_argument("--tx", metavar="HASH", type=hash32, help="a transaction: every record that it wrote to")
    what.add_argument(
        "--evidence",
        metavar="FILE",
        type=existing_file,
        help="a bundle of `scanproof evidence`; needs no node, but with --rpc it is compared with one; --contract is "
        "the registry that it must be of (default: that of the settings or of deployments/ for its chain)",
    )
    parser.add_argument(
        "--file", metavar="F", type=existing_file, help="the image, pinned or as uploaded, instead of fetching it"
    )
    add_opening_argument(parser)
    add_chain_arguments(parser)


def add_opening_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--opening",
        metavar="F",
        type=existing_file,
        action="append",
        default=[],
        help="the opening of a sealed diagnosis; may be given several times",
    )


def read_openings(options: argparse.Namespace) -> list[bytes]:
    from backend.services.manifests import MAX_MANIFEST_BYTES

    openings = []
    for path in options.opening:
        with path.open("rb") as file:
            openings.append(file.read(MAX_MANIFEST_BYTES + 1))
    return openings


def run(options: argparse.Namespace, console: Console) -> int:
    if options.evidence:
        from backend.commands.evidence_check import check_evidence

        if options.file:
            raise WrongUse("--evidence holds the image: leave --file out")
        return check_evidence(options, read_openings(options), console)
    verifications = _verified(options, console)
    console.result(result_of(verifications), "\n\n".join(report(verification) for verification in verifications))
    return 0 if all(verification.passed for verification in verifications) else 1


def _verified(options: argparse.Namespace, console: Console) -> list[Verification]:
    from backend.adapters.chain import eip712
    from backend.adapters.chain.review_ids import review_id
    from backend.adapters.classifier import BundleClassifier
    from backend.adapters.images.inspector import PillowInspector
    from backend.adapters.ipfs.unixfs import cid_of
    from backend.services.verification import VerificationService
    from backend.wiring import wire_chain

    settings = chosen_settings(options)
    given = {"content": read_image(options.file) if options.file else None, "openings": read_openings(options)}
    store, papers = object_readers(settings)
    with opened_chain(settings, console) as opened:
        chain = wire_chain(opened)
        service = VerificationService(
            *(chain, store, BundleClassifier(), PillowInspector()),
            cid_of=cid_of,
            recover=eip712.recover,
            review_id=review_id,
            papers=papers,
        )
        if options.image_id:
            return [service.verify(options.image_id, **given)]
        verifications = service.verify_transaction(options.tx, **given)
        if not verifications:
            raise NotFound(f"no successful transaction {options.tx} with a record in {chain.contract}")
        return verifications


def result_of(verifications: Sequence[Verification]) -> dict:
    return {
        "verified": all(verification.passed for verification in verifications),
        "imageIds": [verification.image_id for verification in verifications],
        "diagnoses": [
            {"imageId": verification.image_id, "diagnosisId": standing.diagnosis_id, "status": standing.status}
            for verification in verifications
            for standing in verification.diagnoses
        ],
        "checks": [
            {"imageId": verification.image_id, **asdict(check)}
            for verification in verifications
            for check in verification.checks
        ],
    }


def report(verification: Verification) -> str:
    """One line a check; a failed one says what was expected."""
    width = max(len(check.name) for check in verification.checks)
    lines = [f"Record {verification.image_id}"]
    lines += [f"Diagnosis {standing.diagnosis_id}: {standing.status}" for standing in verification.diagnoses]
    for check in verification.checks:
        lines.append(f"  {'passed' if check.passed else 'FAILED'}  {check.name:<{width}}  {check.found}")
        if not check.passed:
            lines.append(f"  {'':6}  {'':<{width}}  expected: {check.expected}")
    failed = sum(not check.passed for check in verification.checks)
    lines.append(f"{failed} of {len(verification.checks)} checks failed." if failed else "Every check passed.")
    return "\n".join(lines)


def object_readers(settings: Settings) -> tuple[ObjectReader, ObjectReader]:
    """Where an auditor finds what is pinned: the store of the settings; on a public chain, public gateways too.

    The second one is for what may never have been published: it does not wait long for anybody.
    """
    from backend.adapters.ipfs.fallback_reader import FallbackReader
    from backend.adapters.ipfs.gateway import POLICY, PUBLIC_GATEWAYS, Gateway, GatewayReader
    from backend.adapters.ipfs.local_reader import HeldReader
    from backend.wiring import wire_store

    store = wire_store(settings)
    held = HeldReader(store)
    if settings.embedded_chain:
        return store, held
    gateways = [Gateway(url) for url in PUBLIC_GATEWAYS]
    brief = replace(POLICY, read=_PAPER_SECONDS, total=_PAPER_SECONDS, attempts=1)
    return (
        FallbackReader(store, GatewayReader(gateways)),
        FallbackReader(held, GatewayReader(gateways, policy=brief)),
    )
