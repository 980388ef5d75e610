"""The keys of accounts: which are taken, who changes them, and the log that shows it."""

from __future__ import annotations

import base64
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_public_key,
)
from sqlalchemy import delete

from backend.account_keys import AccountKey, AccountKeyKind, KeyWrap, WrapMethod
from backend.adapters.database.account_keys import SqlAccountKeys
from backend.adapters.database.accounts import SqlAccounts
from backend.adapters.database.key_tables import KeyLogRow
from backend.crypto.phrases import new_phrase
from backend.crypto.secret_wraps import wrap_by_phrase, wrap_by_prf
from backend.errors import Conflict
from tests.backend.accounts import OTHER_PASSWORD, PASSWORD, Browser, administrator
from tests.backend.api.conftest import assert_problem

PROVEN = {"password": PASSWORD}
X25519_HEADER = bytes.fromhex("302a300506032b656e032100")


@pytest.fixture(autouse=True)
def empty_log(account_app) -> None:
    with account_app.extensions["scanproof"].accounts.keys._rows._database.write() as session:
        session.execute(delete(KeyLogRow))


@pytest.fixture(scope="module")
def rsa_keys() -> list[str]:
    return [pem_of(rsa.generate_private_key(65537, 3072).public_key()) for _ in range(5)]


def pem_of(key) -> str:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def x25519() -> str:
    return pem_of(X25519PrivateKey.generate().public_key())


def pem_of_point(raw: bytes) -> str:
    text = base64.b64encode(X25519_HEADER + raw).decode()
    return f"-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n"


def document() -> str:
    return wrap_by_phrase(bytes(32), new_phrase(), b"an account").text()


def add(browser: Browser, public_key: str | None = None, documents: list[str] | None = None, **changes):
    wraps = [{"document": each} for each in ([document()] if documents is None else documents)]
    return browser("POST", "/account/keys", {**PROVEN, "publicKey": public_key or x25519(), "wraps": wraps, **changes})


def add_rsa(browser: Browser, public_key: str):
    return add(browser, public_key, [])


def keys_of(browser: Browser) -> list[dict]:
    return browser("GET", "/account/keys").json["keys"]


def log_of(browser: Browser) -> list[dict]:
    return browser("GET", "/key-log").json["entries"]


def events_of(browser: Browser) -> list[str]:
    return [event["kind"] for event in browser("GET", "/account/events").json["events"]]


def refusal(answer, field: str) -> str:
    assert answer.status_code == 422, answer.json
    return str(answer.json["fields"][field])


def test_a_key_is_added_with_its_wraps_and_named_by_its_fingerprint(browser: Browser) -> None:
    account_id = browser.join()["accountId"]
    pem, documents = x25519(), [document(), document()]
    answer = add(browser, pem, documents)
    assert answer.status_code == 201
    der = load_pem_public_key(pem.encode()).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    key = keys_of(browser)[0]
    assert key == {**answer.json, "wraps": key["wraps"]}
    assert key["keyId"] == hashlib.sha256(der).hexdigest()
    assert (key["kind"], key["publicKey"], key["endedAt"]) == ("x25519", pem, None)
    assert {wrap["document"] for wrap in key["wraps"]} == set(documents)
    assert [(entry["accountId"], entry["event"], entry["keyId"]) for entry in log_of(browser)] == [
        (account_id, "added", key["keyId"])
    ]
    assert "key-added" in events_of(browser)


def test_a_new_key_ends_the_former_only_by_its_name(browser: Browser) -> None:
    browser.join()
    first = add(browser).json["keyId"]
    one = "an account has at most 1 live x25519 key: name the former as `replaces`"
    assert_problem(add(browser), 409, "conflict", one)
    other = "expected `replaces` to name the account's live key of this kind"
    assert_problem(add(browser, replaces="0" * 64), 409, "conflict", other)
    second = add(browser, replaces=first).json["keyId"]
    assert_problem(add(browser, replaces=first), 409, "conflict", other)
    ended = {key["keyId"]: key["endedAt"] is not None for key in keys_of(browser)}
    assert ended == {first: True, second: False}
    assert all(key["wraps"] for key in keys_of(browser))
    assert [(entry["event"], entry["keyId"]) for entry in log_of(browser)] == [
        *[("added", first), ("ended", first), ("added", second)]
    ]


def test_the_chain_of_the_log_can_be_computed_from_its_entries(browser: Browser) -> None:
    browser.join()
    add(browser, replaces=add(browser).json["keyId"])
    previous = "0" * 64
    for sequence, entry in enumerate(log_of(browser), 1):
        values = {name: value for name, value in entry.items() if name != "entryHash"}
        assert (entry["sequence"], entry["previous"]) == (sequence, previous)
        text = json.dumps(values, separators=(",", ":"), sort_keys=True)
        previous = entry["entryHash"]
        assert previous == hashlib.sha256(text.encode()).hexdigest()
    assert sequence == 3
    assert [entry["sequence"] for entry in browser("GET", "/key-log?after=2").json["entries"]] == [3]


def test_the_log_comes_in_pages(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    browser.join()
    add(browser, replaces=add(browser).json["keyId"])
    for module in ("backend.services.account_keys", "backend.api.account_keys"):
        monkeypatch.setattr(f"{module}.LOG_PAGE", 2)
    first = browser("GET", "/key-log").json
    assert (len(first["entries"]), first["next"]) == (2, 2)
    last = browser("GET", "/key-log?after=2").json
    assert (len(last["entries"]), last["next"]) == (1, None)
    for wrong in ("-1", "x", str(2**53)):
        assert browser("GET", f"/key-log?after={wrong}").status_code == 400


def test_nobody_reads_keys_or_the_log_without_signing_in(browser: Browser) -> None:
    for path in ("/account/keys", "/key-log"):
        assert browser("GET", path).status_code == 401


def test_rsa_keys_have_no_wraps_and_are_ended_one_by_one(browser: Browser, rsa_keys: list[str]) -> None:
    browser.join()
    found = [add_rsa(browser, pem) for pem in rsa_keys]
    assert [answer.status_code for answer in found] == [201] * 4 + [409]
    assert "an RSA key has no wraps" in refusal(add(browser, rsa_keys[4]), "wraps")
    key_id = found[0].json["keyId"]
    assert (
        browser("POST", f"/account/keys/{key_id}/wraps", {**PROVEN, "wrap": {"document": document()}})
        .json["detail"]
        .startswith("an RSA key has no wraps")
    )
    assert browser("POST", f"/account/keys/{key_id}/end", PROVEN).status_code == 204
    assert_problem(browser("POST", f"/account/keys/{key_id}/end", PROVEN), 409, "conflict", "this key ended already")
    assert "key-ended" in events_of(browser)
    assert add_rsa(browser, rsa_keys[4]).status_code == 201
    assert add_rsa(browser, rsa_keys[0]).status_code == 409


def test_an_x25519_key_is_not_ended_without_another(browser: Browser) -> None:
    browser.join()
    key_id = add(browser).json["keyId"]
    text = "an X25519 key ends when a new one names it as `replaces`"
    assert_problem(browser("POST", f"/account/keys/{key_id}/end", PROVEN), 409, "conflict", text)


def test_every_change_asks_for_the_password(browser: Browser) -> None:
    browser.join()
    key = add(browser).json
    path, wrong = f"/account/keys/{key['keyId']}", {"password": OTHER_PASSWORD}
    wrap = key["wraps"][0]["wrapId"]
    assert add(browser, **wrong).status_code == 401
    assert browser("POST", f"{path}/end", wrong).status_code == 401
    assert browser("POST", f"{path}/wraps", {**wrong, "wrap": {"document": document()}}).status_code == 401
    assert browser("POST", f"{path}/wraps/{wrap}/removal", wrong).status_code == 401
    assert len(keys_of(browser)[0]["wraps"]) == 1


def test_wraps_come_and_go_but_the_last_of_a_live_key(browser: Browser) -> None:
    browser.join()
    key = add(browser).json
    path, first = f"/account/keys/{key['keyId']}/wraps", key["wraps"][0]
    last = "this is the last wrap of a live key: add another one first"
    assert_problem(browser("POST", f"{path}/{first['wrapId']}/removal", PROVEN), 409, "conflict", last)
    repeated = browser("POST", path, {**PROVEN, "wrap": {"document": first["document"]}})
    assert_problem(repeated, 409, "conflict", "this wrap is here already: make a new one")
    for _ in range(5):
        assert browser("POST", path, {**PROVEN, "wrap": {"document": document()}}).status_code == 201
    assert browser("POST", path, {**PROVEN, "wrap": {"document": document()}}).status_code == 409
    assert browser("POST", f"{path}/{first['wrapId']}/removal", PROVEN).status_code == 204
    assert browser("POST", f"{path}/{first['wrapId']}/removal", PROVEN).status_code == 404
    assert {"wrap-added", "wrap-removed"} <= set(events_of(browser))
    add(browser, replaces=key["keyId"])
    former = next(each for each in keys_of(browser) if each["keyId"] == key["keyId"])
    for wrap in former["wraps"]:
        assert browser("POST", f"{path}/{wrap['wrapId']}/removal", PROVEN).status_code == 204


def test_nobody_touches_the_key_of_another_account(
    browser: Browser, other_browser: Browser, rsa_keys: list[str]
) -> None:
    browser.join()
    key, other = add(browser, None, [document(), document()]).json, add_rsa(browser, rsa_keys[0]).json
    before = keys_of(browser)
    other_browser.join("Bob")
    own = add(other_browser).json["keyId"]
    path, wrap = f"/account/keys/{key['keyId']}", key["wraps"][0]["wrapId"]
    new = {**PROVEN, "wrap": {"document": document()}}
    assert other_browser("POST", f"{path}/wraps", new).status_code == 404
    assert other_browser("POST", f"{path}/wraps/{wrap}/removal", PROVEN).status_code == 404
    assert other_browser("POST", f"/account/keys/{own}/wraps/{wrap}/removal", PROVEN).status_code == 404
    assert other_browser("POST", f"/account/keys/{other['keyId']}/end", PROVEN).status_code == 404
    assert add(other_browser, replaces=key["keyId"]).status_code == 409
    assert [each["keyId"] for each in keys_of(other_browser)] == [own]
    assert keys_of(browser) == before


def test_a_key_is_added_once_by_one_account(browser: Browser, other_browser: Browser) -> None:
    browser.join()
    pem = x25519()
    key_id = add(browser, pem).json["keyId"]
    other_browser.join("Bob")
    taken = "this key was added before, here or by another account: make a new one"
    assert_problem(add(other_browser, pem), 409, "conflict", taken)
    add(browser, replaces=key_id)
    assert_problem(add(browser, pem), 409, "conflict", taken)
    assert browser("POST", "/account/closure", PROVEN).status_code == 204
    assert_problem(add(other_browser, pem), 409, "conflict", taken)
    assert add(other_browser).status_code == 201


def test_a_wrap_of_another_key_leaves_nothing_behind(browser: Browser, other_browser: Browser) -> None:
    browser.join()
    text = document()
    add(browser, None, [text])
    other_browser.join("Bob")
    assert_problem(add(other_browser, None, [text]), 409, "conflict", "this wrap is here already: make a new one")
    assert keys_of(other_browser) == []
    assert len(log_of(other_browser)) == 1


@pytest.mark.parametrize("point", [bytes(32), bytes([1, *bytes(31)]), bytes([0xEC, *[0xFF] * 30, 0x7F])])
def test_points_of_low_order_are_refused(browser: Browser, point: bytes) -> None:
    browser.join()
    assert "not of low order" in refusal(add(browser, pem_of_point(point)), "publicKey")


def test_what_is_no_public_key_is_refused(browser: Browser) -> None:
    browser.join()
    private = X25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    unknown = base64.b64encode(bytes.fromhex("302a300506032b656d032100") + bytes(32)).decode()
    for text in (
        *("", "key", "\ud800", private, pem_of_point(bytes(31))),
        f"-----BEGIN PUBLIC KEY-----\n{unknown}\n-----END PUBLIC KEY-----\n",
    ):
        assert "expected a public key in PEM" in refusal(add(browser, text or " "), "publicKey")
    curve = pem_of(ec.generate_private_key(ec.SECP256R1()).public_key())
    assert "of X25519 or RSA" in refusal(add(browser, curve), "publicKey")
    short = pem_of(rsa.generate_private_key(65537, 2048).public_key())
    assert "3072 to 8192 bits, found 2048" in refusal(add_rsa(browser, short), "publicKey")
    assert add(browser, "A" * (16 * 1024 + 1)).status_code == 413
    assert keys_of(browser) == [] and log_of(browser) == []


def test_wraps_are_read_strictly(browser: Browser) -> None:
    browser.join()
    good = json.loads(document())
    wrong = [
        *("{}", "[", "[" * 4000, "1" * 4096, json.dumps({**good, "more": 1}), json.dumps({**good, "salt": "00"})),
        json.dumps({**good, "method": "trustees"}),
        json.dumps({**good, "method": "password", "argon2id": {"memoryKiB": 1, "iterations": 1, "lanes": 1}}),
    ]
    for text in wrong:
        refusal(add(browser, None, [text]), "document")
    assert add(browser, None, [document() + " " * 4096]).status_code == 400
    assert "one to 6 wraps" in refusal(add(browser, None, []), "wraps")
    assert add(browser, None, [document() for _ in range(7)]).status_code == 400
    text = document()
    assert "each wrap once" in refusal(add(browser, None, [text, f" {text}"]), "wraps")
    assert keys_of(browser) == []


def test_a_wrap_by_a_passkey_names_one_of_the_account(browser: Browser) -> None:
    browser.join()
    by_passkey = wrap_by_prf(bytes(32), bytes(32), b"an account").text()
    for passkey_id in (None, "0" * 64):
        wraps = [{"document": by_passkey, "passkeyId": passkey_id}]
        assert "the passkey of yours" in refusal(add(browser, wraps=wraps), "passkeyId")
    wraps = [{"document": document(), "passkeyId": "0" * 64}]
    assert "expected none for a wrap by phrase" in refusal(add(browser, wraps=wraps), "passkeyId")


def test_closing_removes_keys_and_wraps_and_the_log_keeps_ids(browser: Browser, other_browser: Browser) -> None:
    account_id = browser.join()["accountId"]
    key = add(browser).json
    exported = json.loads(browser("GET", "/account/export").data)
    assert exported["keys"] == [{name: key[name] for name in key if name != "wraps"}]
    assert browser("POST", "/account/closure", PROVEN).status_code == 204
    administrator(other_browser)
    assert [(entry["accountId"], entry["event"], entry["keyId"]) for entry in log_of(other_browser)] == [
        (account_id, "added", key["keyId"]),
        (account_id, "ended", key["keyId"]),
    ]
    rows = other_browser.app.extensions["scanproof"].accounts.keys._rows
    assert rows.keys(account_id) == []


def test_of_many_first_keys_at_once_one_is_added(browser: Browser) -> None:
    """Straight at the rows: each of the threads begins its own transaction."""
    account = browser.join()
    rows: SqlAccountKeys = browser.app.extensions["scanproof"].accounts.keys._rows

    def first(number: int) -> bool:
        key = AccountKey(f"{number:064x}", account["accountId"], AccountKeyKind.X25519, b"key", 1)
        wrap = KeyWrap(f"{number:064x}", WrapMethod.PHRASE, None, "{}")
        try:
            rows.add(key, [wrap], replaces=None, most=100, most_live=1)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(first, range(8))) == 1
    assert len(rows.keys(account["accountId"])) == len(rows.log(0, 100)) == 1


def test_an_account_that_was_closed_gets_no_key(browser: Browser) -> None:
    browser.join()
    services = browser.app.extensions["scanproof"].accounts
    accounts: SqlAccounts = services.sign_in._rows
    account = accounts.by_email("alice@example.org")
    assert account is not None
    key = AccountKey("0" * 64, account.account_id, AccountKeyKind.RSA, b"key", 1)
    services.keys._rows.add(key, [], replaces=None, most=1, most_live=4)
    with pytest.raises(Conflict, match="at most 1 keys, those that ended included"):
        services.keys._rows.add(replace(key, key_id="1" * 64), [], replaces=None, most=1, most_live=4)
    accounts.remove(account, "", 2)
    with pytest.raises(Conflict, match="closed meanwhile"):
        services.keys._rows.add(replace(key, key_id="1" * 64), [], replaces=None, most=9, most_live=4)
