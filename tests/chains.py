"""Chains that tests and benchmarks start for themselves."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from web3 import HTTPProvider, Web3

from scripts.solc import ROOT

START_TIMEOUT_S = 30


@contextmanager
def running_anvil(chain_id: int, *options: str) -> Iterator[str]:
    """The address of an Anvil with that chain id on a port of its own; it stops with the context."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    anvil = ROOT / "node_modules" / ".bin" / "anvil"
    command = [anvil, "--quiet", "--port", str(port), "--chain-id", str(chain_id), *options]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            deadline = time.monotonic() + START_TIMEOUT_S
            while not Web3(HTTPProvider(url)).is_connected():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"expected Anvil on port {port}, found none after {START_TIMEOUT_S} s")
                time.sleep(0.05)
            yield url
        finally:
            process.terminate()
