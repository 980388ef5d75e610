"""The product as people run it: `scanproof up`, with a folder and ports of its own."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import requests

from backend.processes import Child, free_port
from tests.e2e.wallet.chains import Network

_PREFIXES = ("SCANPROOF_", "PINATA_", "DATABASE_URL")
_STARTS_WITHIN = 60
_STOPS_WITHIN = 30
_ANSWERS_WITHIN = 60


class Product:
    """``settings`` are environment variables; all others of the product are at their defaults."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.port, chain_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.var = folder / "var"
        running = self.var / "chain" / "ganache" / "running.json"
        self.chain = Network(1337, "Ganache", f"http://127.0.0.1:{chain_port}", running)
        self._log = folder / "up.log"
        # An empty variable hides what a person's own .env says.
        inherited = {name: "" if name.startswith(_PREFIXES) else value for name, value in os.environ.items()}
        own = {"SCANPROOF_VAR": str(self.var), "SCANPROOF_CHAIN_PORT": str(chain_port)}
        self._environment = {**inherited, **own, **settings}
        self._process: Child | None = None

    def start(self) -> None:
        """Start and wait until it is ready. Raises RuntimeError with its output when it is not."""
        scanproof = Path(sys.executable).with_name("scanproof")
        command = [scanproof, "up", "--port", str(self.port)]
        self._process = Child(command, log=self._log, environ=self._environment)
        deadline = time.monotonic() + _STARTS_WITHIN
        while not self._ready():
            if self._process.exit_status() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"`scanproof up` did not become ready:\n{self._log.read_text()}")
            time.sleep(0.1)

    def stop(self) -> None:
        """Everything ends, the chain and the store are kept."""
        process, self._process = self._process, None
        if process:
            process.stop(_STOPS_WITHIN)

    @property
    def log(self) -> str:
        """Everything that it has written since it was started."""
        return self._log.read_text()

    @property
    def environment(self) -> dict[str, str]:
        """For commands of the same installation."""
        return self._environment

    @property
    def running(self) -> bool:
        return self._process is not None

    @property
    def process_id(self) -> int:
        """Of `scanproof up`, which starts the others."""
        if self._process is None:
            raise RuntimeError("it does not run")
        return self._process.pid

    def get(self, path: str, **parameters: Any) -> Any:
        return self.send("GET", path, params=parameters)

    def send(self, method: str, path: str, **more: Any) -> Any:
        """The answer's JSON. ``more`` as `requests` takes it. Raises HTTPError."""
        answer = requests.request(method, f"{self.url}/api/v1{path}", timeout=_ANSWERS_WITHIN, **more)
        answer.raise_for_status()
        return answer.json()

    def _ready(self) -> bool:
        try:
            return requests.get(f"{self.url}/api/v1/ready", timeout=5).status_code == 200
        except requests.RequestException:
            return False
