"""A result as a W3C Verifiable Credential 2.0, secured as a JWT by the classifier's key.

Sources: https://www.w3.org/TR/vc-data-model-2.0/, https://www.w3.org/TR/vc-jose-cose/, RFC 8812.
"""

from __future__ import annotations

from backend.adapters.exports import values
from backend.adapters.exports.wording import Json, did, instant, newest, statements, urn
from backend.adapters.exports.writers import ExportKeys
from backend.errors import Conflict, NotIssuer
from backend.exports import ExportedFile, RecordFacts

MEDIA_TYPE = "application/vc+jwt"

_CONTEXT = ["https://www.w3.org/ns/credentials/v2", {"@vocab": "urn:scanproof:vocabulary#"}]


def write(facts: RecordFacts, keys: ExportKeys) -> ExportedFile:
    """Raises Conflict where that key is reported as compromised, NotIssuer without the key of the diagnosis'
    classifier, ConfigurationError for a key that is unusable."""
    if facts.diagnosis.compromise:
        raise Conflict(
            "the classifier's key is reported as compromised: a credential that it signs proves nothing. Choose "
            "another export"
        )
    signer, classifier = keys.classifier(), facts.diagnosis.classifier
    if signer is None or signer.address != classifier:
        raise NotIssuer(classifier, signer.address if signer else None, facts.image_id)
    return ExportedFile(signer.sign_credential(document(facts)).encode("ascii"), MEDIA_TYPE, "jwt")


def document(facts: RecordFacts) -> Json:
    """The credential before it is signed. It holds since the newest event of the diagnosis, and does not follow later
    ones: the record does."""
    return {
        "@context": _CONTEXT,
        "id": urn(facts, "credential", str(newest(facts))),
        "type": ["VerifiableCredential", "ScanProofResult"],
        "name": "AI result of a medical image",
        "description": " ".join(statements(facts)),
        "issuer": did(facts.chain_id, facts.diagnosis.classifier),
        "validFrom": instant(newest(facts)),
        "credentialSubject": values.result(facts),
        "evidence": [{"type": ["ScanProofRecord"], **values.record(facts)}],
    }
