"""The worker of the server with clients that are slow, many, or break the rules."""

from __future__ import annotations

import hashlib
import json
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from backend.worker import QUEUED, THREADS
from tests.backend.serving.conftest import PROMPT_S, Server, gunicorn, read_answer

HEAD = b"POST /echo HTTP/1.1\r\nHost: x\r\n"
BODY = bytes(range(256)) * 20_000
HALF_SENT = {
    "head": b"GET /echo HTTP/1.1\r\nHost: x\r\nX-Slow: ",
    "first byte": b"G",
    "body": HEAD + b"Content-Length: 100000\r\n\r\n" + b"x" * 500,
    "chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\nffff\r\nabc",
    "nothing": b"",
}


def digest_of(body: bytes) -> bytes:
    return f"{len(body)} {hashlib.sha256(body).hexdigest()}".encode()


@pytest.mark.parametrize("begun", HALF_SENT.values(), ids=HALF_SENT)
def test_half_sent_requests_stop_nobody_else(echo: Server, begun: bytes) -> None:
    clients = [echo.connect(begun) for _ in range(4 * THREADS)]
    assert echo.answers_health()
    assert echo.get("/echo", PROMPT_S).body == digest_of(b"")
    for client in clients:
        client.close()


def test_more_half_sent_requests_than_connections_stop_nobody_else() -> None:
    with gunicorn("tests.backend.serving.echo:app", "--worker-connections", "40") as server:
        for _ in range(150):
            server.connect(HALF_SENT["head"])
        assert server.answers_health()
        assert server.get("/echo", PROMPT_S).status == 200


def test_a_request_that_does_not_arrive_gets_408(echo: Server) -> None:
    clients = [echo.connect(HALF_SENT[begun]) for begun in ("head", "body", "chunk")]
    for client in clients:
        answer = read_answer(client)
        assert (answer.status, answer.json) == (
            408,
            {
                "type": "urn:scanproof:problem:request-timeout",
                "title": "Request Timeout",
                "status": 408,
                "detail": "a request must arrive within 15 s, or at 32 KiB a second if it is longer",
                "instance": "/echo",
            },
        )


def test_bytes_that_trickle_in_do_not_extend_the_time(echo: Server) -> None:
    client = echo.connect(HEAD + b"Content-Length: 100000\r\n\r\n")
    begun = time.monotonic()
    with pytest.raises(OSError):
        while time.monotonic() - begun < 120:
            client.sendall(b"x")
            time.sleep(0.2)
    assert time.monotonic() - begun < 100


@pytest.mark.parametrize("size", [0, 1, 100_000, len(BODY)])
@pytest.mark.parametrize("parts", [1, 7])
def test_a_body_that_arrives_in_parts_is_whole(echo: Server, size: int, parts: int) -> None:
    body = BODY[:size]
    request = HEAD + f"Content-Length: {size}\r\n\r\n".encode() + body
    client = echo.connect()
    step = len(request) // parts + 1
    for start in range(0, len(request), step):
        client.sendall(request[start : start + step])
        time.sleep(0.02)
    assert read_answer(client).body == digest_of(body)


@pytest.mark.parametrize("end", [b"0\r\n\r\n", b"0\r\nX-Sum: x\r\n\r\n", b"000;name=value\r\n\r\n"])
def test_a_body_in_chunks_is_whole(echo: Server, end: bytes) -> None:
    chunks = b"".join(b"%x;a=b\r\n%s\r\n" % (size, BODY[:size]) for size in (1, 70_000, 3))
    expected = digest_of(b"".join(BODY[:size] for size in (1, 70_000, 3)))
    request = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + end
    client = echo.connect(request[:200])
    time.sleep(0.05)
    client.sendall(request[200:])
    assert read_answer(client).body == expected


def test_requests_in_a_row_and_one_behind_the_other_share_a_connection(echo: Server) -> None:
    one = b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n"
    client = echo.connect(one)
    assert read_answer(client).body == digest_of(b"")
    client.sendall(HEAD + b"Content-Length: 3\r\n\r\nabc" + one)
    assert read_answer(client).body == digest_of(b"abc")
    assert read_answer(client).body == digest_of(b"")


def test_a_client_that_waits_for_100_continue_gets_it(echo: Server) -> None:
    client = echo.connect(HEAD + b"Content-Length: 3\r\nExpect: 100-continue\r\n\r\n")
    assert client.recv(1024).startswith(b"HTTP/1.1 100 Continue")
    client.sendall(b"abc")
    assert read_answer(client).body == digest_of(b"abc")


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
        b"Content-Length: -1\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc",
        b"Transfer-Encoding: chunked\r\n\r\n-1\r\nabc",
    ],
)
def test_unclear_framing_is_refused_and_ends_the_connection(echo: Server, framing: bytes) -> None:
    client = echo.connect(HEAD + framing + b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n")
    answers = b""
    while part := client.recv(65536):
        answers += part
    assert answers.count(b"HTTP/1.1 ") <= 1
    assert b"HTTP/1.1 200" not in answers
    assert echo.answers_health()


def test_a_head_without_end_is_refused(echo: Server) -> None:
    client = echo.connect(b"GET /echo HTTP/1.1\r\n" + b"X: y\r\n" * 20_000)
    assert read_answer(client).status == 431


def test_clients_that_do_not_read_stop_nobody_else_and_are_cut_off(echo: Server) -> None:
    clients = [echo.connect(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n") for _ in range(THREADS)]
    time.sleep(1)
    assert echo.answers_health()
    assert echo.get("/echo", 60).status == 503  # every thread waits for a client
    deadline = time.monotonic() + 60
    while (status := echo.get("/echo", 60).status) != 200 and time.monotonic() < deadline:
        assert status == 503
    assert status == 200
    for client in clients:
        client.close()


def test_a_client_that_reads_steadily_gets_everything(echo: Server) -> None:
    client = echo.connect(b"GET /stream HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert len(read_answer(client).body) > 400 * 1024 * 1024


def test_overload_is_503_with_a_time_to_try_again_and_health_answers() -> None:
    with gunicorn("tests.backend.serving.echo:app") as server:
        busy = [server.connect(b"GET /sleep/4 HTTP/1.1\r\nHost: x\r\n\r\n") for _ in range(THREADS + QUEUED)]
        time.sleep(0.5)
        refused = server.get("/echo", PROMPT_S)
        assert (refused.status, refused.headers["retry-after"]) == (503, "2")
        assert json.loads(refused.body)["type"] == "urn:scanproof:problem:overloaded"
        assert server.answers_health()
        with ThreadPoolExecutor(len(busy)) as pool:
            statuses = [answer.status for answer in pool.map(read_answer, busy)]
        assert statuses.count(200) == len(busy)
        assert server.get("/echo", PROMPT_S).status == 200


def test_sigterm_lets_requests_in_flight_finish() -> None:
    with gunicorn("tests.backend.serving.echo:app") as server:
        running = server.connect(b"GET /sleep/3 HTTP/1.1\r\nHost: x\r\n\r\n")
        idle, half_sent = server.connect(), server.connect(HALF_SENT["head"])
        time.sleep(0.5)
        server.process.send_signal(signal.SIGTERM)
        with pytest.raises(OSError):
            for _ in range(20):
                time.sleep(0.1)
                server.get("/echo", 1)
        assert read_answer(running).status == 200
        assert server.process.wait(20) == 0
        idle.close()
        half_sent.close()


def test_a_command_line_that_names_gthread_is_served_by_this_worker_too() -> None:
    with gunicorn(
        "tests.backend.serving.echo:app", "--workers", "1", "--worker-class", "gthread", "--threads", "8"
    ) as server:
        for _ in range(12):
            server.connect(HALF_SENT["body"])
        assert server.answers_health()


def test_threads_of_clients_that_come_and_go_are_freed(echo: Server) -> None:
    def come_and_go(number: int) -> None:
        client = echo.connect(HALF_SENT["body"] if number % 2 else HALF_SENT["head"])
        client.close()

    threads = [threading.Thread(target=come_and_go, args=(number,)) for number in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert echo.get("/echo", PROMPT_S).status == 200
