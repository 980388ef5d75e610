"""The real parts, small: Ganache on a port of its own, an embedded store and a database in a temporary folder."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from PIL import Image
from web3 import HTTPProvider, Web3

from backend.adapters.chain.dev import embedded
from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.adapters.chain.development_accounts import USER
from backend.adapters.chain.signer import KeyFileSigner
from backend.adapters.dicom.cleaner import SenderCleaner
from backend.adapters.images.inspector import PillowInspector
from backend.api.app import create_app
from backend.container import Container
from backend.processes import free_port
from backend.settings import Secret, Settings, load
from backend.wiring import complete_registration, wire
from tests.backend.accounts import Browser, forget_everybody
from tests.backend.described import DescribedClient
from tests.backend.models import register_models
from tests.backend.postgresql import postgresql, postgresql_server  # noqa: F401
from tests.standins.mail_server import MailServer, mail_server

FICTITIOUS_MODELS = ("0x" + "ab" * 32, "0x" + "cd" * 32)
_shades = itertools.count()


@pytest.fixture(scope="session")
def started_ganache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, Web3]]:
    """What ``ganache`` promises, and the node itself, past the filter before it."""
    folder = tmp_path_factory.mktemp("ganache")
    settings = load({"SCANPROOF_VAR": str(folder), "SCANPROOF_CHAIN_PORT": str(free_port())}, env_file=None)
    signer = KeyFileSigner(settings.classifier_key_file, chain_id=settings.chain_id)
    with embedded.running(settings, classifier=signer.address, prepare=complete_registration) as chain:
        found = chain.deployment
        register_models(settings.rpc_url, found.address, *FICTITIOUS_MODELS)
        yield (
            replace(settings, contract_address=found.address, contract_block=found.block),
            Web3(HTTPProvider(chain.node.private_url)),
        )


@pytest.fixture(scope="module")
def ganache(started_ganache: tuple[Settings, Web3]) -> Iterator[Settings]:
    """Settings of a running Ganache with the registry deployed, whose classifier key has its role.

    It knows the installed models and, for tests with models of their own, ``FICTITIOUS_MODELS``. What a module records
    is taken back after it: a long chain would make each index and each scrub of the following tests slower.
    """
    settings, node = started_ganache
    snapshot = node.provider.make_request("evm_snapshot", [])["result"]
    yield settings
    assert node.provider.make_request("evm_revert", [snapshot])["result"]


@pytest.fixture
def settings(ganache: Settings, tmp_path: Path) -> Settings:
    """As ``ganache``, with a store and a database of its own."""
    return replace(
        ganache, var=tmp_path, database_url=f"sqlite:///{tmp_path / 'scanproof.db'}", uploads_per_minute=10_000
    )


@pytest.fixture
def container(settings: Settings) -> Iterator[Container]:
    container = wire(settings)
    yield container
    container.close()


@pytest.fixture(scope="session")
def cleaner(tmp_path_factory: pytest.TempPathFactory) -> SenderCleaner:
    """For queues of received files: its processes start once."""
    return SenderCleaner(tmp_path_factory.mktemp("keys") / "deidentification.key", PillowInspector())


@pytest.fixture
def built_page(tmp_path: Path) -> Path:
    """A built page in small."""
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>ScanProof</title>")
    (folder / "favicon.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (folder / "assets" / "main-abc123.js").write_text("export {}")
    return folder


@pytest.fixture
def app(container: Container, built_page: Path) -> APIFlask:
    app = create_app(container, page=built_page)
    app.test_client_class = DescribedClient
    return app


@pytest.fixture
def client(app: APIFlask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def alice(ganache: Settings) -> DevelopmentWallet:
    return DevelopmentWallet(ganache.rpc_url, ganache.contract_address, USER)


@pytest.fixture
def picture() -> Callable[..., bytes]:
    """Makes an image that no other test has."""

    def make(format_: str = "PNG", size: tuple[int, int] = (64, 48), **options) -> bytes:
        number = next(_shades)
        image = Image.new("RGB", size, (number % 251, number // 251 % 251, 7))
        output = io.BytesIO()
        image.save(output, format_, **options)
        return output.getvalue()

    return make


@pytest.fixture(scope="module")
def mail_stand_in() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture(scope="module")
def account_settings(
    ganache: Settings, mail_stand_in: MailServer, tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    """People sign in. Their passwords are hashed with little memory, so that tests are quick."""
    var = tmp_path_factory.mktemp("accounts")
    return replace(
        ganache,
        var=var,
        database_url=Secret(f"sqlite:///{var / 'scanproof.db'}"),
        accounts=True,
        smtp_url=Secret(mail_stand_in.url),
        password_memory_kib=64,
    )


@pytest.fixture(scope="module")
def account_server(account_settings: Settings) -> Iterator[APIFlask]:
    """For ``account_app``: it starts once for a module."""
    container = wire(account_settings)
    app = create_app(container)
    app.test_client_class = DescribedClient
    yield app
    container.close()


@pytest.fixture
def account_app(account_server: APIFlask) -> Iterator[APIFlask]:
    """A server on which people sign in; there is no account yet."""
    yield account_server
    forget_everybody(account_server)


@pytest.fixture
def mails(mail_stand_in: MailServer, account_server: APIFlask) -> Iterator[MailServer]:
    yield mail_stand_in
    account_server.extensions["scanproof"].accounts.accounts._parts.mailer.join()
    mail_stand_in.forget()


@pytest.fixture
def browser(account_app: APIFlask, mails: MailServer) -> Browser:
    return Browser(account_app, mails)


@pytest.fixture
def other_browser(account_app: APIFlask, mails: MailServer) -> Browser:
    """Somewhere else."""
    return Browser(account_app, mails, "192.0.2.7")
