"""A process that is killed while it indexes leaves nothing half-written."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from backend.domain import Verdict
from backend.services.event_index import EventIndex
from tests.backend.services.event_index.conftest import Node, opened, rows_of

KILLS = 3
PROGRAM = """
import sys
from backend.adapters.chain.web3_chain import Web3Chain
from backend.adapters.database.engine import open_database
from backend.adapters.database.events import SqlEventStore
from backend.services.event_index import EventIndex
url, chain_id, contract, block, file = sys.argv[1:]
chain = Web3Chain(url, chain_id=int(chain_id), contract=contract, start_block=int(block))
EventIndex(chain, SqlEventStore(open_database(f"sqlite:///{file}")), range_blocks=1).sync()
"""


def test_a_killed_process_goes_on_to_the_same_rows(node: Node, file: Path, tmp_path: Path) -> None:
    node.diagnose()
    node.review(Verdict.CONFIRMED)
    node.model()
    for _ in range(120):
        node.rpc("evm_mine")
    node.register(3)
    chain = node.chain
    command = [
        *(sys.executable, "-c", PROGRAM, node.settings.rpc_url),
        *(str(chain.chain_id), chain.contract, str(chain.start_block), str(file)),
    ]
    reached = 0
    for _ in range(KILLS):
        process = subprocess.Popen(command)
        reached = wait_beyond(reached, file, process)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    with opened(file) as killed, opened(tmp_path / "anew.db") as anew:
        assert EventIndex(chain, killed).sync()
        assert EventIndex(chain, anew).sync()
    assert rows_of(file) == rows_of(tmp_path / "anew.db")


def wait_beyond(number: int, file: Path, process: subprocess.Popen) -> int:
    """The number of the newest checkpoint, once it is past ``number`` and the process is still at work."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, "it was finished before it could be killed"
        try:
            with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
                newest = database.execute("SELECT max(number) FROM checkpoints").fetchone()[0] or 0
        except sqlite3.OperationalError:
            newest = 0
        if newest > number:
            return newest
        time.sleep(0.002)
    raise AssertionError(f"no checkpoint after {number} within 60 s")
