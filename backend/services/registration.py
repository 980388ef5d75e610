"""Becoming an account: a form, a mail, and a confirmation of the address with the same password."""

from __future__ import annotations

from collections.abc import Mapping

from backend.accounts import Account, EventKind, Person, Registration, Role, Visitor
from backend.errors import Conflict, LinkExpired, SignInFailed
from backend.services.account_log import AccountParts, hash_of, new_id, new_secret
from backend.services.account_rules import FieldCheck, normal_password
from backend.services.sign_in import SignInService

_LINK_S = 24 * 3600
_MOST_MAILS = 5
"""To one address while links to it are open."""


class RegistrationService:
    """Nobody can find out here whether an e-mail address has an account: the answer is the same, the password is hashed
    and a row written either way, and only the mail says which.

    The password is asked again with the link. So nobody can have the owner of an address confirm an account whose
    password a stranger chose.
    """

    def __init__(self, parts: AccountParts, sign_in: SignInService) -> None:
        self._parts = parts
        self._sign_in = sign_in

    def register(self, values: Mapping[str, str]) -> None:
        """``values``: name, email, phone, role, password, password_again. Raises InvalidFields, ServerBusy."""
        check = FieldCheck()
        person, role = check.person(values), check.role(values["role"])
        password = check.new_password(values["password"], values["password_again"], person, self._parts.judge)
        check.finish()
        token, now = new_secret(), self._parts.log.now()
        registration = Registration(person, role, self._parts.hasher.hash(password), now + _LINK_S)
        known = self._parts.rows.by_email(person.email)
        if self._parts.rows.add_registration(hash_of(token), registration, now=now) > _MOST_MAILS:
            return
        if known:
            self._parts.mailer.send(person.email, "You have an account at ScanProof", self._known(known))
        else:
            self._parts.mailer.send(person.email, "Confirm your address for ScanProof", self._confirm(token))

    def confirm(self, token: str, password: str, visitor: Visitor) -> Account:
        """Make the account, for the password of the registration. Raises LinkExpired, SignInFailed, LimitExceeded."""
        log, rows = self._parts.log, self._parts.rows
        found = rows.registration(hash_of(token))
        if found is None or found.expires_at < log.now():
            raise LinkExpired
        with self._sign_in.attempt(found.person.email, visitor, None, "registration") as attempt:
            if not self._parts.hasher.verify(found.password_hash, normal_password(password)):
                raise SignInFailed("expected the password of the registration")
            account = self._make(found.person, found.role, found.password_hash, approved=found.role is Role.PATIENT)
            attempt.succeeded(account)
        rows.remove_registrations(found.person.email)
        log.add(EventKind.REGISTERED, visitor, account.account_id, account.role.value)
        return account

    def create(self, values: Mapping[str, str], role: Role) -> Account:
        """An account of any role, approved, for the command line. Raises InvalidFields, Conflict."""
        check = FieldCheck()
        person = check.person(values)
        password = check.new_password(values["password"], values["password_again"], person, self._parts.judge)
        check.finish()
        account = self._make(person, role, self._parts.hasher.hash(password), approved=True)
        self._parts.log.add(
            EventKind.REGISTERED, Visitor("command line"), account.account_id, f"{role.value}, by the command line"
        )
        return account

    def _make(self, person: Person, role: Role, password_hash: str, *, approved: bool) -> Account:
        account = Account(new_id(), person, role, approved, self._parts.log.now(), password_hash)
        if not self._parts.rows.add(account):
            raise Conflict(f"there is an account with the e-mail address {person.email} already")
        return account

    def _confirm(self, token: str) -> str:
        """Without the name that was entered, with which a stranger could write to anybody."""
        return (
            "Hello,\n\nsomebody, perhaps you, registered with your e-mail address. Open this link within a day, and "
            "enter the password that you chose:\n\n"
            f"{self._parts.page_url}/account/confirm#{token}\n\n"
            "If it was not you who registered, do nothing: no account is made."
        )

    def _known(self, account: Account) -> str:
        return (
            f"Hello {account.person.name},\n\nsomebody, perhaps you, registered with your e-mail address, which has an "
            f"account already. Nothing was changed.\n\nSign in: {self._parts.page_url}/sign-in\n"
            f"Forgot the password: {self._parts.page_url}/reset"
        )
