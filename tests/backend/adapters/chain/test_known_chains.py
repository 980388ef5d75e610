from __future__ import annotations

import json
import subprocess

import pytest

from backend.adapters.chain.known_chains import DEVELOPMENT_CHAIN_IDS, describe
from backend.explorer import address_url, block_url, transaction_url
from backend.settings import ROOT

TESTNETS = {
    11155111: "Sepolia",
    560048: "Hoodi",
    84532: "Base Sepolia",
    11155420: "OP Sepolia",
    421614: "Arbitrum Sepolia",
    80002: "Polygon Amoy",
    534351: "Scroll Sepolia",
    59141: "Linea Sepolia",
    10200: "Gnosis Chiado",
}
LIVE = {
    1: "Ethereum",
    10: "OP Mainnet",
    137: "Polygon",
    8453: "Base",
    42161: "Arbitrum One",
    534352: "Scroll",
    59144: "Linea",
    100: "Gnosis",
}
# viem names the other of two explorers of these, both listed at chainid.network.
OTHER_EXPLORER = {
    11155420: "https://sepolia-optimism.etherscan.io",
    10200: "https://gnosis-chiado.blockscout.com",
}
HASH = "0x" + "12" * 32


@pytest.fixture(scope="module")
def viem_chains():
    """The chains as viem knows them: another table, kept by other people."""
    script = """
        import * as chains from "viem/chains";
        const facts = ({ id, name, testnet, nativeCurrency, blockExplorers }) =>
            [id, { name, testnet: testnet === true, currency: nativeCurrency, explorer: blockExplorers?.default.url }];
        console.log(JSON.stringify(Object.fromEntries(Object.values(chains).filter(({ id }) => id).map(facts))));
    """
    command = ["node", "--input-type=module", "--eval", script]
    return json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)


@pytest.mark.parametrize(("chain_id", "name"), [*TESTNETS.items(), *LIVE.items()])
def test_a_public_chain_has_a_name_an_explorer_and_a_node(chain_id, name):
    chain = describe(chain_id)

    assert (chain.id, chain.name, chain.testnet) == (chain_id, name, chain_id in TESTNETS)
    for url in (chain.explorer_url, chain.rpc_url):
        assert url.startswith("https://")
        assert not url.endswith("/")
    assert chain.currency.decimals == 18


@pytest.mark.parametrize("chain_id", [*TESTNETS, *LIVE])
def test_a_public_chain_is_the_one_that_viem_knows(viem_chains, chain_id):
    chain, known = describe(chain_id), viem_chains[str(chain_id)]

    assert known["name"].startswith(chain.name)
    assert chain.testnet == known["testnet"]
    assert chain.currency.symbol.upper() == known["currency"]["symbol"].upper()
    assert chain.explorer_url == OTHER_EXPLORER.get(chain_id, known["explorer"])


def test_the_links_are_those_of_eip_3091():
    sepolia = describe(11155111).explorer_url

    assert transaction_url(sepolia, HASH) == f"https://sepolia.etherscan.io/tx/{HASH}"
    assert block_url(sepolia, 7) == "https://sepolia.etherscan.io/block/7"
    assert address_url(sepolia, "0x" + "ab" * 20) == "https://sepolia.etherscan.io/address/0x" + "ab" * 20


@pytest.mark.parametrize("chain_id", sorted(DEVELOPMENT_CHAIN_IDS))
def test_a_development_chain_has_no_explorer(chain_id):
    chain = describe(chain_id)

    assert (chain.id, chain.explorer_url, chain.rpc_url, chain.testnet) == (chain_id, None, None, True)
    assert {transaction_url(None, HASH), block_url(None, 7), address_url(None, HASH)} == {None}


def test_an_unknown_chain_is_named_by_its_number():
    chain = describe(424242)

    assert (chain.name, chain.explorer_url, chain.testnet) == ("Chain 424242", None, False)
