"""An attestation is for one uploader, chain and contract, and can be recorded when it is given."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.adapters.chain.eip712 import recover
from backend.container import Container
from backend.domain import Classification, ImageFacts
from backend.errors import ChainUnavailable, Conflict, NotFound
from backend.services.attestation import AttestationService
from backend.settings import Settings
from backend.wiring import wire


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

    def at(moment: float) -> AttestationService:
        return AttestationService(
            service._classifications, container.chain, container.signer, container.index, now=lambda: moment
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
    first, created = at(1_790_000_000).attest(made.cid, made.manifest_hash, alice.address)
    assert created
    assert at(1_790_009_999).attest(made.cid, made.manifest_hash, alice.address) == (first, False)


@pytest.mark.parametrize(("age", "reused"), [(6 * 86_400, True), (6 * 86_400 + 1, False)])
def test_one_that_was_not_recorded_is_renewed_after_six_days(
    at, made: Classification, alice: DevelopmentWallet, age: int, reused: bool
) -> None:
    """A day before the contract refuses it, so that the wallet has time."""
    now = 1_790_000_000
    first, _ = at(now).attest(made.cid, made.manifest_hash, alice.address)
    again, created = at(now + age).attest(made.cid, made.manifest_hash, alice.address)
    assert created is not reused
    assert again.diagnosis.issued_at == (now if reused else now + age)
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
    now = 1_790_000_000
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
