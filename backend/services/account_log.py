"""What the services of accounts share: secrets of cookies and links, and the log."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from backend.accounts import Account, AccountEvent, EventKind, Visitor
from backend.ports import AccountRows, Mailer, PasswordHasher, PasswordJudge
from backend.printable import one_line

_KEPT_S = 365 * 24 * 3600
_AGENT_LENGTH = 200
DETAIL_LENGTH = 200
Clock = Callable[[], float]


def new_secret() -> str:
    """32 random bytes as URL-safe text."""
    return secrets.token_urlsafe(32)


def new_id() -> str:
    return secrets.token_hex(16)


def hash_of(secret: str) -> str:
    """SHA-256 in hex. A secret of 32 random bytes needs no slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


class AccountLog:
    """What happened to accounts, each line for a year. The ids of lines are in the order of time."""

    def __init__(self, rows: AccountRows, clock: Clock = time.time) -> None:
        self._rows = rows
        self._clock = clock

    def now(self) -> int:
        return int(self._clock())

    def event(self, kind: EventKind, visitor: Visitor, account_id: str | None, detail: str = "") -> AccountEvent:
        return AccountEvent(
            event_id=f"{int(1000 * self._clock()):012x}{new_id()[:20]}",
            account_id=account_id,
            kind=kind,
            at=self.now(),
            client=visitor.address[:45],
            agent=one_line(visitor.agent)[:_AGENT_LENGTH],
            detail=detail[:DETAIL_LENGTH],
        )

    def add(self, kind: EventKind, visitor: Visitor, account_id: str | None, detail: str = "") -> None:
        self._rows.log(self.event(kind, visitor, account_id, detail), old=self.oldest())

    def oldest(self) -> int:
        return self.now() - _KEPT_S


@dataclass(frozen=True, slots=True)
class AccountParts:
    """What the services of accounts share. ``page_url`` begins the links in mails."""

    rows: AccountRows
    hasher: PasswordHasher
    judge: PasswordJudge
    mailer: Mailer
    log: AccountLog
    page_url: str

    def tell(self, account: Account, subject: str, text: str) -> None:
        """Mail the owner what happened, and what to do if it was somebody else."""
        warning = "If it was not you, set a new password and ask an administrator."
        self.mailer.send(account.person.email, subject, f"Hello {account.person.name},\n\n{text}\n\n{warning}")
