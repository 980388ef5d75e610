"""A true record on Ganache, and ways to falsify one part of what a verification sees."""

from __future__ import annotations

import hashlib
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
import rfc8785

from backend.adapters.chain import eip712
from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.adapters.chain.development_accounts import ADMIN, CLINICIAN, USER
from backend.adapters.chain.ids import review_id
from backend.adapters.chain.proofs.evidence_chain import EvidenceChain
from backend.adapters.chain.proofs.reader import ProofReader
from backend.adapters.chain.signer import KeyFileSigner
from backend.adapters.images.inspector import PillowInspector
from backend.adapters.ipfs.block_store import EmbeddedStore
from backend.adapters.ipfs.unixfs import cid_of
from backend.ancestry import Ancestry, parent_in, trace
from backend.cids import hash_of
from backend.domain import (
    Check,
    Diagnosis,
    DiagnosisRecordedEvent,
    DiagnosisReviewedEvent,
    GateOpinion,
    ImageFacts,
    ModelDescription,
    ModelFacts,
    ModelStatus,
    Preprocessing,
    Review,
    Verdict,
)
from backend.evidence import Evidence
from backend.ports import Chain
from backend.services import manifests
from backend.services.evidence import EvidenceService
from backend.services.evidence_verification import EvidenceVerification, EvidenceVerificationService
from backend.services.verification import Verification, VerificationService
from backend.settings import Settings
from backend.wiring import wire_chain
from tests.backend.models import LABELS

MODEL = ModelFacts("brain-mri", "1.0", "a1" * 32, "brain-mri")
OTHER_MODEL = ModelFacts("other", "1", "a2" * 32, "brain-mri")
GATE = ModelFacts("gate", "1", "a3" * 32, "any")
CARD = b"# A model for tests\n"
PROBABILITIES = {"glioma": 0.75, "notumor": 0.25}
_numbers = itertools.count()


@dataclass
class TwinClassifier:
    """A model and a gate whose answers a test can change."""

    probabilities: dict[str, float] = field(default_factory=lambda: dict(PROBABILITIES))
    label: str = "glioma"
    code: int = 1
    decodings: list[int | None] = field(default_factory=list)
    modality: str | None = "brain-mri"

    def describe(self, sha256: str) -> ModelDescription | None:
        known = {MODEL.sha256: (MODEL, "classifier"), GATE.sha256: (GATE, "gate")}
        return ModelDescription(*known[sha256], "", None, (), {}, "") if sha256 in known else None

    def recognise(self, gate: ModelFacts, image: bytes, decoding: int | None = None) -> GateOpinion:
        return GateOpinion(gate, self.modality)

    def predict(self, model: ModelFacts, image: bytes, decoding: int | None = None) -> tuple[SimpleNamespace, None]:
        self.decodings.append(decoding)
        prediction = SimpleNamespace(
            label=self.label,
            code=self.code,
            confidence=max(self.probabilities.values()),
            probabilities=self.probabilities,
            abstained=self.code == 0,
            reason=None,
            threshold=0.5,
        )
        return prediction, None


class FalseChain:
    """The true chain, but for what a test replaces: methods by name, and fields of its events by kind.

    Its node has neither signed transactions nor state, so that only the lines about the events see what is false.
    """

    def __init__(self, chain, events: dict[type, dict] | None = None, **methods) -> None:
        self._chain = chain
        self._events = events or {}
        signed = methods.pop("signed_transaction", lambda _hash: None)
        self._methods = {
            "signed_transactions": lambda hashes: [signed(hash_) for hash_ in hashes],
            "state_block": lambda: None,
            **methods,
        }

    def __getattr__(self, name: str):
        return self._methods.get(name) or getattr(self._chain, name)

    def ancestry(self, model_id: str) -> Ancestry:
        events_of = self._methods.get("events_of_model", self._chain.events_of_model)
        models = trace(model_id, lambda each: parent_in(events_of(each)))
        return {each: events_of(each) for each in models}

    def events_of_image(self, image_id: str) -> list:
        events = self._methods.get("events_of_image", self._chain.events_of_image)(image_id)
        return [replace(event, **self._events.get(type(event), {})) for event in events]


@dataclass
class World:
    """Everything around a record."""

    rpc_url: str
    chain: Chain
    store: EmbeddedStore
    classifier: TwinClassifier
    signer: KeyFileSigner
    wallet: DevelopmentWallet
    admin: DevelopmentWallet
    clinician: DevelopmentWallet

    def pin_image(self, content: bytes | None = None) -> tuple[bytes, str]:
        content = content or f"image {next(_numbers)} of {time.time_ns()}".encode()
        return content, self.store.put(content, name="image", media_type="image/png").cid

    def manifest(
        self,
        content: bytes,
        cid: str,
        model: ModelFacts = MODEL,
        salt: str | None = None,
        opinion: GateOpinion | None = None,
        decoding: int = 1,
    ) -> bytes:
        facts = ImageFacts(cid, hashlib.sha256(content).hexdigest(), len(content), 1, 1, "image/png", ())
        prediction, _ = self.classifier.predict(model, content)
        preprocessing = Preprocessing(id="p", temperature=1.0)
        return manifests.build(
            facts, model, preprocessing, prediction, datetime.now(UTC), salt, opinion=opinion, decoding=decoding
        )

    def sign(self, cid: str, manifest: bytes, **changes):
        fields = {
            "image_id": self.chain.image_id(self.wallet.address, cid),
            "model_id": "0x" + MODEL.sha256,
            "label": 1,
            "confidence": 7500,
            "manifest_hash": hash_of(manifest),
            "issued_at": int(time.time()),
        }
        diagnosis = Diagnosis(**{**fields, **changes})
        return self.signer.sign(diagnosis, chain_id=self.chain.chain_id, contract=self.chain.contract)

    def record(self, manifest_of: Callable[[bytes, str], bytes] | None = None, **changes) -> Recorded:
        """Pin, sign and record; ``changes`` are to the fields of the diagnosis that is signed."""
        content, cid = self.pin_image()
        manifest = (manifest_of or self.manifest)(content, cid)
        self.store.put(manifest, name="manifest", media_type="application/json")
        signed = self.sign(cid, manifest, **changes)
        sent = self.wallet.register_with_diagnosis(cid, signed)
        return Recorded(content, cid, manifest, signed.diagnosis.image_id, sent.hash)

    def diagnoses(self, image_id: str) -> list[DiagnosisRecordedEvent]:
        return [e for e in self.chain.events_of_image(image_id) if isinstance(e, DiagnosisRecordedEvent)]

    def reviews(self, image_id: str) -> list[DiagnosisReviewedEvent]:
        return [e for e in self.chain.events_of_image(image_id) if isinstance(e, DiagnosisReviewedEvent)]

    def review(self, image_id: str, verdict: Verdict, label: int, *, publish: bool = True) -> bytes:
        """The newest diagnosis reviewed, and the statement."""
        diagnosis = self.diagnoses(image_id)[-1]
        earlier = [r.review_id for r in self.reviews(image_id) if r.diagnosis_id == diagnosis.diagnosis_id]
        statement = rfc8785.dumps(
            {
                "schema": "scanproof.review/1",
                "imageId": image_id,
                "diagnosisId": diagnosis.diagnosis_id,
                "verdict": verdict,
                "label": None,
                "labelCode": label,
                "reason": f"seen by two \N{EM DASH} {verdict}",
                "salt": "5a" * 32,
            }
        )
        if publish:
            self.store.put(statement, name="statement", media_type="application/json")
        reason_hash = "0x" + hashlib.sha256(statement).hexdigest()
        supersedes = earlier[-1] if earlier else diagnosis.diagnosis_id
        self.clinician.review(diagnosis, Review(supersedes, reason_hash, verdict, label))
        return statement

    def verify(self, image_id: str, *, chain: Chain | None = None, **options) -> Verification:
        return self.service(chain).verify(image_id, **options)

    def service(self, chain: Chain | None = None) -> VerificationService:
        return VerificationService(
            chain=chain or self.chain,
            store=self.store,
            classifier=self.classifier,
            inspector=PillowInspector(),
            cid_of=cid_of,
            recover=eip712.recover,
            review_id=review_id,
            rereads=0,
        )

    def evidence(self, image_id: str, **options) -> Evidence:
        proofs = ProofReader(self.rpc_url, contract=self.chain.contract)
        return EvidenceService(self.chain, self.store, proofs, read=EvidenceChain).collect(image_id, **options)

    def verify_evidence(self, evidence: Evidence, **options) -> Verification:
        return self.check_evidence(evidence, **options).record

    def check_evidence(self, evidence: Evidence, *, node: object = None, **options) -> EvidenceVerification:
        service = EvidenceVerificationService(
            self.classifier,
            PillowInspector(),
            read=EvidenceChain,
            cid_of=cid_of,
            recover=eip712.recover,
            review_id=review_id,
        )
        return service.verify(evidence, node=node and (lambda _first_block: node), **options)

    def damage(self, cid: str) -> None:
        """Flip one bit in the middle of a stored block."""
        (path,) = [path for path in self.store._folder.rglob(cid) if path.parent.parent.name == "blocks"]
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)


@dataclass(frozen=True, slots=True)
class Recorded:
    content: bytes
    cid: str
    manifest: bytes
    image_id: str
    transaction: str


@pytest.fixture
def world(ganache, tmp_path) -> World:
    return make_world(ganache, tmp_path)


def make_world(ganache: Settings, folder: Path) -> World:
    store = EmbeddedStore(folder / "ipfs")
    card = store.put(CARD, name="card", media_type="text/markdown")
    chain = wire_chain(ganache)
    admin = DevelopmentWallet(ganache.rpc_url, ganache.contract_address, ADMIN)
    for model in (MODEL, OTHER_MODEL):
        if chain.model_states(["0x" + model.sha256])[0].status is ModelStatus.UNKNOWN:
            admin.register_model("0x" + model.sha256, LABELS, card.cid)
    return World(
        rpc_url=ganache.rpc_url,
        chain=chain,
        store=store,
        classifier=TwinClassifier(),
        signer=KeyFileSigner(ganache.classifier_key_file, chain_id=ganache.chain_id),
        wallet=DevelopmentWallet(ganache.rpc_url, ganache.contract_address, USER),
        admin=admin,
        clinician=DevelopmentWallet(ganache.rpc_url, ganache.contract_address, CLINICIAN),
    )


def failures(verification: Verification) -> dict[str, Check]:
    return {check.name: check for check in verification.checks if not check.passed}


def unchecked(verification: Verification) -> list[str]:
    return [name for name, check in failures(verification).items() if check.found.startswith("not checked: ")]


def wrong(verification: Verification) -> list[str]:
    """The checks that failed, without those that could not be made."""
    return [name for name in failures(verification) if name not in unchecked(verification)]
