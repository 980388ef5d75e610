"""The wallet's state and its answer to each request of a page (EIP-1193), without a browser."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from eth_account.messages import SignableMessage
from eth_account.signers.local import LocalAccount
from playwright.sync_api import Page

from tests.e2e.wallet import errors, signing
from tests.e2e.wallet.chains import FORWARDED, MAINNET, Network, network_from, parse_chain_id

Popup = Literal["connect", "unlock", "switch", "add", "sign", "transaction"]
Decision = Literal["approve", "reject", "hold"]
_ONE_AT_A_TIME: frozenset[Popup] = frozenset(["connect", "unlock", "add"])
"""The second request of such a kind is refused; those of other kinds wait behind the first ("1 of 2")."""
_ACCOUNTS = "eth_accounts"


@dataclass(frozen=True, slots=True)
class OpenPopup:
    """A request that waits for the person; ``page`` made it."""

    id: int
    kind: Popup
    action: Callable[[], Any]
    page: Page


@dataclass(frozen=True, slots=True)
class Sent:
    """A transaction that the wallet signed; broadcast unless the wallet was told to lose it."""

    account: LocalAccount
    transaction: dict[str, Any]
    network: Network
    hash: str


class RequestHandler:
    """``chain_id`` is the selected network. Addresses are in lower case, as the wallet gives them."""

    def __init__(
        self, accounts: list[LocalAccount], networks: tuple[Network, ...], chain_id: int, mobile: bool
    ) -> None:
        self.accounts = {account.address.lower(): account for account in accounts}
        self.locked = False
        self.networks = {known.chain_id: known for known in (MAINNET, *networks)}
        self.chain_id = chain_id
        self.loses_transactions = False
        self.requests: list[tuple[str, list[Any]]] = []
        self.popups: list[Popup] = []
        self.sent: list[Sent] = []
        self.queue: list[OpenPopup] = []
        self._selections = list(self.accounts)
        self._permitted: set[str] = set()
        self._ticked: list[str] | None = None
        self._failures: dict[str, errors.ProviderRpcError] = {}
        self._mobile = mobile
        self._decisions: dict[Popup, Decision] = {}
        self._events: list[tuple[str, Any]] = []
        self._ids = itertools.count()

    def answer(self, page: Page, method: str, params: list[Any]) -> dict[str, Any]:
        """{ok} | {err}, each with the events that come first, or {waiting} with the id of the open popup."""
        self.requests.append((method, params))
        failure = self._failures.pop(method, None)
        if failure:
            return {"err": failure.to_json(), "events": []}
        return self._outcome(lambda: self._request(page, method, params))

    @property
    def selected(self) -> str:
        """The account that the wallet's own window shows; it need not be connected."""
        return self._selections[0]

    @property
    def connected(self) -> list[str]:
        """The accounts that the site may see, locked or not: the one that was selected last comes first."""
        return [address for address in self._selections if address in self._permitted]

    def _outcome(self, action: Callable[[], Any]) -> dict[str, Any]:
        self._events = []
        try:
            result = action()
        except errors.ProviderRpcError as error:
            return {"err": error.to_json(), "events": self._events}
        if isinstance(result, OpenPopup):
            return {"waiting": result.id}
        return {"ok": result, "events": self._events}

    def _request(self, page: Page, method: str, params: list[Any]) -> Any:
        match method:
            case "eth_chainId":
                return hex(self.chain_id)
            case "net_version":
                return str(self.chain_id)
            case "eth_accounts":
                return self.connected
            case "wallet_getPermissions":
                return self._permissions()
            case "wallet_revokePermissions":
                return self._revoke(params)
            case "eth_requestAccounts":
                return self._request_accounts(page, method)
            case "wallet_requestPermissions":
                _check_permission(params)
                return self._ask(page, "connect", method, lambda: [self._connect(), self._permissions()][1])
            case "wallet_switchEthereumChain":
                return self._switch(page, params)
            case "wallet_addEthereumChain":
                return self._add(page, params)
            case "personal_sign":
                return self._sign(page, method, params[1], signing.personal_message(params[0]))
            case "eth_signTypedData_v4":
                return self._sign(page, method, params[0], signing.typed_data(params[1], self.chain_id))
            case "eth_sendTransaction":
                account = self._authorized(params[0].get("from"))
                return self._ask(page, "transaction", method, lambda: self._send(account, params[0]))
            case "eth_getTransactionCount" if params[1:] == ["pending"]:
                return hex(self._next_nonce(params[0]))
            case _ if method in FORWARDED:
                return self.networks[self.chain_id].call(method, params)
        raise errors.unsupported(method)

    def _ask(self, page: Page, kind: Popup, method: str, action: Callable[[], Any]) -> Any:
        if kind in _ONE_AT_A_TIME and any(popup.kind == kind for popup in self.queue):
            raise errors.already_open(method)
        self.popups.append(kind)
        decision = self._decisions.get(kind, "approve")
        if self.queue or decision == "hold":
            popup = OpenPopup(next(self._ids), kind, action, page)
            self.queue.append(popup)
            return popup
        return self._decided(kind, decision, action)

    def _decided(self, kind: Popup, decision: Decision, action: Callable[[], Any]) -> Any:
        if decision == "approve":
            # A locked wallet's window asks for the password first, then shows the request.
            self.locked = False
            return action()
        raise errors.transaction_rejected() if kind == "transaction" else errors.rejected()

    def _request_accounts(self, page: Page, method: str) -> Any:
        if not self.connected:
            return self._ask(page, "connect", method, self._connect)
        return self._ask(page, "unlock", method, lambda: self.connected) if self.locked else self.connected

    def _connect(self) -> list[str]:
        before = self.connected
        self._permitted = set(self._ticked or [self.selected])
        if self.connected != before:
            self._events.append(("accountsChanged", self.connected))
        return self.connected

    def _revoke(self, params: list[Any]) -> None:
        _check_permission(params)
        if self._permitted:
            self._permitted = set()
            self._events.append(("accountsChanged", []))

    def _switch(self, page: Page, params: list[Any]) -> Any:
        chain_id = parse_chain_id(params[0].get("chainId"))
        if chain_id not in self.networks:
            raise errors.unknown_chain(chain_id, mobile=self._mobile)
        if chain_id == self.chain_id:
            return None
        return self._ask(page, "switch", "wallet_switchEthereumChain", lambda: self._show(chain_id))

    def _add(self, page: Page, params: list[Any]) -> Any:
        network = network_from(params[0])
        if network.chain_id in self.networks:
            return self._switch(page, [{"chainId": hex(network.chain_id)}])

        def added() -> None:
            self.networks[network.chain_id] = network
            self._show(network.chain_id)
            gone = {"code": 1013, "message": "MetaMask: Disconnected from chain. Attempting to connect.", "data": None}
            self._events += [("disconnect", gone), ("connect", {"chainId": hex(network.chain_id)})]

        return self._ask(page, "add", "wallet_addEthereumChain", added)

    def _show(self, chain_id: int) -> None:
        self.chain_id = chain_id
        self._events.append(("chainChanged", hex(chain_id)))

    def _sign(self, page: Page, method: str, address: str, message: SignableMessage) -> Any:
        account = self._authorized(address)
        return self._ask(page, "sign", method, lambda: account.sign_message(message).signature.to_0x_hex())

    def _send(self, account: LocalAccount, request: dict[str, Any]) -> str:
        network = self.networks[self.chain_id]
        transaction = signing.filled(request, network)
        signed = account.sign_transaction(transaction)
        if not self.loses_transactions:
            network.broadcast(signed)
        self.sent.append(Sent(account, transaction, network, signed.hash.to_0x_hex()))
        return self.sent[-1].hash

    def _next_nonce(self, address: str) -> int:
        """The wallet counts what it has sent itself, whether or not the node tells of pending transactions."""
        known = self.networks[self.chain_id].call("eth_getTransactionCount", [address, "pending"])
        own = [
            sent.transaction["nonce"] + 1
            for sent in self.sent
            if (sent.account.address.lower(), sent.network.chain_id) == (address.lower(), self.chain_id)
        ]
        return max([int(known, 16), *own])

    def _authorized(self, address: str | None) -> LocalAccount:
        if (address or "").lower() not in self.connected:
            raise errors.unauthorized()
        return self.accounts[address.lower()]

    def _permissions(self) -> list[dict[str, Any]]:
        caveat = {"type": "restrictReturnedAccounts", "value": self.connected}
        return [{"parentCapability": _ACCOUNTS, "caveats": [caveat]}] if self.connected else []


def _check_permission(params: list[Any]) -> None:
    """EIP-2255 and MetaMask's wallet_revokePermissions: the permissions are named by an object."""
    if not (params and isinstance(params[0], dict) and _ACCOUNTS in params[0]):
        raise errors.invalid("Invalid method parameter(s).")
