"""What somebody hostile tries against accounts."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable

import pytest
from apiflask import APIFlask

from backend.accounts import Role
from ml.inference.registry import Registry
from tests.backend.accounts import API, OTHER_PASSWORD, OWN, PASSWORD, Browser, passwords, person
from tests.backend.api.conftest import assert_problem
from tests.standins.mail_server import MailServer

OPEN = {
    *("pages.index", "pages.asset", "pages.file", "openapi.spec"),
    *("system.config", "system.health", "system.ready"),
    *("sign_in.current", "sign_in.sign_in", "sign_in.sign_out", "sign_in.register", "sign_in.confirm"),
    *("sign_in.send_reset", "sign_in.reset"),
    *("credentials.passkey_request", "credentials.use_passkey"),
    *("credentials.wallet_message", "credentials.use_wallet"),
}


def test_every_other_route_needs_somebody_who_is_signed_in(account_app: APIFlask) -> None:
    client, asked = account_app.test_client(), 0
    for rule in account_app.url_map.iter_rules():
        if rule.endpoint in OPEN:
            continue
        path = rule.rule
        for name in rule.arguments:
            path = path.replace(f"<{name}>", "x")
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            answer = client.open(path, method=method, headers=OWN)
            assert (answer.status_code, answer.json["type"]) == (401, "urn:scanproof:problem:sign-in-required"), path
            asked += 1
    assert asked > 60


def test_a_copied_cookie_is_dead_after_signing_out(browser: Browser, other_browser: Browser) -> None:
    browser.join()
    copied = browser.cookie()
    other_browser.set_cookie(copied)
    assert other_browser.account()
    browser("DELETE", "/session")
    other_browser.set_cookie(copied)
    assert other_browser.account() is None


def test_a_planted_session_does_not_become_that_of_the_victim(browser: Browser, other_browser: Browser) -> None:
    other_browser.join("Mallory")
    planted = other_browser.cookie()
    browser.join()
    browser("DELETE", "/session")
    browser.set_cookie(planted)

    browser.sign_in()

    assert browser.cookie() != planted
    assert browser.account()["email"] == "alice@example.org"
    assert other_browser.account() is None
    browser.set_cookie("chosen by a stranger")
    browser.sign_in()
    assert browser.cookie() != "chosen by a stranger"


def test_a_role_change_ends_the_sessions_with_the_former_role(browser: Browser, other_browser: Browser) -> None:
    account = other_browser.join("Bob")
    services = browser.app.extensions["scanproof"].accounts
    root = services.registration.create(
        {"password": PASSWORD, "password_again": PASSWORD, **person("Root")}, Role.ADMINISTRATOR
    )
    before = other_browser.cookie()
    browser.sign_in("Root")
    browser("PUT", f"/people/{account['accountId']}", {"role": "auditor", "approved": True})
    other_browser.set_cookie(before)
    assert other_browser.account() is None
    assert root.role is Role.ADMINISTRATOR


def test_cookies_are_for_this_site_and_no_script(browser: Browser) -> None:
    browser.join()
    set_cookies = browser.sign_in().headers.getlist("Set-Cookie")
    assert [each.partition("=")[0] for each in set_cookies] == ["scanproof_session", "scanproof_device"]
    for each in set_cookies:
        assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(each.split("; "))
        assert "Domain" not in each and "Secure" not in each
    assert "Max-Age" not in set_cookies[0]


def test_the_database_holds_no_secret(browser: Browser) -> None:
    browser.join()
    browser("POST", "/password-resets", {"email": "alice@example.org"})
    token = browser.mails.secret()
    settings = browser.app.extensions["scanproof"].settings
    files = b"".join(file.read_bytes() for file in settings.var.glob("scanproof.db*"))
    for secret in (browser.cookie(), browser.cookie("device"), token, PASSWORD):
        assert secret.encode() not in files
    assert b"alice@example.org" in files


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_site_changes_nothing_with_the_cookie_of_a_victim(browser: Browser, headers: dict) -> None:
    browser.join()
    for method, path in (("DELETE", "/session"), ("DELETE", "/account/sessions"), ("POST", "/account/closure")):
        assert browser(method, path, {"password": PASSWORD}, headers=headers).status_code == 403
    assert browser.account()


def test_a_form_without_the_header_of_the_page_changes_nothing(browser: Browser) -> None:
    browser.join()
    detail = "requests that change something need the header X-ScanProof-Request: 1"
    assert_problem(browser.client.delete(f"{API}/session"), 403, "forbidden", detail)
    assert browser.account()


def test_answers_are_not_kept(browser: Browser) -> None:
    browser.join()
    for path in ("/session", "/account", "/account/sessions", "/account/export"):
        assert browser("GET", path).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/models/{model}/files/SHA256SUMS", "/images/{cid}/content"])
def test_what_a_browser_kept_is_asked_for_again(browser: Browser, path: str, picture: Callable[..., bytes]) -> None:
    """So whoever comes after the person at this browser sees none of it."""
    browser.join()
    files = {"file": (io.BytesIO(picture()), "scan.png")}
    cid = browser("POST", "/images", data=files, content_type="multipart/form-data").json["cid"]
    path = path.format(cid=cid, model="0x" + Registry().identities()["modality-gate"])
    answer = browser("GET", path)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "private, no-cache")
    kept = {"If-None-Match": answer.headers["ETag"]}
    assert browser("GET", path, headers=kept).status_code == 304
    browser("DELETE", "/session")
    assert browser("GET", path, headers=kept).status_code == 401


def shown(answer) -> tuple:
    """What an answer shows, but for its moment."""
    headers = {name: value for name, value in answer.headers if name not in ("Date", "Set-Cookie")}
    return answer.status_code, answer.data, headers


def test_nobody_finds_out_who_has_an_account(browser: Browser, other_browser: Browser) -> None:
    browser.join()
    known, unknown = person("Alice")["email"], person("Nobody")["email"]

    def both(method: str, path: str, **values):
        return [shown(other_browser(method, path, {**values, "email": email})) for email in (known, unknown)]

    for answers in (
        both("POST", "/session", password=OTHER_PASSWORD),
        both("POST", "/password-resets"),
        both("POST", "/accounts", name="Eve", phone="+41441234567", **passwords(OTHER_PASSWORD)),
    ):
        assert answers[0] == answers[1]
    subjects = {(mail["To"], mail["Subject"]) for mail in (browser.mails.take() for _ in range(3))}
    assert subjects == {
        (known, "Set a new password"),
        (known, "You have an account at ScanProof"),
        (unknown, "Confirm your address for ScanProof"),
    }


def test_an_unknown_address_costs_the_same_work(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every hash and every write of the database is the same, so time tells nothing."""
    browser.join()
    container = browser.app.extensions["scanproof"]
    hasher, work = container.accounts.sign_in._hasher._argon2, []
    database = container.accounts.sign_in._rows._database

    def note(kind: type, name: str) -> None:
        method = getattr(kind, name)

        def noted(*arguments):
            work.append(name)
            return method(*arguments)

        monkeypatch.setattr(kind, name, noted)

    for kind, name in ((type(hasher), "hash"), (type(hasher), "verify"), (type(database), "write")):
        note(kind, name)

    def done(method: str, path: str, values: dict) -> list[str]:
        work.clear()
        browser(method, path, values)
        return list(work)

    for method, path, values in (
        ("POST", "/session", {"password": OTHER_PASSWORD}),
        ("POST", "/password-resets", {}),
        ("POST", "/accounts", {**person("Eve"), **passwords()}),
    ):
        known = done(method, path, {**values, "email": "alice@example.org"})
        assert known == done(method, path, {**values, "email": "nobody@example.org"}) != []


def test_two_who_register_one_address_at_once_make_one_account(account_app: APIFlask, mails: MailServer) -> None:
    browsers = [Browser(account_app, mails) for _ in range(4)]
    threads = [threading.Thread(target=each.register) for each in browsers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tokens = [mails.secret() for _ in browsers]
    answers: list[int] = []
    confirming = [
        threading.Thread(target=lambda pair=pair: answers.append(pair[0].confirm(pair[1]).status_code))
        for pair in zip(browsers, tokens, strict=True)
    ]
    for thread in confirming:
        thread.start()
    for thread in confirming:
        thread.join()
    assert answers.count(201) == 1
    assert set(answers) <= {201, 409, 410}


def test_a_stranger_cannot_have_the_owner_confirm_an_account_with_the_stranger_s_password(
    browser: Browser, other_browser: Browser
) -> None:
    other_browser.register(**passwords(OTHER_PASSWORD))
    strangers = browser.mails.secret()
    browser.register()
    own = browser.mails.secret()
    assert browser.confirm(strangers, PASSWORD).status_code == 401
    assert browser.confirm(own, PASSWORD).status_code == 201
    assert other_browser.confirm(strangers, OTHER_PASSWORD).status_code == 410
    assert other_browser.sign_in(password=OTHER_PASSWORD).status_code == 401


@pytest.mark.parametrize("path", ["/session", "/accounts", "/accounts/confirmations", "/password-resets"])
def test_bodies_that_are_no_object_are_refused(browser: Browser, path: str) -> None:
    assert_problem(browser("POST", path, [1, 2]), 400, "invalid-input", "the body must be a JSON object")
    for value in (7, None, [], {"$ne": ""}):
        answer = browser("POST", path, {"email": value, "password": value, "name": value, "token": value})
        assert answer.status_code == 400, value


def test_a_password_of_a_megabyte_is_refused_before_it_is_hashed(browser: Browser) -> None:
    browser.join()
    assert browser.sign_in(password="x" * 1_000_000).status_code == 413
    assert browser.register(**passwords("x" * 1_000_000)).status_code == 413
    assert browser.sign_in(password="x" * 10_000).status_code == 401
    assert browser("POST", "/session", {"email": "x" * 10_000, "password": PASSWORD}).status_code == 401


def test_half_a_surrogate_pair_is_an_answer_and_not_a_failure(browser: Browser) -> None:
    browser.join()
    lone = '{"email": "alice@example.org", "password": "\\ud800 and the rest of it"}'
    answer = browser("POST", "/session", data=lone, content_type="application/json")
    assert answer.status_code == 401
    assert browser("POST", "/session", {"email": "a\x00b@example.org", "password": PASSWORD}).status_code == 401
    for path in ("/accounts/confirmations", "/password-resets"):
        body = '{"token": "\\ud800", "email": "\\ud800@example.org", "password": "a"}'
        answer = browser("POST", path, data=body, content_type="application/json")
        assert answer.status_code in (202, 400, 410)
    email = '"email": "\\ud800@example.org"'
    for path, body, status in (
        ("/session", f'{{{email}, "password": "a"}}', 401),
        ("/password-resets", f"{{{email}}}", 202),
    ):
        assert browser("POST", path, data=body, content_type="application/json").status_code == status


def test_guessing_is_slowed_down_and_the_owner_s_browser_is_not(
    browser: Browser, other_browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = browser.app.extensions["scanproof"].accounts.sign_in._log
    monkeypatch.setattr(log, "_clock", lambda: 1_800_000_000.0)
    browser.join()
    for _ in range(5):
        assert other_browser.sign_in(password=OTHER_PASSWORD).status_code == 401
    slowed = other_browser.sign_in(password=PASSWORD)
    assert (slowed.status_code, slowed.json["type"]) == (429, "urn:scanproof:problem:limit-exceeded")
    assert slowed.headers["Retry-After"] == "1"
    assert browser.sign_in().status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "what"),
    [
        ("PUT", "/account", "changes of accounts"),
        ("DELETE", "/account/sessions/x", "changes of accounts"),
        ("POST", "/account/wallets/message", "changes of credentials"),
        ("DELETE", "/account/passkeys/x", "changes of credentials"),
        ("POST", "/session/passkey", "sign-ins"),
    ],
)
def test_one_network_changes_little_a_minute(browser: Browser, method: str, path: str, what: str) -> None:
    """Each writes to the database."""
    browser.join()
    statuses = {browser(method, path, {}).status_code for _ in range(60)}
    assert 429 not in statuses
    detail = f"no more than 60 per 1 minute {what} from one address"
    assert_problem(browser(method, path, {}), 429, "limit-exceeded", detail)
    assert browser("GET", "/account").status_code == 200


def test_one_network_sends_few_mails(browser: Browser) -> None:
    statuses = [browser("POST", "/password-resets", {"email": "nobody@example.org"}).status_code for _ in range(21)]
    assert statuses == [202] * 20 + [429]
