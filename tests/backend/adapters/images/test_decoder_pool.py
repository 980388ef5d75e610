"""Images are decoded in processes that are ended past their limits; nothing else waits for them or is left of them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend.adapters.images import decoder_pool, decoder_protocol
from backend.adapters.images.decoded_images import DecodedImages
from backend.adapters.images.decoder_pool import DecoderPool
from backend.adapters.images.inspector import PillowInspector
from backend.errors import ImageTooLarge, ServerBusy, UnsupportedImage
from ml.preprocessing.images import DECODING, decode_image
from tests.backend.adapters.images import metadata
from tests.backend.adapters.images.conftest import picture, same_pixels, saved

UPLOAD = saved("PNG", picture("RGBA"))

# A decoder that does what a hostile image made it do.
FAKE = """
import resource, signal, socket, sys, time
sys.path.insert(0, {root!r})
from backend.adapters.images import decoder_protocol as protocol, decoder_process as process
owner = socket.socket(fileno=0)
process._limit()
while job := protocol.receive(owner):
    header, content = job
    name = content.split(b" ")[0].decode()
    if name == "spin":
        process.CPU_S = 1
        process._allow_cpu_time()
        while True: pass
    elif name == "sleep":
        time.sleep(float(content.split(b" ")[1]))
        protocol.send(owner, dict(kind="PNG", width=1, height=1, stripped=[]), b"slept")
    elif name == "grow":
        try:
            bytearray(protocol.MEMORY_BYTES)
        except MemoryError:
            protocol.send(owner, dict(error="MemoryError"))
    elif name == "killed":
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        import os; os.kill(os.getpid(), signal.SIGKILL)
    elif name == "crash":
        import os; os.kill(os.getpid(), signal.SIGSEGV)
    elif name == "fail":
        sys.exit(3)
    elif name == "lie":
        protocol.send(owner, dict(mode="RGB", size=[10, 10]), b"short")
    elif name == "flood":
        owner.sendall(protocol._LENGTHS.pack(10, 2**40))
        time.sleep(60)
    elif name == "ask":
        while True:
            protocol.send(owner, dict(question="signature"), b"more")
            protocol.receive(owner)
    elif name == "babble":
        owner.sendall(protocol._LENGTHS.pack(2, 0) + b"[]")
        time.sleep(60)
    else:
        protocol.send(owner, dict(kind="PNG", width=1, height=1, stripped=[]), b"done")
"""


@pytest.fixture
def pool() -> Iterator[DecoderPool]:
    pool = DecoderPool(processes=2, wall_s=20, wait_s=20)
    yield pool
    pool.close()


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch) -> Callable[..., DecoderPool]:
    """A pool whose processes obey the content of a job."""
    program = tmp_path / "hostile_decoder.py"
    program.write_text(FAKE.format(root=str(decoder_pool._ROOT)))
    monkeypatch.setattr(decoder_pool, "_PROGRAM", "hostile_decoder")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return DecoderPool


def children() -> set[int]:
    own = os.getpid()
    tasks = Path(f"/proc/{own}/task").iterdir()
    return {int(pid) for task in tasks for pid in (task / "children").read_text().split()}


@contextmanager
def ended(pool: DecoderPool) -> Iterator[None]:
    try:
        yield
    finally:
        pool.close()


def test_a_decoded_image_is_that_of_the_models(pool):
    for upload in (UPLOAD, saved("JPEG"), saved("PNG", picture("I;16")), saved("PNG", picture("1"))):
        with pool.decoded(upload, DECODING) as image:
            assert same_pixels(image, decode_image(upload))


def test_a_process_is_used_again(pool):
    before = children()
    for _ in range(3):
        pool.inspect(UPLOAD)
    assert len(children() - before) == 1


def test_a_decoder_has_no_secret_in_its_environment(pool, monkeypatch):
    monkeypatch.setenv("SCANPROOF_CLINICIAN_KEY", "0x" + "ab" * 32)
    before = children()
    pool.inspect(UPLOAD)
    (pid,) = children() - before
    assert "SCANPROOF" not in Path(f"/proc/{pid}/environ").read_text()


def test_an_image_that_takes_too_long_is_refused_and_its_process_replaced(hostile):
    pool = hostile(processes=1)
    with ended(pool):
        with pytest.raises(ImageTooLarge) as error:
            pool.inspect(b"spin")
        assert str(error.value) == "expected an image that takes at most 30 s to decode, found one that takes too long"
        assert pool.inspect(b"x")[1] == b"done"


def test_an_image_for_which_nothing_happens_is_refused(hostile):
    pool = hostile(processes=1, wall_s=1.5)
    with ended(pool):
        started = time.monotonic()
        with pytest.raises(ImageTooLarge, match="takes too long"):
            pool.inspect(b"sleep 60")
        assert time.monotonic() - started < 50


@pytest.mark.parametrize("job", [b"grow", b"killed"])
def test_an_image_that_takes_too_much_memory_is_refused(hostile, job):
    pool = hostile(processes=1)
    with ended(pool):
        with pytest.raises(ImageTooLarge) as error:
            pool.inspect(job)
        assert str(error.value) == "expected an image that takes at most 1536 MiB to decode, found one that takes more"
        assert pool.inspect(b"x")[1] == b"done"


@pytest.mark.parametrize(
    ("job", "message"),
    [
        (b"crash", r"^expected an image, found one that breaks its decoder \(SIGSEGV\)$"),
        (b"lie", "^expected an image, found one that misleads its decoder$"),
        (b"flood", "^expected an image, found one that misleads its decoder$"),
        (b"babble", "^expected an image, found one that misleads its decoder$"),
    ],
)
def test_a_broken_decoder_is_a_refusal(hostile, job, message):
    pool = hostile(processes=1)
    with ended(pool):
        with pytest.raises(UnsupportedImage, match=message), pool.decoded(job, DECODING):
            pass
        assert pool.inspect(b"x")[1] == b"done"


def test_a_decoder_may_ask_for_few_signatures(hostile):
    """A process that a picture has taken over gets no key, and few answers."""
    asked: list[bytes] = []

    def sign(claim: bytes) -> bytes:
        asked.append(claim)
        return b"signature"

    pool = hostile(processes=1)
    with ended(pool):
        with pytest.raises(UnsupportedImage, match="one that misleads its decoder"):
            pool.embed_manifest(b"ask", b"", {}, sign)
        assert asked == [b"more"] * 4
        with pytest.raises(UnsupportedImage, match="one that misleads its decoder"):
            pool.inspect(b"ask")
        assert len(asked) == 4


def test_a_failure_of_our_own_is_no_refusal(hostile):
    pool = hostile(processes=1)
    with ended(pool), pytest.raises(ChildProcessError, match=r"^the decoder of images ended with status 3$"):
        pool.inspect(b"fail")


def test_a_slow_image_holds_nobody_up(hostile):
    pool = hostile(processes=2)
    with ended(pool), ThreadPoolExecutor(2) as threads:
        list(threads.map(pool.inspect, [b"sleep 1"] * 2))  # both processes run
        slow = threads.submit(pool.inspect, b"sleep 6")
        time.sleep(0.2)
        for _ in range(3):
            assert pool.inspect(b"x")[1] == b"done"
        assert not slow.done()
        assert slow.result(timeout=30)[1] == b"slept"


def test_who_waits_too_long_is_asked_to_come_again(hostile):
    pool = hostile(processes=1, wait_s=0.5)
    with ended(pool), ThreadPoolExecutor(1) as threads:
        slow = threads.submit(pool.inspect, b"sleep 4")
        while pool._slots._value:
            time.sleep(0.01)
        with pytest.raises(ServerBusy) as error:
            pool.inspect(b"x")
        assert error.value.retry_after > 0
        slow.result(timeout=30)
        assert pool.inspect(b"x")[1] == b"done"


def test_no_more_decoded_images_are_open_than_processes(pool):
    with ThreadPoolExecutor(3) as threads, pool.decoded(UPLOAD, DECODING), pool.decoded(UPLOAD, DECODING):
        third = threads.submit(pool.inspect, UPLOAD)
        with pytest.raises(TimeoutError):
            third.result(timeout=0.5)
    assert third.result(timeout=60)


def test_a_process_that_was_ended_while_idle_is_replaced(pool):
    before = children()
    pool.inspect(UPLOAD)
    (pid,) = children() - before
    os.kill(pid, signal.SIGKILL)
    while Path(f"/proc/{pid}/stat").exists() and " Z " not in Path(f"/proc/{pid}/stat").read_text():
        time.sleep(0.01)
    assert pool.inspect(UPLOAD)


def test_ctrl_c_and_the_end_of_the_group_do_not_stop_a_decoder(pool):
    before = children()
    pool.inspect(UPLOAD)
    (pid,) = children() - before
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(pid, number)
    pool.inspect(UPLOAD)
    assert children() - before == {pid}


def test_a_fork_starts_processes_of_its_own(pool):
    pool.inspect(UPLOAD)
    child = os.fork()
    if not child:
        os._exit(0 if pool.inspect(UPLOAD) and pool._idle else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert pool.inspect(UPLOAD)


@pytest.mark.parametrize("end", ["", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"])
def test_nothing_is_left_behind(end):
    program = (
        "import sys\n"
        "from backend.adapters.images.decoder_pool import decoder_pool\n"
        "pool = decoder_pool()\n"
        "pool.inspect(sys.stdin.buffer.read())\n"
        "print(pool._idle[0]._process.pid, flush=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", program + end], input=UPLOAD, capture_output=True, check=False)
    pid = int(done.stdout)
    assert b"Traceback" not in done.stderr
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and "decoder_process" in Path(f"/proc/{pid}/cmdline").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_memory_of_a_decoder_has_a_limit(pool):
    before = children()
    pool.inspect(UPLOAD)
    (pid,) = children() - before
    limit = next(
        line for line in Path(f"/proc/{pid}/limits").read_text().splitlines() if line.startswith("Max address space")
    )
    assert limit.split()[3] == str(1536 * 1024 * 1024)


@pytest.mark.parametrize("mode", ["RGBA", "I;16"])
def test_the_largest_image_fits(pool, mode):
    size = (8000, 5000)
    upload = metadata.raw_png(*size, 16, 0, (1 + 8000 * 2) * 5000) if mode == "I;16" else None
    upload = upload or metadata.raw_png(*size, 8, 6, (1 + 8000 * 4) * 5000)
    pool.inspect(upload)
    with pool.decoded(upload, DECODING) as image:
        assert image.size == size


def test_gate_and_model_decode_an_image_once(monkeypatch, pool):
    jobs, run = [], pool._run

    def counted(job: dict, content: bytes) -> tuple[dict, bytes]:
        jobs.append(job)
        return run(job, content)

    monkeypatch.setattr(pool, "_run", counted)
    images = DecodedImages(pool, kept_bytes=3 * 51 * 37 * 4)
    for _ in range(3):
        with images.open(UPLOAD) as image:
            assert same_pixels(image, decode_image(UPLOAD))
    assert len(jobs) == 1
    with images.open(UPLOAD, 1):
        assert len(jobs) == 2


def test_only_so_many_decoded_images_are_kept(pool):
    images = DecodedImages(pool, kept_bytes=2 * 51 * 37 * 4)
    uploads = [saved("PNG", picture().rotate(turn)) for turn in (0, 90, 180)]
    for upload in uploads:
        with images.open(upload):
            pass
    assert len(images._kept) == 2
    with images.open(saved("PNG", Image.new("RGB", (200, 200)))):
        assert len(images._kept) == 0


def test_a_view_is_what_the_models_see(pool):
    inspector = PillowInspector(pool)
    values = np.asarray(picture("I;16")) // 64
    deep = saved("PNG", Image.fromarray(values))
    view = inspector.view(deep)
    assert same_pixels(decode_image(view), decode_image(deep))
    assert np.asarray(decode_image(view)).max() == 255
    assert inspector.view(UPLOAD) is None
    assert inspector.view(saved("JPEG")) is None


def test_messages_with_a_deadline():
    left, right = socket.socketpair()
    with left, right:
        with pytest.raises(TimeoutError):
            decoder_protocol.receive(left, time.monotonic() + 0.1)
        with pytest.raises(TimeoutError):
            decoder_protocol.send(left, {"a": 1}, bytes(10_000_000), time.monotonic() + 0.1)
        left.close()
        assert json.loads(right.recv(1000)[16:24]) == {"a": 1}
