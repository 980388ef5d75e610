"""Passkeys: adding one to an account, and signing in with it alone."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from backend.accounts import Account, EventKind, Passkey, Purpose, RelyingParty, SignInMethod, Visitor
from backend.errors import Conflict, InvalidFields, NotFound, SignInFailed
from backend.ports import CredentialRows, PasskeyVerifier
from backend.printable import one_line
from backend.services.account_log import AccountParts, hash_of, new_secret
from backend.services.sign_in import SignedIn, SignInService

_CHALLENGE_S = 300
_MOST = 20
_MAX_NAME = 100
_MAX_CREDENTIAL_ID = 1023
"""WebAuthn, 4: Credential ID."""


class PasskeyService:
    def __init__(
        self, parts: AccountParts, *, rows: CredentialRows, verifier: PasskeyVerifier, sign_in: SignInService
    ) -> None:
        self._parts = parts
        self._rows = rows
        self._accounts = parts.rows
        self._verifier = verifier
        self._sign_in = sign_in
        self._log = parts.log

    def creation_options(self, account: Account, party: RelyingParty) -> Mapping[str, Any]:
        """For ``navigator.credentials.create``. Raises Conflict beyond twenty passkeys."""
        known = self._rows.passkeys(account.account_id)
        if len(known) >= _MOST:
            raise Conflict(f"an account has at most {_MOST} passkeys: remove one first")
        challenge = self._challenge(Purpose.ADD_PASSKEY, account)
        return self._verifier.creation_options(party, account, challenge, [each.credential_id for each in known])

    def add(
        self, account: Account, credential: Mapping[str, Any], name: str, party: RelyingParty, visitor: Visitor
    ) -> Passkey:
        """Raises SignInFailed, InvalidFields, Conflict."""
        name = one_line(name.strip())
        if not 0 < len(name) <= _MAX_NAME:
            raise InvalidFields({"name": f"enter a name of 1 to {_MAX_NAME} characters"})
        challenge = self._take(Purpose.ADD_PASSKEY, credential, account)
        credential_id, public_key, sign_count = self._verifier.created(credential, party, challenge)
        if len(credential_id) > _MAX_CREDENTIAL_ID:
            raise SignInFailed(f"expected a credential id of at most {_MAX_CREDENTIAL_ID} bytes")
        passkey = Passkey(
            passkey_id=_id(credential_id),
            account_id=account.account_id,
            credential_id=credential_id,
            public_key=public_key,
            sign_count=sign_count,
            name=name,
            created_at=self._log.now(),
            used_at=None,
        )
        if not self._rows.add_passkey(passkey):
            raise Conflict("this passkey is added already")
        self._log.add(EventKind.PASSKEY_ADDED, visitor, account.account_id, name)
        self._parts.tell(account, "A passkey was added", f"The passkey {name} signs in to your account from now on.")
        return passkey

    def request_options(self, party: RelyingParty) -> Mapping[str, Any]:
        """For ``navigator.credentials.get``; the browser offers what it has for this site."""
        return self._verifier.request_options(party, self._challenge(Purpose.USE_PASSKEY, None))

    def sign_in(self, credential: Mapping[str, Any], party: RelyingParty, visitor: Visitor) -> SignedIn:
        """The device has asked its owner for a finger, a face or a number: no other proof is asked for. Raises
        SignInFailed."""
        challenge = self._take(Purpose.USE_PASSKEY, credential, None)
        passkey = self._rows.passkey(_id(self._verifier.credential_id(credential)))
        account = self._accounts.find(passkey.account_id) if passkey else None
        if passkey is None or account is None:
            raise SignInFailed("this passkey belongs to no account here")
        sign_count = self._verifier.used(credential, party, challenge, passkey)
        self._rows.use_passkey(passkey.passkey_id, sign_count, self._log.now())
        self._log.add(EventKind.SIGNED_IN, visitor, account.account_id, f"passkey {passkey.name}")
        return self._sign_in.begin(account, SignInMethod.PASSKEY, visitor)

    def of(self, account: Account) -> Sequence[Passkey]:
        return self._rows.passkeys(account.account_id)

    def remove(self, account: Account, passkey_id: str, visitor: Visitor) -> None:
        """Raises NotFound."""
        if not self._rows.remove_passkey(account.account_id, passkey_id):
            raise NotFound("there is no such passkey of yours")
        self._log.add(EventKind.PASSKEY_REMOVED, visitor, account.account_id)

    def _challenge(self, purpose: Purpose, account: Account | None) -> str:
        challenge, now = new_secret(), self._log.now()
        owner = account.account_id if account else None
        self._rows.add_challenge(hash_of(challenge), purpose, owner, now=now, expires_at=now + _CHALLENGE_S)
        return challenge

    def _take(self, purpose: Purpose, credential: Mapping[str, Any], account: Account | None) -> str:
        challenge = self._verifier.challenge(credential)
        owner = account.account_id if account else None
        if not self._rows.take_challenge(hash_of(challenge), purpose, owner, self._log.now()):
            raise SignInFailed("expected an answer to a challenge that is open: try again")
        return challenge


def _id(credential_id: bytes) -> str:
    return hashlib.sha256(credential_id).hexdigest()
