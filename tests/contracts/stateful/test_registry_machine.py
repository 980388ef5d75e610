"""Random sequences of all calls by all roles: contract and model agree on every outcome and on all that is kept."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from brownie import accounts, chain, reverts
from eth_account import Account
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from scripts.deploy import ADMIN_DELAY_S
from tests.contracts.stateful.model import ANY_TIME, Refused, RegistryModel
from tests.contracts.support import (
    CLASSIFIER_ROLE,
    CLINICIAN_ROLE,
    ISSUED_AT,
    LABELS,
    MAX_AGE_S,
    MODEL_ADMIN_ROLE,
    MODEL_ID,
    SEALED,
    SITE_ROLE,
    Diagnosis,
    Review,
    Status,
    Training,
    Verdict,
    cid_of,
    hexed,
    image_id_of,
    image_of,
)

CIDS = [cid_of(bytes([index])) for index in range(3)]
NO_CID = "bag" + CIDS[0][3:]
SIGNERS = [Account.from_key("0x" + 32 * byte) for byte in ("c1", "c2")]
ROLES = [CLASSIFIER_ROLE, CLINICIAN_ROLE, MODEL_ADMIN_ROLE, SITE_ROLE]
MODELS = [MODEL_ID, bytes(range(32)), bytes(32)]
ADMIN, CLINICIAN = 0, 4

any_uploader = st.sampled_from([1, 2])
any_cid = st.sampled_from([*CIDS, *CIDS, NO_CID])
# None stands for one that is in use.
any_model = st.sampled_from([*[None] * 6, *MODELS])
any_fault = st.sampled_from([*[None] * 8, "caller", "signer", "confidence", "cid", "age"])
any_label = st.sampled_from([0, 2, 2, 3, LABELS + 1, SEALED])
# Whoever has the right, more often than an account that may have it or not.
any_caller = st.sampled_from([None, None, None, 1, 3])
any_holder = st.sampled_from([*range(5), *SIGNERS])


def address_of(holder: Any) -> str:
    return accounts[holder].address if isinstance(holder, int) else holder.address


class RegistryMachine(RuleBasedStateMachine):
    """Brownie's own state_machine fixture fails in 1.22.2 (a type check in its compiled module), hence Hypothesis's."""

    def __init__(self, registry, domain) -> None:
        super().__init__()
        chain.revert()
        self.registry = registry
        self.model = RegistryModel(
            domain,
            address_of(ADMIN),
            {
                CLASSIFIER_ROLE: {SIGNERS[0].address},
                CLINICIAN_ROLE: {address_of(CLINICIAN)},
                MODEL_ADMIN_ROLE: {address_of(ADMIN)},
                SITE_ROLE: set(),
            },
            models={MODEL_ID: Status.IN_USE},
            labels={MODEL_ID: LABELS},
        )
        self.clock = 1
        self.accepted: list[tuple[Any, Diagnosis, bytes, str]] = []

    @initialize()
    def begin(self):
        """Give the rules something to work on; one of the uploaders is a clinician as well."""
        self.change_roles("grant", None, CLINICIAN_ROLE, 2)
        for uploader in (1, 2):
            self.register(uploader, CIDS[:2])
            self.diagnose(uploader, CIDS[0], None, uploader, 0, None, False)

    @rule(uploader=any_uploader, cid=st.sampled_from(CIDS[:2]), label=any_label)
    def diagnose_well(self, uploader, cid, label):
        self.diagnose(uploader, cid, None, label, 0, None, False)

    @precondition(lambda self: self.accepted)
    @rule(choice=st.randoms(), reviewer=st.sampled_from([2, CLINICIAN]), verdict=st.sampled_from(Verdict))
    def review_well(self, choice, reviewer, verdict):
        self.review(choice, reviewer, verdict, None, None)

    @rule(uploader=any_uploader, cids=st.lists(any_cid, min_size=1, max_size=3))
    def register(self, uploader, cids):
        self._attempt(
            lambda: self.model.register(address_of(uploader), cids),
            lambda sender: (
                self.registry.registerImage(cids[0], bytes(32), sender)
                if len(cids) == 1
                else self.registry.registerImages(cids, [bytes(32) for _ in cids], sender)
            ),
            uploader,
        )

    @rule(
        uploader=any_uploader,
        cid=st.sampled_from(CIDS),
        model=any_model,
        label=any_label,
        seconds=st.integers(-1, 3),
        fault=any_fault,
        together=st.booleans(),
    )
    def diagnose(self, uploader, cid, model, label, seconds, fault, together):
        caller = 3 if fault == "caller" else uploader
        signer = SIGNERS[fault == "signer"]
        diagnosis = Diagnosis(
            image_id_of(accounts[uploader], NO_CID if fault == "cid" else cid),
            model or next((model for model, status in self.model.models.items() if status == Status.IN_USE), MODEL_ID),
            label,
            confidence=(0 if label in (0, SEALED) else 10_000) + (fault == "confidence"),
            issuedAt=ISSUED_AT + self.clock + seconds - (MAX_AGE_S if fault == "age" else 0),
        )
        now = chain[-1].timestamp
        signature = self.model.domain.sign(signer, diagnosis)
        if together:
            tx = self._attempt(
                lambda: self.model.register_with_diagnosis(address_of(caller), cid, diagnosis, signer.address, now),
                lambda sender: self.registry.registerWithDiagnosis(cid, bytes(32), diagnosis, signature, sender),
                caller,
            )
        else:
            tx = self._attempt(
                lambda: self.model.record(address_of(caller), diagnosis, signer.address, now),
                lambda sender: self.registry.recordDiagnosis(diagnosis, signature, sender),
                caller,
            )
        if tx:
            self.accepted.append((caller, diagnosis, signature, signer.address))
            self.clock += 1

    @precondition(lambda self: self.accepted)
    @rule(choice=st.randoms())
    def replay(self, choice):
        caller, diagnosis, signature, signer = choice.choice(self.accepted)
        tx = self._attempt(
            lambda: self.model.record(address_of(caller), diagnosis, signer, chain[-1].timestamp),
            lambda sender: self.registry.recordDiagnosis(diagnosis, signature, sender),
            caller,
        )
        assert tx is None

    @precondition(lambda self: self.accepted)
    @rule(
        choice=st.randoms(),
        reviewer=st.sampled_from([None, 1, 2, 3, CLINICIAN, CLINICIAN]),
        verdict=st.sampled_from(Verdict),
        label=st.sampled_from([*[None] * 8, 0, 2, 3, LABELS + 1, SEALED]),
        change=st.sampled_from([*[None] * 8, "supersedes", "reasonHash", "issuedAt", "label", "imageId"]),
    )
    def review(self, choice, reviewer, verdict, label, change):
        reviewer = self._caller(reviewer, self.model.roles[CLINICIAN_ROLE])
        diagnosis, review = self._review_of(choice, verdict, label, change)
        self._attempt(
            lambda: self.model.review(address_of(reviewer), diagnosis, review),
            lambda sender: self.registry.reviewDiagnosis(diagnosis, review, sender),
            reviewer,
        )

    @precondition(lambda self: self.accepted)
    @rule(
        choice=st.randoms(),
        reviewer=st.sampled_from([None, 1, CLINICIAN, CLINICIAN]),
        verdicts=st.lists(st.sampled_from(Verdict), min_size=1, max_size=3),
    )
    def review_all(self, choice, reviewer, verdicts):
        reviewer = self._caller(reviewer, self.model.roles[CLINICIAN_ROLE])
        reviewed = [self._review_of(choice, verdict, None, None) for verdict in verdicts]
        self._attempt(
            lambda: self.model.review_all(address_of(reviewer), reviewed),
            lambda sender: self.registry.reviewDiagnoses(*zip(*reviewed, strict=True), sender),
            reviewer,
        )

    def _review_of(self, choice, verdict, label, change):
        """A review that fits the newest step of a recorded diagnosis, but for what is to differ."""
        _, diagnosis, _, _ = choice.choice(self.accepted)
        if change in ("issuedAt", "label", "imageId"):
            invented = {"issuedAt": diagnosis.issuedAt + 1, "label": 5, "imageId": bytes(32)}
            diagnosis = diagnosis._replace(**{change: invented[change]})
        diagnosis_id = self.model.domain.digest(diagnosis)
        fitting = {Verdict.CONFIRMED: diagnosis.label, Verdict.WITHDRAWN: 0, Verdict.OVERRIDDEN: 1}[verdict]
        if verdict == Verdict.OVERRIDDEN and diagnosis.label == SEALED:
            fitting = SEALED
        review = Review(
            self.model.newest_reviews.get(diagnosis_id, diagnosis_id),
            verdict=verdict,
            label=fitting if label is None else label,
        )
        if change in ("supersedes", "reasonHash"):
            review = review._replace(**{change: bytes(32)})
        return diagnosis, review

    @rule(
        caller=any_caller,
        model=st.sampled_from(MODELS),
        labels=st.sampled_from([1, LABELS, LABELS + 1, 0, SEALED]),
        cid=any_cid,
        retire=st.booleans(),
    )
    def register_or_retire_model(self, caller, model, labels, cid, retire):
        caller = self._caller(caller, self.model.roles[MODEL_ADMIN_ROLE])
        if retire:
            self._attempt(
                lambda: self.model.retire_model(address_of(caller), model),
                lambda sender: self.registry.retireModel(model, sender),
                caller,
            )
        else:
            self._attempt(
                lambda: self.model.register_model(address_of(caller), model, labels, cid),
                lambda sender: self.registry.registerModel(model, labels, cid, sender),
                caller,
            )

    @rule(
        caller=any_caller,
        model=st.sampled_from(MODELS),
        parent=st.sampled_from([*MODELS, bytes(32)]),
        training_id=st.sampled_from([b"\1" * 32, b"\2" * 32, b"\3" * 32, bytes(32)]),
        participants=st.sampled_from([1, 5, 0]),
    )
    def anchor(self, caller, model, parent, training_id, participants):
        caller = self._caller(caller, self.model.roles[MODEL_ADMIN_ROLE])
        training = Training(training_id, model, parent, participants=participants)
        self._attempt(
            lambda: self.model.anchor(address_of(caller), training),
            lambda sender: self.registry.anchorTraining(training, sender),
            caller,
        )

    @rule(
        caller=st.sampled_from([None, None, None, 1]),
        # The first classifier seldom, since hardly anything can be recorded after it.
        holder=st.sampled_from([*[1, 2, 3] * 3, SIGNERS[1], SIGNERS[1], SIGNERS[0]]),
        since=st.sampled_from([*(ISSUED_AT - hours * 3_600 for hours in range(1, 5)), 0, 2**40 - 1]),
    )
    def report_compromise(self, caller, holder, since):
        caller = self._caller(caller, {self.model.admin})
        self._attempt(
            lambda: self.model.report(address_of(caller), address_of(holder), since, chain[-1].timestamp),
            lambda sender: self.registry.reportCompromise(address_of(holder), since, sender),
            caller,
        )

    @rule(
        change=st.sampled_from(["grant", "grant", "revoke", "renounce", "hand on"]),
        caller=any_caller,
        role=st.sampled_from(ROLES),
        holder=any_holder,
    )
    def change_roles(self, change, caller, role, holder):
        caller = self._caller(caller, {address_of(holder)} if change == "renounce" else {self.model.admin})
        if change == "renounce":
            self._attempt(
                lambda: self.model.renounce(address_of(caller), role, address_of(holder)),
                lambda sender: self.registry.renounceRole(role, address_of(holder), sender),
                caller,
            )
        elif change == "hand on":
            self._hand_admin_on(caller, holder if isinstance(holder, int) else ADMIN)
        else:
            call = self.registry.grantRole if change == "grant" else self.registry.revokeRole
            self._attempt(
                lambda: self.model.change_role(address_of(caller), role, address_of(holder), change == "grant"),
                lambda sender: call(role, address_of(holder), sender),
                caller,
            )

    def _hand_admin_on(self, caller, successor):
        tx = self._attempt(
            lambda: self.model.hand_on(address_of(caller), address_of(successor)),
            lambda sender: self.registry.beginDefaultAdminTransfer(address_of(successor), sender),
            caller,
        )
        if tx:
            chain.sleep(ADMIN_DELAY_S + 1)
            self.clock += ADMIN_DELAY_S
            self.registry.acceptDefaultAdminTransfer({"from": accounts[successor]})

    def teardown(self):
        """What once differs stays different, so that comparing at the end is enough."""
        registry, model = self.registry, self.model
        for uploader in accounts[1:4]:
            for cid in [*CIDS, NO_CID]:
                image_id = image_id_of(uploader, cid)
                assert registry.isRegistered(image_id) == (image_id in model.images)
        for image_id, image in model.images.items():
            assert image_of(registry, image_id) == image
        for model_id in MODELS:
            assert registry.statusOf(model_id) == model.models.get(model_id, Status.UNKNOWN)
            assert registry.labelsOf(model_id) == model.labels.get(model_id, 0)
            assert registry.trainingOf(model_id) == hexed(model.trainings.get(model_id, bytes(32)))
        for _, diagnosis, _, _ in self.accepted:
            diagnosis_id = model.domain.digest(diagnosis)
            assert registry.newestReviewOf(diagnosis_id) == hexed(model.newest_reviews.get(diagnosis_id, bytes(32)))
        for role in ROLES:
            for holder in [*range(5), *SIGNERS]:
                assert registry.hasRole(role, address_of(holder)) == (address_of(holder) in model.roles[role])
        for holder in [*range(5), *SIGNERS]:
            assert registry.compromisedSince(address_of(holder)) == model.compromises.get(address_of(holder), 0)
        assert registry.defaultAdmin() == model.admin

    def _caller(self, given: int | None, holders: set[str]) -> int:
        """Return the account that is given, else one that may make the call; the admin where none may."""
        return next((index for index in range(5) if address_of(index) in holders), ADMIN) if given is None else given

    def _attempt(
        self, expected: Callable[[], list[bytes] | None], call: Callable[[dict[str, Any]], Any], caller: int
    ) -> Any | None:
        """Make the call; it must do what the model says. Returns its transaction, None if it was refused."""
        sender = {"from": accounts[caller]}
        try:
            image_ids = expected()
        except Refused as refused:
            with reverts(revert_pattern=re.escape(str(refused)).replace(re.escape(ANY_TIME), r"\d+")):
                call(sender)
            return None
        tx = call(sender)
        self.model.mined(image_ids or [], tx.timestamp)
        return tx


@pytest.mark.parametrize("examples", [15, pytest.param(40, marks=pytest.mark.slow)])
def test_registry_follows_its_model(registry, domain, examples):
    chain.snapshot()
    run_state_machine_as_test(
        lambda: RegistryMachine(registry, domain),
        # The first ten examples are short ones, whatever the number.
        settings=settings(max_examples=examples, stateful_step_count=25, phases=[Phase.generate, Phase.shrink]),
    )
