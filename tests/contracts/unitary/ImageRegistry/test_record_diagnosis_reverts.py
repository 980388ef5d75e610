import pytest
from brownie import accounts, chain, reverts, web3
from brownie.exceptions import VirtualMachineError
from eth_abi import encode
from eth_utils import keccak

from tests.contracts.support import ISSUED_AT, LABELS, MAX_AGE_S, SEALED, Diagnosis, error, image_id_of, image_of

pytestmark = pytest.mark.node

IMAGES_SLOT = 7
MAX_UINT64 = 2**64 - 1


def test_image_not_registered(registry, domain, alice, bob, cid, classifier, image_id):
    unknown = Diagnosis(image_id_of(bob, cid))
    with reverts(error("ImageNotRegistered", unknown.imageId)):
        registry.recordDiagnosis(unknown, domain.sign(classifier, unknown), {"from": alice})


@pytest.mark.parametrize("index", [0, *range(2, 10)])
def test_every_other_account_refused(registry, image_id, diagnosis, signature, index):
    with reverts(error("NotUploader", image_id, accounts[index])):
        registry.recordDiagnosis(diagnosis, signature, {"from": accounts[index]})


@pytest.mark.parametrize("confidence", [10_001, 65_535])
def test_confidence_out_of_range(registry, domain, alice, classifier, diagnosis, confidence):
    excessive = diagnosis._replace(confidence=confidence)
    with reverts(error("ConfidenceOutOfRange", confidence)):
        registry.recordDiagnosis(excessive, domain.sign(classifier, excessive), {"from": alice})


def test_replay_on_the_same_image(registry, alice, diagnosis, signature):
    registry.recordDiagnosis(diagnosis, signature, {"from": alice})
    with reverts(error("DiagnosisNotNewer", ISSUED_AT, ISSUED_AT)):
        registry.recordDiagnosis(diagnosis, signature, {"from": alice})


@pytest.mark.parametrize("age", [0, 1, ISSUED_AT])
def test_not_newer_than_the_last(registry, domain, alice, classifier, diagnosis, signature, age):
    registry.recordDiagnosis(diagnosis, signature, {"from": alice})
    stale = diagnosis._replace(label=0, issuedAt=ISSUED_AT - age)
    with reverts(error("DiagnosisNotNewer", stale.issuedAt, ISSUED_AT)):
        registry.recordDiagnosis(stale, domain.sign(classifier, stale), {"from": alice})


def test_first_diagnosis_issued_at_zero(registry, domain, alice, classifier, diagnosis):
    timeless = diagnosis._replace(issuedAt=0)
    with reverts(error("DiagnosisNotNewer", 0, 0)):
        registry.recordDiagnosis(timeless, domain.sign(classifier, timeless), {"from": alice})


@pytest.mark.parametrize("ahead", [3_600, None], ids=["an hour", "beyond uint40"])
def test_issued_in_the_future(registry, domain, alice, classifier, diagnosis, ahead):
    future = diagnosis._replace(issuedAt=chain[-1].timestamp + ahead if ahead else MAX_UINT64)
    with pytest.raises(VirtualMachineError) as refused:
        registry.recordDiagnosis(future, domain.sign(classifier, future), {"from": alice})
    assert refused.value.revert_msg == error("DiagnosisFromFuture", future.issuedAt, chain[-1].timestamp)


def test_one_second_past_15_minutes(registry, domain, alice, classifier, diagnosis):
    def call(issued_at):
        late = diagnosis._replace(issuedAt=issued_at)
        transaction = {"from": alice}
        registry.recordDiagnosis.call(late, domain.sign(classifier, late), transaction, block_identifier=block)

    block = chain.height
    now = chain[block].timestamp
    call(now + 900)
    with reverts(error("DiagnosisFromFuture", now + 901, now)):
        call(now + 901)


def test_one_second_past_7_days(registry, domain, alice, classifier, diagnosis):
    def call(issued_at):
        old = diagnosis._replace(issuedAt=issued_at)
        transaction = {"from": alice}
        registry.recordDiagnosis.call(old, domain.sign(classifier, old), transaction, block_identifier=block)

    block = chain.height
    now = chain[block].timestamp
    call(now - MAX_AGE_S)
    with reverts(error("DiagnosisExpired", now - MAX_AGE_S - 1, now)):
        call(now - MAX_AGE_S - 1)


def test_issued_years_ago(registry, domain, alice, classifier, diagnosis):
    old = diagnosis._replace(issuedAt=1)
    with pytest.raises(VirtualMachineError) as refused:
        registry.recordDiagnosis(old, domain.sign(classifier, old), {"from": alice})
    assert refused.value.revert_msg == error("DiagnosisExpired", 1, chain[-1].timestamp)


@pytest.mark.parametrize("label", [LABELS + 1, 777, SEALED - 1])
def test_label_that_the_model_does_not_have(registry, domain, alice, classifier, diagnosis, label):
    other = diagnosis._replace(label=label)
    with reverts(error("LabelOutOfRange", label, LABELS)):
        registry.recordDiagnosis(other, domain.sign(classifier, other), {"from": alice})


@pytest.mark.parametrize("confidence", [1, 10_000])
def test_abstention_with_a_confidence(registry, domain, alice, classifier, diagnosis, confidence):
    abstention = diagnosis._replace(label=0, confidence=confidence)
    with reverts(error("AbstentionConfidence", confidence)):
        registry.recordDiagnosis(abstention, domain.sign(classifier, abstention), {"from": alice})


def test_counter_full(registry, domain, alice, classifier, image_id, diagnosis, signature):
    uploader, registered_at, _, _ = image_of(registry, image_id)
    slot = int.from_bytes(keccak(encode(["bytes32", "uint256"], [image_id, IMAGES_SLOT])), "big")
    record = int(uploader, 16) | registered_at << 160
    assert int.from_bytes(web3.eth.get_storage_at(registry.address, slot), "big") == record, "one packed slot"
    _set_storage(registry.address, slot, record | 65_534 << 240)

    registry.recordDiagnosis(diagnosis, signature, {"from": alice})
    assert image_of(registry, image_id)[3] == 65_535
    last = diagnosis._replace(issuedAt=ISSUED_AT + 1)
    with reverts(error("TooManyDiagnoses", image_id)):
        registry.recordDiagnosis(last, domain.sign(classifier, last), {"from": alice})


def _set_storage(address, slot, value):
    method = "anvil_setStorageAt" if "anvil" in web3.client_version else "evm_setAccountStorageAt"
    response = web3.provider.make_request(method, [address, f"0x{slot:064x}", f"0x{value:064x}"])
    assert response["result"] is True
