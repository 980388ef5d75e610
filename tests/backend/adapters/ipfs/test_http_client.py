"""Retries, time limits and caps, against the stand-in's misbehaviour."""

from __future__ import annotations

import socket
import threading
from email.utils import formatdate
from time import sleep, time

import pytest

from backend.adapters.ipfs.http_client import AnswerTooLarge, HttpClient, HttpPolicy
from backend.adapters.ipfs.pinata import PinataStore
from backend.adapters.ipfs.token_bucket import TokenBucket
from backend.errors import StorageUnavailable

POLICY = HttpPolicy(connect=1, read=0.3, total=20, attempts=4, backoff=1)


@pytest.fixture
def client(clock) -> HttpClient:
    return HttpClient("The service", policy=POLICY, clock=clock)


@pytest.fixture
def get(client, pinata):
    return lambda **options: client.request("GET", f"{pinata.public}/ipfs/x", **({"max_bytes": 1000} | options))


@pytest.mark.parametrize("kind", ["rate-limit", "server-error", "reset", "silence"])
def test_passing_trouble_is_tried_again(get, pinata, clock, kind):
    pinata.fault("public", kind, times=2)
    assert get().status == 404
    assert len(pinata.requests()) == 3
    assert len(clock.sleeps) == 2


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("rate-limit", "The service answered 429 (tries: 4)"),
        ("server-error", "The service answered 500 (tries: 4)"),
        ("reset", "The service cannot be reached (tries: 4)"),
        ("silence", "The service timed out (tries: 4)"),
    ],
)
def test_lasting_trouble_is_reported(get, pinata, kind, message):
    pinata.fault("public", kind, times=9)
    with pytest.raises(StorageUnavailable) as error:
        get()
    assert str(error.value) == message
    assert len(pinata.requests()) == 4


def test_nobody_there(client):
    with pytest.raises(StorageUnavailable, match=r"^The service cannot be reached \(tries: 1\)$"):
        client.request("GET", "http://127.0.0.1:1/", max_bytes=1, attempts=1)


@pytest.mark.parametrize("kind", ["unauthorized", "no-scopes", "bad-request", "not-found"])
def test_refusals_are_answers(get, pinata, kind):
    pinata.fault("public", kind)
    assert 400 <= get().status < 405
    assert len(pinata.requests()) == 1


def test_the_page_of_an_error_may_be_longer_than_the_file(get, pinata):
    answer = get(max_bytes=0)
    assert (answer.status, answer.json()) == (404, {"error": "Not found"})


def test_waits_double_and_differ(get, pinata, clock):
    pinata.fault("public", "server-error", times=3)
    get()
    first, second, third = clock.sleeps
    assert 0.5 <= first <= 1 <= second <= 2 <= third <= 4
    assert len({first, second / 2, third / 4}) == 3


def test_retry_after_in_seconds_is_honoured(get, pinata, clock):
    pinata.fault("public", "rate-limit", retryAfter="7")
    get()
    assert clock.sleeps == [7]


def test_retry_after_as_date_is_honoured(get, pinata, clock):
    pinata.fault("public", "rate-limit", retryAfter=formatdate(time() + 9, usegmt=True))
    get()
    assert 7 < clock.sleeps[0] <= 9


@pytest.mark.parametrize("value", ["soon", "", "-5", "9" * 400])
def test_retry_after_that_makes_no_sense(get, pinata, clock, value):
    pinata.fault("public", "rate-limit", retryAfter=value)
    if value.startswith("9"):
        with pytest.raises(StorageUnavailable):
            get()
    else:
        get()
        assert 0.5 <= clock.sleeps[0] <= 1


def test_a_wait_past_the_total_time_is_not_begun(get, pinata, clock):
    pinata.fault("public", "rate-limit", retryAfter="21")
    with pytest.raises(StorageUnavailable, match=r"^The service answered 429 \(tries: 1\)$"):
        get()
    assert clock.sleeps == []


def test_every_try_takes_its_turn(pinata, clock):
    client = HttpClient("The service", policy=POLICY, clock=clock, bucket=TokenBucket(5, clock))
    pinata.fault("public", "server-error", times=9)
    with pytest.raises(
        StorageUnavailable, match=r"^The service is not asked: the limit of requests per minute is used up$"
    ):
        client.request("GET", pinata.public, max_bytes=10)
    assert len(pinata.requests()) == 2
    assert sum(clock.sleeps) <= POLICY.total


def test_a_large_upload_over_a_slow_line_may_take_longer_than_a_connection():
    body = bytes(16 * 1024 * 1024)

    def receive_slowly(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            received = 0
            while received < len(body):
                received += len(connection.recv(1024 * 1024))
                sleep(0.05)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=receive_slowly, args=(listener,), daemon=True).start()
        client = HttpClient("The service", policy=HttpPolicy(connect=0.3, read=5, attempts=1))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        assert client.request("POST", url, max_bytes=0, body=body).status == 200


@pytest.fixture
def file(pinata, client) -> str:
    """The address of a pinned file of 1,000 bytes."""
    store = PinataStore(pinata.settings())
    return f"{pinata.public}/ipfs/{store.put(bytes(1000), name='x', media_type='image/png').cid}"


def test_a_body_within_the_cap(client, file):
    assert client.request("GET", file, max_bytes=1000).body == bytes(1000)


@pytest.mark.parametrize("kind", ["none", "endless"])
def test_a_body_past_the_cap_is_refused_without_a_second_try(client, file, pinata, kind):
    before = len(pinata.requests())
    pinata.fault("public", kind)
    with pytest.raises(AnswerTooLarge, match=r"^expected at most 999 bytes from The service, found more$"):
        client.request("GET", file, max_bytes=999)
    assert len(pinata.requests()) == before + 1


def test_a_body_cut_in_the_middle_is_fetched_again(client, file, pinata):
    pinata.fault("public", "cut", times=2)
    assert client.request("GET", file, max_bytes=1000).body == bytes(1000)


def test_a_body_that_is_always_cut_is_reported(client, file, pinata):
    pinata.fault("public", "cut", times=9)
    with pytest.raises(StorageUnavailable, match=r"^The service broke off its answer \(tries: 4\)$"):
        client.request("GET", file, max_bytes=1000)


def test_a_body_that_stops_is_reported(client, file, pinata):
    pinata.fault("public", "slow", times=9, pauseMs=2000)
    with pytest.raises(StorageUnavailable, match=r"^The service timed out \(tries: 4\)$"):
        client.request("GET", file, max_bytes=1000)


def test_a_body_that_drips_is_cut_off_by_the_total_time(file, pinata):
    client = HttpClient("The service", policy=HttpPolicy(read=1, total=0.5))
    pinata.fault("public", "slow", pauseMs=50)
    with pytest.raises(StorageUnavailable, match=r"^The service timed out \(tries: 1\)$"):
        client.request("GET", file, max_bytes=1000)


def test_redirects_are_not_followed(get, pinata):
    pinata.fault("public", "redirect", location=f"{pinata.gateway}/x")
    assert get().status == 302
    assert pinata.requests("gateway") == []


def test_netrc_is_not_read(get, pinata, tmp_path, monkeypatch):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login user password secret")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    get()
    assert "authorization" not in pinata.requests()[0]["headers"]
