"""A true record on Ganache, and ways to falsify one part of what a verification sees."""

from __future__ import annotations

import hashlib
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from backend.adapters.block_store import EmbeddedStore
from backend.adapters.chain import eip712
from backend.adapters.chain.development_wallet import DevelopmentWallet
from backend.adapters.chain.signer import KeyFileSigner
from backend.adapters.image_inspector import PillowInspector
from backend.adapters.unixfs import cid_of
from backend.domain import Check, Diagnosis, ImageFacts, ModelFacts
from backend.services import manifests
from backend.services.verification import Verification, VerificationService
from backend.wiring import wire_chain

MODEL = ModelFacts("brain-mri", "1.0", "ab" * 32, "brain-mri")
PROBABILITIES = {"glioma": 0.75, "notumor": 0.25}
_numbers = itertools.count()


@dataclass
class TwinClassifier:
    """A model whose answers a test can change."""

    probabilities: dict[str, float] = field(default_factory=lambda: dict(PROBABILITIES))
    label: str = "glioma"
    code: int = 1

    def models(self) -> list[dict]:
        return [{"name": MODEL.name, "version": MODEL.version, "sha256": MODEL.sha256, "modality": MODEL.modality}]

    def predict(self, model: ModelFacts, image: bytes) -> tuple[SimpleNamespace, None]:
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
    """The true chain, but for what a test replaces: methods by name, and fields of its events by kind."""

    def __init__(self, chain, events: dict[type, dict] | None = None, **methods) -> None:
        self._chain = chain
        self._events = events or {}
        self._methods = methods

    def __getattr__(self, name: str):
        return self._methods.get(name) or getattr(self._chain, name)

    def events_of_image(self, image_id: str) -> list:
        return [replace(e, **self._events.get(type(e), {})) for e in self._chain.events_of_image(image_id)]


@dataclass
class World:
    """Everything around a record."""

    chain: object
    store: EmbeddedStore
    classifier: TwinClassifier
    signer: KeyFileSigner
    wallet: DevelopmentWallet

    def pin_image(self, content: bytes | None = None) -> tuple[bytes, str]:
        content = content or f"image {next(_numbers)} of {time.time_ns()}".encode()
        return content, self.store.put(content, name="image", media_type="image/png").cid

    def manifest(self, content: bytes, cid: str, model: ModelFacts = MODEL) -> bytes:
        facts = ImageFacts(cid, hashlib.sha256(content).hexdigest(), len(content), 1, 1, "image/png", ())
        prediction, _ = self.classifier.predict(model, content)
        return manifests.build(facts, model, {"id": "p", "temperature": 1.0}, prediction, datetime.now(UTC))

    def sign(self, cid: str, manifest: bytes, **changes):
        fields = {
            "image_id": self.chain.image_id(self.wallet.address, cid),
            "model_id": "0x" + MODEL.sha256,
            "label": 1,
            "confidence": 7500,
            "manifest_hash": "0x" + manifests.hash_of(manifest),
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

    def verify(self, image_id: str, *, chain: object = None, content: bytes | None = None) -> Verification:
        return self.service(chain).verify(image_id, content=content)

    def service(self, chain: object = None) -> VerificationService:
        return VerificationService(
            chain or self.chain,
            self.store,
            self.classifier,
            PillowInspector(),
            cid_of=cid_of,
            recover=eip712.recover,
        )

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
def world(ganache, alice, tmp_path) -> World:
    return World(
        chain=wire_chain(ganache),
        store=EmbeddedStore(tmp_path / "ipfs"),
        classifier=TwinClassifier(),
        signer=KeyFileSigner(ganache.classifier_key_file, chain_id=ganache.chain_id),
        wallet=alice,
    )


def failures(verification: Verification) -> dict[str, Check]:
    return {check.name: check for check in verification.checks if not check.passed}


def unchecked(verification: Verification) -> list[str]:
    return [name for name, check in failures(verification).items() if check.found.startswith("not checked: ")]


def wrong(verification: Verification) -> list[str]:
    """The checks that failed, without those that could not be made."""
    return [name for name in failures(verification) if name not in unchecked(verification)]
