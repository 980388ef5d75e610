"""``scanproof verify``: every check of a record, against the chain alone."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from backend import settings as configuration
from backend.commands.arguments import WrongUse, existing_file, file_or_folder, hash32, read_image
from backend.commands.checkpoints import checkpoints
from backend.commands.chosen_chain import (
    add_chain_arguments,
    chosen_settings,
    limited_reading,
    opened_chain,
    opened_history,
)
from backend.commands.console import BlockProgress, Console
from backend.commands.slides import clean_slide, is_slide, slide_files
from backend.commands.study import given_files, is_study, sources, still_identified
from backend.deployments import recorded
from backend.domain import BlockRef, DiagnosisReviewedEvent, LocalSlide, Outcome, describe_block
from backend.errors import IdentifiersLeft, InvalidEvidence, NotFound
from backend.explorer import block_url
from backend.settings import ROOT, Settings

if TYPE_CHECKING:
    from backend.adapters.chain.web3_chain import Web3Chain
    from backend.evidence import Evidence
    from backend.ports import ObjectReader
    from backend.services.evidence_verification import EvidenceVerification, EvidenceVerificationService
    from backend.services.verification import Verification

HELP = (
    "Check a record without a ScanProof server\n\n"
    "Who recorded it, when, from which bytes, by which model, and the result itself."
)
EXAMPLE = "scanproof verify --tx 0x… --rpc https://ethereum-sepolia-rpc.publicnode.com --contract 0x…"
_DOCUMENT_SECONDS = 10.0
"""Of search at each gateway for a statement, a model card or a training record."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--image-id", metavar="ID", type=hash32, help="the record's image id")
    what.add_argument("--tx", metavar="HASH", type=hash32, help="a transaction: every record that it wrote to")
    what.add_argument(
        "--evidence",
        metavar="FILE",
        type=existing_file,
        help="a file of `scanproof evidence`; needs no node, but with --rpc it is compared with one; --contract is "
        "the registry that it must be of (default: that of the settings or of deployments/ for its chain)",
    )
    parser.add_argument(
        "--trusted-block",
        metavar="HASH",
        type=hash32,
        action="append",
        default=[],
        help="the hash of a block of the evidence's chain, from a source that you trust; may be given several times",
    )
    parser.add_argument(
        "--checkpoints",
        metavar="FILE",
        type=checkpoints,
        default=(),
        help="trusted blocks of any chains, as JSON: see docs/COMMANDS.md",
    )
    parser.add_argument(
        "--file",
        metavar="F",
        type=file_or_folder,
        help="the image, pinned or as uploaded, instead of fetching it; for a study a folder or ZIP of its slices; "
        "a whole slide; DICOM without identifiers",
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
        if options.file and not (options.file.is_file() and is_slide(options.file)):
            raise WrongUse("--evidence holds the image, unless that is a whole slide: leave --file out")
        if options.contract_block is not None and not options.rpc:
            raise WrongUse("--contract-block is for a node: name one with --rpc, or leave it out")
        return check_evidence(options, read_openings(options), console)
    if options.trusted_block or options.checkpoints:
        raise WrongUse("--trusted-block and --checkpoints are for --evidence: name a file, or leave them out")
    if options.file and is_study(options.file):
        sources(options.file)  # before anything heavy
    try:
        verifications = _verified(chosen_settings(options), options, console)
    except IdentifiersLeft as error:
        raise still_identified(str(options.file)) from error
    console.result(result_of(verifications), "\n\n".join(report(verification) for verification in verifications))
    return 0 if all(verification.passed for verification in verifications) else 1


def _verified(settings: Settings, options: argparse.Namespace, console: Console) -> list[Verification]:
    from backend.adapters.images.inspector import PillowInspector
    from backend.adapters.models.bundled import BundledModels
    from backend.wiring import wire_verification

    own = bool(options.file) and is_study(options.file)
    files = given_files(options.file, console) if own else None
    openings = read_openings(options)
    store, documents = object_readers(settings)
    models = BundledModels()
    with (
        _given_image(options, settings, own=own) as content,
        opened_chain(settings, console) as opened,
        limited_reading(console, "reading the record from the chain and the store, and checking it"),
        opened_history(opened, console) as history,
    ):
        slides = slide_files(settings, store, models)
        service = wire_verification(history, store, documents, models, PillowInspector(), slides)
        if options.image_id:
            return [service.verify(options.image_id, content=content, openings=openings, files=files)]
        verifications = service.verify_transaction(options.tx, content=content, openings=openings, files=files)
        if not verifications:
            raise NotFound(f"no successful transaction {options.tx} with a record in {history.contract}")
        return verifications


@contextmanager
def _given_image(options: argparse.Namespace, settings: Settings, *, own: bool) -> Iterator[bytes | LocalSlide | None]:
    """The image of ``--file``; None without one, and for a study."""
    if not options.file or own:
        yield None
    elif is_slide(options.file):
        with clean_slide(options.file, settings) as (slide, _):
            yield slide
    else:
        yield read_image(options.file)


def result_of(verifications: Sequence[Verification], verdict: Outcome | None = None) -> dict[str, Any]:
    """``verdict``: by default what the checks alone give. A record that nothing shows to be complete makes the answer
    for all incomplete."""
    from backend.services.verification import SHOWN_NOISE

    passed = all(verification.passed for verification in verifications)
    verdict = verdict or (Outcome.VALID if passed else Outcome.INVALID)
    noise = [(verification.image_id, review) for verification in verifications for review in verification.noise]
    blocks = [verification.complete_to for verification in verifications]
    return {
        "verified": verdict is Outcome.VALID,
        "verdict": verdict,
        "imageIds": [verification.image_id for verification in verifications],
        "diagnoses": [
            {"imageId": verification.image_id, "diagnosisId": state.diagnosis_id, "status": state.status}
            for verification in verifications
            for state in verification.diagnoses
        ],
        "completeness": completeness_of([block for block in blocks if block]) if all(blocks) else None,
        "noise": [_noise(image_id, review) for image_id, review in noise[:SHOWN_NOISE]],
        "noiseCount": len(noise),
        "checks": [
            {"imageId": verification.image_id, **asdict(check)}
            for verification in verifications
            for check in verification.checks
        ],
    }


def completeness_of(blocks: Sequence[BlockRef]) -> dict[str, Any]:
    """The oldest of the blocks up to which records are complete: number, hash and time in Unix seconds."""
    return {"block": asdict(min(blocks, key=lambda block: block.number))}


def _noise(image_id: str, review: DiagnosisReviewedEvent) -> dict[str, Any]:
    return {
        "imageId": image_id,
        "kind": "reviewOfUnrecordedDiagnosis",
        "reviewId": review.review_id,
        "diagnosisId": review.diagnosis_id,
        "reviewer": review.reviewer,
        "reviewVerdict": review.verdict,
        "transactionHash": review.transaction_hash,
        "blockNumber": review.block.number,
    }


def report(verification: Verification, verdict: Outcome | None = None) -> str:
    """One line a check; a failed one says what was expected. ``verdict``: by default what the checks alone give."""
    from backend.services.verification import SHOWN_NOISE

    width = max(len(check.name) for check in verification.checks)
    lines = [f"Record {verification.image_id}", f"Verdict: {verdict or verification.verdict}"]
    lines += [f"Diagnosis {state.diagnosis_id}: {state.status}" for state in verification.diagnoses]
    for check in verification.checks:
        lines.append(f"  {'passed' if check.passed else 'FAILED'}  {check.name:<{width}}  {check.found}")
        if not check.passed:
            lines.append(f"  {'':6}  {'':<{width}}  expected: {check.expected}")
    block = verification.complete_to
    lines.append(
        f"Complete up to {describe_block(block)}. Anything newer is not covered."
        if block
        else "Completeness not shown: a newer step, such as a withdrawal, may have been left out."
    )
    if count := len(verification.noise):
        lines.append(
            f"Noise, which changes nothing: {count} review{'s' if count > 1 else ''} of diagnoses that were never "
            "recorded."
        )
        lines += [
            f"  {review.verdict} by {review.reviewer} in transaction {review.transaction_hash}"
            for review in verification.noise[:SHOWN_NOISE]
        ]
    failed = sum(not check.passed for check in verification.checks)
    lines.append(f"{failed} of {len(verification.checks)} checks failed." if failed else "Every check passed.")
    return "\n".join(lines)


def object_readers(settings: Settings) -> tuple[ObjectReader, ObjectReader]:
    """Where an auditor finds what is pinned: the store of the settings; on a public chain, public gateways too.

    The second one is for what may never have been published: it does not wait long for anybody. Both keep the command's
    time limit.
    """
    from backend.adapters.ipfs.gateway import POLICY, PUBLIC_GATEWAYS, Gateway, GatewayReader
    from backend.adapters.ipfs.readers import FallbackReader, LimitedReader, LocalReader
    from backend.wiring import wire_store

    store = wire_store(settings)
    local = LocalReader(store)
    if settings.embedded_chain:
        return LimitedReader(store), LimitedReader(local)
    gateways = [Gateway(url) for url in PUBLIC_GATEWAYS]
    brief = replace(POLICY, read=_DOCUMENT_SECONDS, total=_DOCUMENT_SECONDS, attempts=1)
    return (
        LimitedReader(FallbackReader(store, GatewayReader(gateways))),
        LimitedReader(FallbackReader(local, GatewayReader(gateways, policy=brief))),
    )


NO_EVIDENCE = 2
"""Exit status for a file that is no evidence file, as for other wrong use."""
STATUSES = {Outcome.VALID: 0, Outcome.INVALID: 1, Outcome.UNANCHORED: 3}
"""Exit status of each verdict."""
_COMPARE = (
    "Nobody named the registry. Anybody can deploy this contract and hold all its roles: compare the registry's "
    "address with the one you know, or name that with --contract."
)
_UNANCHORED = (
    "Unanchored: the file agrees with itself, but whoever has a private chain can make such a file of anything. It is "
    "worth as much as these blocks: compare their hashes with the chain and repeat with --trusted-block HASH for each, "
    "with --checkpoints FILE, or with --rpc URL."
)


def check_evidence(options: argparse.Namespace, openings: Sequence[bytes], console: Console) -> int:
    """The exit status: 0 valid, 1 a check failed, 2 no evidence file, 3 unanchored."""
    from backend.services.evidence_file import MAX_FILE_BYTES, unpack

    with options.evidence.open("rb") as file:
        content = file.read(MAX_FILE_BYTES + 1)
    try:
        evidence = unpack(content)
        service = _evidence_service()
        registry = options.contract or _believed(evidence.chain_id)
        node = _Node(options, evidence, console) if options.rpc else None
        with (
            _given_image(options, configuration.load(), own=False) as slide,
            limited_reading(console, "checking the evidence"),
        ):
            result = service.verify(
                evidence,
                content=slide if isinstance(slide, LocalSlide) else None,
                openings=openings,
                registry=registry,
                node=node,
                trusted=options.trusted_block,
                checkpoints={
                    each.number: each.hash for each in options.checkpoints if each.chain_id == evidence.chain_id
                },
            )
    except InvalidEvidence as error:
        console.error(type(error).__name__, str(error))
        return NO_EVIDENCE

    from backend.adapters.chain.known_chains import describe

    chain = describe(evidence.chain_id)
    console.result(
        {
            "contract": evidence.contract,
            "chainId": evidence.chain_id,
            "expectedContract": registry,
            **result_of([result.record], result.verdict),
            "blocks": [
                {
                    "number": block.number,
                    "hash": block.hash,
                    "explorerUrl": block_url(chain.explorer_url, block.number),
                    "anchored": block.hash in result.anchored,
                }
                for block in result.blocks
            ],
            "comparedWithNode": result.on_chain,
        },
        f"Registry {evidence.contract} on {chain.name} (chain {evidence.chain_id})\n"
        + _in_words(result, chain.explorer_url, known=registry is not None),
    )
    return STATUSES[result.verdict]


def _evidence_service() -> EvidenceVerificationService:
    from backend.adapters.chain import eip712
    from backend.adapters.chain.ids import review_id
    from backend.adapters.chain.proofs.evidence_chain import EvidenceChain
    from backend.adapters.images.inspector import PillowInspector
    from backend.adapters.ipfs.readers import DeferredReader
    from backend.adapters.ipfs.unixfs import cid_of
    from backend.adapters.models.bundled import BundledModels
    from backend.services.evidence_verification import EvidenceVerificationService

    settings, models = configuration.load(), BundledModels()
    return EvidenceVerificationService(
        models,
        PillowInspector(),
        slides=slide_files(settings, DeferredReader(lambda: object_readers(settings)[0]), models),
        read=EvidenceChain,
        cid_of=cid_of,
        recover=eip712.recover,
        review_id=review_id,
    )


def _believed(chain_id: int) -> str | None:
    """The registry of the settings if they are for that chain, else the recorded one. Raises ConfigurationError."""
    settings = configuration.load()
    if settings.contract_address and settings.chain_id == chain_id:
        return settings.contract_address
    found = recorded(chain_id, ROOT / "deployments")
    return found.address if found else None


class _Node:
    """Connects to the node of ``--rpc``, from the first block that matters on."""

    def __init__(self, options: argparse.Namespace, evidence: Evidence, console: Console) -> None:
        self._options = options
        self._console = console
        self._contract = evidence.contract

    def __call__(self, first_block: int) -> Web3Chain:
        from backend.adapters.chain.rpc import chain_id_of
        from backend.adapters.chain.web3_chain import Web3Chain

        start = first_block if self._options.contract_block is None else self._options.contract_block
        url = self._options.rpc
        return Web3Chain(
            url,
            chain_id=chain_id_of(url),
            contract=self._contract,
            start_block=start,
            brief=True,
            progress=BlockProgress(self._console),
        )


def _in_words(result: EvidenceVerification, explorer: str | None, *, known: bool) -> str:
    lines = [report(result.record, result.verdict)]
    if result.on_chain:
        lines.append("The blocks were compared with those of the node.")
    else:
        lines.append("No node was asked.")
    if result.unanchored:
        lines.append(_UNANCHORED)
        for block in result.unanchored:
            lines.append(f"  block {block.number}  {block.hash}  {block_url(explorer, block.number) or ''}".rstrip())
    if not known:
        lines.append(_COMPARE)
    return "\n".join(lines)
