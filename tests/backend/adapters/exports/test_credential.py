"""Verifiable Credentials: the data model 2.0, and the signature by another library."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from backend.adapters.chain.signer import KeyFileSigner
from backend.adapters.exports import credential
from backend.adapters.exports.writers import ExportKeys
from backend.domain import DiagnosisStatus
from backend.errors import Conflict, NotIssuer
from tests.backend.adapters.exports.documents import (
    ABSTAINED,
    CID,
    CONTRACT,
    OVERRIDDEN,
    REASON,
    STATES,
    WITHDRAWN,
    facts,
)
from tests.backend.tokens import verified


@pytest.fixture
def signer(tmp_path: Path) -> KeyFileSigner:
    return KeyFileSigner(tmp_path / "key", chain_id=31337)


def keys(signer: KeyFileSigner | None) -> ExportKeys:
    return ExportKeys(lambda: signer, Path("unused"))


@pytest.mark.parametrize("state", [name for name in STATES if not name.startswith("compromised")])
def test_the_classifier_signs_the_credential(signer: KeyFileSigner, state: str):
    found = facts(replace(STATES[state], classifier=signer.address))

    file = credential.write(found, keys(signer))

    assert (file.media_type, file.suffix) == ("application/vc+jwt", "jwt")
    token = verified(file.content.decode("ascii"))
    document = token.payload
    assert document == credential.document(found)
    assert document["@context"][0] == "https://www.w3.org/ns/credentials/v2"
    assert "VerifiableCredential" in document["type"]
    assert document["issuer"] == f"did:pkh:eip155:31337:{signer.address}"
    assert (token.address, token.header["kid"].partition("#")[0]) == (signer.address, document["issuer"])
    assert document["description"].startswith("AI result, not a diagnosis.")
    assert document["credentialSubject"]["status"] == found.diagnosis.status
    # The payload is the credential itself: VC-JOSE-COSE has no claim for it.
    assert not {"vc", "proof"} & document.keys()


def test_a_compromised_key_signs_no_credential(signer: KeyFileSigner):
    found = facts(replace(STATES["compromised"], classifier=signer.address))
    with pytest.raises(Conflict, match="a credential that it signs proves nothing"):
        credential.write(found, keys(signer))


def test_it_names_the_one_transaction(signer: KeyFileSigner):
    found = facts()
    document = credential.document(found)

    (evidence,) = document["evidence"]
    assert evidence["transaction"] == found.transaction_hash
    assert (evidence["chainId"], evidence["registry"]) == (31337, CONTRACT)
    subject = document["credentialSubject"]
    assert subject["id"] == f"ipfs://{CID}"
    assert subject["sha256"] == found.sha256
    assert subject["model"]["sha256"] == found.diagnosis.model.sha256
    assert (subject["modelLabel"], subject["validLabel"], subject["confidence"]) == ("glioma", "glioma", 0.9123)


def test_an_abstention_has_no_label():
    subject = credential.document(facts(ABSTAINED))["credentialSubject"]

    assert (subject["abstained"], subject["reason"]) == (True, REASON)
    assert not {"modelLabel", "validLabel", "confidence"} & subject.keys()
    assert "unverified" in subject["statusText"]


def test_the_valid_label_is_that_of_the_clinician():
    subject = credential.document(facts(OVERRIDDEN))["credentialSubject"]

    assert (subject["modelLabel"], subject["validLabel"]) == ("glioma", "meningioma")
    assert subject["reviews"][0]["verdict"] == "overridden"


def test_nothing_is_valid_after_a_withdrawal():
    subject = credential.document(facts(WITHDRAWN))["credentialSubject"]

    assert "validLabel" not in subject
    assert subject["statusText"] == "withdrawn by a clinician"


def test_each_review_makes_another_credential():
    asserted, overridden = (credential.document(facts(STATES[state])) for state in ("asserted", "overridden"))

    assert asserted["id"] != overridden["id"]
    assert asserted["validFrom"] < overridden["validFrom"]


def test_another_key_issues_nothing(signer: KeyFileSigner):
    found = facts()

    with pytest.raises(NotIssuer) as raised:
        credential.write(found, keys(signer))
    assert str(raised.value) == (
        f"only the key of the classifier {found.diagnosis.classifier} can sign a credential of its result, and the "
        f"key here is that of {signer.address}. Use the evidence file in its place: scanproof evidence "
        f"{found.image_id} --output FILE"
    )


def test_without_a_key_nothing_is_issued():
    with pytest.raises(NotIssuer, match="can sign a credential of its result, and it is not here"):
        credential.write(facts(), keys(None))


def test_the_same_record_has_the_same_credential(signer: KeyFileSigner):
    found = facts(replace(OVERRIDDEN, classifier=signer.address, status=DiagnosisStatus.OVERRIDDEN))

    assert credential.write(found, keys(signer)) == credential.write(found, keys(signer))
