"""Making studies with the services of a container."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from types import SimpleNamespace

from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.adapters.ipfs.unixfs import cid_of
from backend.cids import raw_cid
from backend.container import Container
from backend.domain import ImageFacts, ModelFacts, Preprocessing, SentTransaction, StudyFile
from backend.services import manifests, study_documents
from backend.services.screening import Answers
from backend.services.study_documents import StudyDocuments

CLIENT = "127.0.0.1"
TIME = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def documents_of(
    count: int,
    model: ModelFacts,
    *,
    labels: Mapping[int, tuple[str, int]] | None = None,
    seed: str = "slice",
    size: int = 1000,
) -> StudyDocuments:
    """The documents of a study whose slices have no bytes. ``labels`` and codes by order; the others are glioma, 1."""
    lines, slices = [], []
    for order in range(count):
        label, code = (labels or {}).get(order, ("glioma", 1))
        sha256 = hashlib.sha256(f"{seed} {order}".encode()).hexdigest()
        prediction = SimpleNamespace(
            label=label,
            code=code,
            confidence=0.9,
            probabilities={label: 0.9},
            abstained=code == 0,
            reason=None,
            threshold=None,
        )
        manifest = manifests.build(
            ImageFacts(raw_cid(sha256), sha256, size + order, 1, 1, "image/png", ()),
            model,
            Preprocessing(id="p", temperature=1.0),
            prediction,
            TIME,
            decoding=1,
            opinion=None,
        )
        lines.append(manifest)
        slices.append(study_documents.slice_of(order, size + order, manifest))
    return study_documents.build(slices, lines, model=model, series=None, cid_of=cid_of, time=TIME)


def declared(files: Mapping[str, bytes]) -> list[StudyFile]:
    return [StudyFile(name, hashlib.sha256(content).hexdigest(), len(content)) for name, content in files.items()]


def make_study(container: Container, files: Mapping[str, bytes], model: str | None = None) -> StudyDocuments:
    """The study of these files, received and classified."""
    study_id = container.studies.begin(declared(files), model)[0].study_id
    for content in files.values():
        container.studies.add(study_id, content)
    progress = container.studies.classify(study_id, seconds=600)
    assert progress.documents is not None
    return progress.documents


def pin_study(container: Container, files: Mapping[str, bytes]) -> StudyDocuments:
    documents = make_study(container, files)
    study_id = container.studies.begin(declared(files), None)[0].study_id
    assert container.studies.pin(study_id, CLIENT, seconds=600, answers=Answers(text="keep")).signable
    return documents


def record_study(container: Container, wallet: DevelopmentWallet, files: Mapping[str, bytes]) -> StudyDocuments:
    documents = pin_study(container, files)
    send_study(container, wallet, documents)
    return documents


def send_study(container: Container, wallet: DevelopmentWallet, documents: StudyDocuments) -> SentTransaction:
    """Sign and record a pinned study."""
    manifest = documents.manifest
    signed, _ = container.attestation.attest(manifest.cid, manifest.hash.removeprefix("0x"), wallet.address)
    return wallet.register_with_diagnosis(manifest.cid, signed)
