"""The accounts of people: who they are, what they may do, and how they are signed in."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Role(StrEnum):
    """What a person may do. Who registers is a patient or, once an administrator approved it, a doctor."""

    PATIENT = "patient"
    DOCTOR = "doctor"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


SELF_REGISTERED = (Role.PATIENT, Role.DOCTOR)


class EventKind(StrEnum):
    """What happened to an account."""

    SIGNED_IN = "signed-in"
    SIGN_IN_FAILED = "sign-in-failed"
    SIGNED_OUT = "signed-out"
    REGISTERED = "registered"
    PASSWORD_CHANGED = "password-changed"  # noqa: S105 - the name of an event
    RESET_SENT = "reset-sent"
    PASSWORD_RESET = "password-reset"  # noqa: S105 - the name of an event
    SESSION_ENDED = "session-ended"
    PROFILE_CHANGED = "profile-changed"
    ROLE_CHANGED = "role-changed"
    CODE_ASKED = "code-asked"
    CODES_ON = "codes-on"
    CODES_OFF = "codes-off"
    PASSKEY_ADDED = "passkey-added"
    PASSKEY_REMOVED = "passkey-removed"
    WALLET_LINKED = "wallet-linked"
    WALLET_REMOVED = "wallet-removed"
    KEY_ADDED = "key-added"
    KEY_ENDED = "key-ended"
    WRAP_ADDED = "wrap-added"
    WRAP_REMOVED = "wrap-removed"
    CLOSED = "closed"


class SignInMethod(StrEnum):
    """How a session began."""

    PASSWORD = "password"  # noqa: S105 - the name of a method
    PASSKEY = "passkey"
    WALLET = "wallet"


@dataclass(frozen=True, slots=True)
class Person:
    """What people say of themselves: ``email`` in lower case, ``phone`` as in E.164 (+ and digits)."""

    name: str
    email: str
    phone: str


@dataclass(frozen=True, slots=True)
class Account:
    """``account_id`` is 32 hex digits. A doctor works once ``approved``. Times are in Unix seconds."""

    account_id: str
    person: Person
    role: Role
    approved: bool
    created_at: int
    password_hash: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Registration:
    """What waits for the person to confirm the e-mail address."""

    person: Person
    role: Role
    password_hash: str = field(repr=False)
    expires_at: int


@dataclass(frozen=True, slots=True)
class Session:
    """``session_id`` names it to its owner; what the cookie holds is kept as a hash only."""

    session_id: str
    account: Account
    method: SignInMethod
    created_at: int
    last_at: int
    client: str
    agent: str


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who sends a request: the network address, what the browser calls itself, and the secret of the cookie that names
    a browser in which somebody signed in before."""

    address: str
    agent: str = ""
    device: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class AccountEvent:
    """A line of an account's log. ``detail`` says for instance which role it became, and who changed it."""

    event_id: str
    account_id: str | None
    kind: EventKind
    at: int
    client: str
    agent: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Failures:
    """Attempts to sign in that failed, in Unix seconds: from one source since its last success, and from all networks
    for one account."""

    from_here: int
    last_here: int
    everywhere: int
    last_everywhere: int


@dataclass(frozen=True, slots=True)
class CodeGenerator:
    """The app that shows one-time codes (TOTP). ``sealed`` is its secret, encrypted; ``last_step`` the time step (of 30
    s) of the last code that was used; ``confirmed`` once a code of it was seen."""

    sealed: bytes
    last_step: int
    confirmed: bool


@dataclass(frozen=True, slots=True)
class Passkey:
    """``passkey_id`` is the SHA-256 of ``credential_id``, in hex. Times are in Unix seconds."""

    passkey_id: str
    account_id: str
    credential_id: bytes
    public_key: bytes
    sign_count: int
    name: str
    created_at: int
    used_at: int | None


@dataclass(frozen=True, slots=True)
class LinkedWallet:
    """``address`` in lower case."""

    address: str
    account_id: str
    linked_at: int


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """The site to which a passkey belongs: its host, and the origin of its pages (WebAuthn, 5.4.2)."""

    host: str
    origin: str


class Purpose(StrEnum):
    """What a challenge is for; it is good for nothing else."""

    ADD_PASSKEY = "add-passkey"
    USE_PASSKEY = "use-passkey"
    LINK_WALLET = "link-wallet"
    USE_WALLET = "use-wallet"
