"""Ganache or Anvil as a child process that keeps its chain in a folder. For development only."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from backend.adapters.chain.dev.folder_lock import FolderLock
from backend.adapters.chain.dev.rpc_filter import RpcFilter
from backend.adapters.chain.development_accounts import MNEMONIC
from backend.errors import ChainUnavailable, ConfigurationError
from backend.processes import Child, free_port, port_is_free
from backend.settings import ROOT

HOST = "127.0.0.1"
_READY_WITHIN_S = 60
_PORT_RELEASED_WITHIN_S = 2
_NODE_ENVIRONMENT = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL")
_SETUP = "run scripts/up, which installs it"
_log = logging.getLogger(__name__)


class DevelopmentNode:
    """``kind`` is ganache or anvil; ``folder`` contains its chain, its log and its lock.

    ``url`` is that of the filter in front of the node, ``private_url`` the node's own, which no page can find: there it
    takes every method, see ``rpc_filter``. ``origins`` are those of ScanProof's page.
    """

    def __init__(self, kind: str, folder: Path, *, port: int, chain_id: int, origins: Sequence[str] = ()) -> None:
        self.kind = kind
        self.folder = folder
        self.port = port
        self.chain_id = chain_id
        self.url = f"http://{HOST}:{port}"
        self._private_host = _secret_host()
        self._private_port = free_port(self._private_host)
        self.private_url = f"http://{self._private_host}:{self._private_port}"
        self._filter = RpcFilter(HOST, port, node_url=self.private_url, origins=origins)
        self._lock = FolderLock(folder)
        self._child: Child | None = None

    def start(self) -> None:
        """Start the node and wait until it answers.

        Raises ChainInUse when another process runs this folder's chain, ConfigurationError when something is missing
        or the port is taken, ChainUnavailable when the node does not come up.
        """
        command = self._command()
        self._lock.acquire()
        try:
            _end_orphan(self._lock.node_pid, self.folder)
            if not _port_becomes_free(self.port):
                raise ConfigurationError(
                    f"port {self.port} is used by another program{_node_on(self.url)}: stop it, or choose another port "
                    "for the chain with SCANPROOF_CHAIN_PORT"
                )
            self._child = Child(command, log=self.folder / "node.log", environ=_environment())
            self._describe()
            self._wait_until_ready()
            self._filter.start()
        except BaseException:
            self.stop()
            raise
        _log.warning("%s is a development chain: the private keys of its accounts are public", self.kind)

    @property
    def pid(self) -> int | None:
        """None before the start."""
        return self._child.pid if self._child else None

    def announce(self, contract: str) -> None:
        """Let other processes use the chain. Call it after ``start``."""
        if self._child is None:
            raise RuntimeError("the node was not started")
        self._describe(contract)

    def _describe(self, contract: str | None = None) -> None:
        pid = self._child.pid if self._child else 0
        self._lock.describe(node_pid=pid, node_url=self.private_url, port=self.port, contract=contract)

    def failure(self) -> str | None:
        """Why the node exited by itself, or None while it runs."""
        status = self._child.exit_status() if self._child else None
        return None if status is None else f"{self.kind} ended with status {status}: {self._last_words()}"

    def stop(self) -> None:
        """Stop the node; its chain stays in the folder. Does nothing when it is stopped already."""
        self._filter.stop()
        if self._child:
            self._child.stop()
        self._lock.release()

    def _command(self) -> list[str | Path]:
        if self.kind == "anvil":
            anvil = next((ROOT / "node_modules" / "@foundry-rs").glob("anvil-*/bin/anvil"), None)
            if anvil is None:
                raise ConfigurationError(f"Anvil (npm @foundry-rs/anvil) is not installed: {_SETUP}")
            return [
                anvil, "--host", self._private_host, "--port", str(self._private_port),
                "--chain-id", str(self.chain_id), "--no-cors", "--mnemonic", MNEMONIC, "--hardfork", "shanghai",
                "--state", self.folder / "state.json", "--state-interval", "1", "--preserve-historical-states",
            ]  # fmt: skip
        ganache = ROOT / "node_modules" / "ganache" / "dist" / "node" / "cli.js"
        if not ganache.is_file():
            raise ConfigurationError(f"Ganache (npm ganache) is not installed: {_SETUP}")
        return [
            _node_program(), ganache, "--server.host", self._private_host, "--server.port", str(self._private_port),
            "--server.ws", "false", "--wallet.lock", "true", "--chain.chainId", str(self.chain_id),
            "--chain.networkId", str(self.chain_id), "--chain.hardfork", "shanghai", "--wallet.mnemonic", MNEMONIC,
            "--database.dbPath", self.folder / "database", "--logging.quiet",
        ]  # fmt: skip

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _READY_WITHIN_S
        while (chain_id := chain_id_at(self.private_url)) is None:
            if (failure := self.failure()) or time.monotonic() > deadline:
                raise ChainUnavailable(
                    f"{failure or f'{self.kind} did not answer within {_READY_WITHIN_S} s'}; its log is "
                    f"{self.folder / 'node.log'}. If its data is damaged, remove {self.folder}: a new chain is made "
                    "then, without the records of this one"
                )
            time.sleep(0.05)
        if chain_id != self.chain_id:
            raise ChainUnavailable(f"{self.kind} was started as chain {self.chain_id}, but serves chain {chain_id}")

    def _last_words(self) -> str:
        lines = (self.folder / "node.log").read_text(encoding="utf-8", errors="replace").splitlines()
        words = [line.strip() for line in lines if line.strip() and not line.startswith("    at ")]
        return " ".join(words[-2:])[-300:] or "its log is empty"


def _secret_host() -> str:
    """A loopback address out of 16 million, so that no web page finds the node. 127.0.0.1 where the system has only
    that one: there a page would have to find the port.
    """
    host = ".".join(["127", *(str(1 + secrets.randbelow(254)) for _ in range(3))])
    return host if port_is_free(host, 0) else HOST


def chain_id_at(url: str) -> int | None:
    """The chain id of the node at ``url``, None if no node answers there."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310 - our own URL
    try:
        with urllib.request.urlopen(request, timeout=2) as answer:  # noqa: S310
            return int(json.load(answer)["result"], 16)
    except (OSError, ValueError, KeyError, TypeError, urllib.error.URLError):
        return None


def _node_on(url: str) -> str:
    chain_id = chain_id_at(url)
    return "" if chain_id is None else f" (an Ethereum node of chain {chain_id})"


def _environment() -> dict[str, str]:
    """Only what the node needs, without the keys and tokens of this process."""
    return {name: os.environ[name] for name in _NODE_ENVIRONMENT if name in os.environ}


def _node_program() -> str:
    """Node.js of the system, or of the Python environment where scripts/up installs it."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent)])
    node = shutil.which("node", path=path)
    if node is None:
        raise ConfigurationError(f"Node.js is not installed, and Ganache needs it: {_SETUP}")
    return node


def _port_becomes_free(port: int) -> bool:
    """Waits a moment: the kernel frees the port of a process shortly after the process has exited."""
    deadline = time.monotonic() + _PORT_RELEASED_WITHIN_S
    while not (free := port_is_free(HOST, port)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return free


def _end_orphan(pid: int | None, folder: Path) -> None:
    """End the node of a parent that was killed. Its command line contains the folder."""
    if pid is None or str(folder) not in _command_line(pid):
        return
    _log.warning("stopping the node %d of an earlier run that was killed", pid)
    for signal_ in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal_)
        for _ in range(100):
            if str(folder) not in _command_line(pid):
                return
            time.sleep(0.05)


def _command_line(pid: int) -> str:
    """Empty when there is no such process."""
    ps = shutil.which("ps")
    if ps is None:
        file = Path(f"/proc/{pid}/cmdline")
        return file.read_bytes().replace(b"\0", b" ").decode(errors="replace") if file.exists() else ""
    result = subprocess.run([ps, "-ww", "-p", str(pid), "-o", "args="], capture_output=True, text=True, check=False)
    return result.stdout
