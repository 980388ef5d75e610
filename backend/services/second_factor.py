"""One-time codes of an app, as a second proof beside the password, and recovery codes for its loss."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from dataclasses import replace

from backend.accounts import Account, CodeGenerator, EventKind, Visitor
from backend.errors import Conflict, SignInFailed
from backend.ports import CodeMaker, CredentialRows
from backend.services.account_log import AccountParts, hash_of

RECOVERY_CODES = 10
_RECOVERY_BYTES = 10


class SecondFactor:
    """Checks codes; each is good once."""

    def __init__(self, parts: AccountParts, rows: CredentialRows, codes: CodeMaker) -> None:
        self._parts = parts
        self._rows = rows
        self._codes = codes
        self._log = parts.log

    def is_on(self, account: Account) -> bool:
        generator = self._rows.code_generator(account.account_id)
        return generator is not None and generator.confirmed

    def check(self, account: Account, code: str) -> None:
        """Accept a code of the app or a recovery code, whatever spaces and hyphens it has. Nothing is asked for while
        codes are off. Raises SignInFailed."""
        generator = self._rows.code_generator(account.account_id)
        if generator is None or not generator.confirmed:
            return
        plain = code.replace(" ", "").replace("-", "").lower()
        if not self._use(account, generator, plain) and not self._rows.use_recovery_code(
            account.account_id, _recovery_hash(account, plain)
        ):
            raise SignInFailed("the code is wrong, or was used already")

    def begin(self, account: Account) -> str:
        """An ``otpauth://`` address for the app. Codes are on once one was seen. Raises Conflict."""
        if self.is_on(account):
            raise Conflict("one-time codes are on already: turn them off first")
        sealed, address = self._codes.new(account.account_id, account.person.email)
        self._rows.save_code_generator(account.account_id, CodeGenerator(sealed, last_step=0, confirmed=False))
        return address

    def confirm(self, account: Account, code: str, visitor: Visitor) -> Sequence[str]:
        """Turn codes on with the first one of the app; returns the recovery codes, which nobody shows again. Raises
        SignInFailed, Conflict."""
        generator = self._rows.code_generator(account.account_id)
        if generator is None or generator.confirmed:
            raise Conflict("expected codes that were begun and are not on yet")
        if not self._use(account, generator, code.replace(" ", "")):
            raise SignInFailed("the code is wrong: check that the clock of the telephone is right")
        current = self._rows.code_generator(account.account_id)
        if current is None or current.sealed != generator.sealed:
            raise Conflict("the codes were begun anew meanwhile: use the newest")
        codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
        hashes = [_recovery_hash(account, code.replace("-", "")) for code in codes]
        self._rows.save_recovery_codes(account.account_id, hashes)
        self._rows.save_code_generator(account.account_id, replace(current, confirmed=True))
        self._log.add(EventKind.CODES_ON, visitor, account.account_id)
        return codes

    def remove(self, account: Account, visitor: Visitor) -> None:
        self._rows.save_code_generator(account.account_id, None)
        self._log.add(EventKind.CODES_OFF, visitor, account.account_id)
        text = "One-time codes were turned off: the password of your account signs in without a code."
        self._parts.tell(account, "One-time codes were turned off", text)

    def count_recovery_codes(self, account: Account) -> int:
        return self._rows.count_recovery_codes(account.account_id)

    def _use(self, account: Account, generator: CodeGenerator, code: str) -> bool:
        step = self._codes.step(generator.sealed, account.account_id, code, self._log.now())
        return step is not None and self._rows.use_step(account.account_id, step)


def _recovery_code() -> str:
    """80 random bits as four groups of base32."""
    text = base64.b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode().lower()
    return "-".join(text[start : start + 4] for start in range(0, len(text), 4))


def _recovery_hash(account: Account, code: str) -> str:
    return hash_of(f"{account.account_id} {code}")
