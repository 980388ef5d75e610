"""An attestation is for one uploader, chain and contract, and can be recorded when it is given."""

from __future__ import annotations

import hashlib
import itertools
import json
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
import rfc8785

from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.adapters.chain.eip712 import recover
from backend.cids import raw_cid
from backend.container import Container
from backend.domain import Classification, ImageFacts
from backend.errors import ChainUnavailable, ClockWrong, Conflict, NotFound
from backend.services.attestation import AttestationService
from backend.settings import Settings
from backend.wiring import wire
from ml.datasets.phantom import phantom_png

_seeds = itertools.count(80_000)


@pytest.fixture
def made(container: Container, image: ImageFacts) -> Classification:
    return container.classification.classify(image.cid, None)[0]


@pytest.fixture
def abstention(container: Container, image: ImageFacts) -> Classification:
    """The test's image is a grey area, in which the gate recognises nothing."""
    made, _ = container.classification.classify(image.cid, None)
    assert made.abstained
    return made


@pytest.fixture
def at(container: Container) -> Callable[[float], AttestationService]:
    """The attestation service with its clock at a time."""
    service = container.attestation

    def at(now: float) -> AttestationService:
        return AttestationService(
            service._classifications,
            service._studies,
            container.chain,
            container.signer,
            container.index,
            now=lambda: now,
        )

    return at


def test_what_is_signed_is_what_was_classified(
    container: Container, made: Classification, alice: DevelopmentWallet
) -> None:
    signed, _ = container.attestation.attest(made.cid, made.manifest_hash, alice.address)
    diagnosis = signed.diagnosis
    assert recover(signed) == container.signer.address
    assert diagnosis.image_id == container.chain.image_id(alice.address, made.cid)
    assert diagnosis.model_id == "0x" + made.model.sha256
    assert diagnosis.manifest_hash == "0x" + made.manifest_hash
    confidence = 0 if made.abstained else round(made.confidence * 10_000)
    assert (diagnosis.label, diagnosis.confidence) == (made.label_code, confidence)
    assert (signed.chain_id, signed.contract) == (container.chain.chain_id, container.chain.contract)


def test_two_diagnoses_within_one_second_can_both_be_recorded(
    at, made: Classification, alice: DevelopmentWallet
) -> None:
    now = int(time.time())
    first, _ = at(now).attest(made.cid, made.manifest_hash, alice.address)
    alice.register_with_diagnosis(made.cid, first)
    second, created = at(now).attest(made.cid, made.manifest_hash, alice.address)
    assert created
    assert second.diagnosis.issued_at == first.diagnosis.issued_at + 1
    alice.record_diagnosis(second)


def test_an_attestation_is_the_same_at_any_time_until_it_is_recorded(
    at, made: Classification, alice: DevelopmentWallet
) -> None:
    now = int(time.time())
    first, created = at(now - 3600).attest(made.cid, made.manifest_hash, alice.address)
    assert created
    assert at(now).attest(made.cid, made.manifest_hash, alice.address) == (first, False)


@pytest.mark.parametrize(("age", "reused"), [(6 * 86_400, True), (6 * 86_400 + 1, False)])
def test_one_that_was_not_recorded_is_renewed_after_six_days(
    at, made: Classification, alice: DevelopmentWallet, age: int, reused: bool
) -> None:
    """A day before the contract refuses it, so that the wallet has time."""
    now = int(time.time())
    first, _ = at(now - age).attest(made.cid, made.manifest_hash, alice.address)
    again, created = at(now).attest(made.cid, made.manifest_hash, alice.address)
    assert created is not reused
    assert again.diagnosis.issued_at == (now - age if reused else now)
    assert (again == first) is reused


def test_an_abstention_is_signed_without_a_confidence_and_recorded(
    container: Container, abstention: Classification, alice: DevelopmentWallet
) -> None:
    signed, _ = container.attestation.attest(abstention.cid, abstention.manifest_hash, alice.address)
    assert abstention.confidence > 0
    assert (signed.diagnosis.label, signed.diagnosis.confidence) == (0, 0)
    alice.register_with_diagnosis(abstention.cid, signed)


@pytest.mark.parametrize(("ahead", "reused"), [(15 * 60, True), (15 * 60 + 1, False)])
def test_one_that_was_signed_with_a_wrong_clock_is_given_again_only_if_the_contract_takes_it(
    at, made: Classification, alice: DevelopmentWallet, ahead: int, reused: bool
) -> None:
    now = int(time.time()) - 3600
    early, _ = at(now + ahead).attest(made.cid, made.manifest_hash, alice.address)
    again, created = at(now).attest(made.cid, made.manifest_hash, alice.address)
    assert created is not reused
    assert again.diagnosis.issued_at == (now + ahead if reused else now)
    assert (again == early) is reused


def test_registering_the_image_alone_does_not_change_it(
    container: Container, made: Classification, alice: DevelopmentWallet
) -> None:
    first, _ = container.attestation.attest(made.cid, made.manifest_hash, alice.address)
    alice.register_image(made.cid)
    again, created = container.attestation.attest(made.cid, made.manifest_hash, alice.address)
    assert (again, created) == (first, False)
    alice.record_diagnosis(again)


def test_a_new_key_signs_anew(
    container: Container, made: Classification, settings: Settings, alice: DevelopmentWallet
) -> None:
    first, _ = container.attestation.attest(made.cid, made.manifest_hash, alice.address)
    changed = wire(replace(settings, classifier_key_file=settings.var / "another" / "key"))
    again, created = changed.attestation.attest(made.cid, made.manifest_hash, alice.address)
    assert created
    assert again.classifier == changed.signer.address != first.classifier
    changed.close()


def test_without_the_chain_nothing_is_signed(
    container: Container, made: Classification, settings: Settings, alice: DevelopmentWallet
) -> None:
    """Whether a diagnosis is on the chain already decides which attestation is right."""
    offline = wire(replace(settings, rpc_url="http://127.0.0.1:1"))
    with pytest.raises(ChainUnavailable):
        offline.attestation.attest(made.cid, made.manifest_hash, alice.address)
    offline.close()


def test_an_unknown_manifest_and_one_of_another_image_are_refused(
    container: Container, made: Classification, picture: Callable[..., bytes], alice: DevelopmentWallet
) -> None:
    with pytest.raises(NotFound, match=f"^no manifest with the SHA-256 {'00' * 32} was made here$"):
        container.attestation.attest(made.cid, "00" * 32, alice.address)
    other = container.intake.accept(picture(), client="127.0.0.1").facts.cid
    with pytest.raises(Conflict, match=f"^that manifest is of the image {made.cid}, not of {other}$"):
        container.attestation.attest(other, made.manifest_hash, alice.address)


@pytest.mark.parametrize("opinion", [None, "other", "absent"])
def test_a_result_that_the_gate_does_not_permit_is_never_signed(
    container: Container, alice: DevelopmentWallet, opinion: str | None
) -> None:
    """No route stores one; this one is put into the database by hand."""
    cid = container.intake.accept(phantom_png(seed=next(_seeds)), client="127.0.0.1").facts.cid
    made, _ = container.classification.classify(cid, "brain-mri")
    assert not made.abstained
    fields = json.loads(made.manifest)
    if opinion == "absent":
        del fields["gate"]
    else:
        fields["gate"]["modality"] = opinion
    manifest = rfc8785.dumps(fields)
    digest = hashlib.sha256(manifest).hexdigest()
    forced = replace(made, manifest=manifest, manifest_hash=digest, manifest_cid=raw_cid(digest))
    assert container.attestation._classifications.replace(made, forced)
    with pytest.raises(Conflict, match=f"^expected a result that the gate permits, found that of manifest {digest}"):
        container.attestation.attest(cid, digest, alice.address)


HOUR, DAY = 3600, 24 * 3600


@pytest.mark.parametrize(
    ("ahead", "shown"), [(HOUR + 30, "1:00:[23]"), (16 * 60 + 30, "0:16:[23]"), (365 * DAY + 30, "365 days, 0:00:[23]")]
)
def test_with_a_clock_that_is_ahead_nothing_is_signed(
    at, container: Container, made: Classification, alice: DevelopmentWallet, ahead: int, shown: str
) -> None:
    wrong = at(time.time() + ahead)
    with pytest.raises(ClockWrong, match=rf"^this server's clock is {shown}\d ahead of the chain's, which refuses"):
        wrong.attest(made.cid, made.manifest_hash, alice.address)
    with pytest.raises(ClockWrong):
        wrong.check_clock()
    container.attestation.check_clock()
    signed, _ = container.attestation.attest(made.cid, made.manifest_hash, alice.address)
    alice.register_with_diagnosis(made.cid, signed)


def test_with_a_clock_that_is_behind_nothing_is_signed(at, made: Classification, alice: DevelopmentWallet) -> None:
    with pytest.raises(
        ClockWrong, match=r"^this server's clock is 8 days, 0:0\d:\d\d behind the chain's, which refuses"
    ):
        at(time.time() - 8 * DAY).attest(made.cid, made.manifest_hash, alice.address)


class IdleChain:
    """The chain as if nothing had been mined for ten days; ``clock`` is that of its node."""

    def __init__(self, container: Container, clock: Callable[[], int]) -> None:
        self._chain = container.chain
        self._clock = clock

    def __getattr__(self, name: str):
        return getattr(self._chain, name)

    def time(self) -> int:
        return max(int(time.time()) - 10 * DAY, self._clock())


def test_a_chain_on_which_nothing_is_mined_takes_what_its_nodes_clock_takes(
    container: Container, made: Classification, alice: DevelopmentWallet
) -> None:
    idle = IdleChain(container, lambda: int(time.time()))
    service = container.attestation

    def attestation(now: Callable[[], float]) -> AttestationService:
        return AttestationService(
            service._classifications, service._studies, idle, container.signer, container.index, now=now
        )

    signed, _ = attestation(time.time).attest(made.cid, made.manifest_hash, alice.address)
    alice.register_with_diagnosis(made.cid, signed)
    with pytest.raises(ClockWrong):
        attestation(lambda: time.time() + HOUR).attest(made.cid, made.manifest_hash, alice.address)
