"""Signing in and out, and the sessions of browsers.

Guessing is slowed down, not locked out. After a few failures, the next attempt from the same network at the same
account must wait, twice as long each time. Many failures from everywhere delay strangers only: a browser in which the
owner signed in before carries a secret of its own, and is counted alone (OWASP, device cookies).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from backend.accounts import Account, EventKind, Failures, Session, SignInMethod, Visitor
from backend.errors import CodeRequired, LimitExceeded, NotFound, SignInFailed
from backend.hosts import network_of
from backend.services.account_log import AccountParts, hash_of, new_id, new_secret
from backend.services.account_rules import LONGEST_PASSWORD, MAX_EMAIL, normal_password
from backend.services.second_factor import SecondFactor

IDLE_S = 12 * 3600
LONGEST_S = 7 * 24 * 3600
DEVICE_S = 180 * 24 * 3600
_DEVICES = 20
_USED_EVERY_S = 60
_COUNTED_S = 24 * 3600
_FREE_FAILURES = 5
_FREE_EVERYWHERE = 100
_LONGEST_WAIT_S = 900
_WAIT_EVERYWHERE_S = 60
_MANY_CODES = 20
_CODE = "one-time code"
_CODES_GUESSED = (
    f"{_MANY_CODES} wrong one-time codes were entered within a day, by somebody who has your password, a wallet of "
    "yours, or a link that was mailed to you."
)
_WRONG = "the e-mail address or the password is wrong"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """``token`` and ``device`` are the secrets of two cookies."""

    session: Session
    token: str
    device: str


class Attempt:
    """One attempt to sign in, which is counted as a failure unless it ``succeeded`` or ``lacks_code``.
    ``failed_before``: how many from everywhere failed in a day."""

    def __init__(self) -> None:
        self.account: Account | None = None
        self.kind = EventKind.SIGN_IN_FAILED
        self.failed_before = 0

    def succeeded(self, account: Account) -> None:
        self.account, self.kind = account, EventKind.SIGNED_IN

    def lacks_code(self, account: Account) -> None:
        self.account, self.kind = account, EventKind.CODE_ASKED


class SignInService:
    def __init__(self, parts: AccountParts, second: SecondFactor) -> None:
        self._parts = parts
        self._rows = parts.rows
        self._hasher = parts.hasher
        self._second = second
        self._log = parts.log

    def sign_in(self, email: str, password: str, code: str, visitor: Visitor) -> SignedIn:
        """A new session. An unknown address costs the same work and gets the same answer as a wrong password. ``code``
        is a one-time code, where the account asks for one. Raises SignInFailed, CodeRequired, LimitExceeded,
        ServerBusy."""
        email = email.strip().lower()
        if len(email) > MAX_EMAIL or len(password) > LONGEST_PASSWORD:
            raise SignInFailed(_WRONG)
        account = self._rows.by_email(email)
        with self.attempt(email, visitor, account, SignInMethod.PASSWORD) as attempt:
            account = self._verify(account, password)
            if account is None:
                raise SignInFailed(_WRONG)
            if self._second.is_on(account):
                attempt.lacks_code(account)
            else:
                attempt.succeeded(account)
        self.check_code(account, code, visitor)
        return self.begin(account, SignInMethod.PASSWORD, visitor)

    def require_code(self, account: Account, code: str) -> None:
        """Raises CodeRequired when the account asks for a one-time code, and there is none."""
        if not code and self._second.is_on(account):
            raise CodeRequired

    def check_code(self, account: Account, code: str, visitor: Visitor) -> None:
        """A one-time code, where the account asks for one. Whoever guesses it knows the password, so wrong codes of all
        networks count together, and the owner hears of them. Raises CodeRequired, SignInFailed, LimitExceeded."""
        if not self._second.is_on(account):
            return
        if not code:
            raise CodeRequired
        with self.attempt(f"codes of {account.account_id}", visitor, account, _CODE, source="everywhere") as attempt:
            try:
                self._second.check(account, code)
            except SignInFailed:
                if (attempt.failed_before + 1) % _MANY_CODES == 0:
                    self._parts.tell(account, "Wrong one-time codes", _CODES_GUESSED)
                raise
            attempt.succeeded(account)

    def check_password(self, account: Account, password: str, visitor: Visitor) -> Account:
        """Whoever sits at a browser that is signed in must know the password, too. Returns the account with its
        present hash. Raises SignInFailed, LimitExceeded."""
        with self.attempt(account.person.email, visitor, account, "confirmation") as attempt:
            verified = self._verify(account, password)
            if verified is None:
                raise SignInFailed("the password is wrong")
            attempt.succeeded(verified)
        return verified

    @contextmanager
    def attempt(
        self, email: str, visitor: Visitor, account: Account | None, method: str, *, source: str = ""
    ) -> Iterator[Attempt]:
        """A block that tries a secret. It is counted before it runs, so that attempts at the same time are too, for
        ``source``, by default the visitor's network. Raises LimitExceeded."""
        now, made = self._log.now(), Attempt()
        email_hash = hash_of(email)

        def wait(failures: Failures) -> int:
            made.failed_before = failures.everywhere
            return _wait(failures, now, known=known)

        event = self._log.event(EventKind.SIGN_IN_FAILED, visitor, account.account_id if account else None, method)
        device = hash_of(visitor.device) if visitor.device else ""
        known = bool(account and device and self._rows.device_owner(device, now) == account.account_id)
        seconds = self._rows.begin_sign_in(
            event,
            email_hash=email_hash,
            source=f"device {device[:32]}" if known else source or network_of(visitor.address),
            since=now - _COUNTED_S,
            old=self._log.oldest(),
            wait=wait,
        )
        if seconds:
            raise LimitExceeded("too many attempts failed: wait, or reset the password", retry_after=seconds)
        yield made
        if made.account:
            self._rows.finish_sign_in(event.event_id, made.account.account_id, made.kind)

    def begin(self, account: Account, method: SignInMethod, visitor: Visitor) -> SignedIn:
        """A session with a new id for an account whose owner was proven. The browser is known from now on.

        Raises SignInFailed if the account was closed, or its password changed, since it was read.
        """
        now, token = self._log.now(), new_secret()
        session = Session(
            session_id=new_id(),
            account=account,
            method=method,
            created_at=now,
            last_at=now,
            client=visitor.address[:45],
            agent=self._log.event(EventKind.SIGNED_IN, visitor, None).agent,
        )
        self._rows.add_session(hash_of(token), session, unused_since=now - IDLE_S, begun_since=now - LONGEST_S)
        secret = visitor.device
        if not secret or self._rows.device_owner(hash_of(secret), now) != account.account_id:
            secret = new_secret()
            expires = now + DEVICE_S
            self._rows.add_device(hash_of(secret), account.account_id, now=now, expires_at=expires, most=_DEVICES)
        return SignedIn(session, token, secret)

    def find(self, token: str) -> Session | None:
        """The session of a cookie, None for one that ended or never was."""
        now, token_hash = self._log.now(), hash_of(token)
        session = self._rows.session(token_hash)
        if session is None:
            return None
        if session.last_at < now - IDLE_S or session.created_at < now - LONGEST_S:
            self._rows.end_session(token_hash=token_hash)
            return None
        if session.last_at <= now - _USED_EVERY_S:
            self._rows.use_session(token_hash, now)
            return replace(session, last_at=now)
        return session

    def sign_out(self, token: str, session: Session, visitor: Visitor) -> None:
        self._rows.end_session(token_hash=hash_of(token))
        self._log.add(EventKind.SIGNED_OUT, visitor, session.account.account_id)

    def discard(self, token: str) -> None:
        """End the session that a browser had before it signs in anew."""
        self._rows.end_session(token_hash=hash_of(token))

    def end(self, session_id: str, account: Account, visitor: Visitor) -> None:
        """Raises NotFound when the account has no such session."""
        if not self._rows.end_session(session_id=session_id, account_id=account.account_id):
            raise NotFound("there is no such session of yours")
        self._log.add(EventKind.SESSION_ENDED, visitor, account.account_id)

    def end_others(self, token: str, account: Account, visitor: Visitor) -> None:
        self._rows.end_other_sessions(account.account_id, hash_of(token))
        self._log.add(EventKind.SESSION_ENDED, visitor, account.account_id, "all others")

    def _verify(self, account: Account | None, password: str) -> Account | None:
        """The account, hashed anew if the parameters changed; None for a wrong password."""
        right = self._hasher.verify(account.password_hash if account else None, normal_password(password))
        if not right or account is None or not self._hasher.is_outdated(account.password_hash):
            return account if right else None
        hashed = replace(account, password_hash=self._hasher.hash(normal_password(password)))
        self._rows.change(account, hashed)
        return hashed


def _wait(failures: Failures, now: int, *, known: bool) -> int:
    """The seconds until the next attempt may be made."""
    doubled = min(_LONGEST_WAIT_S, 2 ** min(failures.from_here - _FREE_FAILURES, 30)) if failures.from_here else 0
    wait = failures.last_here + doubled - now if failures.from_here >= _FREE_FAILURES else 0
    if not known and failures.everywhere >= _FREE_EVERYWHERE:
        wait = max(wait, failures.last_everywhere + _WAIT_EVERYWHERE_S - now)
    return max(wait, 0)
