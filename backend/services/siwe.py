"""Messages of Sign-In with Ethereum (EIP-4361): one form of them, read strictly.

Ours have a statement and an expiration time, and neither a time before which they are void, nor request id, nor
resources: what a person did not see explained is not signed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from backend.errors import InvalidInput

MAX_LENGTH = 2000
_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
_MESSAGE = re.compile(
    r"(?:(?P<scheme>[a-z][a-z0-9+.-]*)://)?(?P<domain>[A-Za-z0-9.\[\]:-]+) wants you to sign in with your Ethereum "
    r"account:\n(?P<address>0x[0-9a-fA-F]{40})\n\n(?P<statement>[ -~]+)\n\n"
    r"URI: (?P<uri>[!-~]+)\nVersion: 1\nChain ID: (?P<chain_id>[1-9][0-9]{0,18})\nNonce: (?P<nonce>[A-Za-z0-9]{8,64})\n"
    rf"Issued At: (?P<issued_at>{_TIME})\nExpiration Time: (?P<expires_at>{_TIME})"
)


@dataclass(frozen=True, slots=True)
class SignInMessage:
    """``scheme`` is empty if the message has none. Times are in Unix seconds."""

    scheme: str
    domain: str
    address: str
    statement: str
    uri: str
    chain_id: int
    nonce: str
    issued_at: float
    expires_at: float


def parse(text: str) -> SignInMessage:
    """Raises InvalidInput."""
    found = _MESSAGE.fullmatch(text) if len(text) <= MAX_LENGTH else None
    if found is None:
        raise InvalidInput(
            "expected a message of Sign-In with Ethereum (EIP-4361) with statement, URI, version 1, chain id, nonce, "
            "issue and expiration time, and nothing else"
        )
    return SignInMessage(
        scheme=found["scheme"] or "",
        domain=found["domain"],
        address=found["address"],
        statement=found["statement"],
        uri=found["uri"],
        chain_id=int(found["chain_id"]),
        nonce=found["nonce"],
        issued_at=_seconds(found["issued_at"]),
        expires_at=_seconds(found["expires_at"]),
    )


def _seconds(text: str) -> float:
    # Python 3.11 reads at most six digits of a second.
    shortened = re.sub(r"(\.[0-9]{6})[0-9]+", r"\1", text)
    try:
        return datetime.fromisoformat(shortened).timestamp()
    except (ValueError, OverflowError):
        raise InvalidInput(f"expected a time of RFC 3339, found {text!r}") from None
