"""One-time codes, passkeys and wallets: what they are good for, and what a hostile one gets."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
from apiflask import APIFlask
from eth_account import Account as Keys
from eth_account.messages import encode_defunct
from web3 import HTTPProvider, Web3

from backend.accounts import LinkedWallet
from backend.adapters.bulkhead import FAILURES
from backend.adapters.chain.development_accounts import USER, DevelopmentAccount
from backend.errors import ChainUnavailable
from backend.processes import free_port
from backend.settings import Secret, Settings
from backend.wiring import wire_accounts
from tests.backend.accounts import OTHER_PASSWORD, PASSWORD, Browser, passwords
from tests.backend.api.conftest import assert_problem
from tests.standins.authenticator import PRESENT, Authenticator, base64url

PROVEN = {"password": PASSWORD}
CODE_NEEDED = "expected a code of your app, or a recovery code, as well"
WRONG_CODE = "the code is wrong, or was used already"


NOW = 1_800_000_015


def wallet() -> DevelopmentAccount:
    """With a key that nobody else has."""
    made = Keys.create()
    return DevelopmentAccount(made.address, made.key.hex())


WALLET, OTHER_WALLET = wallet(), wallet()


@pytest.fixture(autouse=True)
def clock(account_app: APIFlask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server's clock stands still: no code expires while a test runs."""
    log = account_app.extensions["scanproof"].accounts.sign_in._log
    monkeypatch.setattr(log, "_clock", lambda: NOW)


def secret_of(uri: str) -> pyotp.TOTP:
    return pyotp.TOTP(parse_qs(urlsplit(uri).query)["secret"][0])


def turn_codes_on(browser: Browser) -> tuple[pyotp.TOTP, list[str]]:
    app = secret_of(browser("POST", "/account/codes", PROVEN).json["uri"])
    # The step before, so that the present one is still unused.
    answer = browser("PUT", "/account/codes", {"code": app.at(NOW - 30)})
    assert answer.status_code == 200
    return app, answer.json["recoveryCodes"]


def with_code(browser: Browser, code: str):
    return browser("POST", "/session", {"email": "alice@example.org", "password": PASSWORD, "code": code})


def test_with_codes_on_the_password_alone_signs_nobody_in(browser: Browser, other_browser: Browser) -> None:
    browser.join()
    app, _ = turn_codes_on(browser)
    assert browser("GET", "/account/credentials").json["codes"] is True
    assert_problem(other_browser.sign_in(), 401, "code-required", CODE_NEEDED)
    assert other_browser.account() is None
    assert_problem(with_code(other_browser, "000000"), 401, "sign-in-failed", WRONG_CODE)
    assert other_browser.sign_in(password=OTHER_PASSWORD).json["type"] == "urn:scanproof:problem:sign-in-failed"
    code = app.at(NOW)
    assert with_code(other_browser, f"{code[:3]} {code[3:]}").status_code == 200
    assert_problem(with_code(other_browser, code), 401, "sign-in-failed", WRONG_CODE)
    kinds = [event["kind"] for event in browser("GET", "/account/events").json["events"]]
    assert {"codes-on", "code-asked"} <= set(kinds)


def test_each_recovery_code_replaces_one_code(browser: Browser, other_browser: Browser) -> None:
    browser.join()
    _, codes = turn_codes_on(browser)
    assert len(set(codes)) == 10 and all(re.fullmatch(r"(?:[a-z2-7]{4}-){3}[a-z2-7]{4}", code) for code in codes)
    assert with_code(other_browser, codes[0].upper().replace("-", " ")).status_code == 200
    assert with_code(other_browser, codes[0]).status_code == 401
    assert browser("GET", "/account/credentials").json["recoveryCodesLeft"] == 9


def test_a_recovery_code_is_no_code_of_another_account(browser: Browser, other_browser: Browser) -> None:
    browser.join()
    turn_codes_on(browser)
    other_browser.join("Bob")
    _, theirs = turn_codes_on(other_browser)
    assert with_code(other_browser, theirs[0]).status_code == 401


def test_a_link_by_mail_needs_the_code_too(browser: Browser, other_browser: Browser) -> None:
    browser.join()
    _, codes = turn_codes_on(browser)
    other_browser("POST", "/password-resets", {"email": "alice@example.org"})
    token = browser.mails.secret()
    new = {"token": token, **passwords(OTHER_PASSWORD)}
    assert_problem(other_browser("PUT", "/password-resets", new), 401, "code-required", CODE_NEEDED)
    wrong = other_browser("PUT", "/password-resets", {**new, "code": "000000"})
    assert_problem(wrong, 401, "sign-in-failed", WRONG_CODE)
    assert other_browser("PUT", "/password-resets", {**new, "code": codes[0]}).status_code == 200


def test_codes_are_on_only_after_the_first_one_and_off_with_the_password(browser: Browser) -> None:
    browser.join()
    begun = "expected codes that were begun and are not on yet"
    assert_problem(browser("PUT", "/account/codes", {"code": "123456"}), 409, "conflict", begun)
    first = secret_of(browser("POST", "/account/codes", PROVEN).json["uri"])
    second = secret_of(browser("POST", "/account/codes", PROVEN).json["uri"])
    assert browser("GET", "/account/credentials").json["codes"] is False
    wrong = browser("PUT", "/account/codes", {"code": first.at(NOW)})
    assert wrong.status_code == 401 and "check that the clock" in wrong.json["detail"]
    assert browser("PUT", "/account/codes", {"code": second.at(NOW)}).status_code == 200
    on = "one-time codes are on already: turn them off first"
    assert_problem(browser("POST", "/account/codes", PROVEN), 409, "conflict", on)
    denied = browser("POST", "/account/codes/removal", {"password": OTHER_PASSWORD})
    assert_problem(denied, 401, "sign-in-failed", "the password is wrong")
    assert browser("POST", "/account/codes/removal", PROVEN).status_code == 204
    assert browser("GET", "/account/credentials").json["recoveryCodesLeft"] == 0
    assert browser.sign_in().status_code == 200


def test_the_secret_of_the_codes_is_encrypted_in_the_database(browser: Browser) -> None:
    browser.join()
    app, codes = turn_codes_on(browser)
    settings = browser.app.extensions["scanproof"].settings
    files = b"".join(file.read_bytes() for file in settings.var.glob("scanproof.db*"))
    assert app.secret.encode() not in files
    assert not any(code.encode() in files or code.replace("-", "").encode() in files for code in codes)
    assert (settings.var / "keys" / "accounts.key").stat().st_mode & 0o077 == 0


def add_passkey(browser: Browser, device: Authenticator, name: str = "Telephone", **extra):
    options = browser("POST", "/account/passkeys/options", PROVEN).json["options"]
    return browser("POST", "/account/passkeys", {"name": name, "credential": device.create(options, **extra)})


def use_passkey(browser: Browser, device: Authenticator, **extra):
    options = browser("POST", "/session/passkey/options").json["options"]
    return browser("POST", "/session/passkey", {"credential": device.use(options, **extra)})


def test_a_passkey_alone_signs_in(browser: Browser, other_browser: Browser) -> None:
    browser.join()
    turn_codes_on(browser)
    device = Authenticator()
    options = browser("POST", "/account/passkeys/options", PROVEN).json["options"]
    assert options["rp"] == {"id": "localhost", "name": "ScanProof"}
    selection = options["authenticatorSelection"]
    assert (selection["residentKey"], selection["userVerification"]) == ("required", "required")
    assert "authenticatorAttachment" not in selection
    added = browser("POST", "/account/passkeys", {"name": " Telephone ", "credential": device.create(options)})
    assert (added.status_code, added.json["name"], added.json["usedAt"]) == (201, "Telephone", None)

    answer = use_passkey(other_browser, device)

    assert (answer.status_code, answer.json["method"]) == (200, "passkey")
    assert other_browser.account()["email"] == "alice@example.org"
    (listed,) = other_browser("GET", "/account/credentials").json["passkeys"]
    assert listed["usedAt"]
    known = browser("POST", "/account/passkeys/options", PROVEN).json["options"]["excludeCredentials"]
    assert [each["id"] for each in known] == [base64url(device.credential_id)]


def test_a_removed_passkey_signs_nobody_in(browser: Browser, other_browser: Browser) -> None:
    browser.join()
    device = Authenticator()
    passkey_id = add_passkey(browser, device).json["passkeyId"]
    other_browser.join("Bob")
    missing = "there is no such passkey of yours"
    assert_problem(other_browser("DELETE", f"/account/passkeys/{passkey_id}"), 404, "not-found", missing)
    assert browser("DELETE", f"/account/passkeys/{passkey_id}").status_code == 204
    nobody = "this passkey belongs to no account here"
    assert_problem(use_passkey(browser, device), 401, "sign-in-failed", nobody)


def test_a_passkey_has_one_account(browser: Browser, other_browser: Browser) -> None:
    browser.join()
    device = Authenticator()
    add_passkey(browser, device)
    other_browser.join("Bob")
    assert_problem(add_passkey(other_browser, device), 409, "conflict", "this passkey is added already")


@pytest.mark.parametrize(
    ("lie", "message"),
    [
        ({"origin": "https://evil.example"}, "origin"),
        ({"host": "evil.example"}, "RP ID hash"),
        ({"flags": PRESENT}, "User verification is required"),
    ],
)
def test_a_passkey_of_another_site_or_without_its_owner_is_refused(browser: Browser, lie: dict, message: str) -> None:
    browser.join()
    good, liar = Authenticator(), Authenticator()
    add_passkey(browser, good)
    for name, value in lie.items():
        setattr(liar, name, value)
        setattr(good, name, value)
    for answer in (add_passkey(browser, liar), use_passkey(browser, good)):
        assert (answer.status_code, answer.json["type"]) == (401, "urn:scanproof:problem:sign-in-failed")
        assert message.lower() in answer.json["detail"].lower()
    assert len(browser("GET", "/account/credentials").json["passkeys"]) == 1


def test_an_answer_of_a_passkey_works_once_and_for_its_purpose(browser: Browser, other_browser: Browser) -> None:
    browser.join()
    device = Authenticator()
    add_passkey(browser, device)
    closed = "expected an answer to a challenge that is open: try again"
    used = {"credential": device.use(browser("POST", "/session/passkey/options").json["options"])}
    assert browser("POST", "/session/passkey", used).status_code == 200
    assert_problem(browser("POST", "/session/passkey", used), 401, "sign-in-failed", closed)
    adding = browser("POST", "/account/passkeys/options", PROVEN).json["options"]
    crossed = browser("POST", "/session/passkey", {"credential": device.use(adding)})
    assert_problem(crossed, 401, "sign-in-failed", closed)
    other_browser.join("Bob")
    theirs = browser("POST", "/account/passkeys/options", PROVEN).json["options"]
    stolen = other_browser("POST", "/account/passkeys", {"name": "x", "credential": Authenticator().create(theirs)})
    assert_problem(stolen, 401, "sign-in-failed", closed)
    own = Authenticator().use({"challenge": base64url(bytes(32))})
    assert_problem(browser("POST", "/session/passkey", {"credential": own}), 401, "sign-in-failed", closed)


def test_a_copied_passkey_is_noticed_by_its_counter(browser: Browser) -> None:
    browser.join()
    device = Authenticator()
    add_passkey(browser, device)
    assert use_passkey(browser, device).status_code == 200
    device.count = 0
    answer = use_passkey(browser, device)
    assert answer.status_code == 401 and "sign count" in answer.json["detail"]


HOSTILE = [None, 7, "", "x", [], {}, "é", "A" * 2_000, "\ud800"]


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_nothing_that_a_hostile_browser_sends_fails_or_is_kept(browser: Browser, value: object) -> None:
    browser.join()
    device = Authenticator()
    extra = {"extensions": "<script>", "transports": value, "publicKey": value, "unknown": value}
    options = browser("POST", "/account/passkeys/options", PROVEN).json["options"]
    good = device.create(options, **extra)
    for name in ("id", "rawId", "type", "response"):
        answer = browser("POST", "/account/passkeys", {"name": "x", "credential": {**good, name: value}})
        assert answer.status_code in (400, 401), (name, answer.json)
    for name in ("clientDataJSON", "attestationObject"):
        broken = {**good, "response": {**good["response"], name: value}}
        options = browser("POST", "/account/passkeys/options", PROVEN).json["options"]
        answer = browser("POST", "/account/passkeys", {"name": "x", "credential": broken})
        assert answer.status_code in (400, 401), (name, answer.json)
    assert add_passkey(browser, Authenticator(), **extra).status_code == 201
    (listed,) = browser("GET", "/account/credentials").json["passkeys"]
    assert set(listed) == {"passkeyId", "name", "createdAt", "usedAt"}


def test_names_of_passkeys_have_limits(browser: Browser) -> None:
    browser.join()
    for name in ("", " ", "x" * 101):
        answer = add_passkey(browser, Authenticator(), name=name)
        assert answer.json["fields"] == {"name": "enter a name of 1 to 100 characters"}
    for number in range(20):
        assert add_passkey(browser, Authenticator(), name=str(number)).status_code == 201
    full = "an account has at most 20 passkeys: remove one first"
    assert_problem(browser("POST", "/account/passkeys/options", PROVEN), 409, "conflict", full)


def test_at_an_address_a_message_says_where_to_go(browser: Browser) -> None:
    browser.join()
    detail = "browsers make passkeys for names only, not for 127.0.0.1: open http://localhost:5000"
    answer = browser("POST", "/session/passkey/options", headers={"Host": "127.0.0.1:5000"})
    assert_problem(answer, 409, "conflict", detail)


@pytest.mark.parametrize("host", ["localhost", "localhost:3000"])
def test_a_page_of_another_program_on_this_machine_gets_no_proof(browser: Browser, host: str) -> None:
    browser.join()
    detail = f"passkeys and wallets are used at http://localhost:5000 only, not at {host}"
    for path in ("/session/passkey/options", "/session/wallet/message", "/account/wallets/message"):
        answer = browser("POST", path, headers={"Host": host, "Origin": f"http://{host}"})
        assert_problem(answer, 409, "conflict", detail)


def test_whoever_finds_a_browser_signed_in_adds_nothing(browser: Browser) -> None:
    browser.join()
    for path, body in (
        ("/account/passkeys/options", {}),
        ("/account/codes", {}),
        ("/account/wallets", {"message": "m", "signature": "0x00"}),
    ):
        answer = browser("POST", path, {**body, "password": OTHER_PASSWORD})
        assert_problem(answer, 401, "sign-in-failed", "the password is wrong")


def stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def message_of(parts: dict, address: str, **changes) -> str:
    values = {
        **parts,
        "address": address,
        "issued": stamp(NOW),
        "expires": stamp(NOW + parts["seconds"]),
        "head": parts["domain"],
        **changes,
    }
    return (
        "{head} wants you to sign in with your Ethereum account:\n{address}\n\n{statement}\n\nURI: {uri}\nVersion: 1\n"
        "Chain ID: {chainId}\nNonce: {nonce}\nIssued At: {issued}\nExpiration Time: {expires}"
    ).format(**values)


def sign(message: str, key: DevelopmentAccount = WALLET) -> str:
    return "0x" + Keys.sign_message(encode_defunct(text=message), key.private_key).signature.hex()


def link(browser: Browser, key: DevelopmentAccount = WALLET, **changes):
    parts = browser("POST", "/account/wallets/message").json
    message = message_of(parts, **{"address": key.address, **changes})
    return browser("POST", "/account/wallets", {"message": message, "signature": sign(message, key), **PROVEN})


def signed_message(browser: Browser, key: DevelopmentAccount = WALLET, **changes) -> dict:
    message = message_of(browser("POST", "/session/wallet/message").json, **{"address": key.address, **changes})
    return {"message": message, "signature": sign(message, key)}


def test_a_linked_wallet_signs_in(browser: Browser, other_browser: Browser) -> None:
    browser.join()
    unknown = "this wallet is linked to no account here"
    answer = other_browser("POST", "/session/wallet", signed_message(other_browser))
    assert_problem(answer, 401, "sign-in-failed", unknown)
    assert link(browser).json["address"] == WALLET.address.lower()
    (wallet,) = browser("GET", "/account/credentials").json["wallets"]

    answer = other_browser("POST", "/session/wallet", signed_message(other_browser, head="http://localhost:5000"))

    assert (answer.status_code, answer.json["method"]) == (200, "wallet")
    assert other_browser.account()["email"] == "alice@example.org"
    assert other_browser("DELETE", f"/account/wallets/{wallet['address']}").status_code == 204
    missing = "there is no such wallet of yours"
    assert_problem(browser("DELETE", f"/account/wallets/{wallet['address']}"), 404, "not-found", missing)


def test_a_wallet_asks_for_a_code_where_codes_are_on(browser: Browser, other_browser: Browser) -> None:
    browser.join()
    link(browser)
    app, _ = turn_codes_on(browser)
    signed = signed_message(other_browser)
    assert_problem(other_browser("POST", "/session/wallet", signed), 401, "code-required", CODE_NEEDED)
    answer = other_browser("POST", "/session/wallet", {**signed, "code": app.at(NOW)})
    assert answer.status_code == 200


def test_a_wallet_whose_key_is_public_signs_nobody_in(browser: Browser, other_browser: Browser) -> None:
    account = browser.join()
    detail = f"anybody can sign for {USER.address}, whose private key is public: use another wallet"
    assert_problem(link(browser, USER), 401, "sign-in-failed", detail)
    credentials = browser.app.extensions["scanproof"].accounts.wallets._rows
    assert credentials.link_wallet(LinkedWallet(USER.address.lower(), account["accountId"], NOW))
    answer = other_browser("POST", "/session/wallet", signed_message(other_browser, USER))
    assert_problem(answer, 401, "sign-in-failed", detail)


def test_a_node_that_fails_is_not_asked_for_each_message_of_a_wallet(account_settings: Settings) -> None:
    """The signature is one of a contract, so the node is asked."""
    away = replace(account_settings, rpc_url=Secret(f"http://127.0.0.1:{free_port()}"))
    with wire_accounts(away) as services:
        signatures = services.wallets._signatures
        for _ in range(FAILURES):
            with pytest.raises(ChainUnavailable):
                signatures.is_signed(WALLET.address, "text", "0x00")
        with pytest.raises(ChainUnavailable, match="it is not asked again at once"):
            signatures.is_signed(WALLET.address, "text", "0x00")
        assert signatures.is_checksummed(WALLET.address)
        assert signatures.has_public_key(USER.address)


def test_a_wallet_has_one_account(browser: Browser, other_browser: Browser) -> None:
    browser.join()
    link(browser)
    other_browser.join("Bob")
    assert_problem(link(other_browser), 409, "conflict", "this wallet is linked to an account already")


USED = "expected a nonce of this server that was not used yet: try again"


def test_a_signed_message_works_once_and_for_its_purpose(browser: Browser, other_browser: Browser) -> None:
    browser.join()
    link(browser)
    signed = signed_message(other_browser)
    assert other_browser("POST", "/session/wallet", signed).status_code == 200
    assert_problem(other_browser("POST", "/session/wallet", signed), 401, "sign-in-failed", USED)
    as_link = browser("POST", "/account/wallets", {**signed_message(browser), **PROVEN})
    assert_problem(
        as_link,
        401,
        "sign-in-failed",
        "expected the statement 'Link this wallet to the ScanProof account alice@example.org.' in the message, found "
        "'Sign in to ScanProof.'",
    )
    own = signed_message(other_browser, nonce="A1" * 16)
    assert_problem(other_browser("POST", "/session/wallet", own), 401, "sign-in-failed", USED)
    statement = "Link this wallet to the ScanProof account alice@example.org."
    crossed = {**signed_message(browser, OTHER_WALLET, statement=statement), **PROVEN}
    assert_problem(browser("POST", "/account/wallets", crossed), 401, "sign-in-failed", USED)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"head": "evil.example"}, "expected the domain 'localhost:5000' in the message, found 'evil.example'"),
        ({"head": "https://localhost:5000"}, "expected the scheme 'http' in the message, found 'https'"),
        ({"uri": "https://evil.example"}, "expected the URI 'http://localhost:5000/' in the message"),
        ({"chainId": 1}, "expected the chain id 1337 in the message, found 1"),
        ({"statement": "Win a prize."}, "expected the statement 'Sign in to ScanProof.' in the message"),
        ({"expires": stamp(1_000_000_000)}, "expected a message that is valid now"),
        ({"issued": stamp(4_000_000_000), "expires": stamp(4_000_000_001)}, "expected a message that is valid now"),
        ({"expires": stamp(4_000_000_000)}, "expected a message that expires within 600 s"),
        ({"address": WALLET.address.lower()}, "expected the address with the checksum of EIP-55"),
        ({"address": OTHER_WALLET.address}, f"the message is not signed by {OTHER_WALLET.address}"),
    ],
)
def test_a_message_of_another_place_time_or_wallet_is_refused(browser: Browser, changes: dict, message: str) -> None:
    browser.join()
    link(browser)
    answer = browser("POST", "/session/wallet", signed_message(browser, **changes))
    assert (answer.status_code, answer.json["type"]) == (401, "urn:scanproof:problem:sign-in-failed")
    assert message in answer.json["detail"]


@pytest.mark.parametrize("signature", ["", "0x", "0xzz", "0x00", "0x" + "00" * 65, "0x" + "ff" * 65, "0x" + "11" * 64])
def test_what_is_no_signature_is_refused(browser: Browser, signature: str) -> None:
    signed = {**signed_message(browser), "signature": signature}
    answer = browser("POST", "/session/wallet", signed)
    assert_problem(answer, 401, "sign-in-failed", f"the message is not signed by {WALLET.address}")


def test_the_other_form_of_a_signature_is_refused(browser: Browser) -> None:
    """For each signature there is a second one with a high s (EIP-2)."""
    signed = signed_message(browser)
    octets = bytes.fromhex(signed["signature"][2:])
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    high = (order - int.from_bytes(octets[32:64], "big")).to_bytes(32, "big")
    other = "0x" + (octets[:32] + high + bytes([55 - octets[64]])).hex()
    assert browser("POST", "/session/wallet", {**signed, "signature": other}).status_code == 401


ANSWERS = {
    "says yes": "631626ba7e60e01b60005260206000f3",
    "says no": "63ffffffff60e01b60005260206000f3",
    "says yes and more": "631626ba7e60e01b6001176000526020" + "6000f3",
    "answers too little": "631626ba7e60e01b60005260046000f3",
    "reverts": "60006000fd",
}
"""Run-time code of contracts that answer any call so."""


@pytest.fixture(scope="module")
def contracts(account_settings: Settings) -> dict[str, str]:
    web3 = Web3(HTTPProvider(account_settings.rpc_url))
    sender = Keys.from_key(USER.private_key)
    found = {}
    for name, code in ANSWERS.items():
        size = f"{len(code) // 2:02x}"
        nonce = web3.eth.get_transaction_count(sender.address)
        creation = {
            "data": f"0x60{size}80600b6000396000f3{code}",
            "nonce": nonce,
            "gas": 200_000,
            "gasPrice": web3.eth.gas_price,
            "chainId": account_settings.chain_id,
        }
        sent = web3.eth.send_raw_transaction(sender.sign_transaction(creation).raw_transaction)
        found[name] = web3.eth.wait_for_transaction_receipt(sent, poll_latency=0.05)["contractAddress"]
    return found


@pytest.mark.parametrize("name", ANSWERS)
def test_a_wallet_that_is_a_contract_is_asked_on_the_chain(browser: Browser, contracts: dict, name: str) -> None:
    browser.join()
    contract = DevelopmentAccount(contracts[name], OTHER_WALLET.private_key)
    answer = link(browser, contract)
    if name == "says yes":
        assert answer.status_code == 201
        assert browser("POST", "/session/wallet", signed_message(browser, contract)).status_code == 200
    else:
        detail = f"the message is not signed by {contract.address}"
        assert_problem(answer, 401, "sign-in-failed", detail)


def test_all_of_it_goes_with_the_account(browser: Browser) -> None:
    browser.join()
    link(browser)
    add_passkey(browser, Authenticator())
    turn_codes_on(browser)
    exported = browser("GET", "/account/export").json["credentials"]
    assert (exported["codes"], len(exported["passkeys"]), len(exported["wallets"])) == (True, 1, 1)
    assert browser("POST", "/account/closure", PROVEN).status_code == 204
    sent = [browser.mails.take() for _ in range(3)]
    assert [mail["Subject"] for mail in sent] == [
        "A wallet was linked",
        "A passkey was added",
        "Your account was closed",
    ]
    assert WALLET.address.lower() in sent[0].get_content() and "passkey Telephone" in sent[1].get_content()
    browser.join()
    assert browser("GET", "/account/credentials").json == {
        "codes": False,
        "recoveryCodesLeft": 0,
        "passkeys": [],
        "wallets": [],
    }
    assert link(browser).status_code == 201
