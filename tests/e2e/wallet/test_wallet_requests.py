"""Each row of what the real MetaMask was seen to do."""

from __future__ import annotations

import json

import pytest
from eth_account.signers.local import LocalAccount
from playwright.sync_api import BrowserContext, Page

from tests.e2e.wallet.chains import Network
from tests.e2e.wallet.conftest import Ask, asked, opened
from tests.e2e.wallet.wallet import InjectedWallet

REJECTED = {"code": 4001, "message": "User rejected the request."}
CONNECT = {"eth_accounts": {}}


def add(network: Network, **changes: object) -> dict[str, object]:
    currency = {"name": "Ether", "symbol": "ETH", "decimals": 18}
    known = {"chainId": hex(network.chain_id), "chainName": network.name, "rpcUrls": [network.rpc_url]}
    return {**known, "nativeCurrency": currency, **changes}


def typed_data(chain_id: int) -> str:
    types = {"EIP712Domain": [{"name": "chainId", "type": "uint256"}], "Note": [{"name": "text", "type": "string"}]}
    domain = {"chainId": chain_id}
    return json.dumps({"types": types, "primaryType": "Note", "domain": domain, "message": {"text": "read"}})


def test_accounts_are_hidden_until_the_person_connects(wallet: InjectedWallet, ask: Ask, alice: LocalAccount):
    before = ask("eth_accounts")

    assert (before, ask("eth_requestAccounts"), ask("eth_accounts")) == (
        {"ok": []},
        {"ok": [alice.address.lower()]},
        {"ok": [alice.address.lower()]},
    )
    assert wallet.popups == ["connect"]


def test_a_second_connection_needs_no_popup(wallet: InjectedWallet, ask: Ask, alice: LocalAccount):
    ask("eth_requestAccounts")

    assert ask("eth_requestAccounts") == {"ok": [alice.address.lower()]}
    assert wallet.popups == ["connect"]


@pytest.mark.parametrize("method", ["eth_requestAccounts", "wallet_requestPermissions"])
def test_connect_rejected(wallet: InjectedWallet, ask: Ask, method: str):
    wallet.decide("connect", "reject")

    assert ask(method, CONNECT) == REJECTED
    assert ask("eth_accounts") == {"ok": []}


@pytest.mark.parametrize("method", ["personal_sign", "eth_signTypedData_v4"])
def test_signature_rejected(wallet: InjectedWallet, ask: Ask, alice: LocalAccount, method: str):
    ask("eth_requestAccounts")
    wallet.decide("sign", "reject")
    parameters = ["0x00", alice.address] if method == "personal_sign" else [alice.address, typed_data(31337)]

    assert ask(method, *parameters) == REJECTED


def test_transaction_rejected(wallet: InjectedWallet, ask: Ask, alice: LocalAccount):
    ask("eth_requestAccounts")
    wallet.decide("transaction", "reject")

    assert ask("eth_sendTransaction", {"from": alice.address, "to": alice.address}) == {
        "code": 4001,
        "message": "MetaMask Tx Signature: User denied transaction signature.",
    }
    assert wallet.sent == []


def test_unknown_chain_has_no_popup(wallet: InjectedWallet, ask: Ask, networks: tuple[Network, Network]):
    chain_id = hex(networks[1].chain_id)

    assert ask("wallet_switchEthereumChain", {"chainId": chain_id}) == {
        "code": 4902,
        "message": f'Unrecognized chain ID "{chain_id}". Try adding the chain using wallet_addEthereumChain first.',
    }
    assert wallet.popups == []


def test_unknown_chain_on_mobile_nests_the_code(
    context: BrowserContext, page: Page, alice: LocalAccount, networks: tuple[Network, Network]
):
    InjectedWallet(context, [alice], mobile=True)

    error = asked(opened(page), "wallet_switchEthereumChain", {"chainId": hex(networks[1].chain_id)})

    assert (error["code"], error["data"]["originalError"]["code"]) == (-32603, 4902)


@pytest.mark.parametrize(
    ("popup", "method"), [("switch", "wallet_switchEthereumChain"), ("add", "wallet_addEthereumChain")]
)
def test_chain_change_rejected(
    wallet: InjectedWallet, ask: Ask, networks: tuple[Network, Network], popup: str, method: str
):
    wallet.decide(popup, "reject")
    parameter = {"chainId": "0x1"} if popup == "switch" else add(networks[1])

    assert ask(method, parameter) == REJECTED
    assert ask("eth_chainId") == {"ok": hex(networks[0].chain_id)}


def test_switch_tells_the_new_chain(wallet: InjectedWallet, ask: Ask, site: Page):
    assert ask("wallet_switchEthereumChain", {"chainId": "0x1"}) == {"ok": None}

    assert site.evaluate("events") == [["chainChanged", "0x1"]]
    assert ask("eth_chainId") == {"ok": "0x1"}


def test_added_chain_is_switched_to(ask: Ask, site: Page, networks: tuple[Network, Network]):
    chain_id = hex(networks[1].chain_id)

    assert ask("wallet_addEthereumChain", add(networks[1])) == {"ok": None}

    assert site.evaluate("events") == [
        ["chainChanged", chain_id],
        ["disconnect", {"code": 1013}],
        ["connect", {"chainId": chain_id}],
    ]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"chainId": "31338"}, "Expected 0x-prefixed, unpadded, non-zero hexadecimal string 'chainId'"),
        ({"rpcUrls": []}, "Expected an array with at least one valid string HTTPS url 'rpcUrls'"),
        ({"blockExplorerUrls": []}, "Expected null or array with at least one valid string HTTPS URL"),
        ({"nativeCurrency": {"symbol": "ETH", "decimals": 8}}, "Expected the number 18 for 'nativeCurrency.decimals'"),
        ({"nativeCurrency": {"symbol": "", "decimals": 18}}, "Expected 1-6 character string 'nativeCurrency.symbol'"),
        ({"chainName": ""}, "Expected non-empty string 'chainName'"),
        ({"chainId": "0x5"}, "Chain ID returned by RPC URL"),
        ({"contract": "0x"}, "Received unexpected keys on object parameter"),
    ],
)
def test_chain_that_metamask_would_not_add(ask: Ask, networks: tuple[Network, Network], change: dict, expected: str):
    error = ask("wallet_addEthereumChain", add(networks[1], **change))

    assert error["code"] == -32602
    assert error["message"].startswith(expected)


def test_typed_data_for_another_chain_has_no_popup(wallet: InjectedWallet, ask: Ask, alice: LocalAccount):
    ask("eth_requestAccounts")

    assert ask("eth_signTypedData_v4", alice.address, typed_data(1)) == {
        "code": -32603,
        "message": 'Provided chainId "1" must match the active chainId "31337"',
    }
    assert wallet.popups == ["connect"]


def test_connection_while_one_is_open(wallet: InjectedWallet, ask: Ask, site: Page):
    wallet.decide("connect", "hold")
    site.evaluate("() => void ask('eth_requestAccounts')")
    wallet.wait_for_popup(site)

    assert ask("eth_requestAccounts")["code"] == -32002
    assert ask("wallet_requestPermissions", CONNECT)["code"] == -32002


def test_transactions_and_switches_queue(wallet: InjectedWallet, ask: Ask, site: Page, alice: LocalAccount):
    ask("eth_requestAccounts")
    wallet.decide("transaction", "hold")
    transaction = [{"from": alice.address, "to": alice.address}]
    asked_for = [["eth_sendTransaction", transaction], ["wallet_switchEthereumChain", [{"chainId": "0x1"}]]]
    site.evaluate(
        "requests => { window.late = []; "
        "for (const [method, params] of requests) ask(method, params).then((answer) => late.push([method, answer])); }",
        asked_for,
    )
    site.wait_for_function("() => true")
    wallet.wait_for_popup(site)
    assert [popup.kind for popup in wallet.queue] == ["transaction", "switch"]

    wallet.settle("approve")
    wallet.settle("reject")

    site.wait_for_function("() => late.length === 2")
    assert site.evaluate("late") == [
        ["eth_sendTransaction", {"ok": wallet.sent[0].hash}],
        ["wallet_switchEthereumChain", REJECTED],
    ]


def test_request_stays_open_over_a_reload(wallet: InjectedWallet, site: Page, alice: LocalAccount):
    wallet.decide("connect", "hold")
    site.evaluate("() => void ask('eth_requestAccounts')")
    wallet.wait_for_popup(site)
    site.reload()
    assert asked(site, "eth_requestAccounts")["code"] == -32002

    wallet.settle("approve")

    assert site.evaluate("events") == [["accountsChanged", [alice.address.lower()]]]
    assert asked(site, "eth_accounts") == {"ok": [alice.address.lower()]}


@pytest.mark.parametrize("leave", [Page.reload, Page.close])
def test_transaction_confirmed_after_its_page_is_gone_is_sent(
    wallet: InjectedWallet, ask: Ask, site: Page, alice: LocalAccount, networks: tuple[Network, Network], leave
):
    ask("eth_requestAccounts")
    wallet.decide("transaction", "hold")
    site.evaluate("request => void ask('eth_sendTransaction', [request])", {"from": alice.address, "to": alice.address})
    wallet.wait_for_popup(site)

    leave(site)
    wallet.settle("approve")

    assert networks[0].call("eth_getTransactionByHash", [wallet.sent[0].hash])["from"] == alice.address.lower()


def test_permissions_change_the_connected_accounts(wallet: InjectedWallet, ask: Ask, site: Page, bob: LocalAccount):
    ask("eth_requestAccounts")
    wallet.tick(bob.address)

    (permission,) = ask("wallet_requestPermissions", CONNECT)["ok"]

    assert permission["parentCapability"] == "eth_accounts"
    assert permission["caveats"][0]["value"] == [bob.address.lower()]
    assert site.evaluate("events.at(-1)") == ["accountsChanged", [bob.address.lower()]]
    assert wallet.popups == ["connect", "connect"]


def test_permissions_are_revoked_without_a_popup(wallet: InjectedWallet, ask: Ask, site: Page):
    ask("eth_requestAccounts")

    assert ask("wallet_revokePermissions", CONNECT) == {"ok": None}

    assert site.evaluate("events.at(-1)") == ["accountsChanged", []]
    assert (ask("eth_accounts"), ask("wallet_getPermissions")) == ({"ok": []}, {"ok": []})
    assert wallet.popups == ["connect"]


@pytest.mark.parametrize("method", ["wallet_requestPermissions", "wallet_revokePermissions"])
def test_permissions_must_be_named(ask: Ask, method: str):
    assert ask(method)["code"] == -32602


@pytest.mark.parametrize("decision", ["approve", "reject"])
def test_open_popup_is_settled_later(wallet: InjectedWallet, site: Page, alice: LocalAccount, decision: str):
    wallet.decide("connect", "hold")
    site.evaluate("() => { ask('eth_requestAccounts').then((answer) => (window.late = answer)) }")
    wallet.wait_for_popup(site)

    wallet.settle(decision)

    site.wait_for_function("() => window.late")
    assert site.evaluate("late") == ({"ok": [alice.address.lower()]} if decision == "approve" else REJECTED)


@pytest.mark.parametrize("method", ["eth_sign", "eth_accounts_all", "evm_mine", "anvil_setBalance"])
def test_method_that_a_wallet_does_not_have(ask: Ask, method: str):
    assert ask(method) == {"code": -32601, "message": f'The method "{method}" does not exist / is not available.'}


def test_other_accounts_than_the_connected_are_refused(ask: Ask, bob: LocalAccount):
    ask("eth_requestAccounts")

    assert ask("personal_sign", "0x00", bob.address) == {
        "code": 4100,
        "message": "The requested account and/or method has not been authorized by the user.",
    }


def test_reading_goes_to_the_selected_chain(ask: Ask, networks: tuple[Network, Network]):
    assert ask("web3_clientVersion")["ok"].startswith("anvil/")
    ask("wallet_switchEthereumChain", {"chainId": "0x1"})

    assert ask("web3_clientVersion") == {"code": -32603, "message": "Failed to fetch"}


def test_node_error_is_wrapped(ask: Ask):
    error = ask("eth_getBalance", "nonsense", "latest")

    assert (error["code"], error["data"]["code"]) == (-32603, -32602)
    assert error["message"] == error["data"]["message"]
