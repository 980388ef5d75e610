"""Sourcify, API version 2: https://docs.sourcify.dev/docs/api/ (OpenAPI: services/server/src/apiv2.yaml)."""

from __future__ import annotations

import json

from scripts.verifiers.http import Answer, Patience, Service
from scripts.verifiers.submission import Outcome, SourceDiffers, Submission, VerifierRefused

URL = "https://sourcify.dev/server"
EXACT = "exact_match"


def verify(submission: Submission, url: str, patience: Patience) -> Outcome:
    """Have the source matched exactly, metadata hash included; one that is matched already is not sent again.

    Raises VerifierUnavailable, VerifierRefused, SourceDiffers.
    """
    service = Service("Sourcify", patience)
    page = f"https://repo.sourcify.dev/{submission.chain_id}/{submission.address}"
    place = f"{submission.chain_id}/{submission.address}"
    lookup = f"{url}/v2/contract/{place}"
    if _match(service.request("GET", lookup)) == EXACT:
        return Outcome(already=True, url=page)
    answer = service.request(
        "POST",
        f"{url}/v2/verify/{place}",
        json={
            "stdJsonInput": json.loads(submission.standard_input),
            "compilerVersion": submission.compiler,
            "contractIdentifier": submission.identifier,
            "creationTransactionHash": submission.transaction,
        },
    )
    if answer.status == 409 and answer.body.get("customCode") == "already_verified":
        found = _match(service.request("GET", lookup))
    elif answer.status == 202 and isinstance(answer.body.get("verificationId"), str):
        job = f"{url}/v2/verify/{answer.body['verificationId']}"
        found = service.poll(lambda: _finished(service.request("GET", job)))
    else:
        raise VerifierRefused(f"Sourcify refused the source: {_reason(answer)}")
    if found != EXACT:
        raise SourceDiffers(f"expected {EXACT} from Sourcify, found {found}: the metadata hash is another")
    return Outcome(already=answer.status == 409, url=page)


def _match(answer: Answer) -> str | None:
    """How the contract is matched; 404 is the documented answer for one that is not."""
    if answer.status not in (200, 404):
        raise VerifierRefused(f"Sourcify does not look the contract up: {_reason(answer)}")
    return answer.body.get("match")


def _finished(answer: Answer) -> str | None:
    """The kind of match once the job is completed, None before."""
    if answer.status != 200:
        raise VerifierRefused(f"Sourcify lost the job: {_reason(answer)}")
    if answer.body.get("isJobCompleted") is not True:
        return None
    contract = answer.body.get("contract")
    match = contract.get("match") if isinstance(contract, dict) else None
    if not isinstance(match, str):
        error = answer.body.get("error")
        raise SourceDiffers(f"Sourcify could not verify the source: {_reason(Answer(200, error or {}))}")
    return match


def _reason(answer: Answer) -> str:
    code, message = (str(answer.body.get(key, ""))[:500] for key in ("customCode", "message"))
    return f"{code}: {message}" if code else f"HTTP {answer.status}"
