"""Stand-ins for Sourcify (API v2), Etherscan (v2) and a Blockscout, over their documented protocols.

One contract is on the chain; a source is an exact match if it is that contract's compiler input. Requests that the
documentation does not allow are refused as the service would refuse them.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, Response, request
from werkzeug.serving import make_server

CHAIN_ID = 11_155_111
ADDRESS = "0x" + "Ab" * 20
TRANSACTION = "0x" + "cd" * 32
KEY = "etherscan-key-that-nobody-may-see"


@dataclass
class Verifiers:
    """``match`` is what compilation finds; ``pending`` how many polls say that it goes on.

    ``faults`` holds, by service, what the next requests meet: a status, "slow", "cut", "huge" or "html".
    """

    source: dict[str, Any]
    arguments: str
    compiler: str
    match: str | None = "exact_match"
    pending: int = 2
    verified: set[str] = field(default_factory=set)
    partial: set[str] = field(default_factory=set)
    faults: dict[str, list[Any]] = field(default_factory=dict)
    retry_after: str | None = None
    seen: list[tuple[str, str, str]] = field(default_factory=list)
    jobs: dict[str, int] = field(default_factory=dict)
    url: str = ""

    def submissions(self, service: str) -> int:
        return sum(1 for name, method, _ in self.seen if (name, method) == (service, "POST"))

    def finish(self, service: str) -> None:
        if self.match == "exact_match":
            self.verified.add(service)
        elif self.match == "match":
            self.partial.add(service)

    def found(self, service: str) -> str | None:
        return "exact_match" if service in self.verified else "match" if service in self.partial else None


@contextmanager
def serving(verifiers: Verifiers) -> Iterator[Verifiers]:
    server = make_server("127.0.0.1", 0, _application(verifiers), threaded=True)
    verifiers.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield verifiers
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _application(it: Verifiers) -> Flask:
    app = Flask(__name__)

    @app.before_request
    def misbehave() -> Response | None:
        service = request.path.split("/")[1]
        it.seen.append((service, request.method, request.path))
        fault = it.faults[service].pop(0) if it.faults.get(service) else None
        if isinstance(fault, int):
            headers = {"Retry-After": it.retry_after} if it.retry_after else {}
            return Response(json.dumps({"message": "fault"}), fault, headers)
        if fault == "slow":
            time.sleep(0.4)
        if fault == "html":
            return Response("<h1>Attention required</h1>", 200)
        if fault == "huge":
            return Response(b" " * (5 * 1024 * 1024), 200)
        if fault == "cut":
            return Response(iter([b"{"]), 200, {"Content-Length": "100"})
        return None

    @app.get("/sourcify/v2/contract/<int:chain>/<address>")
    def lookup(chain: int, address: str):
        found = it.found("sourcify")
        body = {
            "match": found,
            "creationMatch": found,
            "runtimeMatch": found,
            "chainId": str(chain),
            "address": address,
        }
        return body, 200 if found else 404

    @app.post("/sourcify/v2/verify/<int:chain>/<address>")
    def verify(chain: int, address: str):
        body = request.get_json()
        assert body.keys() == {"stdJsonInput", "compilerVersion", "contractIdentifier", "creationTransactionHash"}
        assert body["stdJsonInput"].keys() == {"language", "sources", "settings"}
        if chain != CHAIN_ID:
            return _problem("unsupported_chain", f"The chain with chainId {chain} is not supported"), 400
        if it.found("sourcify") == "exact_match":
            return _problem("already_verified", "already verified with both being exact matches"), 409
        right = (it.source, it.compiler, "contracts/ImageRegistry.sol:ImageRegistry", TRANSACTION)
        if tuple(body.values()) != right:
            it.match = None
        job = str(uuid.uuid4())
        it.jobs[job] = it.pending
        return {"verificationId": job}, 202

    @app.get("/sourcify/v2/verify/<job>")
    def job(job: str):
        if job not in it.jobs:
            return _problem("job_not_found", f"The verification job with id {job} was not found"), 404
        it.jobs[job] -= 1
        done = it.jobs[job] < 0
        if done:
            it.finish("sourcify")
        found = it.found("sourcify") if done else None
        body: dict[str, Any] = {"isJobCompleted": done, "verificationId": job}
        body["contract"] = {"match": found, "creationMatch": found, "runtimeMatch": found}
        if done and not found:
            body["error"] = _problem("no_match", "The onchain and recompiled bytecodes don't match.")
        return body

    @app.route("/etherscan/v2/api", methods=["GET", "POST"])
    def etherscan():
        values = {**request.args, **request.form}
        if values.get("apikey") != KEY:
            return _etherscan("0", f"Invalid API Key ({values.get('apikey')})")
        if values.get("chainid") != str(CHAIN_ID) or "chainid" not in request.args:
            return _etherscan("0", "Missing or unsupported chainid parameter (required for v2 api)")
        assert values["module"] == "contract"
        if values["action"] == "checkverifystatus":
            return _status(values["guid"])
        assert (request.method, values["action"]) == ("POST", "verifysourcecode")
        assert values["codeformat"] == "solidity-standard-json-input"
        if it.faults.get("etherscan text"):
            return _etherscan("0", it.faults["etherscan text"].pop(0))
        if "etherscan" in it.verified:
            return _etherscan("0", "Contract source code already verified")
        right = (it.source, it.arguments, f"v{it.compiler}", "contracts/ImageRegistry.sol:ImageRegistry")
        names = ("constructorArguments", "compilerversion", "contractname")
        if (json.loads(values["sourceCode"]), *(values[name] for name in names)) != right:
            it.match = None
        it.jobs["guid"] = it.pending
        return _etherscan("1", "guid", "OK")

    def _status(guid: str):
        it.jobs[guid] -= 1
        if it.jobs[guid] >= 0:
            return _etherscan("0", "Pending in queue")
        it.finish("etherscan")
        if "etherscan" in it.verified:
            return _etherscan("1", "Pass - Verified", "OK")
        return _etherscan("0", "Fail - Unable to verify")

    @app.get("/blockscout/api/v2/smart-contracts/<address>")
    def contract(address: str):
        if "blockscout" in it.jobs:
            it.jobs["blockscout"] -= 1
            if it.jobs["blockscout"] < 0:
                it.finish("blockscout")
        found = it.found("blockscout")
        return {"is_verified": found is not None, "is_partially_verified": found == "match"}

    @app.post("/blockscout/api/v2/smart-contracts/<address>/verification/via/standard-input")
    def standard_input(address: str):
        if "blockscout" in it.verified:
            return {"message": "Already verified"}, 409
        form = request.form
        assert form["license_type"] == "mit" and form["autodetect_constructor_args"] == "false"
        right = (it.source, it.arguments, f"v{it.compiler}", "ImageRegistry")
        source = json.load(request.files["files[0]"].stream)
        if (source, form["constructor_args"], form["compiler_version"], form["contract_name"]) != right:
            it.match = None
        it.jobs["blockscout"] = it.pending
        return {"message": "Smart-contract verification started"}

    return app


def _problem(code: str, message: str) -> dict[str, str]:
    return {"customCode": code, "message": message, "errorId": str(uuid.uuid4())}


def _etherscan(status: str, result: str, message: str = "NOTOK") -> dict[str, str]:
    return {"status": status, "message": message, "result": result}
