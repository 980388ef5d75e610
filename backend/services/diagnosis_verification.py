"""Verifies one diagnosis: its manifest, the classifier's signature and role, its model, and its result."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from backend.cids import hash_of, raw_cid
from backend.domain import (
    ABSTAINED_LABEL,
    SEALED_LABEL,
    Check,
    Diagnosis,
    DiagnosisRecordedEvent,
    ImageRegisteredEvent,
    LocalSlide,
    ModelFacts,
    SignedDiagnosis,
)
from backend.errors import ImageTooLarge, NotFound, StorageError
from backend.ports import Classifier, ObjectReader, RegistryHistory
from backend.services.attestation import BASIS_POINTS, describe_finding
from backend.services.manifests import MAX_MANIFEST_BYTES, ReadManifest, read
from backend.services.model_verification import ModelVerifier
from backend.services.models import ModelService
from backend.services.origin import OriginVerifier
from backend.services.reproduction import describe_result, repeat
from backend.services.role_check import check_key, check_role
from backend.services.slide_classification import SlideClassification
from backend.services.study_documents import is_study
from backend.services.study_verification import GivenFile, StudyVerifier

Recover = Callable[[SignedDiagnosis], str | None]


class DiagnosisVerifier:
    """Reads model cards and training records from ``documents``."""

    def __init__(
        self,
        *,
        chain: RegistryHistory,
        store: ObjectReader,
        documents: ObjectReader,
        classifier: Classifier,
        studies: StudyVerifier,
        recover: Recover,
        fields: SlideClassification | None = None,
    ) -> None:
        self._chain = chain
        self._store = store
        self._classifier = classifier
        self._studies = studies
        self._recover = recover
        self._fields = fields
        self._models = ModelVerifier(chain, documents)

    def checks(
        self,
        image: ImageRegisteredEvent,
        diagnosis: DiagnosisRecordedEvent,
        content: bytes | LocalSlide | None,
        opening: bytes | None = None,
        files: Sequence[GivenFile] | None = None,
    ) -> list[Check]:
        """``content``: the image's bytes, or the slide as a file, None when they are not available; ``opening``: a
        sealed diagnosis' manifest, which is never in the store; ``files``: as in StudyVerifier. Raises ChainError.
        """
        model = ModelService(self._classifier).facts(diagnosis.model_id)
        sealed = diagnosis.label == SEALED_LABEL
        about_manifest: list[Check] = [_unopened()]
        reproduction: list[Check] = []
        if isinstance(content, bytes) and is_study(content):
            about_manifest = self._studies.checks(diagnosis, content, files)
        elif not sealed or opening is not None:
            bytes_check, manifest = self._manifest_bytes(diagnosis.manifest_hash, opening)
            about_manifest = [
                *([_opened(manifest)] if sealed else []),
                bytes_check,
                _manifest_image(manifest, image.cid, content),
                _manifest_result(manifest, diagnosis),
            ]
            reproduction = [self._reproduction(manifest, model, content)]
        return [
            OriginVerifier(self._chain).of_diagnosis(image, diagnosis),
            *about_manifest,
            self._signature(diagnosis),
            *check_role(
                self._chain,
                name="classifier role",
                role="CLASSIFIER_ROLE",
                account=diagnosis.classifier,
                event=diagnosis,
            ),
            *check_key(self._chain, diagnosis),
            _model_bundle(model, diagnosis.model_id),
            *reproduction,
            *self._models.checks(diagnosis),
        ]

    def _manifest_bytes(self, expected: str, opening: bytes | None) -> tuple[Check, ReadManifest | None]:
        def check(passed: bool, found: str) -> Check:
            return Check("manifest bytes", passed, f"SHA-256 {expected}", found)

        try:
            cid = raw_cid(expected)
            content = self._store.get(cid, max_bytes=MAX_MANIFEST_BYTES) if opening is None else opening
        except (StorageError, NotFound, ImageTooLarge) as error:
            return check(False, str(error)), None
        found = hash_of(content)
        if found != expected:
            return check(False, f"SHA-256 {found}"), None
        manifest = read(content)
        if manifest is None:
            return check(False, f"SHA-256 {found}, but this is no ScanProof manifest"), None
        return check(True, f"SHA-256 {found} ({len(content):,} bytes)"), manifest

    def _signature(self, diagnosis: DiagnosisRecordedEvent) -> Check:
        signed = SignedDiagnosis(
            diagnosis=Diagnosis(
                image_id=diagnosis.image_id,
                model_id=diagnosis.model_id,
                label=diagnosis.label,
                confidence=diagnosis.confidence,
                manifest_hash=diagnosis.manifest_hash,
                issued_at=diagnosis.issued_at,
            ),
            signature=diagnosis.signature,
            classifier=diagnosis.classifier,
            chain_id=self._chain.chain_id,
            contract=self._chain.contract,
        )
        found = self._recover(signed)
        expected = f"signed by {diagnosis.classifier}"
        return Check(
            "classifier signature",
            found == diagnosis.classifier,
            expected,
            f"signed by {found}" if found else "not a valid signature",
        )

    def _reproduction(
        self, manifest: ReadManifest | None, model: ModelFacts | None, content: bytes | LocalSlide | None
    ) -> Check:
        if manifest is None or model is None or content is None:
            missing = "manifest" if manifest is None else "model" if model is None else "image bytes"
            return Check("result reproduced", False, "the manifest's result", f"not checked: no {missing} to trust")
        passed, found = repeat(self._classifier, manifest, model, content, self._fields)
        return Check("result reproduced", passed, describe_result(manifest), found)


def _unopened() -> Check:
    return Check(
        "sealed",
        True,
        "label and confidence as a salted commitment",
        "not visible here: who has the opening can check them with --opening",
    )


def _opened(manifest: ReadManifest | None) -> Check:
    expected = "a manifest with 32 random bytes"
    if manifest is None:
        return Check("sealed", False, expected, "not checked: no manifest to trust")
    found = f"opened: {manifest.label}, confidence {manifest.confidence:.2%}"
    if manifest.salt is None:
        found += ", but without random bytes: anybody can find it by trial"
    return Check("sealed", manifest.salt is not None, expected, found)


def _manifest_image(manifest: ReadManifest | None, cid: str, content: bytes | LocalSlide | None) -> Check:
    sha256 = None if content is None else _sha256(content)
    expected = f"image {cid}" + (f" with SHA-256 {sha256}" if sha256 else "")
    if manifest is None:
        return Check("manifest image", False, expected, "not checked: no manifest to trust")
    passed = manifest.image_cid == cid and sha256 in (None, manifest.image_sha256)
    return Check("manifest image", passed, expected, f"image {manifest.image_cid} with SHA-256 {manifest.image_sha256}")


def _sha256(content: bytes | LocalSlide) -> str:
    return content.facts.sha256 if isinstance(content, LocalSlide) else hashlib.sha256(content).hexdigest()


def _manifest_result(manifest: ReadManifest | None, diagnosis: DiagnosisRecordedEvent) -> Check:
    def describe(model: str, code: int, basis_points: int) -> str:
        if diagnosis.label == SEALED_LABEL:
            return f"model {model}"
        return describe_finding(model, code, basis_points)

    expected = describe(diagnosis.model_id, diagnosis.label, diagnosis.confidence)
    if manifest is None:
        return Check("manifest result", False, expected, "not checked: no manifest to trust")
    # A former registry also took the probability that was too low for an answer.
    abstained = manifest.label_code == ABSTAINED_LABEL and diagnosis.confidence == 0
    confidence = 0 if abstained else round(manifest.confidence * BASIS_POINTS)
    found = describe("0x" + manifest.model_sha256, manifest.label_code, confidence)
    return Check("manifest result", found == expected, expected, found)


def _model_bundle(model: ModelFacts | None, model_id: str) -> Check:
    found = f"{model.name} {model.version}, 0x{model.sha256}" if model else "no such model is installed here"
    return Check("model bundle", model is not None, f"a model with the id {model_id}", found)
