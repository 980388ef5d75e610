from __future__ import annotations

import pytest

from backend.adapters.chain.known_chains import DEVELOPMENT_CHAIN_IDS, describe

TESTNETS = {
    11155111: "Sepolia",
    560048: "Hoodi",
    84532: "Base Sepolia",
    11155420: "OP Sepolia",
    421614: "Arbitrum Sepolia",
    80002: "Polygon Amoy",
}
LIVE = {1: "Ethereum", 10: "OP Mainnet", 137: "Polygon", 8453: "Base", 42161: "Arbitrum One"}


@pytest.mark.parametrize(("chain_id", "name"), [*TESTNETS.items(), *LIVE.items()])
def test_a_public_chain_has_a_name_an_explorer_and_a_node(chain_id, name):
    chain = describe(chain_id)

    assert (chain.id, chain.name, chain.testnet) == (chain_id, name, chain_id in TESTNETS)
    for url in (chain.explorer_url, chain.rpc_url):
        assert url.startswith("https://")
        assert not url.endswith("/")
    assert chain.currency.decimals == 18


@pytest.mark.parametrize("chain_id", sorted(DEVELOPMENT_CHAIN_IDS))
def test_a_development_chain_has_no_explorer(chain_id):
    chain = describe(chain_id)

    assert (chain.id, chain.explorer_url, chain.rpc_url, chain.testnet) == (chain_id, None, None, True)


def test_an_unknown_chain_is_named_by_its_number():
    chain = describe(424242)

    assert (chain.name, chain.explorer_url, chain.testnet) == ("Chain 424242", None, False)
