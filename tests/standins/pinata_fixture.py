"""Fixtures ``pinata`` (the stand-in, empty and well-behaved) and the process behind it, one a session."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from backend.settings import PinataSettings, Secret

SERVER = Path(__file__).parent / "pinata" / "server.mjs"
JWT = "header.payload-of-the-secret.signature"
SCOPELESS_JWT = "header.payload-without-scopes.signature"
GATEWAY_TOKEN = "gateway-token-which-is-secret"


class PinataStandIn:
    def __init__(self, ports: dict[str, int]) -> None:
        self.api, self.gateway, self.public = (f"http://127.0.0.1:{ports[at]}" for at in ("api", "gateway", "public"))

    def settings(self, **changes: Any) -> PinataSettings:
        values = {
            "jwt": Secret(JWT),
            "network": "public",
            "gateway": self.gateway,
            "gateway_token": Secret(GATEWAY_TOKEN),
            "upload_url": self.api,
            "api_url": self.api,
            "public_gateways": (self.public,),
            "requests_per_minute": 60_000,
        }
        return PinataSettings(**values | changes)

    def fault(self, at: str, kind: str, times: int = 1, **details: Any) -> None:
        """Misbehave at the next ``times`` requests to ``at``: see the stand-in's README."""
        self._control("POST", {"at": at, "kind": kind, "times": times, **details})

    def requests(self, at: str | None = None) -> list[dict]:
        """The requests so far: place, method, url, headers (names in lower case)."""
        return [request for request in self._control("GET")["requests"] if at in (None, request["place"])]

    def reset(self) -> None:
        self._control("DELETE")

    def _control(self, method: str, body: dict | None = None) -> dict:
        return requests.request(method, f"{self.api}/__control", json=body, timeout=10).json()


@pytest.fixture(scope="session")
def pinata_process() -> Iterator[PinataStandIn]:
    environment = os.environ | {"JWT": JWT, "SCOPELESS_JWT": SCOPELESS_JWT, "GATEWAY_TOKEN": GATEWAY_TOKEN}
    with subprocess.Popen(
        ["node", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        yield PinataStandIn(json.loads(process.stdout.readline()))
        process.stdin.close()


@pytest.fixture
def pinata(pinata_process: PinataStandIn) -> PinataStandIn:
    pinata_process.reset()
    return pinata_process
