"""The bodies of slides go through a file: they are too large for the memory."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend import worker
from backend.worker import MAX_BODY_BYTES, Incoming, Refused, Spool
from tests.backend.serving.conftest import Server, gunicorn, read_answer

BODY = os.urandom(1024 * 1024) * 28
HEAD = b"POST /api/v1/slides HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(BODY)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    environ = {"SCANPROOF_VAR": str(tmp_path_factory.mktemp("var")), "SCANPROOF_SLIDE_BYTES": str(len(BODY))}
    with gunicorn("tests.backend.serving.echo:app", environ=environ) as server:
        yield server


def test_a_slide_arrives_whole_and_the_connection_goes_on(server: Server) -> None:
    client = server.connect(HEAD)
    client.sendall(BODY + b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n")

    assert read_answer(client).body == f"{len(BODY)} {hashlib.sha256(BODY).hexdigest()}".encode()
    assert read_answer(client).body == f"0 {hashlib.sha256(b'').hexdigest()}".encode()


def test_it_waits_in_a_file_and_not_in_the_memory(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "incoming", 2 * len(BODY))
    incoming = Incoming(lambda: spool)

    assert not incoming.feed(HEAD + BODY[:100])
    assert not incoming.feed(BODY[100:-1])
    assert len(incoming.data) == len(HEAD)
    (file,) = spool.opened
    assert os.fstat(file.fileno()).st_size == len(BODY) - 1
    assert incoming.feed(BODY[-1:] + b"GET / HTTP/1.1\r\n\r\n")
    assert b"".join(incoming.take()) == HEAD + BODY
    assert incoming.data == b"GET / HTTP/1.1\r\n\r\n"
    assert file.closed


@pytest.mark.parametrize(
    "head",
    [
        HEAD.replace(b"slides", b"images"),
        HEAD.replace(b"%d" % len(BODY), b"%d" % (3 * len(BODY))),
    ],
)
def test_other_bodies_have_the_limit_of_the_memory(tmp_path: Path, head: bytes) -> None:
    spool = Spool(tmp_path, 2 * len(BODY))
    incoming = Incoming(lambda: spool)

    assert incoming.feed(head)
    assert incoming.cut
    assert not spool.opened


def test_only_so_many_slides_arrive_at_a_time(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 2 * len(BODY))
    arriving = [Incoming(lambda: spool) for _ in range(worker.SPOOLED)]
    for each in arriving:
        each.feed(HEAD)
    with pytest.raises(Refused, match="too many requests"):
        Incoming(lambda: spool).feed(HEAD)

    arriving[0].close()

    assert not Incoming(lambda: spool).feed(HEAD)


def test_a_disk_without_room_is_said_before_the_body(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no room for a slide") as refused:
        Spool(tmp_path, 2**62).open(2**61)

    assert refused.value.refusal.status.startswith("507")
    (tmp_path / "file").touch()
    with pytest.raises(Refused, match="no room for a slide"):
        Spool(tmp_path / "file", 2**40).open(1)


@pytest.mark.parametrize("written", [OSError(28, "full"), 3])
def test_a_disk_that_becomes_full_ends_the_upload(tmp_path: Path, written: OSError | int) -> None:
    class Full:
        closed = False

        def write(self, data: bytes) -> int:
            if isinstance(written, OSError):
                raise written
            return written

    spool = Spool(tmp_path, MAX_BODY_BYTES * 2)
    incoming = Incoming(lambda: spool)
    incoming.feed(HEAD)
    incoming._file = Full()

    with pytest.raises(Refused, match="no room for a slide"):
        incoming.feed(BODY[:100])
