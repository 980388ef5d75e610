from __future__ import annotations

import pytest

from backend.adapters.chain.dev import embedded
from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.adapters.chain.development_accounts import USER
from backend.adapters.chain.web3_chain import Web3Chain
from backend.adapters.ipfs.block_store import EmbeddedStore
from backend.adapters.ipfs.unixfs import cid_of
from backend.processes import free_port
from backend.settings import Settings, load

NAMES = [
    *("record exists", "image id", "block", "origin", "image bytes"),
    *(f"complete {what}" for what in ("record", "reviews", "models", "roles", "compromise reports")),
]


@pytest.fixture
def own(scanproof) -> Settings:
    """The settings of the command line of this test."""
    return load(scanproof.environ, env_file=None)


@pytest.fixture
def image(tmp_path):
    file = tmp_path / "image.png"
    file.write_bytes(b"not really a PNG, but bytes")
    return file


def register(rpc_url: str, contract: str, chain_id: int, image) -> tuple[str, str]:
    """Image id and transaction."""
    cid = cid_of(image.read_bytes())
    sent = DevelopmentWallet(rpc_url, contract, USER).register_image(cid)
    return Web3Chain(rpc_url, chain_id=chain_id, contract=contract).image_id(USER.address, cid), sent.hash


@pytest.fixture
def record(own, image) -> tuple[str, str]:
    """A record on the embedded chain, which is not running any more."""
    EmbeddedStore(own.var / "ipfs").put(image.read_bytes(), name="image", media_type="image/png")
    with embedded.running(own, classifier=USER.address) as chain:
        return register(own.rpc_url, chain.deployment.address, own.chain_id, image)


def test_a_record_of_the_embedded_chain_is_verified_while_nothing_runs(scanproof, record):
    image_id, transaction = record
    for arguments in (("--image-id", image_id), ("--tx", transaction.upper().replace("0X", "0x"))):
        result = scanproof("verify", *arguments, "--json")

        assert result.status == 0
        assert "anvil runs for the time of this command" in result.stderr
        assert (result.json["verified"], result.json["imageIds"]) == (True, [image_id])
        assert (result.json["verdict"], result.json["noise"], result.json["noiseCount"]) == ("valid", [], 0)
        assert set(result.json["completeness"]["block"]) == {"number", "hash", "timestamp"}
        assert [check["name"] for check in result.json["checks"]] == NAMES
        assert all(check["passed"] and check["imageId"] == image_id for check in result.json["checks"])


def test_a_record_is_verified_while_another_process_runs_the_chain(scanproof, own, record):
    with embedded.running(own, classifier=USER.address):
        result = scanproof("verify", "--image-id", record[0])

    assert (result.status, "for the time of this command" in result.stderr) == (0, False)
    assert result.stdout.splitlines()[0] == f"Record {record[0]}"
    assert result.stdout.splitlines()[1] == "Verdict: valid"
    assert [line.split("  ")[1] for line in result.stdout.splitlines()[2:-2]] == ["passed"] * len(NAMES)
    assert result.stdout.splitlines()[-2].startswith("Complete up to block ")
    assert result.stdout.splitlines()[-1] == "Every check passed."


def test_a_changed_file_fails_with_the_right_line(scanproof, record, image):
    cid = cid_of(image.read_bytes())
    image.write_bytes(image.read_bytes() + b"!")
    result = scanproof("verify", "--image-id", record[0], "--file", image)

    assert result.status == 1
    failed = [line for line in result.stdout.splitlines() if "FAILED" in line]
    assert len(failed) == 1
    assert "image bytes" in failed[0]
    assert f"expected: {cid}" in result.stdout
    assert result.stdout.splitlines()[-1] == f"1 of {len(NAMES)} checks failed."


def test_a_named_node_and_contract_need_no_settings_at_all(scanproof, ganache, image):
    image_id, transaction = register(ganache.rpc_url, ganache.contract_address, ganache.chain_id, image)
    where = ("--rpc", ganache.rpc_url, "--contract", ganache.contract_address.lower(), "--file", image, "--json")

    for arguments in (("--image-id", image_id), ("--tx", transaction), ("--tx", transaction, "--contract-block", "1")):
        result = scanproof("verify", *arguments, *where)
        assert (result.status, result.json["verified"]) == (0, True)


def test_an_external_chain_of_the_settings_is_read(scanproof, ganache, image):
    image.write_bytes(b"another image")
    image_id, _ = register(ganache.rpc_url, ganache.contract_address, ganache.chain_id, image)
    external = {
        "SCANPROOF_CHAIN": "external",
        "SCANPROOF_RPC_URL": ganache.rpc_url,
        "SCANPROOF_CHAIN_ID": str(ganache.chain_id),
        "SCANPROOF_CONTRACT_ADDRESS": ganache.contract_address,
        "SCANPROOF_CONTRACT_BLOCK": "1",
    }

    assert scanproof("verify", "--image-id", image_id, "--file", image, **external).status == 0
    wrong = scanproof("verify", "--image-id", image_id, "--json", **{**external, "SCANPROOF_CHAIN_ID": "11155111"})
    assert (wrong.status, wrong.json["error"]["type"]) == (1, "WrongChain")


def test_an_image_nobody_registered_fails(scanproof, record):
    result = scanproof("verify", "--image-id", "0x" + "ab" * 32, "--json")

    assert (result.status, result.json["verified"]) == (1, False)
    assert [check["passed"] for check in result.json["checks"]] == [False] * 4


def test_an_opening_of_nothing_in_the_record_fails(scanproof, record, image):
    result = scanproof("verify", "--image-id", record[0], "--opening", image, "--json")

    assert (result.status, result.json["diagnoses"]) == (1, [])
    assert [check["name"] for check in result.json["checks"] if not check["passed"]] == ["opening"]


def test_a_transaction_without_a_record_is_an_error(scanproof, record):
    result = scanproof("verify", "--tx", "0x" + "ab" * 32, "--json")

    assert (result.status, result.json["error"]["type"]) == (1, "NotFound")
    assert result.json["error"]["message"].startswith(f"no successful transaction 0x{'ab' * 32} with a record in 0x")


def test_a_node_that_is_not_there_is_reported_without_its_address(scanproof):
    url = f"http://127.0.0.1:{free_port()}/v3/secret-key"
    result = scanproof("verify", "--tx", "0x" + "ab" * 32, "--rpc", url, "--contract", USER.address, "--json")

    assert (result.status, result.json["error"]["type"]) == (1, "ChainUnavailable")
    assert "secret-key" not in result.stdout + result.stderr


def test_a_chain_that_never_ran_is_reported_and_not_made(scanproof, own):
    result = scanproof("verify", "--tx", "0x" + "ab" * 32, "--json")

    assert (result.status, result.json["error"]["type"]) == (1, "ConfigurationError")
    assert "no contract is deployed on the chain" in result.json["error"]["message"]
    assert not (own.var / "chain").exists()
