"""Etherscan, API version 2, one address for every chain: https://docs.etherscan.io/contract-verification/verify-with-api"""

from __future__ import annotations

from typing import Any

from scripts.verifiers.http import Answer, Patience, Service
from scripts.verifiers.submission import Outcome, SourceDiffers, Submission, VerifierRefused

URL = "https://api.etherscan.io/v2/api"
MIT = "3"
ALREADY = ("already verified",)
PENDING = ("pending in queue",)
# Etherscan says these with HTTP 200: too many requests, and a contract that it has not indexed yet.
AGAIN = ("rate limit", "unable to locate contractcode")


def verify(submission: Submission, url: str, key: str, patience: Patience) -> Outcome:
    """Submit the source and wait for the result; ``key`` is the account's API key.

    Raises VerifierUnavailable, VerifierRefused, SourceDiffers.
    """
    service = Service("Etherscan", patience)
    answer = _call(
        service,
        "POST",
        url,
        params={"chainid": str(submission.chain_id)},
        data={
            "apikey": key,
            "module": "contract",
            "action": "verifysourcecode",
            "contractaddress": submission.address,
            "sourceCode": submission.standard_input,
            "codeformat": "solidity-standard-json-input",
            "contractname": submission.identifier,
            "compilerversion": f"v{submission.compiler}",
            "constructorArguments": submission.arguments,
            # The older spelling is what several of its instances read.
            "constructorArguements": submission.arguments,
            "licenseType": MIT,
        },
    )
    result = _result(answer)
    if _says(result, ALREADY):
        return Outcome(already=True)
    if answer.body.get("status") != "1":
        raise VerifierRefused(f"Etherscan refused the source: {result}")
    check = {"chainid": str(submission.chain_id), "module": "contract", "action": "checkverifystatus", "guid": result}
    found = service.poll(lambda: _finished(_call(service, "GET", url, params=check | {"apikey": key})))
    return Outcome(already=_says(found, ALREADY))


def _call(service: Service, method: str, url: str, **options: Any) -> Answer:
    answer = service.request(method, url, again=lambda answer: _says(_result(answer), AGAIN), **options)
    if answer.status != 200:
        raise VerifierRefused(f"Etherscan refused the request: HTTP {answer.status}")
    return answer


def _finished(answer: Answer) -> str | None:
    """The result once there is one, None while it is pending. Raises SourceDiffers."""
    result = _result(answer)
    if _says(result, PENDING):
        return None
    if answer.body.get("status") != "1" and not _says(result, ALREADY):
        raise SourceDiffers(f"Etherscan could not verify the source: {result}")
    return result


def _result(answer: Answer) -> str:
    return str(answer.body.get("result", ""))[:500]


def _says(result: str, phrases: tuple[str, ...]) -> bool:
    return any(phrase in result.lower() for phrase in phrases)
