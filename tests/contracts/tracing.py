"""A pytest plugin that traces every call of the registry and writes which steps its code took, for ``coverage``.

Anvil repeats each call with ``debug_traceCall`` just before it is made, so that reverted calls and views count as well.
"""

from __future__ import annotations

import json
import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from web3.middleware import Web3Middleware

RECORD_VARIABLE = "SCANPROOF_TRACES"
# What a step needs beyond its place is left out: traces are long.
OPTIONS = {"disableStack": True, "disableStorage": True, "enableMemory": False}
TRACED = ("eth_call", "eth_sendTransaction")
Steps = set[tuple[int, int]]


class Tracer(Web3Middleware):
    """Collects the pairs (pc, next pc) of the registry's ``creation`` and ``runtime`` code; the last pc leads to -1."""

    def __init__(self, w3: Any, build: dict[str, Any]) -> None:
        super().__init__(w3)
        self.steps: dict[str, Steps] = {"creation": set(), "runtime": set()}
        self._creation = "0x" + build["bytecode"]
        # Immutable values are written into the code when it is deployed: only its length is known before.
        self._runtime_length = len(build["deployedBytecode"])

    def wrap_make_request(self, make_request: Any) -> Any:
        def traced(method: str, parameters: Any) -> Any:
            if method in TRACED and (code := self._code_of(make_request, parameters[0])):
                call = {key: parameters[0][key] for key in ("from", "to", "data", "value") if key in parameters[0]}
                block = parameters[1] if method == "eth_call" else "latest"
                log = make_request("debug_traceCall", [call, block, OPTIONS])["result"]["structLogs"]
                places = [step["pc"] for step in log]
                self.steps[code].update(pairwise([*places, -1]))
            return make_request(method, parameters)

        return traced

    def _code_of(self, make_request: Any, call: dict[str, Any]) -> str | None:
        if "to" not in call:
            return "creation" if str(call["data"]).startswith(self._creation) else None
        deployed = make_request("eth_getCode", [call["to"], "latest"])["result"]
        return "runtime" if len(deployed) - len("0x") == self._runtime_length else None


@pytest.fixture(scope="session", autouse=True)
def traces():
    """Write ``{"creation": [[pc, next pc], …], "runtime": …}`` when the last test has ended."""
    from brownie import ImageRegistry, web3

    tracer = Tracer(web3, ImageRegistry._build)
    web3.middleware_onion.add(lambda _: tracer, "traces")
    yield
    Path(os.environ[RECORD_VARIABLE]).write_text(
        json.dumps({code: sorted(taken) for code, taken in tracer.steps.items()})
    )
