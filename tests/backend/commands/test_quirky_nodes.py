"""Commands in front of nodes that garble their answers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from backend.adapters.chain.dev import embedded
from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.adapters.chain.development_accounts import USER
from backend.errors import ScanProofError
from backend.settings import Settings, load
from backend.wiring import wire_chain
from tests.backend.services.event_index.conftest import new_cid
from tests.standins.nodes import Garbled, quirky_node

from .conftest import CommandLine, InProcess


def foreseen(kind: type[ScanProofError] = ScanProofError) -> set[str]:
    """The names of all errors that are raised on purpose."""
    return {kind.__name__}.union(*(foreseen(each) for each in kind.__subclasses__()))


@pytest.fixture
def own(scanproof: CommandLine) -> Iterator[Settings]:
    own = load(scanproof.environ, env_file=None)
    with embedded.running(own, classifier=USER.address):
        yield own


@pytest.mark.parametrize("seeds", [range(0, 3), range(3, 6)])
def test_no_answer_of_a_node_ends_a_command_in_a_way_that_nobody_foresaw(
    own: Settings, command: InProcess, monkeypatch: pytest.MonkeyPatch, seeds: range
) -> None:
    for module in ("adapters.chain.rpc", "services.index_check"):
        monkeypatch.setattr(f"backend.{module}.time.sleep", lambda _: None)
    chain = wire_chain(own)
    cid = new_cid()
    sent = DevelopmentWallet(own.rpc_url, chain.contract, USER).register_image(cid)
    node_words = ["--contract", chain.contract]
    for seed in seeds:
        with quirky_node(own.rpc_url, Garbled(seed)) as node:
            external = {
                "SCANPROOF_CHAIN": "external",
                "SCANPROOF_CHAIN_ID": str(own.chain_id),
                "SCANPROOF_CONTRACT_ADDRESS": chain.contract,
                "SCANPROOF_RPC_URL": node.url,
            }
            for words, environ in (
                (["verify", "--image-id", chain.image_id(USER.address, cid), "--rpc", node.url, *node_words], {}),
                (["verify", "--tx", sent.hash, "--rpc", node.url, *node_words], {}),
                (["registry", "status"], external),
                (["index", "verify"], external),
            ):
                done = command(*words, "--json", **environ)
                assert "Traceback" not in done.stderr, (seed, words, done.stderr)
                assert done.status in (0, 1), (seed, words, done)
                assert done.json.get("error", {}).get("type", "NotFound") in foreseen(), (seed, words, done.json)
                assert "secret-key" not in done.stdout + done.stderr
