"""Wallets: linking one to an account, and signing in with it, by Sign-In with Ethereum (EIP-4361)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backend.accounts import Account, EventKind, LinkedWallet, Purpose, RelyingParty, SignInMethod, Visitor
from backend.errors import Conflict, NotFound, SignInFailed
from backend.ports import CredentialRows, WalletSignatures
from backend.services import siwe
from backend.services.account_log import AccountParts, hash_of, new_id
from backend.services.sign_in import SignedIn, SignInService

_MESSAGE_S = 600
_CLOCKS_DIFFER_S = 60
_MOST = 20
_USE = "Sign in to ScanProof."


@dataclass(frozen=True, slots=True)
class MessageParts:
    """What the message must say. The page adds address and times; it expires within ten minutes."""

    domain: str
    uri: str
    statement: str
    chain_id: int
    nonce: str
    seconds: int


class WalletService:
    def __init__(
        self,
        parts: AccountParts,
        *,
        rows: CredentialRows,
        signatures: WalletSignatures,
        sign_in: SignInService,
        chain_id: int,
    ) -> None:
        self._parts = parts
        self._rows = rows
        self._accounts = parts.rows
        self._signatures = signatures
        self._sign_in = sign_in
        self._log = parts.log
        self._chain_id = chain_id

    def message_parts(self, account: Account | None, party: RelyingParty) -> MessageParts:
        """For linking a wallet to ``account``, or without one for signing in."""
        nonce, now = new_id(), self._log.now()
        owner = account.account_id if account else None
        self._rows.add_challenge(hash_of(nonce), _purpose(account), owner, now=now, expires_at=now + _MESSAGE_S)
        return MessageParts(
            domain=_domain(party),
            uri=party.origin,
            statement=_statement(account),
            chain_id=self._chain_id,
            nonce=nonce,
            seconds=_MESSAGE_S,
        )

    def link(
        self, account: Account, message: str, signature: str, party: RelyingParty, visitor: Visitor
    ) -> LinkedWallet:
        """Raises InvalidInput, SignInFailed, Conflict, ChainUnavailable."""
        parsed = self._checked(message, account, party)
        self._prove(parsed, message, signature)
        self._take(parsed, account)
        if len(self._rows.wallets(account.account_id)) >= _MOST:
            raise Conflict(f"an account has at most {_MOST} wallets: remove one first")
        wallet = LinkedWallet(parsed.address.lower(), account.account_id, self._log.now())
        if not self._rows.link_wallet(wallet):
            raise Conflict("this wallet is linked to an account already")
        self._log.add(EventKind.WALLET_LINKED, visitor, account.account_id, wallet.address)
        self._parts.tell(
            account, "A wallet was linked", f"The wallet {wallet.address} signs in to your account from now on."
        )
        return wallet

    def sign_in(self, message: str, signature: str, code: str, party: RelyingParty, visitor: Visitor) -> SignedIn:
        """``code`` is a one-time code, where the account asks for one. Raises InvalidInput, SignInFailed, CodeRequired,
        LimitExceeded, ChainUnavailable."""
        parsed = self._checked(message, None, party)
        self._prove(parsed, message, signature)
        wallet = self._rows.wallet(parsed.address.lower())
        account = self._accounts.find(wallet.account_id) if wallet else None
        # The nonce stays unused while only the code is missing: nobody signs twice for that.
        if account:
            self._sign_in.require_code(account, code)
        self._take(parsed, None)
        if account is None:
            raise SignInFailed("this wallet is linked to no account here")
        self._sign_in.check_code(account, code, visitor)
        self._log.add(EventKind.SIGNED_IN, visitor, account.account_id, f"wallet {parsed.address}")
        return self._sign_in.begin(account, SignInMethod.WALLET, visitor)

    def of(self, account: Account) -> Sequence[LinkedWallet]:
        return self._rows.wallets(account.account_id)

    def remove(self, account: Account, address: str, visitor: Visitor) -> None:
        """Raises NotFound."""
        if not self._rows.remove_wallet(account.account_id, address.lower()):
            raise NotFound("there is no such wallet of yours")
        self._log.add(EventKind.WALLET_REMOVED, visitor, account.account_id, address.lower())

    def _checked(self, text: str, account: Account | None, party: RelyingParty) -> siwe.SignInMessage:
        message, now = siwe.parse(text), self._log.now()
        expected = {
            "scheme": (message.scheme, ("", party.origin.partition("://")[0])),
            "domain": (message.domain, (_domain(party),)),
            "URI": (message.uri, (party.origin, party.origin + "/")),
            "chain id": (message.chain_id, (self._chain_id,)),
            "statement": (message.statement, (_statement(account),)),
        }
        for name, (found, allowed) in expected.items():
            if found not in allowed:
                raise SignInFailed(f"expected the {name} {allowed[-1]!r} in the message, found {found!r}")
        if not self._signatures.is_checksummed(message.address):
            raise SignInFailed("expected the address with the checksum of EIP-55 in its letters")
        if self._signatures.has_public_key(message.address):
            raise SignInFailed(
                f"anybody can sign for {message.address}, whose private key is public: use another wallet"
            )
        if not message.issued_at - _CLOCKS_DIFFER_S <= now < message.expires_at:
            raise SignInFailed("expected a message that is valid now: its times, or a clock, are wrong")
        if message.expires_at - message.issued_at > _MESSAGE_S:
            raise SignInFailed(f"expected a message that expires within {_MESSAGE_S} s")
        owner = account.account_id if account else None
        if not self._rows.has_challenge(hash_of(message.nonce), _purpose(account), owner, now):
            raise SignInFailed("expected a nonce of this server that was not used yet: try again")
        return message

    def _prove(self, parsed: siwe.SignInMessage, message: str, signature: str) -> None:
        if not self._signatures.is_signed(parsed.address, message, signature):
            raise SignInFailed(f"the message is not signed by {parsed.address}")

    def _take(self, parsed: siwe.SignInMessage, account: Account | None) -> None:
        owner = account.account_id if account else None
        if not self._rows.take_challenge(hash_of(parsed.nonce), _purpose(account), owner, self._log.now()):
            raise SignInFailed("expected a nonce of this server that was not used yet: try again")


def _purpose(account: Account | None) -> Purpose:
    return Purpose.LINK_WALLET if account else Purpose.USE_WALLET


def _statement(account: Account | None) -> str:
    return f"Link this wallet to the ScanProof account {account.person.email}." if account else _USE


def _domain(party: RelyingParty) -> str:
    return party.origin.partition("://")[2]
