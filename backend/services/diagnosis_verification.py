"""Checking one diagnosis: its manifest, the classifier's signature and role, and the result itself."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from backend.cids import raw_cid
from backend.domain import Check, Diagnosis, DiagnosisRecordedEvent, ImageRegisteredEvent, ModelFacts, SignedDiagnosis
from backend.errors import ClassificationFailed, ImageTooLarge, NotFound, StorageError, UnsupportedImage
from backend.ports import Chain, Classifier, ObjectReader
from backend.services.attestation import BASIS_POINTS
from backend.services.manifest_reader import ReadManifest, read
from backend.services.manifests import MAX_MANIFEST_BYTES
from backend.services.models import ModelService

Recover = Callable[[SignedDiagnosis], str | None]
TOLERANCE = 1e-4
"""How far a probability may be from the manifest's: processors differ in the last digits of floating point."""


class DiagnosisVerifier:
    def __init__(self, chain: Chain, store: ObjectReader, classifier: Classifier, recover: Recover) -> None:
        self._chain = chain
        self._store = store
        self._classifier = classifier
        self._recover = recover

    def checks(
        self, image: ImageRegisteredEvent, diagnosis: DiagnosisRecordedEvent, content: bytes | None
    ) -> list[Check]:
        """``content``: the image's bytes, None when they cannot be had. Raises ChainError."""
        bytes_check, manifest = self._manifest_bytes(diagnosis.manifest_hash)
        model = ModelService(self._classifier).facts(diagnosis.model_id)
        return [
            bytes_check,
            _manifest_image(manifest, image.cid, content),
            _manifest_result(manifest, diagnosis),
            self._signature(diagnosis),
            self._role(diagnosis),
            _model_bundle(model, diagnosis.model_id),
            self._reproduction(manifest, model, content),
        ]

    def _manifest_bytes(self, expected: str) -> tuple[Check, ReadManifest | None]:
        def check(passed: bool, found: str) -> Check:
            return Check("manifest bytes", passed, f"SHA-256 {expected}", found)

        try:
            content = self._store.get(raw_cid(expected), max_bytes=MAX_MANIFEST_BYTES)
        except (StorageError, NotFound, ImageTooLarge) as error:
            return check(False, str(error)), None
        found = "0x" + hashlib.sha256(content).hexdigest()
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

    def _role(self, diagnosis: DiagnosisRecordedEvent) -> Check:
        position = (diagnosis.block.number, diagnosis.log_index)
        history = [entry for entry in self._chain.classifier_roles(diagnosis.classifier) if entry[:2] < position]
        held = bool(history) and history[-1][2]
        if history:
            found = f"{'granted' if held else 'revoked'} in block {history[-1][0]}"
        else:
            found = "never granted before it"
        expected = f"{diagnosis.classifier} has CLASSIFIER_ROLE at block {position[0]}"
        return Check("classifier role", held, expected, found)

    def _reproduction(self, manifest: ReadManifest | None, model: ModelFacts | None, content: bytes | None) -> Check:
        if manifest is None or model is None or content is None:
            missing = "manifest" if manifest is None else "model" if model is None else "image bytes"
            return Check("result reproduced", False, "the manifest's result", f"not checked: no {missing} to trust")
        expected = f"{manifest.label} ({manifest.confidence:.4f}), probabilities within {TOLERANCE}"
        try:
            prediction, _ = self._classifier.predict(model, content)
        except (UnsupportedImage, ImageTooLarge, ClassificationFailed) as error:
            return Check("result reproduced", False, expected, str(error))
        same_labels = prediction.probabilities.keys() == manifest.probabilities.keys()
        difference = max(
            (abs(p - manifest.probabilities.get(label, 0.0)) for label, p in prediction.probabilities.items()),
            default=0.0,
        )
        result = (prediction.label, prediction.code, prediction.abstained)
        passed = (
            same_labels
            and difference <= TOLERANCE
            and abs(prediction.confidence - manifest.confidence) <= TOLERANCE
            and result == (manifest.label, manifest.label_code, manifest.abstained)
        )
        found = f"{prediction.label} ({prediction.confidence:.4f}), largest difference {difference:.6f}"
        return Check("result reproduced", passed, expected, found)


def _manifest_image(manifest: ReadManifest | None, cid: str, content: bytes | None) -> Check:
    sha256 = None if content is None else hashlib.sha256(content).hexdigest()
    expected = f"image {cid}" + (f" with SHA-256 {sha256}" if sha256 else "")
    if manifest is None:
        return Check("manifest image", False, expected, "not checked: no manifest to trust")
    passed = manifest.image_cid == cid and sha256 in (None, manifest.image_sha256)
    return Check("manifest image", passed, expected, f"image {manifest.image_cid} with SHA-256 {manifest.image_sha256}")


def _manifest_result(manifest: ReadManifest | None, diagnosis: DiagnosisRecordedEvent) -> Check:
    def describe(model: str, code: int, basis_points: int) -> str:
        return f"model {model}, label code {code}, confidence {basis_points / BASIS_POINTS:.2%}"

    expected = describe(diagnosis.model_id, diagnosis.label, diagnosis.confidence)
    if manifest is None:
        return Check("manifest result", False, expected, "not checked: no manifest to trust")
    found = describe("0x" + manifest.model_sha256, manifest.label_code, round(manifest.confidence * BASIS_POINTS))
    return Check("manifest result", found == expected, expected, found)


def _model_bundle(model: ModelFacts | None, model_id: str) -> Check:
    found = f"{model.name} {model.version}, 0x{model.sha256}" if model else "no such model is installed here"
    return Check("model bundle", model is not None, f"a model with the id {model_id}", found)
