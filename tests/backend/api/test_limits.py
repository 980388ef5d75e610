"""How often, and how much, one address may upload."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from apiflask import APIFlask

from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.api.app import create_app
from backend.api.limits import limiter
from backend.settings import Settings
from backend.wiring import wire
from tests.backend.api.conftest import API, assert_problem, upload


@pytest.fixture
def app_with(settings: Settings, built_page: Path) -> Iterator[Callable[..., APIFlask]]:
    with ExitStack() as stack:

        def make(**changes) -> APIFlask:
            container = wire(replace(settings, **changes))
            stack.callback(container.close)
            return create_app(container, page=built_page)

        yield make


def test_too_many_uploads_a_minute(app_with, picture) -> None:
    app = app_with(uploads_per_minute=2)
    limiter.reset()
    client = app.test_client()
    for _ in range(2):
        assert upload(client, picture()).status_code == 201
    refused = upload(client, picture())
    assert_problem(refused, 429, "limit-exceeded", "no more than 2 per 1 minute uploads from one address")
    assert 0 < int(refused.headers["Retry-After"]) <= 61
    assert client.get(f"{API}/health").status_code == 200
    assert upload(client, picture(), environ_base={"REMOTE_ADDR": "127.0.0.9"}).status_code == 201


def test_too_many_attestations_a_minute(app_with, picture, alice: DevelopmentWallet) -> None:
    client = app_with(uploads_per_minute=2).test_client()
    limiter.reset()
    cid = upload(client, picture()).json["cid"]
    manifest_hash = client.post(f"{API}/images/{cid}/classifications").json["manifestHash"]
    body = {"manifestHash": manifest_hash, "uploader": alice.address}
    answers = [client.post(f"{API}/images/{cid}/attestations", json=body) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 200, 429]
    detail = "no more than 2 per 1 minute attestations from one address"
    assert_problem(answers[2], 429, "limit-exceeded", detail)


def test_too_many_look_ups_by_file_a_minute(app_with, picture) -> None:
    """Each decodes a file, as an upload does."""
    app = app_with(uploads_per_minute=1)
    limiter.reset()
    client = app.test_client()
    content = picture()

    def status() -> int:
        return client.post(f"{API}/records/lookup", data={"file": (io.BytesIO(content), "scan.png")}).status_code

    assert (status(), status()) == (200, 429)


def test_a_forwarding_header_gives_no_new_address(app_with, picture) -> None:
    app = app_with(uploads_per_minute=1)
    limiter.reset()
    client = app.test_client()
    assert upload(client, picture()).status_code == 201
    assert upload(client, picture(), headers={"X-Forwarded-For": "10.0.0.1"}).status_code == 429


def test_the_addresses_of_one_network_of_ipv6_are_one_client(app_with, picture) -> None:
    first, second = picture(), picture()
    limiter.reset()
    client = app_with(uploads_per_minute=1).test_client()
    codes = [
        upload(client, picture(), environ_base={"REMOTE_ADDR": f"2001:db8:0:{address}"}).status_code
        for address in ("1::1", "1::2", "2::1")
    ]
    assert codes == [201, 429, 201]
    client = app_with(bytes_per_address=len(first) + len(second) - 1).test_client()
    limiter.reset()
    codes = [
        upload(client, content, environ_base={"REMOTE_ADDR": f"2001:db8:0:{address}"}).status_code
        for content, address in ((first, "7::1"), (second, "7::2"), (second, "8::1"))
    ]
    assert codes == [201, 429, 201]


def test_more_bytes_than_an_address_may_keep(app_with, picture) -> None:
    first, second = picture(), picture()
    client = app_with(bytes_per_address=len(first) + len(second) - 1).test_client()
    assert upload(client, first).status_code == 201
    refused = upload(client, second)
    detail = (
        f"this address may store {len(first) + len(second) - 1:,} bytes in total, and the image's {len(second):,} "
        "bytes would exceed that"
    )
    assert_problem(refused, 429, "limit-exceeded", detail)
    assert refused.headers["Retry-After"] == "3600"
    assert upload(client, first).status_code == 200
    assert upload(client, second, environ_base={"REMOTE_ADDR": "127.0.0.9"}).status_code == 201


def test_many_at_once_do_not_slip_past_the_limit(app_with, picture) -> None:
    pictures = [picture() for _ in range(8)]
    app = app_with(bytes_per_address=3 * max(map(len, pictures)))
    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda content: upload(app.test_client(), content).status_code, pictures))
    assert sorted(codes) == [201] * 3 + [429] * 5


def test_the_same_image_at_once_is_counted_once(app_with, picture) -> None:
    content, other = picture(size=(200, 100)), picture(size=(200, 100))
    app = app_with(bytes_per_address=9 * len(content))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: upload(app.test_client(), content), range(8)))
    room = app.extensions["scanproof"].settings.bytes_per_address - len(content)
    images = app.extensions["scanproof"].intake._images
    assert images.reserve("127.0.0.1", room, 9 * len(content))
    assert not images.reserve("127.0.0.1", 1, 9 * len(content))
    assert upload(app.test_client(), other).status_code == 429
