"""`brownie run deploy` on a chain that Brownie does not start and that says to be Sepolia."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from brownie import accounts
from eth_account import Account
from web3 import HTTPProvider, Web3

from scripts import deployments
from scripts.deploy import (
    DevelopmentKeyOnLiveChain,
    refuse_development_keys,
)
from scripts.development_accounts import DEVELOPMENT_MNEMONICS, development_addresses
from scripts.export_artifact import ARTIFACT
from scripts.solc import ROOT
from tests.chains import running_anvil
from tests.contracts.support import CLASSIFIER_ROLE

pytestmark = pytest.mark.node

CHAIN_ID = 11_155_111
DEPLOYER = Account.from_key("0x" + 32 * "5e")
CLASSIFIER = Account.from_key("0x" + 32 * "c1").address
BROWNIE = Path(sys.executable).with_name("brownie")


@pytest.fixture(scope="module")
def live_chain():
    with running_anvil(CHAIN_ID) as url:
        web3 = Web3(HTTPProvider(url))
        web3.provider.make_request("anvil_setBalance", [DEPLOYER.address, hex(10**19)])
        yield web3


@dataclass(frozen=True)
class Runner:
    """Runs the script as a person does, in a copy of the project: deployments leave traces in build/."""

    project: Path
    environment: dict[str, str]

    def brownie(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [BROWNIE, *arguments],
            cwd=self.project,
            env=self.environment | settings,
            capture_output=True,
            text=True,
            check=False,
        )

    def __call__(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        return self.brownie("run", "deploy", "main", *arguments, "--network", "live-test", **settings)


@pytest.fixture(scope="module")
def run_deploy(live_chain, tmp_path_factory) -> Runner:
    home, project = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("project")
    for name in ("contracts", "scripts", "build/contracts"):
        shutil.copytree(ROOT / name, project / name)
    shutil.copy(ROOT / "brownie-config.yaml", project)
    (project / "deployments").mkdir()
    shutil.copy(ROOT / "deployments" / "development-accounts.txt", project / "deployments")
    (project / "node_modules").symlink_to(ROOT / "node_modules")
    environment = {key: value for key, value in os.environ.items() if key != "SCANPROOF_DEPLOYER_KEY"}
    environment["HOME"] = str(home)

    run = Runner(project, environment)
    host = live_chain.provider.endpoint_uri
    added = run.brownie("networks", "add", "Tests", "live-test", f"host={host}", f"chainid={CHAIN_ID}")
    assert added.returncode == 0, added.stdout
    return run


@pytest.fixture(scope="module")
def deployment(run_deploy):
    return run_deploy(CLASSIFIER, SCANPROOF_DEPLOYER_KEY=DEPLOYER.key.hex())


def test_prints_the_settings_of_a_working_registry(deployment, live_chain):
    assert deployment.returncode == 0, deployment.stdout
    printed = dict(line.split("=") for line in deployment.stdout.splitlines() if line.startswith("SCANPROOF_"))
    assert printed.keys() == {"SCANPROOF_CHAIN_ID", "SCANPROOF_CONTRACT_ADDRESS", "SCANPROOF_CONTRACT_BLOCK"}
    abi = json.loads(ARTIFACT.read_text())["abi"]
    registry = live_chain.eth.contract(printed["SCANPROOF_CONTRACT_ADDRESS"], abi=abi)
    block = int(printed["SCANPROOF_CONTRACT_BLOCK"])
    assert int(printed["SCANPROOF_CHAIN_ID"]) == CHAIN_ID
    assert registry.functions.defaultAdmin().call() == DEPLOYER.address
    assert registry.functions.hasRole(CLASSIFIER_ROLE, CLASSIFIER).call()
    assert len(registry.events.RoleGranted.get_logs(from_block=block, to_block=block)) == 3


def test_records_the_deployment(deployment, run_deploy, live_chain):
    record = deployments.read(CHAIN_ID, run_deploy.project / "deployments")
    artifact = json.loads(ARTIFACT.read_text())
    transaction = live_chain.eth.get_transaction(record["transaction"])
    receipt = live_chain.eth.get_transaction_receipt(record["transaction"])
    arguments = record.pop("constructorArguments")
    assert live_chain.to_hex(transaction["input"]) == artifact["bytecode"] + arguments.pop("encoded")
    assert arguments == {"adminDelay": 86_400, "admin": DEPLOYER.address, "classifier": CLASSIFIER}
    assert record == {
        "chainId": CHAIN_ID,
        "contract": "ImageRegistry",
        "address": receipt["contractAddress"],
        "transaction": live_chain.to_hex(receipt["transactionHash"]),
        "block": receipt["blockNumber"],
        "time": _utc(live_chain.eth.get_block(receipt["blockNumber"])["timestamp"]),
        "deployer": DEPLOYER.address,
        "compiler": artifact["compiler"],
        "standardInputSha256": artifact["standardJsonSha256"],
        "codeHash": live_chain.to_hex(live_chain.keccak(live_chain.eth.get_code(receipt["contractAddress"]))),
    }


def test_refuses_a_build_that_is_not_committed(run_deploy, live_chain):
    block = live_chain.eth.block_number
    path = run_deploy.project / ARTIFACT.relative_to(ROOT)
    committed = path.read_text()
    path.write_text(committed.replace('"bytecode": "0x', '"bytecode": "0x00'))
    process = run_deploy(CLASSIFIER, SCANPROOF_DEPLOYER_KEY=DEPLOYER.key.hex())
    path.write_text(committed)
    assert process.returncode == 1
    assert "run `python -m scripts.export_artifact`, look at the difference and commit it" in process.stdout
    assert live_chain.eth.block_number == block


def test_refuses_to_deploy_over_a_broken_record(deployment, run_deploy, live_chain):
    block = live_chain.eth.block_number
    path = run_deploy.project / "deployments" / f"{CHAIN_ID}.json"
    whole = path.read_text()
    path.write_text(whole[:100])
    process = run_deploy(CLASSIFIER, SCANPROOF_DEPLOYER_KEY=DEPLOYER.key.hex())
    path.write_text(whole)
    assert process.returncode == 1
    assert f"{CHAIN_ID}.json: expected JSON" in process.stdout
    assert live_chain.eth.block_number == block


def test_refuses_a_development_key_as_deployer(run_deploy, live_chain):
    block = live_chain.eth.block_number
    process = run_deploy(CLASSIFIER, SCANPROOF_DEPLOYER_KEY="0x" + _anvil_key())
    assert process.returncode == 1
    assert f"expected a deployer of your own on chain {CHAIN_ID}, found 0xf39Fd6e5" in process.stdout
    assert live_chain.eth.block_number == block


def test_refuses_a_development_key_as_classifier(run_deploy):
    process = run_deploy(development_addresses("brownie")[1], SCANPROOF_DEPLOYER_KEY=DEPLOYER.key.hex())
    assert process.returncode == 1
    assert f"expected a classifier of your own on chain {CHAIN_ID}, found 0x33A4622B" in process.stdout


def test_names_a_missing_classifier(run_deploy):
    process = run_deploy(SCANPROOF_DEPLOYER_KEY=DEPLOYER.key.hex())
    assert process.returncode == 1
    assert "expected the classifier's address" in process.stdout


def test_names_a_missing_deployer(run_deploy):
    process = run_deploy(CLASSIFIER)
    assert process.returncode == 1
    assert "or set SCANPROOF_DEPLOYER_KEY" in process.stdout


@pytest.mark.parametrize(
    "address",
    [
        "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
        "0xa0Ee7A142d267C1f36714E4a8F75612F20a79720",
        "0x90F8bf6A479f320ead074411a4B0e7944Ea8c9C1",
        "0x66aB6D9362d4F35596279692F0251Db635165871",
        development_addresses(DEVELOPMENT_MNEMONICS[3])[0],
        Account.from_key(bytes(31) + b"\x01").address,
    ],
    ids=["Anvil, first", "Anvil, tenth", "Ganache, first", "Brownie, first", "Truffle, first", "key 1"],
)
def test_published_accounts_are_known(address):
    with pytest.raises(DevelopmentKeyOnLiveChain, match=address):
        refuse_development_keys(1, {"deployer": DEPLOYER.address, "classifier": address})


def test_accounts_of_this_chain_are_known():
    known = {address for mnemonic in DEVELOPMENT_MNEMONICS for address in development_addresses(mnemonic)}
    assert {account.address for account in accounts[:10]} <= known


def _utc(timestamp: int) -> str:
    return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _anvil_key() -> str:
    Account.enable_unaudited_hdwallet_features()
    return Account.from_mnemonic(DEVELOPMENT_MNEMONICS[0]).key.hex()
