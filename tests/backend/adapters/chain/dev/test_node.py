"""The embedded chain as a process: what is kept, what is ended, and what is said when it cannot start."""

from __future__ import annotations

import http.server
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from backend.adapters.chain.dev import embedded
from backend.adapters.chain.dev import node as development_node
from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.adapters.chain.development_accounts import USER
from backend.adapters.chain.web3_chain import Web3Chain
from backend.errors import ChainInUse, ChainUnavailable, ConfigurationError
from backend.settings import Secret

from ..conftest import settings_of

KINDS = pytest.mark.parametrize("kind", ["ganache", "anvil"])


def run(settings):
    return embedded.running(settings, classifier=USER.address)


def reader(settings, deployment) -> Web3Chain:
    return Web3Chain(
        settings.rpc_url, chain_id=settings.chain_id, contract=deployment.address, start_block=deployment.block
    )


def alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def wait_until(condition, timeout_s: float = 20) -> bool:
    deadline = time.monotonic() + timeout_s
    while not (met := condition()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return met


def stopped_with(pid: int, state: Path, text: str) -> bool:
    """Stop the process where its state holds ``text`` and is whole: Anvil overwrites the file in place."""
    os.kill(pid, signal.SIGSTOP)
    try:
        content = state.read_text()
        json.loads(content)
    except (OSError, ValueError):
        content = ""
    if text not in content:
        os.kill(pid, signal.SIGCONT)
    return text in content


def environment_of(pid: int) -> dict[str, str]:
    variables = Path(f"/proc/{pid}/environ").read_text().split("\0")
    return dict(variable.split("=", 1) for variable in variables if variable)


@pytest.mark.skipif(sys.platform != "linux", reason="environments of other processes are read from /proc")
@KINDS
def test_the_node_sees_no_key_of_this_process(kind, tmp_path, monkeypatch):
    for name in ("SCANPROOF_MODEL_ADMIN_KEY", "PINATA_JWT", "SCANPROOF_DEPLOYER_KEY"):
        monkeypatch.setenv(name, "a secret")
    with run(settings_of(kind, tmp_path)) as chain:
        seen = environment_of(chain.node.pid)
    assert seen["PATH"] == os.environ["PATH"]
    assert "a secret" not in seen.values()


@KINDS
def test_a_record_is_there_after_a_restart(kind, tmp_path, cid):
    settings = settings_of(kind, tmp_path)
    with run(settings) as chain:
        before = chain.deployment
        sent = DevelopmentWallet(settings.rpc_url, before.address, USER).register_image(cid)
        events = reader(settings, before).events_of_transaction(sent.hash)
        pid = chain.node.pid
    assert not alive(pid)

    with run(settings) as chain:
        assert chain.deployment == before
        assert reader(settings, before).events_of_transaction(sent.hash) == events
        assert [event.cid for event in events] == [cid]


@KINDS
def test_a_record_is_there_after_the_node_was_killed(kind, tmp_path, cid):
    settings = settings_of(kind, tmp_path)
    with run(settings) as chain:
        deployment = chain.deployment
        sent = DevelopmentWallet(settings.rpc_url, deployment.address, USER).register_image(cid)
        if kind == "anvil":  # writes its state once a second, Ganache with every block
            state = embedded.folder(settings) / "state.json"
            assert wait_until(lambda: stopped_with(chain.node.pid, state, sent.hash), 60)
        os.kill(chain.node.pid, signal.SIGKILL)
        assert wait_until(lambda: chain.node.failure() is not None)
        assert chain.node.failure().startswith(f"{kind} ended with status -9")

    with run(settings) as chain:
        assert chain.deployment == deployment
        assert [event.cid for event in reader(settings, deployment).events_of_transaction(sent.hash)] == [cid]


def parent_of_a_chain(settings) -> subprocess.Popen:
    """Another process that runs the chain; prints the node's process id when it is ready."""
    program = f"""
        import time
        from backend import settings
        from backend.adapters.chain.dev import embedded
        chosen = settings.load({{
            "SCANPROOF_VAR": {str(settings.var)!r},
            "SCANPROOF_CHAIN": {settings.chain!r},
            "SCANPROOF_CHAIN_PORT": {settings.rpc_url.rsplit(":", 1)[1]!r},
        }}, env_file=None)
        with embedded.running(chosen, classifier={USER.address!r}) as chain:
            print(chain.node.pid, flush=True)
            time.sleep(60)
    """
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends the children of a killed process by itself")
@KINDS
def test_a_killed_parent_takes_its_node_along(kind, tmp_path):
    parent = parent_of_a_chain(settings_of(kind, tmp_path))
    node = int(parent.stdout.readline())
    assert alive(node)

    parent.kill()
    parent.wait()

    assert wait_until(lambda: not alive(node))


@KINDS
def test_an_orphan_is_ended_by_the_next_start(kind, tmp_path, monkeypatch):
    """As where the kernel does not end it."""
    settings = settings_of(kind, tmp_path)
    monkeypatch.setattr("backend.processes._LIBC", None)
    context = run(settings)
    chain = context.__enter__()
    orphan = chain.node.pid
    chain.node._filter.stop()
    chain.node._lock._file.close()  # all that a killed parent leaves: its node, and the note about it

    with run(settings) as chain:
        assert chain.node.pid != orphan
        assert wait_until(lambda: not alive(orphan))


def test_a_process_that_only_has_the_orphans_number_is_left_alone(tmp_path):
    settings = settings_of("anvil", tmp_path)
    folder = embedded.folder(settings)
    folder.mkdir(parents=True)
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    (folder / "running.json").write_text(json.dumps({"node_pid": bystander.pid}))

    with run(settings):
        assert bystander.poll() is None
    bystander.kill()
    bystander.wait()


def test_a_second_start_is_reported_who_runs_the_chain(tmp_path):
    settings = settings_of("anvil", tmp_path)
    with run(settings), pytest.raises(ChainInUse) as raised, run(settings):
        pass
    assert str(raised.value) == (
        f"process {os.getpid()} runs the chain in {tmp_path}/chain/anvil already: stop that ScanProof first"
    )


def test_a_port_of_another_program_is_reported(tmp_path):
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings = replace(settings_of("anvil", tmp_path), rpc_url=Secret(f"http://127.0.0.1:{server.server_port}"))

    with pytest.raises(ConfigurationError) as raised, run(settings):
        pass
    server.shutdown()
    server.server_close()
    assert str(raised.value) == (
        f"port {server.server_port} is used by another program: stop it, or choose another port for the chain with "
        "SCANPROOF_CHAIN_PORT"
    )


def test_a_port_of_another_node_is_reported_with_its_chain(tmp_path, registry):
    settings = replace(settings_of("anvil", tmp_path), rpc_url=registry.settings.rpc_url)

    with (
        pytest.raises(
            ConfigurationError, match=rf"another program \(an Ethereum node of chain {registry.chain.chain_id}"
        ),
        run(settings),
    ):
        pass


def test_missing_node_is_reported_with_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))

    with pytest.raises(ConfigurationError) as raised, run(settings_of("ganache", tmp_path)):
        pass
    assert str(raised.value) == ("Node.js is not installed, and Ganache needs it: run scripts/up, which installs it")


@pytest.mark.parametrize(("kind", "package"), [("ganache", "ganache"), ("anvil", "@foundry-rs/anvil")])
def test_a_missing_package_is_reported_with_the_remedy(kind, package, tmp_path, monkeypatch):
    monkeypatch.setattr(development_node, "ROOT", tmp_path)

    with pytest.raises(ConfigurationError) as raised, run(settings_of(kind, tmp_path)):
        pass
    assert str(raised.value) == (
        f"{kind.capitalize()} (npm {package}) is not installed: run scripts/up, which installs it"
    )


@pytest.mark.parametrize(("kind", "file"), [("ganache", "database/CURRENT"), ("anvil", "state.json")])
def test_a_damaged_chain_is_reported_with_the_remedy(kind, file, tmp_path):
    settings = settings_of(kind, tmp_path)
    with run(settings):
        pass
    (embedded.folder(settings) / file).write_text("damaged")

    with pytest.raises(ChainUnavailable) as raised, run(settings):
        pass
    assert str(raised.value).startswith(f"{kind} ended with status ")
    assert str(raised.value).endswith(
        f"If its data is damaged, remove {embedded.folder(settings)}: a new chain is made then, without the records of "
        "this one"
    )


def test_a_folder_that_cannot_be_written_is_reported(tmp_path):
    (tmp_path / "chain").write_text("a file in its place")

    with (
        pytest.raises(ConfigurationError, match=r"chain/anvil cannot be written: Not a directory"),
        run(settings_of("anvil", tmp_path)),
    ):
        pass


def test_stopping_twice_is_no_error(tmp_path):
    settings = settings_of("anvil", tmp_path)
    with run(settings) as chain:
        chain.node.stop()
        chain.node.stop()
