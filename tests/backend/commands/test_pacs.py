"""``scanproof pacs``: what arrives is in the queue of the same settings, and a signal ends it."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from backend.domain import Source, SourceKind
from backend.processes import free_port
from backend.settings import load
from backend.wiring import wire_received
from tests.backend.received import series
from tests.needs import needs_dcmtk

WITHIN_S = 120


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "sent"
    made.mkdir()
    for number, content in enumerate(series(2)):
        (made / f"{number}.dcm").write_bytes(content)
    return made


def ended(process: subprocess.Popen) -> tuple[int, str, str]:
    process.send_signal(signal.SIGTERM)
    stdout, stderr = process.communicate(timeout=WITHIN_S)
    return process.returncode, stdout, stderr


def waited_for(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + WITHIN_S
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)
    return condition()


@needs_dcmtk
def test_receive_puts_what_storescu_sends_into_the_queue(process, folder: Path) -> None:
    port = free_port()
    allowed = ("--allow", "MODALITY")
    running = process.start("pacs", "receive", "--port", port, "--aet", "RESEARCH", *allowed, "--json")
    started = json.loads(running.stdout.readline())
    assert (started["aet"], started["port"], started["allow"]) == ("RESEARCH", port, ["MODALITY"])
    send = ["storescu", "-aet", "MODALITY", "-aec", "RESEARCH", "+sd", "127.0.0.1", str(port), str(folder)]
    assert subprocess.run(send, capture_output=True, timeout=WITHIN_S, check=False).returncode == 0
    send[2] = "OTHER"
    assert subprocess.run(send, capture_output=True, timeout=WITHIN_S, check=False).returncode != 0

    status, _, stderr = ended(running)

    assert status == 128 + signal.SIGTERM
    assert "refused an association of OTHER at 127.0.0.1: it is not allowed" in stderr
    assert "Traceback" not in stderr
    with wire_received(load(process.environ, env_file=None)) as queue:
        (found,) = queue.list()
        assert (found.files, found.source) == (2, Source(SourceKind.STORE, "MODALITY"))


def test_watch_takes_the_files_of_a_folder(process, folder: Path) -> None:
    running = process.start("pacs", "watch", folder, "--remove", "--json")
    started = json.loads(running.stdout.readline())
    assert (started["folder"], started["remove"]) == (str(folder), True)
    assert waited_for(lambda: not list(folder.iterdir()))
    status, _, stderr = ended(running)
    assert (status, "Traceback" in stderr) == (128 + signal.SIGTERM, False)
    with wire_received(load(process.environ, env_file=None)) as queue:
        assert queue.list()[0].files == 2


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["watch"], "FOLDER belongs to `watch`, which needs it"),
        (["receive", "."], "FOLDER belongs to `watch`, which needs it"),
        (["watch", ".", "--port", "11112"], "--port, --aet and --allow are for `receive`"),
        (["receive", "--remove"], "--remove is for `watch`"),
        (["receive", "--aet", "a title of many words"], "--aet: expected an AE title of 1 to 16 characters"),
    ],
)
def test_wrong_use(scanproof, arguments: list[str], text: str) -> None:
    done = scanproof("pacs", *arguments)
    assert done.status == 2
    assert text in done.stderr


def test_the_own_folder_is_not_watched(scanproof) -> None:
    var = Path(scanproof.environ["SCANPROOF_VAR"])
    var.mkdir(parents=True, exist_ok=True)
    done = scanproof("pacs", "watch", var)
    assert done.status == 2
    assert f"expected a folder outside {var}" in done.stderr
