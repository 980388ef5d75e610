"""A registry on Ganache and on Anvil, each on a port of its own; every test runs on both."""

from __future__ import annotations

import hashlib
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from web3 import Web3
from web3.contract import Contract
from web3.middleware import SignAndSendRawMiddlewareBuilder

from backend.adapters.chain import artifact, rpc
from backend.adapters.chain.dev import embedded
from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.adapters.chain.development_accounts import ADMIN, USER
from backend.adapters.chain.signer import KeyFileSigner
from backend.adapters.chain.web3_chain import Web3Chain
from backend.cids import raw_cid
from backend.domain import Diagnosis, SignedDiagnosis
from backend.processes import free_port
from backend.settings import Settings, load
from tests.backend.models import register_models

MODEL_ID = "0x" + "11" * 32
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Registry:
    """A deployed registry with everything that a test asks of it. ``web3`` asks the node itself, past the filter, and
    signs for ADMIN and USER."""

    settings: Settings
    chain: Web3Chain
    signer: KeyFileSigner
    wallet: DevelopmentWallet
    web3: Web3
    contract: Contract

    def sign(self, cid: str, **changes: object) -> SignedDiagnosis:
        fields = {
            "image_id": self.chain.image_id(USER.address, cid),
            "model_id": MODEL_ID,
            "label": 1,
            "confidence": 9700,
            "manifest_hash": "0x" + "22" * 32,
            "issued_at": int(time.time()),
        }
        return self.signer.sign(
            Diagnosis(**{**fields, **changes}), chain_id=self.chain.chain_id, contract=self.chain.contract
        )

    def mine_nothing(self) -> None:
        """Keep transactions waiting until ``mine``."""
        if self.settings.chain == "anvil":
            self.rpc("evm_setAutomine", False)
        else:
            self.rpc("miner_stop")

    def mine(self) -> None:
        if self.settings.chain == "anvil":
            self.rpc("evm_setAutomine", True)
            self.rpc("evm_mine")
        else:
            self.rpc("miner_start")

    def rpc(self, method: str, *parameters: object) -> object:
        answer = self.web3.provider.make_request(method, list(parameters))
        assert "error" not in answer, answer
        return answer["result"]


@pytest.fixture(scope="session")
def registry_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Registry]]:
    started: dict[str, Registry] = {}
    running = []
    for kind in ("ganache", "anvil"):
        settings = settings_of(kind, tmp_path_factory.mktemp(kind))
        signer = KeyFileSigner(settings.classifier_key_file, chain_id=settings.chain_id)
        context = embedded.running(settings, classifier=signer.address)
        chain = context.__enter__()
        deployment = chain.deployment
        running.append(context)
        register_models(settings.rpc_url, deployment.address, MODEL_ID)
        web3 = rpc.connect(chain.node.private_url)
        keys = [account.private_key for account in (ADMIN, USER)]
        web3.middleware_onion.inject(SignAndSendRawMiddlewareBuilder.build(keys), name="sign", layer=0)
        started[kind] = Registry(
            settings=settings,
            chain=Web3Chain(
                settings.rpc_url,
                chain_id=settings.chain_id,
                contract=deployment.address,
                start_block=deployment.block,
            ),
            signer=signer,
            wallet=DevelopmentWallet(settings.rpc_url, deployment.address, USER),
            web3=web3,
            contract=web3.eth.contract(address=deployment.address, abi=artifact.current().abi),
        )
    yield started
    for context in running:
        context.__exit__(None, None, None)


@pytest.fixture(params=["ganache", "anvil"])
def registry(request: pytest.FixtureRequest, registry_of: dict[str, Registry]) -> Registry:
    return registry_of[request.param]


@pytest.fixture
def cid() -> str:
    """A CID that no other test has."""
    return raw_cid(hashlib.sha256(f"image {next(_numbers)} of {time.time_ns()}".encode()).hexdigest())


def settings_of(kind: str, folder) -> Settings:
    return load(
        {"SCANPROOF_VAR": str(folder), "SCANPROOF_CHAIN": kind, "SCANPROOF_CHAIN_PORT": str(free_port())}, env_file=None
    )
