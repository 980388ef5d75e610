"""People register, sign in by password, passkey and wallet, and an administrator approves a doctor."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest
from eth_account import Account
from playwright.sync_api import BrowserContext, Page, expect

from backend.accounts import Role
from backend.settings import load
from backend.wiring import wire_accounts
from tests.backend.accounts import ALICE, OTHER_PASSWORD, PASSWORD
from tests.e2e.support.axe import serious_violations as violations
from tests.e2e.support.console import Console
from tests.e2e.support.product import Product
from tests.e2e.support.site import Site
from tests.e2e.wallet.wallet import InjectedWallet
from tests.standins.mail_server import MailServer, mail_server

EMAIL = ALICE["email"]
SETTINGS = {"SCANPROOF_ACCOUNTS": "on", "SCANPROOF_PASSWORD_MEMORY_KIB": str(19 * 1024)}
DORA = {"name": "Dora Nováková", "email": "dora@example.org", "phone": "+41441234567"}
ROOT = {"name": "Root", "email": "root@example.org", "phone": "+41441234567"}


@pytest.fixture(scope="module")
def mails() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture(scope="module")
def people(built_page: None, mails: MailServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A server on which people sign in, opened by its name, as passkeys need it."""
    product = Product(tmp_path_factory.mktemp("people"), **SETTINGS, SCANPROOF_SMTP_URL=mails.url)
    product.start()
    product.url = f"http://localhost:{product.port}"
    with wire_accounts(load(product.environment, env_file=None)) as services:
        for role, values in ((Role.ADMINISTRATOR, ROOT), (Role.DOCTOR, ALICE)):
            services.registration.create({**values, "password": PASSWORD, "password_again": PASSWORD}, role)
    yield product
    product.stop()


@pytest.fixture
def site(page: Page, people: Product, console: Console) -> Site:
    page.set_default_timeout(20_000)
    # The browser itself reports each answer of a try that was refused.
    console.tolerate("status of 401", "status of 409", "status of 422")
    return Site(page, people)


@pytest.fixture
def wallet(context: BrowserContext, people: Product) -> InjectedWallet:
    """With a key that nobody else has: the accounts of development chains are refused."""
    return InjectedWallet(context, [Account.create()], (people.chain,), chain_id=people.chain.chain_id)


def fill(site: Site, **values: str) -> None:
    for label, value in values.items():
        site.page.get_by_label(label.replace("_", " "), exact=True).fill(value)


def sign_in(site: Site, email: str = EMAIL, password: str = PASSWORD) -> None:
    fill(site, **{"E-mail_address": email, "Password": password})
    site.button("Sign in").click()


def sign_out(site: Site) -> None:
    site.page.get_by_test_id("account-menu").click()
    site.button("Sign out").click()
    expect(site.heading("Sign in")).to_be_visible()


def is_narrow(site: Site) -> bool:
    """Whether the page has no sideways scrolling on a phone."""
    site.page.set_viewport_size({"width": 390, "height": 844})
    fits = site.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    site.page.set_viewport_size({"width": 1440, "height": 900})
    return fits


def authenticator(page: Page) -> None:
    """A device that makes passkeys, as Chromium plays it."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def test_a_doctor_registers_and_an_administrator_approves(site: Site, mails: MailServer) -> None:
    page = site.page
    site.open("/records")
    expect(site.heading("Sign in")).to_be_visible()
    assert violations(page) == []
    assert is_narrow(site)
    page.get_by_role("link", name="Register").click()
    expect(site.heading("Register")).to_be_visible()
    page.get_by_label("Doctor").check()
    fill(site, Name=DORA["name"], Phone_number="044", New_password="password")
    page.get_by_label("E-mail address").fill(DORA["email"])
    site.button("Register").click()
    expect(page.get_by_test_id("phone-message")).to_contain_text("with its country code")
    expect(page.get_by_test_id("password-message")).to_contain_text("at least 10 characters")
    expect(page.get_by_test_id("passwordAgain-message")).to_have_text("Enter the same password twice.")
    expect(page.get_by_label("Phone number")).to_be_focused()
    assert violations(page) == []
    assert is_narrow(site)
    fill(site, Phone_number=DORA["phone"], New_password=PASSWORD, New_password_again=PASSWORD)
    site.button("Register").click()
    expect(page.get_by_test_id("mail-sent")).to_contain_text(DORA["email"])

    link = re.search(r"http://localhost:\S+", mails.take().get_content())[0]
    page.goto(link)
    fill(site, Password=PASSWORD)
    site.button("Confirm and sign in").click()
    expect(page.get_by_test_id("waits")).to_be_visible()
    assert "#" not in page.url
    sign_out(site)

    site.open("/account/people")
    sign_in(site, ROOT["email"])
    expect(page.get_by_test_id("waiting")).to_contain_text(DORA["email"])
    assert violations(page) == []
    assert is_narrow(site)
    site.button("Approve").click()
    expect(page.get_by_label(f"Role of {DORA['name']}")).to_have_value("doctor")
    assert mails.take()["Subject"] == "Your role was changed"
    sign_out(site)

    site.open("/records")
    sign_in(site, DORA["email"], OTHER_PASSWORD)
    expect(site.notice("problem")).to_contain_text("The e-mail address or the password is wrong")
    sign_in(site, DORA["email"])
    expect(site.heading("Records")).to_be_visible()


def test_passkey_wallet_and_codes_sign_in(site: Site, wallet: InjectedWallet) -> None:
    page = site.page
    authenticator(page)
    site.open("/account")
    sign_in(site)
    expect(site.heading("Your account")).to_be_visible()
    expect(page.get_by_test_id("codes")).to_be_visible()
    assert violations(page) == []
    assert is_narrow(site)

    site.button("Turn on …").click()
    fill(site, Your_password=PASSWORD)
    site.button("Begin").click()
    app = pyotp.TOTP(page.get_by_test_id("secret").inner_text().replace(" ", ""))

    # The form of the first code stays open beside the others.
    site.button("Add a passkey …").click()
    fill(site, Name_of_the_passkey="Test device", Your_password=PASSWORD)
    site.button("Make the passkey").click()
    expect(page.get_by_test_id("passkey")).to_contain_text("Test device")

    site.connect()
    site.button("Link this wallet …").click()
    fill(site, Your_password=PASSWORD)
    site.button("Sign and link").click()
    expect(page.get_by_test_id("wallet")).to_be_visible()

    fill(site, First_code_of_the_app=app.now())
    site.button("Turn codes on").click()
    expect(page.get_by_test_id("recovery-codes").locator("code")).to_have_count(10)
    codes = page.get_by_test_id("recovery-codes").locator("code").all_inner_texts()
    expect(page.get_by_test_id("codes")).to_contain_text("10 recovery codes are left")
    sign_out(site)

    site.button("Use a passkey").click()
    expect(site.button("Sign in")).to_have_count(0)
    site.open("/account")
    expect(page.get_by_test_id("account-event").first).to_contain_text("passkey Test device")
    sign_out(site)

    site.button("Sign in with this wallet").click()
    fill(site, **{"One-time_code": codes[0]})
    site.button("Sign in").click()
    expect(site.button("Sign in")).to_have_count(0)
    sign_out(site)

    sign_in(site)
    expect(page.get_by_label("One-time code")).to_be_focused()
    fill(site, **{"One-time_code": codes[1]})
    site.button("Sign in").click()
    expect(site.button("Sign in")).to_have_count(0)
    assert wallet.popups == ["connect", "sign", "sign"]


def test_a_forgotten_password_and_leaving(site: Site, people: Product, mails: MailServer) -> None:
    page = site.page
    site.open("/reset")
    fill(site, **{"E-mail_address": ROOT["email"]})
    site.button("Send me a link").click()
    expect(page.get_by_test_id("mail-sent")).to_be_visible()
    page.goto(f"{people.url}/reset#{mails.secret()}")
    fill(site, New_password=OTHER_PASSWORD, New_password_again=OTHER_PASSWORD)
    site.button("Set the password and sign in").click()
    expect(site.heading("Record a medical image")).to_be_focused()
    page.get_by_test_id("account-menu").click()
    expect(page.get_by_test_id("person")).to_contain_text("administrator")

    site.open("/account")
    fill(site, Present_password=OTHER_PASSWORD, New_password=PASSWORD, New_password_again=PASSWORD)
    site.button("Change the password").click()
    expect(page.get_by_test_id("password-changed")).to_be_visible()
    with page.expect_download() as download:
        site.button("Export my data").click()
    assert json.loads(Path(download.value.path()).read_text())["account"]["email"] == ROOT["email"]
    site.button("Close the account …").click()
    fill(site, Your_password=PASSWORD)
    site.button("Close for good").click()
    expect(site.notice("problem")).to_contain_text("There must be an administrator")
