"""``scanproof verify --evidence``: every check of a bundle, offline or compared with a node."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from backend.commands.console import Console
from backend.commands.verify import report, result_of
from backend.errors import InvalidEvidence
from backend.explorer import block_url

if TYPE_CHECKING:
    from backend.adapters.chain.web3_chain import Web3Chain
    from backend.evidence import Evidence
    from backend.services.evidence_verification import EvidenceVerification

NO_EVIDENCE = 2
"""Exit status for a file that is no bundle, as for other wrong use."""


def check_evidence(options: argparse.Namespace, openings: Sequence[bytes], console: Console) -> int:
    """The exit status: 0 good, 1 a check failed, 2 no evidence bundle."""
    from backend.adapters.chain import eip712
    from backend.adapters.chain.evidence_chain import EvidenceChain
    from backend.adapters.chain.known_chains import describe
    from backend.adapters.chain.review_ids import review_id
    from backend.adapters.classifier import BundleClassifier
    from backend.adapters.image_inspector import PillowInspector
    from backend.adapters.unixfs import cid_of
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
        result = service.verify(evidence, openings=openings, node=_Node(options, evidence) if options.rpc else None)
    except InvalidEvidence as error:
        console.error(type(error).__name__, str(error))
        return NO_EVIDENCE
    chain = describe(evidence.chain_id)
    console.result(
        {
            **result_of([result.record]),
            "chainId": evidence.chain_id,
            "contract": evidence.contract,
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
        _in_words(result, chain.name, chain.explorer_url),
    )
    return 0 if result.record.passed else 1


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


def _in_words(result: EvidenceVerification, chain: str, explorer: str | None) -> str:
    if result.on_chain:
        return f"{report(result.record)}\nThe blocks were compared with those of the node."
    lines = [
        report(result.record),
        "",
        f"No node was asked. All of this holds if {chain} has these blocks: compare the hashes, or repeat with --rpc.",
        *(f"  block {b.number}  {b.hash}  {block_url(explorer, b.number) or ''}".rstrip() for b in result.blocks),
        "A step newer than the bundle, such as a withdrawal, cannot be seen without a node.",
    ]
    return "\n".join(lines)
