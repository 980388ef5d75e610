"""``scanproof verify --evidence``: every check of a bundle, offline or compared with a node."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from backend import settings as configuration
from backend.commands.console import Console
from backend.commands.verify import report, result_of
from backend.deployments import recorded
from backend.errors import InvalidEvidence
from backend.explorer import block_url
from backend.settings import ROOT

if TYPE_CHECKING:
    from backend.adapters.chain.web3_chain import Web3Chain
    from backend.evidence import Evidence
    from backend.services.evidence_verification import EvidenceVerification

NO_EVIDENCE = 2
"""Exit status for a file that is no bundle, as for other wrong use."""
_COMPARE = (
    "Anybody can deploy this contract and hold all its roles: compare the registry's address with the one you know, or "
    "name that with --contract."
)


def check_evidence(options: argparse.Namespace, openings: Sequence[bytes], console: Console) -> int:
    """The exit status: 0 good, 1 a check failed, 2 no evidence bundle."""
    from backend.adapters.chain import eip712
    from backend.adapters.chain.known_chains import describe
    from backend.adapters.chain.proofs.evidence_chain import EvidenceChain
    from backend.adapters.chain.review_ids import review_id
    from backend.adapters.classifier import BundleClassifier
    from backend.adapters.images.inspector import PillowInspector
    from backend.adapters.ipfs.unixfs import cid_of
    from backend.services.evidence_file import MAX_FILE_BYTES, unpack
    from backend.services.evidence_verification import EvidenceVerificationService

    service = EvidenceVerificationService(
        *(BundleClassifier(), PillowInspector()),
        read=EvidenceChain,
        cid_of=cid_of,
        recover=eip712.recover,
        review_id=review_id,
    )
    with options.evidence.open("rb") as file:
        content = file.read(MAX_FILE_BYTES + 1)
    try:
        evidence = unpack(content)
        registry = options.contract or _believed(evidence.chain_id)
        node = _Node(options, evidence) if options.rpc else None
        result = service.verify(evidence, openings=openings, registry=registry, node=node)
    except InvalidEvidence as error:
        console.error(type(error).__name__, str(error))
        return NO_EVIDENCE
    chain = describe(evidence.chain_id)
    console.result(
        {
            "contract": evidence.contract,
            "chainId": evidence.chain_id,
            "expectedContract": registry,
            **result_of([result.record]),
            "blocks": [
                {
                    "number": block.number,
                    "hash": block.hash,
                    "explorerUrl": block_url(chain.explorer_url, block.number),
                }
                for block in result.blocks
            ],
            "comparedWithNode": result.on_chain,
        },
        f"Registry {evidence.contract} on {chain.name} (chain {evidence.chain_id})\n"
        + _in_words(result, chain.name, chain.explorer_url, known=registry is not None),
    )
    return 0 if result.record.passed else 1


def _believed(chain_id: int) -> str | None:
    """The registry of the settings if they are for that chain, else the recorded one. Raises ConfigurationError."""
    settings = configuration.load()
    if settings.contract_address and settings.chain_id == chain_id:
        return settings.contract_address
    found = recorded(chain_id, ROOT / "deployments")
    return found.address if found else None


class _Node:
    """Connects to the node of ``--rpc``, from the first block that matters on."""

    def __init__(self, options: argparse.Namespace, evidence: Evidence) -> None:
        self._options = options
        self._contract = evidence.contract

    def __call__(self, first_block: int) -> Web3Chain:
        from backend.adapters.chain.rpc import chain_id_of
        from backend.adapters.chain.web3_chain import Web3Chain

        start = first_block if self._options.contract_block is None else self._options.contract_block
        url = self._options.rpc
        return Web3Chain(url, chain_id=chain_id_of(url), contract=self._contract, start_block=start)


def _in_words(result: EvidenceVerification, chain: str, explorer: str | None, *, known: bool) -> str:
    compare = [] if known else [_COMPARE]
    if result.on_chain:
        return "\n".join([report(result.record), "The blocks were compared with those of the node.", *compare])
    lines = [
        report(result.record),
        "",
        f"No node was asked. What passed holds if {chain} has these blocks: compare the hashes, or repeat with --rpc.",
        *(f"  block {b.number}  {b.hash}  {block_url(explorer, b.number) or ''}".rstrip() for b in result.blocks),
        *compare,
        "A step newer than the bundle, such as a withdrawal, cannot be seen without a node.",
    ]
    return "\n".join(lines)
