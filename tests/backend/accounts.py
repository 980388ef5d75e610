"""People for tests of accounts, and browsers in which they sign in."""

from __future__ import annotations

from typing import Any

from apiflask import APIFlask
from sqlalchemy import delete
from werkzeug.test import TestResponse

from backend.accounts import Role
from backend.adapters.database.accounts import _OF_ACCOUNT
from backend.adapters.database.tables import AccountEventRow, AccountRow, UnconfirmedAccountRow
from backend.api.limits import limiter
from tests.standins.mail_server import MailServer

API = "/api/v1"
ORIGIN = "http://localhost:5000"
PASSWORD = "correct horse battery staple"
OTHER_PASSWORD = "a fish rides bicycles on Tuesdays"
ALICE = {"name": "Alice Müller", "email": "alice@example.org", "phone": "+41441234567"}
OWN = {"X-ScanProof-Request": "1"}


def passwords(password: str = PASSWORD) -> dict[str, str]:
    return {"password": password, "passwordAgain": password}


def person(name: str) -> dict[str, str]:
    return {**ALICE, "name": name, "email": f"{name.lower()}@example.org"}


class Browser:
    """A browser with cookies of its own, whose requests carry the page's header."""

    def __init__(self, app: APIFlask, mails: MailServer, address: str = "127.0.0.1") -> None:
        self.app = app
        self.client = app.test_client()
        self.mails = mails
        self.address = address

    def __call__(self, method: str, path: str, json: Any = None, **options: Any) -> TestResponse:
        headers = {**OWN, "User-Agent": "Browser of a test", **options.pop("headers", {})}
        environ = {"REMOTE_ADDR": self.address}
        return self.client.open(
            API + path,
            method=method,
            json=json,
            headers=headers,
            environ_overrides=environ,
            base_url=ORIGIN,
            **options,
        )

    def register(self, **changes: Any) -> TestResponse:
        return self("POST", "/accounts", {**ALICE, **passwords(), **changes})

    def confirm(self, token: str, password: str = PASSWORD) -> TestResponse:
        return self("POST", "/accounts/confirmations", {"token": token, "password": password})

    def join(self, name: str = "Alice", role: Role = Role.PATIENT) -> dict:
        """A confirmed account, signed in here."""
        assert self.register(**person(name), role=role).status_code == 202
        answer = self.confirm(self.mails.secret())
        assert answer.status_code == 201
        return answer.json["account"]

    def sign_in(self, name: str = "Alice", password: str = PASSWORD, **options: Any) -> TestResponse:
        return self("POST", "/session", {"email": person(name)["email"], "password": password}, **options)

    def account(self) -> dict | None:
        return self("GET", "/session").json["account"]

    def cookie(self, kind: str = "session") -> str | None:
        found = self.client.get_cookie(f"scanproof_{kind}")
        return found and found.value

    def set_cookie(self, value: str, kind: str = "session") -> None:
        self.client.set_cookie(f"scanproof_{kind}", value)


def administrator(browser: Browser, name: str = "Root") -> Browser:
    """Signs in a new administrator, made as by the command line."""
    services = browser.app.extensions["scanproof"].accounts
    values = {"password": PASSWORD, "password_again": PASSWORD, **person(name)}
    services.registration.create(values, Role.ADMINISTRATOR)
    assert browser.sign_in(name).status_code == 200
    return browser


def forget_everybody(app: APIFlask) -> None:
    """Remove every account, and begin to count requests anew."""
    with app.extensions["scanproof"].accounts.sign_in._rows._database.write() as session:
        for table in (*_OF_ACCOUNT, UnconfirmedAccountRow, AccountEventRow, AccountRow):
            session.execute(delete(table))
    limiter.reset()
