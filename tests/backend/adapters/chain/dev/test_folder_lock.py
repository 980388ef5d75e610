"""What the lock on a chain's folder makes of a damaged ``running.json``."""

from __future__ import annotations

import pytest

from backend.adapters.chain.dev import folder_lock
from backend.adapters.chain.dev.folder_lock import FolderLock, RunningChain, wait_for_running
from backend.errors import ChainInUse, ConfigurationError

DAMAGED = ["", "{", "null", "[]", '"text"', '{"owner_pid": "7", "node_pid": "7", "port": "1", "contract": 5}']


@pytest.mark.parametrize("text", DAMAGED)
def test_the_owner_writes_a_damaged_state_again(tmp_path, text):
    (tmp_path / "running.json").write_text(text)
    lock = FolderLock(tmp_path)
    assert lock.node_pid is None

    lock.acquire()
    lock.describe(node_pid=7, port=8545, contract="0xabc")

    assert lock.node_pid == 7
    assert wait_for_running(tmp_path) == RunningChain(8545, "0xabc")
    lock.release()


@pytest.mark.parametrize("text", DAMAGED)
def test_others_learn_who_the_owner_is_also_when_its_state_is_damaged(tmp_path, text):
    owner = FolderLock(tmp_path)
    owner.acquire()
    (tmp_path / "running.json").write_text(text)

    with pytest.raises(ChainInUse, match=r"^another process runs the chain in "):
        FolderLock(tmp_path).acquire()
    owner.release()


@pytest.mark.parametrize("text", [*DAMAGED, '{"contract": "0xabc"}', '{"port": 8545}'])
def test_a_chain_without_port_or_contract_is_not_used(tmp_path, monkeypatch, text):
    monkeypatch.setattr(folder_lock, "_USABLE_WITHIN_S", 0.01)
    (tmp_path / "running.json").write_text(text)

    with pytest.raises(ConfigurationError, match=r"did not become ready for use$"):
        wait_for_running(tmp_path)
