"""What people do with accounts: register, sign in, change and lose passwords, end sessions, leave."""

from __future__ import annotations

import json
import re

import pytest
from flask.testing import FlaskClient

from backend.accounts import Role
from tests.backend.accounts import ALICE, OTHER_PASSWORD, OWN, PASSWORD, Browser, administrator, passwords, person
from tests.backend.api.conftest import API, assert_problem

WRONG = "the e-mail address or the password is wrong"


def kinds(browser: Browser) -> list[str]:
    return [event["kind"] for event in browser("GET", "/account/events").json["events"]]


def test_without_accounts_the_routes_say_so(client: FlaskClient) -> None:
    assert client.get(f"{API}/session").json == {
        "accounts": False,
        "sessionId": None,
        "method": None,
        "account": None,
    }
    detail = "this server has no accounts: whoever runs it sets SCANPROOF_ACCOUNTS=on to have them"
    for path in ("/account", "/people"):
        assert_problem(client.get(API + path), 404, "accounts-off", detail)
    assert_problem(client.post(f"{API}/accounts", json={}), 404, "accounts-off", detail)


def test_whoever_registers_confirms_the_address_and_is_signed_in(browser: Browser) -> None:
    assert browser.register().json == {"status": "mailed"}
    assert browser.account() is None
    mail = browser.mails.take()
    assert (mail["To"], mail["Subject"]) == ("alice@example.org", "Confirm your address for ScanProof")
    token = mail.get_content().partition("http://localhost:5000/account/confirm#")[2].split()[0]

    answer = browser.confirm(token)

    assert answer.status_code == 201
    account = answer.json["account"]
    assert {**ALICE, "role": "patient", "approved": True}.items() <= account.items()
    assert browser("GET", "/account").json == account
    assert set(kinds(browser)) == {"registered", "signed-in"}


def test_a_link_of_a_registration_works_once_and_for_its_password_only(browser: Browser) -> None:
    browser.register()
    token = browser.mails.secret()
    assert_problem(
        browser.confirm(token, OTHER_PASSWORD), 401, "sign-in-failed", "expected the password of the registration"
    )
    assert browser.confirm(token).status_code == 201
    expired = "expected a link that was not used yet and is not too old: ask for a new one"
    assert_problem(browser.confirm(token), 410, "link-expired", expired)
    assert_problem(browser.confirm("never made"), 410, "link-expired", expired)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("name", " ", "enter your name"),
        ("name", "x" * 101, "enter a name of at most 100 characters, not 101"),
        ("name", "Ali\u202ece", "enter a name without control characters"),
        ("name", "Ali\nce", "enter a name without control characters"),
        ("email", "", "enter your e-mail address"),
        ("email", "alice", "enter an e-mail address such as name@example.org"),
        ("email", "alice@example.org\r\nBcc: all@example.org", "enter an e-mail address such as name@example.org"),
        ("email", "=?utf-8?q?eve?=@example.org", "enter an e-mail address such as name@example.org"),
        ("email", f"{'a' * 65}@example.org", "enter an e-mail address such as name@example.org"),
        ("phone", "", "enter your phone number"),
        ("phone", "0441234567", "enter a phone number with its country code, such as +41 44 123 45 67"),
        ("role", "administrator", "choose patient or doctor"),
        ("password", "short", "enter a password of at least 10 characters"),
        ("password", "x" * 257, "enter a password of at most 256 characters"),
        ("passwordAgain", OTHER_PASSWORD, "enter the same password twice"),
    ],
)
def test_each_field_has_a_message_of_its_own(browser: Browser, field: str, value: str, message: str) -> None:
    changes = {"passwordAgain": value} if field == "password" else {}
    answer = browser.register(**{**changes, field: value})
    assert (answer.status_code, answer.json["type"]) == (422, "urn:scanproof:problem:invalid-fields")
    assert answer.json["fields"] == {field: message}
    assert answer.json["detail"] == f"{field}: {message}"


def test_an_empty_form_names_every_field(browser: Browser) -> None:
    assert set(browser("POST", "/accounts", {}).json["fields"]) == {"name", "email", "phone", "password"}


@pytest.mark.parametrize("password", ["password123", "12345678901", "mulleralice", "alice@example.org", "qwertyuiop"])
def test_a_password_that_is_easily_guessed_is_refused(browser: Browser, password: str) -> None:
    answer = browser.register(**passwords(password))
    assert "enter a password that is harder to guess" in answer.json["fields"]["password"]


@pytest.mark.parametrize("name", ["Ἀριστοτέλης", "李小龍", "محمد علی", "O\u2019Brien", "Zoe\u0301"])
def test_names_of_every_script_are_kept(browser: Browser, name: str) -> None:
    browser.register(name=f"  {name} ")
    found = browser.confirm(browser.mails.secret()).json["account"]["name"]
    assert found == ("Zo\u00e9" if name.startswith("Zoe") else name)


def test_sign_in_and_out(browser: Browser, other_browser: Browser) -> None:
    browser.join()
    assert other_browser.sign_in().json["method"] == "password"
    assert other_browser("POST", "/session", {"email": " ALICE@example.org", "password": PASSWORD}).status_code == 200
    assert_problem(other_browser.sign_in(password=OTHER_PASSWORD), 401, "sign-in-failed", WRONG)
    assert other_browser("DELETE", "/session").status_code == 204
    assert other_browser.account() is None
    assert other_browser("DELETE", "/session").status_code == 204
    detail = "expected a request of somebody who is signed in: sign in at /sign-in"
    assert_problem(other_browser("GET", "/account"), 401, "sign-in-required", detail)
    events = browser("GET", "/account/events").json["events"]
    assert {"sign-in-failed", "signed-out", "signed-in"} <= {event["kind"] for event in events}
    assert {event["client"] for event in events} == {"127.0.0.1", "192.0.2.7"}
    assert {event["agent"] for event in events} == {"Browser of a test"}


def test_a_password_typed_on_another_keyboard_is_the_same(browser: Browser) -> None:
    browser.register(**passwords("ﬁve gruﬀalo Zoe\u0301 lamps"))
    assert browser.confirm(browser.mails.secret(), "five gruffalo Zo\u00e9 lamps").status_code == 201


def test_the_profile_is_changed(browser: Browser) -> None:
    browser.join()
    changed = browser("PUT", "/account", {"name": "Alice Meier", "phone": "+41 (44) 765-43.21"})
    assert (changed.json["name"], changed.json["phone"]) == ("Alice Meier", "+41447654321")
    assert browser("GET", "/account").json == changed.json
    assert set(browser("PUT", "/account", {}).json["fields"]) == {"name", "phone"}


def test_a_changed_password_ends_every_other_session(browser: Browser, other_browser: Browser) -> None:
    browser.join()
    other_browser.sign_in()
    before = browser.cookie()
    new = passwords(OTHER_PASSWORD)
    wrong = browser("PUT", "/account/password", {"oldPassword": OTHER_PASSWORD, **new})
    assert_problem(wrong, 401, "sign-in-failed", "the password is wrong")
    weak = browser("PUT", "/account/password", {"oldPassword": PASSWORD, **passwords("short")})
    assert set(weak.json["fields"]) == {"password"}

    assert browser("PUT", "/account/password", {"oldPassword": PASSWORD, **new}).status_code == 200

    assert browser.mails.take()["Subject"] == "Your password was changed"
    assert browser.account() and browser.cookie() != before
    assert other_browser.account() is None
    assert other_browser.sign_in().status_code == 401
    assert other_browser.sign_in(password=OTHER_PASSWORD).status_code == 200


def test_a_forgotten_password_is_set_anew_by_a_link_that_works_once(browser: Browser, other_browser: Browser) -> None:
    browser.join()
    assert other_browser("POST", "/password-resets", {"email": "Alice@example.org"}).json == {"status": "mailed"}
    mail = browser.mails.take()
    token = mail.get_content().partition("http://localhost:5000/reset#")[2].split()[0]
    weak = other_browser("PUT", "/password-resets", {"token": token, **passwords("short")})
    assert set(weak.json["fields"]) == {"password"}

    assert other_browser("PUT", "/password-resets", {"token": token, **passwords(OTHER_PASSWORD)}).status_code == 200

    assert other_browser.account()["email"] == "alice@example.org"
    assert browser.account() is None
    expired = "expected a link that was not used yet and is not too old: ask for a new one"
    again = other_browser("PUT", "/password-resets", {"token": token, **passwords()})
    assert_problem(again, 410, "link-expired", expired)
    assert browser.sign_in(password=OTHER_PASSWORD).status_code == 200
    assert {"reset-sent", "password-reset"} <= set(kinds(browser))


def test_sessions_are_listed_and_ended(browser: Browser, other_browser: Browser) -> None:
    browser.join()
    other_browser.sign_in()
    listed = browser("GET", "/account/sessions").json["sessions"]
    assert [each["current"] for each in sorted(listed, key=lambda each: each["client"])] == [True, False]
    ended = next(each["sessionId"] for each in listed if not each["current"])
    assert browser("DELETE", f"/account/sessions/{ended}").status_code == 204
    assert other_browser.account() is None
    missing = "there is no such session of yours"
    assert_problem(browser("DELETE", f"/account/sessions/{ended}"), 404, "not-found", missing)
    other_browser.sign_in()
    assert browser("DELETE", "/account/sessions").status_code == 204
    assert other_browser.account() is None
    assert browser.account()


def test_nobody_ends_a_session_of_another(browser: Browser, other_browser: Browser) -> None:
    browser.join()
    other_browser.join("Bob")
    theirs = browser("GET", "/session").json["sessionId"]
    assert other_browser("DELETE", f"/account/sessions/{theirs}").status_code == 404
    assert browser.account()


def test_all_data_is_exported(browser: Browser) -> None:
    account = browser.join()
    answer = browser("GET", "/account/export")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="scanproof-account.json"'
    values = json.loads(answer.data)
    assert (values["schema"], values["account"]) == ("scanproof.account/1", account)
    assert len(values["sessions"]) == 1
    assert {event["kind"] for event in values["events"]} == {"registered", "signed-in"}
    assert "argon2" not in answer.text


def test_a_closed_account_is_gone(browser: Browser, other_browser: Browser) -> None:
    browser.join()
    other_browser.sign_in()
    other_browser("POST", "/password-resets", {"email": "alice@example.org"})
    token = browser.mails.secret()
    wrong = browser("POST", "/account/closure", {"password": OTHER_PASSWORD})
    assert_problem(wrong, 401, "sign-in-failed", "the password is wrong")

    assert browser("POST", "/account/closure", {"password": PASSWORD}).status_code == 204

    assert browser.mails.take()["Subject"] == "Your account was closed"
    assert (browser.account(), other_browser.account()) == (None, None)
    assert_problem(browser.sign_in(), 401, "sign-in-failed", WRONG)
    assert browser("PUT", "/password-resets", {"token": token, **passwords()}).status_code == 410
    browser.join()


def test_an_administrator_approves_a_doctor(browser: Browser, other_browser: Browser) -> None:
    doctor = other_browser.join("Bob", Role.DOCTOR)
    assert (doctor["role"], doctor["approved"]) == ("doctor", False)
    waits = "your account waits for an administrator to approve it"
    assert_problem(other_browser("GET", "/records"), 403, "role-required", waits)
    assert other_browser("GET", "/account").json == doctor
    administrator(browser)
    listed = browser("GET", "/people").json["accounts"]
    assert [each["email"] for each in listed] == ["bob@example.org", "root@example.org"]

    changed = browser("PUT", f"/people/{doctor['accountId']}", {"role": "doctor", "approved": True})

    assert changed.json == {**doctor, "approved": True}
    assert browser.mails.take()["Subject"] == "Your role was changed"
    assert other_browser.account() is None
    other_browser.sign_in("Bob")
    assert other_browser("GET", "/received").status_code == 200
    events = other_browser("GET", "/account/events").json["events"]
    assert "doctor, by root@example.org" in [event["detail"] for event in events]


def test_administrators_do_not_change_themselves_and_the_last_one_stays(browser: Browser) -> None:
    administrator(browser)
    own = browser.account()["accountId"]
    detail = "ask another administrator to change your own role"
    change = {"role": "patient", "approved": True}
    assert_problem(browser("PUT", f"/people/{own}", change), 409, "conflict", detail)
    assert_problem(browser("PUT", f"/people/{'0' * 32}", change), 404, "not-found", "there is no such account")
    malformed = "the account's id must be 32 lower-case hex digits, not 'x'"
    assert_problem(browser("PUT", "/people/x", change), 400, "invalid-input", malformed)
    only = "there must be an administrator: make another one first"
    assert_problem(browser("POST", "/account/closure", {"password": PASSWORD}), 409, "conflict", only)


READS, WORKS = ("GET", "/records"), ("POST", "/images")


@pytest.mark.parametrize(
    ("role", "method", "path", "allowed"),
    [
        (Role.PATIENT, *READS, True),
        (Role.PATIENT, *WORKS, True),
        (Role.PATIENT, "GET", "/received", False),
        (Role.PATIENT, "GET", "/people", False),
        (Role.PATIENT, "GET", "/reviews/queue", False),
        (Role.DOCTOR, *WORKS, True),
        (Role.DOCTOR, "GET", "/received", True),
        (Role.DOCTOR, "GET", "/people", False),
        (Role.DOCTOR, "PUT", f"/reviews/0x{'ab' * 32}/statement", True),
        (Role.AUDITOR, *READS, True),
        (Role.AUDITOR, *WORKS, False),
        (Role.AUDITOR, "POST", "/records/lookup", True),
        (Role.AUDITOR, "GET", "/reviews/queue", True),
        (Role.AUDITOR, "PUT", f"/reviews/0x{'ab' * 32}/statement", False),
        (Role.ADMINISTRATOR, *READS, True),
        (Role.ADMINISTRATOR, *WORKS, False),
        (Role.ADMINISTRATOR, "GET", "/people", True),
    ],
)
def test_each_role_may_do_its_part(browser: Browser, role: Role, method: str, path: str, allowed: bool) -> None:
    services = browser.app.extensions["scanproof"].accounts
    services.registration.create({"password": PASSWORD, "password_again": PASSWORD, **person("Alice")}, role)
    browser.sign_in()
    answer = browser(method, path, None if method == "GET" else {})
    if allowed:
        assert answer.status_code not in (401, 403)
    else:
        assert_problem(answer, 403, "role-required", f"a {role} may not do this")


def test_a_pacs_is_for_doctors_on_every_route(browser: Browser) -> None:
    browser.join("Alice", Role.PATIENT)
    asked = 0
    for rule in browser.app.url_map.iter_rules():
        if not rule.rule.startswith("/dicomweb"):
            continue
        path = re.sub("<[a-z]+>", "1", rule.rule)
        for method in rule.methods & {"GET", "POST"}:
            answer = browser.client.open(path, method=method, headers=OWN)
            assert_problem(answer, 403, "role-required", "a patient may not do this")
            asked += 1
    assert asked > 20
