"""Random sequences of calls: the contract and the model agree on every outcome and on every stored record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from brownie import accounts, chain, reverts
from eth_account import Account
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from tests.contracts.stateful.model import Refused, RegistryModel
from tests.contracts.support import CLASSIFIER_ROLE, ISSUED_AT, Diagnosis, cid_of, image_id_of, image_of

CIDS = [cid_of(bytes([index])) for index in range(2)]
NO_CID = "bag" + CIDS[0][3:]
SIGNERS = [Account.from_key("0x" + 32 * byte) for byte in ("c1", "c2")]

any_account = st.sampled_from([1, 2])
any_cid = st.sampled_from(CIDS)
any_fault = st.sampled_from([None, None, None, None, "caller", "signer", "confidence", "cid"])


class RegistryMachine(RuleBasedStateMachine):
    """Brownie's own state_machine fixture fails in 1.22.2 (a type check in its compiled module), hence Hypothesis's."""

    def __init__(self, registry, domain, admin) -> None:
        super().__init__()
        chain.revert()
        self.registry, self.domain, self.admin = registry, domain, admin
        self.model = RegistryModel({SIGNERS[0].address})
        self.clock = 0
        self.accepted: list[tuple[Any, Diagnosis, bytes, str]] = []

    @rule(uploader=any_account, cid=st.sampled_from([*CIDS, NO_CID]))
    def register(self, uploader, cid):
        sender = {"from": accounts[uploader]}
        self._attempt(
            lambda: self.model.register(accounts[uploader].address, [cid]),
            lambda: self.registry.registerImage(cid, bytes(32), sender),
        )

    @rule(uploader=any_account, cids=st.lists(st.sampled_from([*CIDS, NO_CID]), min_size=1, max_size=3))
    def register_batch(self, uploader, cids):
        sender = {"from": accounts[uploader]}
        self._attempt(
            lambda: self.model.register(accounts[uploader].address, cids),
            lambda: self.registry.registerImages(cids, [bytes(32) for _ in cids], sender),
        )

    @rule(uploader=any_account, cid=any_cid, seconds=st.integers(0, 3), fault=any_fault, together=st.booleans())
    def diagnose(self, uploader, cid, seconds, fault, together):
        caller = accounts[3 if fault == "caller" else uploader]
        signer = SIGNERS[fault == "signer"]
        diagnosis = Diagnosis(
            image_id_of(accounts[uploader], NO_CID if fault == "cid" else cid),
            confidence=10_001 if fault == "confidence" else 10_000,
            issuedAt=ISSUED_AT + self.clock + seconds,
        )
        signature = self.domain.sign(signer, diagnosis)
        if together:
            tx = self._attempt(
                lambda: self.model.register_with_diagnosis(caller.address, cid, diagnosis, signer.address),
                lambda: self.registry.registerWithDiagnosis(cid, bytes(32), diagnosis, signature, {"from": caller}),
            )
        else:
            tx = self._attempt(
                lambda: self.model.record(caller.address, diagnosis, signer.address),
                lambda: self.registry.recordDiagnosis(diagnosis, signature, {"from": caller}),
            )
        if tx:
            self.accepted.append((caller, diagnosis, signature, signer.address))
            self.clock += 1

    @precondition(lambda self: self.accepted)
    @rule(choice=st.randoms())
    def replay(self, choice):
        caller, diagnosis, signature, signer = choice.choice(self.accepted)
        tx = self._attempt(
            lambda: self.model.record(caller.address, diagnosis, signer),
            lambda: self.registry.recordDiagnosis(diagnosis, signature, {"from": caller}),
        )
        assert tx is None

    @rule(signer=st.sampled_from(SIGNERS), granted=st.booleans())
    def change_role(self, signer, granted):
        change = self.registry.grantRole if granted else self.registry.revokeRole
        change(CLASSIFIER_ROLE, signer.address, {"from": self.admin})
        (self.model.classifiers.add if granted else self.model.classifiers.discard)(signer.address)

    def teardown(self):
        """A record that once differs stays different, so that comparing at the end is enough."""
        for uploader in accounts[1:4]:
            for cid in [*CIDS, NO_CID]:
                image_id = image_id_of(uploader, cid)
                assert self.registry.isRegistered(image_id) == (image_id in self.model.images)
        for image_id, image in self.model.images.items():
            assert image_of(self.registry, image_id) == image

    def _attempt(self, expected: Callable[[], list[bytes] | None], call: Callable[[], Any]) -> Any | None:
        """Make the call; it must do what the model says. Returns its transaction, None if it was refused."""
        try:
            image_ids = expected()
        except Refused as refused:
            with reverts(str(refused)):
                call()
            return None
        tx = call()
        self.model.mined(image_ids or [], tx.timestamp)
        return tx


def test_registry_follows_its_model(registry, domain, admin):
    chain.snapshot()
    run_state_machine_as_test(
        lambda: RegistryMachine(registry, domain, admin),
        # The first ten examples are short ones, whatever the number.
        settings=settings(max_examples=30, stateful_step_count=15, phases=[Phase.generate, Phase.shrink]),
    )
