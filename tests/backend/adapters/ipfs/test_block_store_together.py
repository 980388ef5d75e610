"""Several threads and processes on one block store, some of them killed."""

from __future__ import annotations

import fcntl
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from backend.adapters.ipfs.block_store import EmbeddedStore
from backend.cids import Cid, parse_cid
from tests.backend.adapters.ipfs.block_store import block_files, get, put

WRITER = """
import sys
from pathlib import Path
from backend.adapters.ipfs.block_store import EmbeddedStore
store = EmbeddedStore(Path(sys.argv[1]))
print("ready", flush=True)
for number in range(int(sys.argv[2]), 10**6):
    store.put(number.to_bytes(4) * 200_000, name="x", media_type="image/png")
"""


def test_many_threads_may_put_get_and_delete(store, photo):
    contents = [photo[start : start + 300_000] for start in range(0, 200_000, 50_000)]
    errors: list[Exception] = []

    def work(content: bytes) -> None:
        try:
            for _ in range(5):
                assert get(store, put(store, content).cid) == content
        except Exception as exc:
            errors.append(exc)

    threads = [threading.Thread(target=work, args=(content,)) for content in contents * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_a_put_is_never_harmed_by_the_delete_of_a_file_that_shares_blocks(store, photo):
    def put_and_delete(_: int) -> None:
        store.delete(put(store, photo[:600_000]))

    def put_and_get(_: int) -> bytes:
        return get(store, put(store, photo).cid)

    with ThreadPoolExecutor(2) as pool:
        deletions = pool.map(put_and_delete, range(20))
        assert all(content == photo for content in pool.map(put_and_get, range(20)))
        list(deletions)


def test_leftovers_of_a_killed_process_are_removed_at_start(store, tmp_path):
    leftovers = [tmp_path / "ipfs" / "pins" / "a.tmp", tmp_path / "ipfs" / "blocks" / "xy" / "b.tmp"]
    for leftover in leftovers:
        leftover.parent.mkdir(exist_ok=True)
        leftover.write_bytes(b"half")
    EmbeddedStore(tmp_path / "ipfs")
    assert not any(leftover.exists() for leftover in leftovers)


def test_files_of_a_writing_process_are_left_alone(store, tmp_path):
    unfinished = tmp_path / "ipfs" / "pins" / "a.tmp"
    unfinished.write_bytes(b"half")
    with (tmp_path / "ipfs" / "lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        EmbeddedStore(tmp_path / "ipfs")
    assert unfinished.exists()


@pytest.mark.parametrize("rounds", [3, pytest.param(12, marks=pytest.mark.slow)])
def test_a_killed_process_leaves_no_half_block(tmp_path, rounds):
    folder = tmp_path / "ipfs"
    for round_ in range(rounds):
        before = pins_in(folder)
        command = [sys.executable, "-c", WRITER, folder, str(1000 * round_)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as writer:
            writer.stdout.readline()
            while pins_in(folder) <= before:
                assert writer.poll() is None
            # Somewhere within a later one.
            time.sleep(0.013 * round_)
            writer.send_signal(signal.SIGKILL)
        store = EmbeddedStore(folder)
        for path in block_files(tmp_path):
            assert str(Cid.of(parse_cid(path.name).codec, path.read_bytes())) == path.name
        for pin in (folder / "pins").iterdir():
            assert len(get(store, pin.name)) == 800_000


def pins_in(folder: Path) -> int:
    return sum(1 for path in (folder / "pins").glob("*") if path.suffix != ".tmp")
