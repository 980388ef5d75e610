"""A gunicorn worker that no slow client can occupy.

gunicorn's ``gthread`` gives a connection to a thread as soon as its first byte is there, and the thread then waits for
the rest: as many half-sent requests as there are threads stop the server. Here the event loop collects each request,
and a thread gets it when it is whole. A client that sends too slowly gets 408, one that reads too slowly is cut off,
and when too many requests wait for a thread the next ones get 503 with Retry-After. Health and readiness have threads
of their own.
"""

from __future__ import annotations

import errno
import json
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from selectors import EVENT_READ
from typing import BinaryIO, cast
from weakref import WeakSet

from gunicorn import http
from gunicorn.workers.gthread import TConn, ThreadWorker

from backend.domain import MAX_IMAGE_BYTES
from backend.settings import load

THREADS = 16
"""More than all bulkheads together admit, so that requests that need no dependency always find a thread."""
QUEUED = 32
"""Requests that may wait for a thread."""
QUEUED_S = 10.0
CONNECTIONS = 512
IDLE_S = 5.0
"""How long a connection may stay open without the first byte of a request."""
STOPPING_IDLE_S = 1.0
SLOWEST_S = 15.0
BYTES_PER_S = 32 * 1024
"""The slowest rate of a client for sending and for reading, as an average over SLOWEST_S."""
LINGER_S = 2.0
"""How long a closed connection is still read, so that a client that sends can read the answer (RFC 9112, 9.6)."""
MAX_HEADER_BYTES = 64 * 1024
MAX_BODY_BYTES = MAX_IMAGE_BYTES + 1024 * 1024
"""Above the limits of every route: a request with more is answered without reading the rest."""
MAX_BUFFERED_BYTES = 256 * 1024 * 1024
"""Of all requests that are not whole yet."""
SLIDES = "/api/v1/slides"
"""Its bodies are kept in files."""
SPOOLED = 4
"""Bodies in files at a time."""
SPARE_BYTES = 256 * 1024 * 1024
"""Of the disk, that no body may take."""
URGENT = frozenset({"/api/v1/health", "/api/v1/ready"})
URGENT_THREADS = 4
_READ_BYTES = 256 * 1024
_SWEEP_S = 0.25


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer of the worker itself, in the shape of the API's errors (RFC 9457)."""

    status: str
    kind: str
    detail: str
    retry_after: int | None = None

    def answer(self, path: str) -> bytes:
        code, _, title = self.status.partition(" ")
        problem = {
            "type": f"urn:scanproof:problem:{self.kind}",
            "title": title,
            "status": int(code),
            "detail": self.detail,
            "instance": path,
        }
        body = json.dumps(problem).encode()
        retry = "" if self.retry_after is None else f"Retry-After: {self.retry_after}\r\n"
        head = (
            f"HTTP/1.1 {self.status}\r\nContent-Type: application/problem+json\r\nContent-Length: {len(body)}\r\n"
            f"{retry}Connection: close\r\n\r\n"
        )
        return head.encode() + body


TOO_SLOW = Refusal(
    "408 Request Timeout",
    "request-timeout",
    f"a request must arrive within {SLOWEST_S:.0f} s, or at {BYTES_PER_S // 1024} KiB a second if it is longer",
)
TOO_LONG = Refusal(
    "431 Request Header Fields Too Large",
    "request-header-fields-too-large",
    f"the head of a request may have at most {MAX_HEADER_BYTES:,} bytes",
)
NO_ROOM = Refusal("507 Insufficient Storage", "storage-full", "the disk has no room for a slide of that size")
OVERLOADED = Refusal("503 Service Unavailable", "overloaded", "the server has too many requests: try again", 2)


class Refused(ValueError):
    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.detail)
        self.refusal = refusal


class Spool:
    """Where the bodies of slides are kept, which are too large for the memory: files without a name below ``folder``.

    At most ``most_bytes`` for each; SPOOLED at a time.
    """

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder = folder
        self.most_bytes = most_bytes
        self.opened: WeakSet[BinaryIO] = WeakSet()

    def open(self, size: int) -> BinaryIO:
        """A file with room for ``size`` bytes. Raises Refused."""
        if sum(not file.closed for file in self.opened) >= SPOOLED:
            raise Refused(OVERLOADED)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if shutil.disk_usage(self._folder).free < size + SPARE_BYTES:
                raise Refused(NO_ROOM)
            file = cast(BinaryIO, tempfile.TemporaryFile(dir=self._folder, buffering=0))  # noqa: SIM115 - closed with its request
        except OSError as error:
            raise Refused(NO_ROOM) from error
        self.opened.add(file)
        return file


class Pace:
    """``deadline`` is when a transfer is too slow: each stretch of SLOWEST_S must move its share of bytes."""

    def __init__(self) -> None:
        self._begin()

    def moved(self, size: int) -> None:
        self._left -= size
        if self._left <= 0:
            self._begin()

    def _begin(self) -> None:
        self.deadline = time.monotonic() + SLOWEST_S
        self._left = SLOWEST_S * BYTES_PER_S


@dataclass(slots=True)
class Incoming:
    """One request as its bytes arrive. ``rest`` is what follows it on the connection.

    ``cut`` says that its end is unknown, because it is too long or its framing is unclear: the parser and the
    application refuse such a request, and its connection must not be used again. The body of a slide is in a file of
    ``spool``, and not in ``data``.
    """

    spool: Callable[[], Spool] | None = None
    data: bytearray = field(default_factory=bytearray)
    cut: bool = False
    _file: BinaryIO | None = None
    _filed: int = 0
    _body: int | None = None
    _length: int = 0
    _chunk: int | None = None
    _end: int | None = None

    def feed(self, data: bytes) -> bool:
        """Add bytes; whether the request is whole now. Raises Refused."""
        self.data += data
        if self._body is None and not self._read_head():
            return False
        if self._file is not None:
            return self._move_to_file(self._file)
        if self._chunk is not None:
            self._skip_chunks()
        elif self._body is not None and len(self.data) >= self._body + self._length:
            self._end = self._body + self._length
        if self._end is None and len(self.data) > MAX_BODY_BYTES:
            self._cut()
        return self._end is not None

    def take(self) -> Iterable[bytes]:
        """The parts of the whole request, which is then forgotten here."""
        request = bytes(self.data[: self._end])
        del self.data[: self._end]
        if self._file is None:
            return [request]
        file, self._file = self._file, None
        return chain([request], _parts(file))

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    @property
    def path(self) -> str:
        """The path that is asked for, "/" while that is not known."""
        line = bytes(self.data[:MAX_HEADER_BYTES]).partition(b"\r\n")[0].split(b" ")
        return line[1].partition(b"?")[0].decode("ascii", errors="replace") if len(line) > 1 else "/"

    @property
    def expects_continue(self) -> bool:
        """Whether the client waits for an interim answer before it sends the body (RFC 9110, 10.1.1)."""
        waits = self._body == len(self.data) and self._end is None and not self._filed
        return waits and b"100-continue" in self.data.lower()

    def _read_head(self) -> bool:
        end = self.data.find(b"\r\n\r\n")
        if end < 0:
            if len(self.data) > MAX_HEADER_BYTES:
                raise Refused(TOO_LONG)
            return False
        self._body = end + 4
        lines = bytes(self.data[:end]).lower().split(b"\r\n")[1:]
        named = [(name.strip(), value.strip()) for name, _, value in (line.partition(b":") for line in lines)]
        lengths = [value for name, value in named if name == b"content-length"]
        encodings = [value for name, value in named if name == b"transfer-encoding"]
        if encodings == [b"chunked"] and not lengths:
            self._chunk = self._body
        elif not encodings and len(lengths) <= 1 and all(value.isdigit() and len(value) < 16 for value in lengths):
            self._length = int(lengths[0]) if lengths else 0
            if self.spool and self._length > MAX_BODY_BYTES and self.path == SLIDES:
                spool = self.spool()
                if self._length <= spool.most_bytes:
                    self._file = spool.open(self._length)
                    return True
            if self._length > MAX_BODY_BYTES:
                self._cut()
        else:
            self._cut()
        return True

    def _move_to_file(self, file: BinaryIO) -> bool:
        """What has arrived of the body; whether that is all."""
        body = self.data[self._body : (self._body or 0) + self._length - self._filed]
        try:
            written = file.write(body)
        except OSError as error:
            raise Refused(NO_ROOM) from error
        if written != len(body):
            raise Refused(NO_ROOM)
        del self.data[self._body : (self._body or 0) + written]
        self._filed += written
        if self._filed < self._length:
            return False
        self._end = self._body
        return True

    def _skip_chunks(self) -> None:
        """Move behind each chunk that has arrived (RFC 9112, 7.1)."""
        while self._chunk is not None and (line_end := self.data.find(b"\r\n", self._chunk)) >= 0:
            size_text = bytes(self.data[self._chunk : line_end]).partition(b";")[0].strip()
            try:
                size = int(size_text, 16)
            except ValueError:
                return self._cut()
            if size == 0:
                # The trailers end like a head; without any, the last line's end is the first half of that.
                end = self.data.find(b"\r\n\r\n", line_end)
                self._end = None if end < 0 else end + 4
                return None
            if size < 0 or size > MAX_BODY_BYTES:
                return self._cut()
            following = line_end + 2 + size + 2
            if following > len(self.data):
                return None
            self._chunk = following
        return None

    def _cut(self) -> None:
        self.cut = True
        self._end = len(self.data)


def _parts(file: BinaryIO) -> Iterator[bytes]:
    with file:
        file.seek(0)
        while part := file.read(_READ_BYTES):
            yield part


class _PacedSocket(socket.socket):
    """Gives up on a peer that reads more slowly than BYTES_PER_S."""

    def begin_answer(self) -> None:
        self._pace = Pace()

    def sendall(self, data: bytes, flags: int = 0) -> None:  # type: ignore[override] # gunicorn sends bytes only
        left = memoryview(data)
        while left:
            try:
                self.settimeout(max(self._pace.deadline - time.monotonic(), 0.001))
                sent = self.send(left[:_READ_BYTES], flags)
            except TimeoutError:
                raise BrokenPipeError(errno.EPIPE, "the client reads too slowly") from None
            self._pace.moved(sent)
            left = left[sent:]


class _Connection(TConn):
    """``deadline`` is when the event loop closes it; ``lingering`` says that its answer was sent and only reading
    remains."""

    def __init__(self, worker: BufferingWorker, client: socket.socket, address: object, server: object) -> None:
        super().__init__(worker.cfg, client, address, server)
        self.incoming = Incoming(worker.spool)
        self.deadline = 0.0
        self.lingering = False
        self.pace = Pace()
        self.queued_until = 0.0


class BufferingWorker(ThreadWorker):
    """For ``gunicorn --worker-class backend.worker.BufferingWorker``, without TLS: a front such as nginx has that."""

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)
        self._reading: dict[_Connection, None] = {}
        """The connections that the event loop reads, the longest waiting first."""
        self._buffered = 0
        self._running: dict[_Connection, Future[bool]] = {}
        """The requests that have a thread or wait for one, the oldest first; urgent ones are not among them."""
        self._spool: Spool | None = None
        self._next_sweep = 0.0
        self._idle_until = 0.0

    def init_process(self) -> None:
        # A file would be sent by the kernel, past the pace of the socket.
        self.cfg.set("sendfile", False)
        self._urgent_pool = ThreadPoolExecutor(URGENT_THREADS)
        super().init_process()

    def spool(self) -> Spool:
        """Its settings are read when the first slide arrives: other requests need none."""
        if self._spool is None:
            settings = load()
            self._spool = Spool(settings.var / "slides" / "incoming", settings.slide_bytes + MAX_HEADER_BYTES)
        return self._spool

    def get_thread_pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._threads)

    @property
    def _threads(self) -> int:
        return max(THREADS, int(self.cfg.threads))

    def accept(self, listener: socket.socket) -> None:
        try:
            accepted, address = listener.accept()
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK):
                raise
            return
        client = _PacedSocket(accepted.family, accepted.type, accepted.proto, fileno=accepted.detach())
        self.nr_conns += 1
        if len(self._reading) >= min(CONNECTIONS, self.worker_connections - 1):
            self._close(next(iter(self._reading)))
        self._listen(_Connection(self, client, address, listener.getsockname()))

    def handle(self, conn: _Connection) -> bool:
        """Answer a whole request; runs in a thread. Whether the connection can be used again."""
        conn.parser = http.get_parser(self.cfg, conn.incoming.take(), conn.client)
        conn.initialized = True
        conn.sock.begin_answer()
        return bool(super().handle(conn)) and not conn.incoming.cut

    def finish_request(self, conn: _Connection, future: Future[bool]) -> None:
        self._running.pop(conn, None)
        if future.cancelled():
            _send(conn, OVERLOADED.answer(conn.incoming.path))
            self._linger(conn)
        elif future.exception() is None and future.result():
            rest, conn.incoming = bytes(conn.incoming.data), Incoming(self.spool)
            self._listen(conn)
            if rest:
                self._feed(conn, rest)
        else:
            self._linger(conn)

    def murder_pending(self) -> None:
        """Close what has waited too long for bytes or for a thread; the event loop calls this in each round."""
        now = time.monotonic()
        if now < self._next_sweep:
            return
        self._next_sweep = now + _SWEEP_S
        if not self.alive:
            self._cap_idle(now)
        for conn in [conn for conn in self._reading if conn.deadline < now]:
            if conn.incoming.data and not conn.lingering:
                self._refuse(conn, TOO_SLOW)
            else:
                self._close(conn)
        for conn, future in list(self._running.items()):
            if conn.queued_until < now:
                # Has an effect only while no thread runs it.
                future.cancel()

    def _cap_idle(self, now: float) -> None:
        """A stopping worker waits for requests that have begun, and only a moment for others."""
        self._idle_until = self._idle_until or now + STOPPING_IDLE_S
        for conn in self._reading:
            if not conn.incoming.data:
                conn.deadline = min(conn.deadline, self._idle_until)

    def _listen(self, conn: _Connection) -> None:
        conn.sock.setblocking(False)
        conn.deadline = time.monotonic() + IDLE_S
        self._reading[conn] = None
        self.poller.register(conn.sock, EVENT_READ, partial(self._on_readable, conn))

    def _on_readable(self, conn: _Connection, _file: object) -> None:
        try:
            data = conn.sock.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._close(conn)
        elif not conn.lingering:
            self._feed(conn, data)

    def _feed(self, conn: _Connection, data: bytes) -> None:
        if not conn.incoming.data:
            conn.pace = Pace()
        conn.pace.moved(len(data))
        conn.deadline = conn.pace.deadline
        before = len(conn.incoming.data)
        try:
            whole = conn.incoming.feed(data)
        except Refused as refused:
            self._buffered += len(conn.incoming.data) - before
            self._refuse(conn, refused.refusal)
            return
        self._buffered += len(conn.incoming.data) - before
        if whole:
            self._submit(conn)
        elif self._buffered > MAX_BUFFERED_BYTES:
            self._refuse(conn, OVERLOADED)
        elif conn.incoming.expects_continue:
            _send(conn, b"HTTP/1.1 100 Continue\r\n\r\n")

    def _submit(self, conn: _Connection) -> None:
        urgent = conn.incoming.path in URGENT
        if not urgent and len(self._running) >= self._threads + QUEUED:
            self._refuse(conn, OVERLOADED)
            return
        self._forget(conn)
        if urgent:
            future = self._urgent_pool.submit(self.handle, conn)
        else:
            conn.queued_until = time.monotonic() + QUEUED_S
            future = self._running[conn] = self.tpool.submit(self.handle, conn)
        future.add_done_callback(lambda done: self.method_queue.defer(self.finish_request, conn, done))

    def _refuse(self, conn: _Connection, refusal: Refusal) -> None:
        self._forget(conn)
        _send(conn, refusal.answer(conn.incoming.path))
        self._linger(conn)

    def _linger(self, conn: _Connection) -> None:
        """Close the sending side, and read on for a moment: a reset would take the answer away from a client that still
        sends."""
        try:
            conn.sock.setblocking(False)
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.nr_conns -= 1
            conn.close()
            return
        conn.incoming.close()
        conn.lingering, conn.incoming = True, Incoming()
        self._listen(conn)
        conn.deadline = time.monotonic() + LINGER_S

    def _close(self, conn: _Connection) -> None:
        self._forget(conn)
        self.nr_conns -= 1
        conn.incoming.close()
        conn.close()

    def _forget(self, conn: _Connection) -> None:
        """Stop reading the connection."""
        del self._reading[conn]
        self._buffered -= len(conn.incoming.data)
        self.poller.unregister(conn.sock)


def _send(conn: _Connection, answer: bytes) -> None:
    """What does not fit into the socket's buffer at once is not sent: nobody waits for a client here."""
    with suppress(OSError):
        conn.sock.send(answer)
