"""An injected wallet that behaves as MetaMask 13 does, with the person's part played by the test.

Keys, networks, permissions and open requests live here, outside the page, and so outlive its reloads. A test says
beforehand what the person will do with each kind of popup (``decide``, ``tick``), or leaves the popup open and ends it
later (``settle``): a request that is open when its page is reloaded or closed can still be confirmed.
"""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any, Literal

from eth_account.signers.local import LocalAccount
from playwright.sync_api import BrowserContext, Page

from tests.e2e.wallet.chains import MAINNET, Network
from tests.e2e.wallet.errors import ProviderRpcError
from tests.e2e.wallet.handler import Decision, Popup, RequestHandler
from tests.e2e.wallet.signing import with_higher_fee

_PROVIDER = (Path(__file__).parent / "provider.js").read_text()
_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 1 1'%3E"
    "%3Crect width='1' height='1' rx='.2' fill='%23c77d1e'/%3E%3C/svg%3E"
)


class InjectedWallet(RequestHandler):
    """``accounts``: the keys it holds, the first selected. ``networks``: those it knows beside mainnet; ``chain_id``
    is the selected one. ``announced``: by EIP-6963; ``legacy``: as window.ethereum; ``mobile``: errors as there."""

    def __init__(
        self,
        context: BrowserContext,
        accounts: list[LocalAccount],
        networks: tuple[Network, ...] = (),
        *,
        chain_id: int = MAINNET.chain_id,
        name: str = "MetaMask",
        rdns: str = "io.metamask",
        announced: bool = True,
        legacy: bool = True,
        mobile: bool = False,
    ) -> None:
        super().__init__(accounts, networks, chain_id, mobile)
        self._context = context
        self._binding = f"wallet_{uuid.uuid4().hex}"
        config = {
            "binding": self._binding,
            "info": {"uuid": str(uuid.uuid4()), "name": name, "icon": _ICON, "rdns": rdns},
            "announced": announced,
            "legacy": legacy,
            "isMetaMask": rdns == "io.metamask",
        }
        context.expose_binding(self._binding, lambda source, *request: self.answer(source["page"], *request))
        context.add_init_script(f"({_PROVIDER})({json.dumps(config)})")

    def decide(self, popup: Popup, decision: Decision) -> None:
        """From now on, this kind of popup is approved, rejected, or stays open until ``settle``."""
        self._decisions[popup] = decision

    def fail(self, method: str, code: int, message: str) -> None:
        """The next such request fails, without a popup."""
        self._failures[method] = ProviderRpcError(code, message)

    def tick(self, *addresses: str) -> None:
        """From now on, connecting gives the site exactly these accounts; before, it gives the selected one."""
        self._ticked = [address.lower() for address in addresses]

    def wait_for_popup(self, page: Page) -> None:
        """Until a request of ``page`` waits for an open popup."""
        page.wait_for_function(f"() => {self._binding}_page.waits()")

    def settle(self, decision: Literal["approve", "reject"]) -> None:
        """End the first of the open popups, whether or not the page that asked is still there."""
        assert self.queue, "no popup of the wallet is open"
        popup = self.queue.pop(0)
        answer = self._outcome(lambda: self._decided(popup.kind, decision, popup.action))
        if popup.page.is_closed():
            self._tell(*answer["events"])
        else:
            popup.page.evaluate(f"([id, answer]) => {self._binding}_page.settle(id, answer)", [popup.id, answer])

    def select_account(self, address: str) -> None:
        """Show another account in the wallet's own window. That connects nothing: the site hears of it only when the
        account is connected already."""
        before = self.connected
        self._selections.sort(key=lambda known: known != address.lower())
        if self.connected != before:
            self._tell(("accountsChanged", self.connected))

    def add_account(self, account: LocalAccount) -> None:
        """One more account, not selected. One that it has already is not added twice."""
        if account.address.lower() not in self.accounts:
            self.accounts[account.address.lower()] = account
            self._selections.append(account.address.lower())

    def select_network(self, chain_id: int) -> None:
        self.chain_id = chain_id
        self._tell(("chainChanged", hex(chain_id)))

    def disconnect(self) -> None:
        """Take the site's permission away, as in the wallet's list of connected sites."""
        self._permitted = set()
        self._tell(("accountsChanged", []))

    def lock(self) -> None:
        """No page hears of it, and `eth_accounts` answers as before; the next window asks for the password first."""
        self.locked = True

    def shows_icon(self, page: Page) -> bool:
        """Whether the wallet's own window, which has another origin, can load the icon that ``page`` names."""
        icon = page.evaluate("document.querySelector('link[rel~=icon]').href")
        window = self._context.new_page()
        load = "source => new Promise((settle) => { const image = new Image(); image.onload = () => settle(true); "
        shown = window.evaluate(load + "image.onerror = () => settle(false); image.src = source; })", icon)
        window.close()
        return shown

    def speed_up(self) -> str:
        """Replace the last transaction by the same at a higher fee; the new hash."""
        return self._replace()

    def cancel(self) -> str:
        """Replace the last transaction by an empty transfer to oneself; the new hash."""
        return self._replace(to=self.sent[-1].account.address, value=0, data="0x", gas=21_000)

    def _replace(self, **changes: Any) -> str:
        last = self.sent[-1]
        return last.network.broadcast(last.account.sign_transaction(with_higher_fee(last.transaction, **changes)))

    def _tell(self, *events: tuple[str, Any]) -> None:
        for page in self._context.pages:
            page.evaluate(f"events => globalThis.{self._binding}_page?.emit(events)", list(events))
