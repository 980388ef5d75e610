"""A disk that is full or cannot be written when the server starts: reading goes on, and writing says why not."""

from __future__ import annotations

import resource
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.settings import Settings
from backend.wiring import wire
from tests.backend.serving.conftest import Server, gunicorn, read_answer
from tests.backend.serving.test_dependencies import APP, environ_of

API = "/api/v1"


@dataclass(frozen=True)
class Disk:
    """``spoil`` makes it unusable for writing, ``mend`` usable again; ``limited`` is for the server's process."""

    folder: Path
    spoil: Callable[[], None]
    mend: Callable[[], None]
    limited: bool = False
    statuses: tuple[int, ...] = (507, 503)


def mount(*arguments: object) -> bool:
    return subprocess.run(["mount", *map(str, arguments)], capture_output=True, check=False).returncode == 0


def can_mount(folder: Path) -> bool:
    folder.mkdir(exist_ok=True)
    return shutil.which("mount") is not None and mount("-t", "tmpfs", "-o", "size=64m", "tmpfs", folder)


@contextmanager
def spoiled_disk(kind: str, folder: Path) -> Iterator[Disk]:
    """A small file system of its own. Where nothing may be mounted, no file of the server may grow instead."""
    if kind == "limited" or not can_mount(folder):
        folder.mkdir(exist_ok=True)
        yield Disk(folder, lambda: None, lambda: None, limited=True)
        return
    filling = folder / "filling"

    def fill() -> None:
        with filling.open("wb", buffering=0) as file:
            for size in (1024 * 1024, 4096, 1):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError:
                    continue

    try:
        if kind == "full":
            yield Disk(folder, fill, filling.unlink)
        else:
            yield Disk(
                folder,
                lambda: assert_true(mount("-o", "remount,ro", folder)),
                lambda: assert_true(mount("-o", "remount,rw", folder)),
                statuses=(503,),
            )
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def assert_true(value: bool) -> None:
    assert value


@pytest.fixture(params=["full", "read-only", "limited"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    with spoiled_disk(request.param, tmp_path / "disk") as found:
        yield found


@dataclass(frozen=True)
class Stored:
    cid: str
    image_id: str


@pytest.fixture
def stored(disk: Disk, settings: Settings, picture: Callable[..., bytes], alice: DevelopmentWallet) -> Stored:
    """An image that was recorded while the disk was good."""
    url = f"sqlite:///{disk.folder / 'scanproof.db'}"
    container = wire(replace(settings, var=disk.folder, database_url=url, classifier_key_file=disk.folder / "key"))
    cid = container.intake.accept(picture(), client="127.0.0.1").facts.cid
    alice.register_image(cid)
    container.index.sync()
    container.close()
    return Stored(cid, container.chain.image_id(alice.address, cid))


def files_of(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in (folder / "ipfs").rglob("*")}


def no_file_grows() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def upload(server: Server, content: bytes):
    part = b'--limit\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
    body = part + content + b"\r\n--limit--\r\n"
    head = (
        f"POST {API}/images HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
        f"Content-Type: multipart/form-data; boundary=limit\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return read_answer(server.connect(head.encode() + body))


def test_reading_goes_on_and_uploads_are_refused(
    disk: Disk, stored: Stored, ganache: Settings, picture: Callable[..., bytes]
) -> None:
    environ = environ_of(ganache, disk.folder, SCANPROOF_CLASSIFIER_KEY_FILE=str(disk.folder / "key"))
    disk.spoil()
    with gunicorn(*APP, environ=environ, preexec_fn=no_file_grows if disk.limited else None) as server:
        assert server.alive_within(2)
        assert server.get(f"{API}/ready", 2).status in (200, 503)
        assert stored.cid in {record["cid"] for record in server.get(f"{API}/records").json["records"]}
        assert server.get(f"{API}/records/{stored.image_id}").json["cid"] == stored.cid
        checks = server.get(f"{API}/records/{stored.image_id}/verification").json
        assert checks["passed"] is True, checks
        assert server.get(f"{API}/images/{stored.cid}/content").status == 200

        before = files_of(disk.folder)
        refused = upload(server, picture())
        assert refused.status in disk.statuses
        assert refused.json["type"].removeprefix("urn:scanproof:problem:") in {
            "database-full",
            "database-unavailable",
            "storage-full",
            "storage-read-only",
        }
        assert refused.json["detail"]
        assert files_of(disk.folder) == before

        if not disk.limited:
            disk.mend()
            deadline = time.monotonic() + 30
            while upload(server, picture()).status != 201:
                assert time.monotonic() < deadline
                time.sleep(0.2)
