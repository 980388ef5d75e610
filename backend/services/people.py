"""What administrators do with the accounts of others: approve doctors, change roles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from backend.accounts import Account, EventKind, Role, Visitor
from backend.errors import Conflict, NotFound
from backend.services.account_log import AccountParts


class PeopleService:
    def __init__(self, parts: AccountParts) -> None:
        self._parts = parts

    def list(self) -> Sequence[Account]:
        return self._parts.rows.people()

    def change(self, account_id: str, role: Role, *, approved: bool, by: Account, visitor: Visitor) -> Account:
        """Give an account a role. Its sessions end, so that it works under new ids only. Raises NotFound, Conflict."""
        account = self._parts.rows.find(account_id)
        if account is None:
            raise NotFound("there is no such account")
        if account_id == by.account_id:
            raise Conflict("ask another administrator to change your own role")
        changed = replace(account, role=role, approved=approved)
        self._parts.rows.change(account, changed)
        self._parts.rows.end_session(account_id=account_id)
        state = "" if approved else ", not approved"
        self._parts.log.add(EventKind.ROLE_CHANGED, visitor, account_id, f"{role}{state}, by {by.person.email}")
        text = f"Hello {account.person.name},\n\nyour role is now: {role}{state}. Sign in again to work with it."
        self._parts.mailer.send(account.person.email, "Your role was changed", text)
        return changed
