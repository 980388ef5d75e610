"""A model with as many ancestors as federated training has rounds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest

from backend.adapters.chain.dev import embedded
from backend.adapters.chain.signer import KeyFileSigner
from backend.adapters.chain.web3_chain import Web3Chain
from backend.ancestry import MAX_GENERATIONS
from backend.domain import NO_PARENT, BlockRef, ModelEvent, Training, TrainingAnchoredEvent
from backend.processes import free_port
from backend.services.completeness import keys_of
from backend.services.evidence_file import pack, unpack
from backend.services.model_verification import PROVEN_GENERATIONS
from backend.settings import load
from tests.standins.nodes import quirky_node

from . import forgery
from .conftest import MODEL, FalseChain, World, failures, make_world

GENERATIONS = 120
MODEL_ID = "0x" + MODEL.sha256
HASH = "0x" + "cc" * 32


def ancestor(number: int) -> str:
    """The model so many generations before MODEL."""
    return f"0xa5{number:062x}" if number else MODEL_ID


@pytest.fixture(scope="module")
def federated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world whose model has GENERATIONS trainings behind it, and others that have nothing to do with it."""
    folder = tmp_path_factory.mktemp("federated")
    environ = {"SCANPROOF_VAR": str(folder), "SCANPROOF_CHAIN": "anvil", "SCANPROOF_CHAIN_PORT": str(free_port())}
    settings = load(environ, env_file=None)
    signer = KeyFileSigner(settings.classifier_key_file, chain_id=settings.chain_id)
    with embedded.running(settings, classifier=signer.address) as chain:
        found = chain.deployment
        world = make_world(replace(settings, contract_address=found.address, contract_block=found.block), folder)
        for number in reversed(range(GENERATIONS)):
            parent = ancestor(number + 1) if number < GENERATIONS - 1 else None
            world.admin.anchor_training(Training(f"0x{number + 1:064x}", ancestor(number), parent, HASH, 3))
            if number % 40 == 0:
                stranger = f"0x5e{number:062x}"
                world.admin.anchor_training(Training(f"0x{number + 9999:064x}", stranger, ancestor(number), HASH, 1))
        yield world


@pytest.fixture(scope="module")
def image_id(federated: World) -> str:
    return federated.record().image_id


def training_line(verification) -> str:
    return next(check.found for check in verification.checks if check.name == "model training")


def test_every_generation_is_verified(federated, image_id):
    verification = federated.verify(image_id)

    assert failures(verification) == {}
    assert training_line(verification).endswith(f"over {GENERATIONS} generations")
    assert verification.complete_to is not None


def test_generations_cost_few_requests(federated, image_id):
    with quirky_node(federated.rpc_url) as node:
        chain = Web3Chain(node.url, chain_id=federated.chain.chain_id, contract=federated.chain.contract)
        ancestry = chain.ancestry(MODEL_ID)

    assert list(ancestry) == [ancestor(number) for number in range(GENERATIONS)]
    assert ancestry == federated.chain.ancestry(MODEL_ID)
    assert node.counts["eth_getLogs"] == 3


def test_evidence_of_many_generations_costs_few_requests(federated, image_id):
    direct = federated.chain
    with quirky_node(federated.rpc_url) as node:
        chain = Web3Chain(node.url, chain_id=direct.chain_id, contract=direct.contract, start_block=direct.start_block)
        world = replace(federated, rpc_url=node.url, chain=chain)
        evidence = world.evidence(image_id)
        made = Counter(node.counts)
        node.counts.clear()
        assert failures(world.verify_evidence(evidence, node=chain)) == {}

    assert made["eth_getBlockReceipts"] > GENERATIONS
    assert made["batch"] < GENERATIONS / 2
    assert node.counts["eth_getBlockByNumber"] > GENERATIONS
    assert node.counts["batch"] < 10


def test_evidence_holds_every_generation(federated, image_id):
    evidence = unpack(pack(federated.evidence(image_id)))

    for node in (None, federated.chain):
        verification = federated.verify_evidence(evidence, node=node)
        assert failures(verification) == {}
        assert training_line(verification).endswith(f"over {GENERATIONS} generations")
    assert [event["event"] for event in evidence.events].count("TrainingAnchored") == GENERATIONS


def test_evidence_without_one_generation_fails(federated, image_id):
    evidence = forgery.without(federated.evidence(image_id), "TrainingAnchored", 9)

    failed = failures(federated.verify_evidence(evidence))
    assert failed["model training"].found == f"none anchored of the parent {ancestor(GENERATIONS - 10)}"


def test_the_state_of_the_newest_generations_is_compared(federated, image_id):
    history = federated.chain.events_of_image(image_id)

    assert keys_of(federated.chain, image_id, history).model_ids == tuple(
        ancestor(number) for number in range(PROVEN_GENERATIONS)
    )


def history_of(world: World, generations: int):
    """The events of each model, as a chain with so many generations has them."""
    head = world.chain.head()
    known = [
        event for event in world.chain.ancestry(MODEL_ID)[MODEL_ID] if not isinstance(event, TrainingAnchoredEvent)
    ]

    def events_of_model(model_id: str) -> list[ModelEvent]:
        number = 0 if model_id == MODEL_ID else int(model_id[4:], 16)
        parent = ancestor(number + 1) if number < generations - 1 else NO_PARENT
        block = BlockRef(head.number - number, head.hash, head.timestamp)
        step = TrainingAnchoredEvent(f"0x{number + 1:064x}", model_id, parent, HASH, 3, "0x", "0x", 0, block)
        return [*known, step] if model_id == MODEL_ID else [step]

    return events_of_model


@pytest.mark.parametrize(
    ("generations", "end"),
    [
        (600, "over 600 generations"),
        (MAX_GENERATIONS, f"over {MAX_GENERATIONS} generations"),
        (MAX_GENERATIONS + 1, f"over {MAX_GENERATIONS} generations; older ones were not checked"),
    ],
)
def test_hundreds_of_generations_are_walked_to_the_first(federated, image_id, generations, end):
    chain = FalseChain(federated.chain, events_of_model=history_of(federated, generations))
    verification = federated.verify(image_id, chain=chain)

    assert failures(verification) == {}
    assert training_line(verification).endswith(end)
