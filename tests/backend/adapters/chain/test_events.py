"""The registry's events, from logs as nodes give them; some nodes give less, some give nonsense."""

from __future__ import annotations

import hashlib

import pytest

from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.adapters.chain.development_accounts import ADMIN, CLINICIAN, USER
from backend.adapters.chain.web3_chain import Web3Chain
from backend.cids import raw_cid
from backend.domain import (
    DiagnosisReviewedEvent,
    ModelRegisteredEvent,
    ModelRetiredEvent,
    Review,
    Training,
    TrainingAnchoredEvent,
    Verdict,
)
from backend.errors import ChainUnavailable
from tests.backend.models import LABELS
from tests.standins.nodes import relay, result

REASON = "0x" + "33" * 32
METRICS = "0x" + "44" * 32
SCRATCH = "0x" + "00" * 32


def wallet_of(registry, account) -> DevelopmentWallet:
    return DevelopmentWallet(registry.settings.rpc_url, registry.chain.contract, account)


def through(registry, url: str) -> Web3Chain:
    return Web3Chain(url, chain_id=registry.chain.chain_id, contract=registry.chain.contract)


def altered(registry, change):
    """Answers eth_getLogs as the node does, but for ``change`` of each log."""

    def answer(method, parameters):
        if method != "eth_getLogs":
            return None
        return result([change(dict(log)) for log in registry.rpc(method, *parameters)])

    return answer


@pytest.mark.parametrize(
    ("verdict", "label"), [(Verdict.CONFIRMED, 1), (Verdict.OVERRIDDEN, 2), (Verdict.WITHDRAWN, 0)]
)
def test_a_review_comes_with_every_field(registry, cid, verdict, label):
    registry.wallet.register_with_diagnosis(cid, registry.sign(cid))
    diagnosis = registry.chain.events_of_image(registry.chain.image_id(USER.address, cid))[1]
    sent = wallet_of(registry, CLINICIAN).review(diagnosis, Review(diagnosis.diagnosis_id, REASON, verdict, label))

    event = registry.chain.events_of_image(diagnosis.image_id)[2]

    newest = registry.contract.functions.newestReviewOf(diagnosis.diagnosis_id).call()
    assert event == DiagnosisReviewedEvent(
        image_id=diagnosis.image_id,
        diagnosis_id=diagnosis.diagnosis_id,
        reviewer=CLINICIAN.address,
        review_id="0x" + newest.hex(),
        supersedes=diagnosis.diagnosis_id,
        reason_hash=REASON,
        verdict=verdict,
        label=label,
        transaction_hash=sent.hash,
        log_index=0,
        block=registry.chain.blocks([sent.block])[0],
    )
    assert registry.chain.events(sent.block, sent.block) == [event]


def test_the_events_of_a_model_come_in_order_with_every_field(registry, cid):
    admin = wallet_of(registry, ADMIN)
    parent, model_id, training_id = (
        "0x" + hashlib.sha256(f"{kind} {cid}".encode()).hexdigest() for kind in ("parent", "model", "training")
    )
    card = raw_cid("0b" * 32)
    admin.anchor_training(Training(METRICS, parent, None, METRICS, 1))
    registered = admin.register_model(model_id, LABELS, card)
    anchored = admin.anchor_training(Training(training_id, model_id, parent, METRICS, 2**32 - 1))
    retired = admin.retire_model(model_id)

    events = registry.chain.events_of_model(model_id)

    def place(sent):
        return sent.hash, 0, registry.chain.blocks([sent.block])[0]

    assert events == [
        ModelRegisteredEvent(model_id, ADMIN.address, LABELS, card, *place(registered)),
        TrainingAnchoredEvent(training_id, model_id, parent, METRICS, 2**32 - 1, ADMIN.address, *place(anchored)),
        ModelRetiredEvent(model_id, ADMIN.address, *place(retired)),
    ]
    assert registry.chain.events(registered.block, retired.block) == events
    assert [event.parent_model_id for event in registry.chain.events_of_model(parent)] == [SCRATCH]


def test_a_node_that_gives_no_times_with_its_logs_is_asked_for_headers(registry, cid):
    registry.wallet.register_image(cid)
    head = registry.chain.head().number

    with relay(registry.settings.rpc_url, altered(registry, lambda log: {**log, "blockTimestamp": None})) as url:
        events = through(registry, url).events(0, head)

    assert events == registry.chain.events(0, head)
    assert all(event.block == registry.chain.blocks([event.block.number])[0] for event in events[-3:])


def test_a_node_that_refuses_batches_is_asked_one_by_one(registry, cid):
    for number in range(2):
        registry.wallet.register_image(f"{cid[:-1]}{'ab'[number]}")
    head = registry.chain.head().number
    answer = altered(registry, lambda log: {**log, "blockTimestamp": None})

    with relay(registry.settings.rpc_url, answer, batches=False) as url:
        assert through(registry, url).events(head - 1, head) == registry.chain.events(head - 1, head)


def test_a_log_of_a_block_that_is_not_on_the_chain_any_more_is_an_error(registry, cid):
    registry.wallet.register_image(cid)
    head = registry.chain.head().number
    answer = altered(registry, lambda log: {**log, "blockTimestamp": None, "blockHash": "0x" + "ab" * 32})

    with (
        relay(registry.settings.rpc_url, answer) as url,
        pytest.raises(ChainUnavailable, match=r"^the chain was reorganised while it was read: try again$"),
    ):
        through(registry, url).events(head, head)


def test_logs_of_other_events_are_passed_over(registry, cid):
    sent = registry.wallet.register_image(cid)

    def foreign(log):
        return {**log, "topics": ["0x" + "ab" * 32, *log["topics"][1:]]}

    for change in (foreign, lambda log: {**log, "topics": []}):
        with relay(registry.settings.rpc_url, altered(registry, change)) as url:
            assert through(registry, url).events(sent.block, sent.block) == []


@pytest.mark.parametrize(
    "change",
    [
        {"data": "0x"},
        {"data": "0x" + "ff" * 64},
        {"data": "0x" + "00" * 31 + "40" + "00" * 32},
        {"data": "0x" + "00" * 31 + "40" + "00" * 32 + "ff" * 32},
        {"data": "0xzz"},
        {"data": None},
        {"topics": 7},
        {"blockHash": None, "blockTimestamp": None},
        {"logIndex": "first"},
    ],
    ids=str,
)
def test_logs_that_no_registry_writes_are_an_error_of_the_node(registry, cid, change):
    sent = registry.wallet.register_image(cid)

    with (
        relay(registry.settings.rpc_url, altered(registry, lambda log: {**log, **change})) as url,
        pytest.raises(ChainUnavailable),
    ):
        through(registry, url).events(sent.block, sent.block)
