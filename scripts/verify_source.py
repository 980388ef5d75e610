"""Publishes the registry's source: ``python -m scripts.verify_source ADDRESS --chain ID [--only VERIFIER]``.

The committed compiler input goes to Sourcify, Etherscan (with ETHERSCAN_API_KEY) and the chain's Blockscout. The
constructor's arguments come from ``deployments/<chain id>.json``, or with --rpc and --transaction from the deployment
itself. A source that is verified already is left as it is. Exit status 0 when every verifier asked shows the source,
1 when one does not, 2 for wrong use.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

from scripts import deployments
from scripts.verifiers import blockscout, etherscan, sourcify, submission, transaction
from scripts.verifiers.http import Patience
from scripts.verifiers.submission import Outcome, Submission, SubmissionInvalid, VerificationError

VERIFIERS = ("sourcify", "etherscan", "blockscout")
KEY = "ETHERSCAN_API_KEY"


class VerifierUnusable(VerificationError):
    """A verifier cannot be asked; the message says what it lacks."""


def main(
    arguments: list[str] | None = None,
    patience: Patience = Patience(),  # noqa: B008
    records: Path = deployments.FOLDER,
) -> int:
    """Submit to the verifiers that ``arguments`` name, one line each on stdout, and return the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        deployed = _submission(options, patience, records)
    except (SubmissionInvalid, deployments.DeploymentRecordInvalid) as error:
        parser.error(str(error))
    except VerificationError as error:
        print(f"verify_source: {error}", file=sys.stderr)
        return 1
    results = [_report(name, deployed, options, patience) for name in ([options.only] if options.only else VERIFIERS)]
    return 0 if True in results and False not in results else 1


def _report(name: str, deployed: Submission, options: argparse.Namespace, patience: Patience) -> bool | None:
    """Print one verifier's line. None when it could not be asked and need not be."""
    try:
        outcome = _verifier(name, options, patience)(deployed)
    except VerifierUnusable as error:
        print(f"{name:10}  skipped: {error}", flush=True)
        return False if options.only else None
    except VerificationError as error:
        said = str(error)
        if key := os.environ.get(KEY):
            said = said.replace(key, "…")
        print(f"{name:10}  FAILED: {said}", flush=True)
        return False
    words = "already verified" if outcome.already else "verified"
    print(f"{name:10}  {words}{': ' + outcome.url if outcome.url else ''}", flush=True)
    return True


def _verifier(name: str, options: argparse.Namespace, patience: Patience) -> Callable[[Submission], Outcome]:
    if name == "sourcify":
        return lambda deployed: sourcify.verify(deployed, options.sourcify_url.rstrip("/"), patience)
    if name == "etherscan":
        key = os.environ.get(KEY, "")
        if not key:
            raise VerifierUnusable(f"{KEY} is not set")
        return lambda deployed: etherscan.verify(deployed, options.etherscan_url, key, patience)
    url = options.blockscout_url or blockscout.INSTANCES.get(options.chain)
    if url is None:
        raise VerifierUnusable(f"no Blockscout of chain {options.chain} is known; name one with --blockscout-url")
    return lambda deployed: blockscout.verify(deployed, url.rstrip("/"), patience)


def _submission(options: argparse.Namespace, patience: Patience, records: Path) -> Submission:
    if options.rpc or options.transaction:
        if not (options.rpc and options.transaction):
            raise SubmissionInvalid("expected --rpc and --transaction together, found one of them")
        return transaction.fetch(options.chain, options.address, options.transaction, options.rpc, patience)
    if deployed := submission.from_record(options.chain, options.address, records):
        return deployed
    raise SubmissionInvalid(
        f"expected deployments/{options.chain}.json to record {options.address}, found nothing of it; "
        "name the transaction that deployed it with --rpc and --transaction"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="verify_source", description=__doc__.splitlines()[0])
    parser.add_argument("address", metavar="ADDRESS", type=_hex(40), help="of the registry")
    parser.add_argument("--chain", metavar="ID", type=int, required=True, help="chain id, for instance 11155111")
    parser.add_argument("--only", choices=VERIFIERS, help="ask this verifier alone")
    parser.add_argument("--rpc", metavar="URL", help="node to read the deployment from")
    parser.add_argument("--transaction", metavar="HASH", type=_hex(64), help="that deployed the registry; with --rpc")
    parser.add_argument("--sourcify-url", metavar="URL", default=sourcify.URL, help="another Sourcify server")
    parser.add_argument("--etherscan-url", metavar="URL", default=etherscan.URL, help="another Etherscan API")
    parser.add_argument("--blockscout-url", metavar="URL", help="a Blockscout; the default is the chain's")
    return parser


def _hex(digits: int) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not re.fullmatch(rf"0x[0-9a-fA-F]{{{digits}}}", text):
            raise argparse.ArgumentTypeError(f"expected 0x and {digits} hex digits, found {text!r}")
        return text

    return parse


if __name__ == "__main__":
    sys.exit(main())
