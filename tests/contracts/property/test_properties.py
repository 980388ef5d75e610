"""Properties that hold for every input, tried as calls: no state changes between examples."""

from __future__ import annotations

from brownie import reverts
from brownie.test import given
from hypothesis import strategies as st

from tests.contracts.support import DAY_S, ISSUED_AT, LABELS, MAX_AGE_S, MODEL_ID, SEALED, Diagnosis, error, image_id_of

# Two bytes a letter in UTF-8: the contract counts bytes.
LETTERS = st.text("abz27é", min_size=54, max_size=58)
WORDS = st.binary(min_size=32, max_size=32)
UINT16 = st.integers(0, 2**16 - 1)


@given(text=st.one_of(st.text(), LETTERS, LETTERS.map(lambda letters: "baf" + letters), st.just("baf" + 56 * "a")))
def test_cid_is_59_bytes_beginning_with_baf(registry, alice, text):
    if len(text.encode()) == 59 and text.startswith("baf"):
        assert bytes(registry.registerImage.call(text, bytes(32), {"from": alice})) == image_id_of(alice, text)
    else:
        with reverts(error("InvalidCid", text)):
            registry.registerImage.call(text, bytes(32), {"from": alice})


@given(text=st.text())
def test_image_id_is_the_hash_of_uploader_and_cid(registry, alice, text):
    assert bytes(registry.imageIdOf(alice, text)) == image_id_of(alice, text)


@given(
    values=st.tuples(WORDS, WORDS, UINT16, UINT16, WORDS, st.integers(0, 2**64 - 1)),
)
def test_digest_is_that_of_eip712(registry, domain, values):
    diagnosis = Diagnosis(*values)
    assert bytes(registry.hashDiagnosis(diagnosis)) == domain.digest(diagnosis)


@given(
    label=st.integers(0, LABELS) | st.just(SEALED),
    confidence=st.integers(0, 10_000),
    manifest=WORDS,
    age=st.integers(0, MAX_AGE_S - DAY_S),
)
def test_whatever_the_classifier_signs_is_accepted(
    registry, domain, alice, cid, classifier, label, confidence, manifest, age
):
    stated = 0 if label in (0, SEALED) else confidence
    diagnosis = Diagnosis(image_id_of(alice, cid), MODEL_ID, label, stated, manifest, ISSUED_AT - age)
    signature = domain.sign(classifier, diagnosis)
    returned = registry.registerWithDiagnosis.call(cid, bytes(32), diagnosis, signature, {"from": alice})
    assert bytes(returned) == diagnosis.imageId


@given(label=UINT16)
def test_only_labels_of_the_model_are_recorded(registry, domain, alice, cid, classifier, label):
    diagnosis = Diagnosis(image_id_of(alice, cid), label=label, confidence=0)
    signature = domain.sign(classifier, diagnosis)
    if label <= LABELS or label == SEALED:
        registry.registerWithDiagnosis.call(cid, bytes(32), diagnosis, signature, {"from": alice})
    else:
        with reverts(error("LabelOutOfRange", label, LABELS)):
            registry.registerWithDiagnosis.call(cid, bytes(32), diagnosis, signature, {"from": alice})


@given(bit=st.integers(0, 65 * 8 - 1))
def test_no_bit_of_a_signature_may_change(registry, domain, alice, cid, classifier, bit):
    diagnosis = Diagnosis(image_id_of(alice, cid))
    signature = bytearray(domain.sign(classifier, diagnosis))
    signature[bit // 8] ^= 1 << bit % 8
    with reverts(revert_pattern="ClassifierNotAuthorized: 0x[0-9a-f]{40}"):
        registry.registerWithDiagnosis.call(cid, bytes(32), diagnosis, bytes(signature), {"from": alice})
