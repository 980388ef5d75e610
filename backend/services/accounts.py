"""What people do with their own account: profile, password, export, closing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from backend.accounts import Account, AccountEvent, EventKind, Session, SignInMethod, Visitor
from backend.errors import LinkExpired
from backend.ports import CredentialRows
from backend.services.account_log import AccountParts, hash_of, new_secret
from backend.services.account_rules import FieldCheck
from backend.services.sign_in import SignedIn, SignInService

_RESET_S = 3600
EVENTS = 200


class AccountService:
    def __init__(self, parts: AccountParts, credentials: CredentialRows, sign_in: SignInService) -> None:
        self._parts = parts
        self._credentials = credentials
        self._sign_in = sign_in

    def change_profile(self, account: Account, values: Mapping[str, str], visitor: Visitor) -> Account:
        """``values``: name and phone. Raises InvalidFields."""
        check = FieldCheck()
        person = replace(account.person, name=check.name(values["name"]), phone=check.phone(values["phone"]))
        check.finish()
        changed = replace(account, person=person)
        self._parts.rows.change(account, changed)
        self._parts.log.add(EventKind.PROFILE_CHANGED, visitor, account.account_id)
        return changed

    def change_password(self, session: Session, *, old: str, new: str, again: str, visitor: Visitor) -> SignedIn:
        """Ends every session of the account and begins one with a new id. Raises SignInFailed, LimitExceeded,
        InvalidFields, Conflict."""
        account = self._sign_in.check_password(session.account, old, visitor)
        changed = replace(account, password_hash=self._new_hash(account, new, again))
        self._parts.rows.change(account, changed)
        self._parts.rows.end_session(account_id=account.account_id)
        self._parts.log.add(EventKind.PASSWORD_CHANGED, visitor, account.account_id)
        self._parts.tell(account, "Your password was changed", "The password of your account was changed.")
        return self._sign_in.begin(changed, session.method, visitor)

    def send_reset(self, email: str, visitor: Visitor) -> None:
        """Mail a link, if the address has an account. The caller cannot see whether it has: the same is written."""
        rows, log, token = self._parts.rows, self._parts.log, new_secret()
        account = rows.by_email(email.strip().lower())
        owner = account.account_id if account else None
        rows.add_reset(hash_of(token), owner, now=log.now(), expires_at=log.now() + _RESET_S)
        log.add(EventKind.RESET_SENT, visitor, owner)
        if account is None:
            return
        link = f"{self._parts.page_url}/reset#{token}"
        self._parts.tell(
            account, "Set a new password", f"Open this link within an hour to set a new password:\n\n{link}"
        )

    def reset(self, token: str, new: str, again: str, code: str, visitor: Visitor) -> SignedIn:
        """Set a new password by a link, which ends every session and forgets every known browser. Whoever reads the
        person's mail has no one-time code. Raises LinkExpired, InvalidFields, CodeRequired, SignInFailed,
        LimitExceeded, Conflict."""
        rows = self._parts.rows
        token_hash = hash_of(token)
        account = rows.reset_owner(token_hash, self._parts.log.now())
        if account is None:
            raise LinkExpired
        password_hash = self._new_hash(account, new, again)
        self._sign_in.check_code(account, code, visitor)
        # After the check of the password: a link is not lost to a password that is too short.
        if not rows.take_resets(token_hash, account.account_id):
            raise LinkExpired
        changed = replace(account, password_hash=password_hash)
        rows.change(account, changed)
        rows.end_session(account_id=account.account_id)
        rows.remove_devices(account.account_id)
        self._parts.log.add(EventKind.PASSWORD_RESET, visitor, account.account_id)
        text = "A new password was set by a link that was mailed to you." + self._other_proofs(account)
        self._parts.tell(account, "Your password was changed", text)
        return self._sign_in.begin(changed, SignInMethod.PASSWORD, visitor)

    def close(self, account: Account, password: str, visitor: Visitor) -> None:
        """Remove the account with all that is known of it. Raises SignInFailed, LimitExceeded, Conflict."""
        self._sign_in.check_password(account, password, visitor)
        self._parts.rows.remove(account, hash_of(account.person.email), self._parts.log.now())
        self._parts.log.add(EventKind.CLOSED, Visitor(""), None)
        self._parts.tell(account, "Your account was closed", "Your account and all that was known of it were removed.")

    def events(self, account: Account) -> Sequence[AccountEvent]:
        return self._parts.rows.events(account.account_id, EVENTS)

    def sessions(self, account: Account) -> Sequence[Session]:
        return self._parts.rows.sessions(account.account_id)

    def _other_proofs(self, account: Account) -> str:
        """What a new password does not end."""
        passkeys = [f"passkey {each.name}" for each in self._credentials.passkeys(account.account_id)]
        wallets = [f"wallet {each.address}" for each in self._credentials.wallets(account.account_id)]
        lines = [f"- {each}" for each in (*passkeys, *wallets)]
        return (
            "\n\n".join(["", "These sign in as before. Remove what is not yours:", "\n".join(lines)]) if lines else ""
        )

    def _new_hash(self, account: Account, new: str, again: str) -> str:
        check = FieldCheck()
        password = check.new_password(new, again, account.person, self._parts.judge)
        check.finish()
        return self._parts.hasher.hash(password)
