"""The keys of accounts, to which images are encrypted. Private keys are here as wraps only, which nobody here opens."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from backend.account_keys import AccountKey, AccountKeyKind, KeyLogEntry, KeyWrap, WrapMethod
from backend.accounts import Account, EventKind, Visitor
from backend.crypto.errors import WrapRefused
from backend.crypto.secret_wraps import read_secret_wrap
from backend.crypto.wraps import read_recipient
from backend.errors import Conflict, InvalidFields, NotFound
from backend.ports import AccountKeyRows, CredentialRows
from backend.services.account_log import AccountParts

MOST_WRAPS = 6
MOST_KEYS = 100
"""Of one account, those that ended included."""
_MOST_LIVE = {AccountKeyKind.X25519: 1, AccountKeyKind.RSA: 4}
LOG_PAGE = 200


class AccountKeyService:
    def __init__(self, parts: AccountParts, *, rows: AccountKeyRows, credentials: CredentialRows) -> None:
        self._parts = parts
        self._rows = rows
        self._credentials = credentials
        self._log = parts.log

    def of(self, account: Account) -> Sequence[tuple[AccountKey, Sequence[KeyWrap]]]:
        """The oldest first, those that ended too, each with its wraps."""
        return self._rows.keys(account.account_id)

    def add(
        self,
        account: Account,
        public_key: str,
        wraps: Sequence[Mapping[str, Any]],
        replaces: str | None,
        visitor: Visitor,
    ) -> tuple[AccountKey, Sequence[KeyWrap]]:
        """Add the public key of a PEM: of X25519, with one to six wraps (``document``, ``passkey_id``), which ends the
        key that ``replaces`` names; or of RSA, which has neither. Raises InvalidFields, Conflict."""
        key = self._key(account, public_key)
        if key.kind is AccountKeyKind.RSA:
            if wraps or replaces is not None:
                raise InvalidFields({"wraps": "an RSA key has no wraps and replaces none"})
        elif not 1 <= len(wraps) <= MOST_WRAPS:
            raise InvalidFields({"wraps": f"expected one to {MOST_WRAPS} wraps of the private key, not {len(wraps)}"})
        made = [self._wrap(account, each) for each in wraps]
        if len({each.wrap_id for each in made}) < len(made):
            raise InvalidFields({"wraps": "expected each wrap once"})
        most_live = _MOST_LIVE[key.kind]
        self._rows.add(key, made, replaces=replaces, most=MOST_KEYS, most_live=most_live)
        if replaces is not None:
            self._log.add(EventKind.KEY_ENDED, visitor, account.account_id, replaces)
        self._log.add(EventKind.KEY_ADDED, visitor, account.account_id, key.key_id)
        text = f"From now on images can be encrypted to the key {key.key_id}."
        self._parts.tell(account, "A key was added", text)
        return key, made

    def end(self, account: Account, key_id: str, visitor: Visitor) -> None:
        """End an RSA key. Raises NotFound, Conflict for one of X25519, which ends when another one replaces it."""
        key = self._own(account, key_id)
        if key.kind is AccountKeyKind.X25519:
            raise Conflict("an X25519 key ends when a new one names it as `replaces`")
        if not self._rows.end(account.account_id, key_id, self._log.now()):
            raise Conflict("this key ended already")
        self._log.add(EventKind.KEY_ENDED, visitor, account.account_id, key_id)
        self._parts.tell(account, "A key was ended", f"Nothing is encrypted to the key {key_id} any more.")

    def add_wrap(self, account: Account, key_id: str, values: Mapping[str, Any], visitor: Visitor) -> KeyWrap:
        """Raises NotFound, InvalidFields, Conflict."""
        if self._own(account, key_id).kind is AccountKeyKind.RSA:
            raise Conflict("an RSA key has no wraps")
        wrap = self._wrap(account, values)
        self._rows.add_wrap(account.account_id, key_id, wrap, most=MOST_WRAPS)
        self._log.add(EventKind.WRAP_ADDED, visitor, account.account_id, f"{wrap.method} {key_id}")
        return wrap

    def remove_wrap(self, account: Account, key_id: str, wrap_id: str, visitor: Visitor) -> None:
        """Raises NotFound, Conflict for the last wrap of a live key."""
        self._rows.remove_wrap(account.account_id, key_id, wrap_id)
        self._log.add(EventKind.WRAP_REMOVED, visitor, account.account_id, key_id)

    def log(self, after: int) -> Sequence[KeyLogEntry]:
        """The 200 entries that follow the sequence number ``after``."""
        return self._rows.log(after, LOG_PAGE)

    def _own(self, account: Account, key_id: str) -> AccountKey:
        for key, _ in self._rows.keys(account.account_id):
            if key.key_id == key_id:
                return key
        raise NotFound("there is no such key of yours")

    def _key(self, account: Account, pem: str) -> AccountKey:
        try:
            key = read_recipient(pem.encode("utf-8", "replace"))
        except WrapRefused as refusal:
            raise InvalidFields({"publicKey": str(refusal)}) from None
        public = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return AccountKey(
            key_id=hashlib.sha256(public).hexdigest(),
            account_id=account.account_id,
            kind=AccountKeyKind.X25519 if isinstance(key, X25519PublicKey) else AccountKeyKind.RSA,
            public_key=public,
            created_at=self._log.now(),
        )

    def _wrap(self, account: Account, values: Mapping[str, Any]) -> KeyWrap:
        try:
            wrap = read_secret_wrap(values["document"])
        except WrapRefused as refusal:
            raise InvalidFields({"document": str(refusal)}) from None
        method, passkey_id = WrapMethod(wrap.method), values["passkey_id"]
        if method is WrapMethod.PRF:
            passkeys = self._credentials.passkeys(account.account_id)
            if passkey_id not in [each.passkey_id for each in passkeys]:
                raise InvalidFields({"passkeyId": "expected the passkey of yours that opens the wrap"})
        elif passkey_id is not None:
            raise InvalidFields({"passkeyId": f"expected none for a wrap by {method}"})
        text = wrap.text()
        return KeyWrap(hashlib.sha256(text.encode()).hexdigest(), method, passkey_id, text)
