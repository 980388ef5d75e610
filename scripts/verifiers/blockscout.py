"""Blockscout: https://docs.blockscout.com/devs/verification/blockscout-smart-contract-verification-api"""

from __future__ import annotations

from scripts.verifiers.http import Answer, Patience, Service
from scripts.verifiers.submission import Outcome, SourceDiffers, Submission, VerifierRefused, VerifierUnavailable

# Source: https://chains.blockscout.com, and each chain's own documentation.
INSTANCES = {
    1: "https://eth.blockscout.com",
    10: "https://explorer.optimism.io",
    100: "https://gnosis.blockscout.com",
    8453: "https://base.blockscout.com",
    10200: "https://gnosis-chiado.blockscout.com",
    59141: "https://explorer.sepolia.linea.build",
    59144: "https://explorer.linea.build",
    84532: "https://base-sepolia.blockscout.com",
    421614: "https://arbitrum-sepolia.blockscout.com",
    534351: "https://scroll-sepolia.blockscout.com",
    560048: "https://eth-hoodi.blockscout.com",
    11155111: "https://eth-sepolia.blockscout.com",
    11155420: "https://optimism-sepolia.blockscout.com",
}
STARTED, ALREADY = 200, 409
EXACT, PARTIAL = "exact", "partial"


def verify(submission: Submission, url: str, patience: Patience) -> Outcome:
    """Submit the source to the instance at ``url`` and wait until it shows it as fully verified.

    The instance tells a failure only on its own page: a contract that never becomes verified ends the wait.
    Raises VerifierUnavailable, VerifierRefused, SourceDiffers.
    """
    service = Service("Blockscout", patience)
    page = f"{url}/address/{submission.address}?tab=contract"
    contract = f"{url}/api/v2/smart-contracts/{submission.address}"
    match = _match(service.request("GET", contract))
    if match == EXACT:
        return Outcome(already=True, url=page)
    answer = service.request(
        "POST",
        f"{contract}/verification/via/standard-input",
        data={
            "compiler_version": f"v{submission.compiler}",
            "contract_name": submission.name,
            "autodetect_constructor_args": "false",
            "constructor_args": submission.arguments,
            "license_type": "mit",
        },
        files={"files[0]": ("input.json", submission.standard_input, "application/json")},
    )
    if answer.status not in (STARTED, ALREADY):
        raise VerifierRefused(f"Blockscout refused the source: {_message(answer)}")

    def ask() -> str | None:
        nonlocal match
        match = _match(service.request("GET", contract))
        return match if match == EXACT else None

    try:
        service.poll(ask)
    except VerifierUnavailable:
        if match == PARTIAL:
            raise SourceDiffers("expected an exact match from Blockscout, found a partial one") from None
        raise
    return Outcome(already=answer.status == ALREADY, url=page)


def _match(answer: Answer) -> str | None:
    """How the contract is matched; 404 is the answer for one that is not known yet."""
    if answer.status not in (200, 404):
        raise VerifierRefused(f"Blockscout does not look the contract up: {_message(answer)}")
    if answer.body.get("is_verified") is not True:
        return None
    return PARTIAL if answer.body.get("is_partially_verified") is True else EXACT


def _message(answer: Answer) -> str:
    return f"HTTP {answer.status}, {str(answer.body.get('message', ''))[:500]}"
