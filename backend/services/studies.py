"""Makes one record of many images: receives the slices of a study, classifies them, pins them, signs the whole once.

Each step is a request that works for a few seconds and says how far it is; the client asks again until the step is
done. So a connection that is cut, a page that is reloaded or a server that is restarted goes on where it was, and
nothing waits for a limit of the store before the person sees the result. Nothing is pinned before every slice has been
accepted and classified.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from backend.domain import MAX_IMAGE_BYTES, GateOpinion, ImageFacts, SliceResult, StudyFile
from backend.errors import (
    CidMismatch,
    Conflict,
    ImageTooLarge,
    InvalidStudy,
    LimitExceeded,
    NotFound,
    StorageError,
    TextInSlices,
    UnrecognisedSlices,
    UnsupportedImage,
)
from backend.ports import Classifier, ImageInspector, Kinds, ObjectStore, Studies, StudyStage
from backend.services import manifests, study_documents
from backend.services.intake import IntakeService
from backend.services.kind_sources import agreed, kind_of, with_opinion
from backend.services.screening import Answers, ScreeningService
from backend.services.study_classification import AT_ONCE, StudyClassification
from backend.services.study_documents import MAX_SLICES, StudyDocuments, StudyManifest
from backend.services.unfinished_studies import LeftOut, UnfinishedStudies, UnfinishedStudy

KEPT_S = 86_400.0
"""A study that nobody continues is removed after a day."""
_HOUR_S = 3600
_NO_ANSWERS = Answers()
_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class StudyProgress:
    """How far a study is. ``missing`` are the SHA-256 of the files that were not received yet.

    ``screened`` slices were looked at for text. ``objects`` is the number of what has to be pinned, ``pinned`` how much
    of that is. ``documents`` is None until every slice is classified. ``names`` are the files of the slices, in their
    order.
    """

    study_id: str
    files: int
    missing: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
    slices: int
    classified: int
    screened: int
    objects: int
    pinned: int
    documents: StudyDocuments | None
    names: tuple[str, ...]

    @property
    def signable(self) -> bool:
        return self.pinned == self.objects


class StudyService:
    """``client`` is an IP address, as in IntakeService. ``stage_bytes`` limits what all unfinished studies take on
    disk. Thread-safe."""

    def __init__(
        self,
        *,
        stage: StudyStage,
        studies: Studies,
        intake: IntakeService,
        store: ObjectStore,
        inspector: ImageInspector,
        classifier: Classifier,
        classification: StudyClassification,
        screening: ScreeningService,
        kinds: Kinds,
        stage_bytes: int,
    ) -> None:
        self._stage = stage
        self._studies = studies
        self._intake = intake
        self._store = store
        self._inspector = inspector
        self._classifier = classifier
        self._classification = classification
        self._screening = screening
        self._kinds = kinds
        self._stage_bytes = stage_bytes
        self._unfinished = UnfinishedStudies(stage)

    def begin(self, files: Sequence[StudyFile], model: str | None) -> tuple[StudyProgress, bool]:
        """The study of these files in this order, and whether it is new. The same files give the same study, so that
        one whose transfer was cut goes on.

        A file that is there twice or too large is left out; for DICOM, the order is that of the positions. Raises
        InvalidStudy, NotFound for an unknown model, StorageError.
        """
        self._stage.expire(KEPT_S)
        chosen, left_out = _usable(files)
        if not chosen:
            why = left_out[0].reason if left_out else "no file"
            raise InvalidStudy(f"expected a study with at least one image, found {why}")
        if len(chosen) > MAX_SLICES:
            raise InvalidStudy(f"expected a study of at most {MAX_SLICES:,} slices, found {len(chosen):,} files")
        if (size := sum(each.size for each in chosen)) > self._stage_bytes:
            raise InvalidStudy(f"expected a study of at most {self._stage_bytes:,} bytes, found {size:,}")
        if model:
            self._classifier.resolve(model)
        study_id = self._id(chosen, model)
        study, created = self._unfinished.begin(study_id, chosen, model, left_out)
        return _progress(study), created

    def progress(self, study_id: str) -> StudyProgress:
        """Raises NotFound, StorageError."""
        with self._unfinished.locked(study_id) as study:
            return _progress(study)

    def add(self, study_id: str, content: bytes) -> StudyProgress:
        """Receive one of the study's files. What is no image is left out of the study, with the reason.

        Raises NotFound; Conflict for a file that the study does not name; LimitExceeded; ServerBusy; StorageError.
        """
        sha256 = hashlib.sha256(content).hexdigest()
        with self._unfinished.locked(study_id) as study:
            if sha256 not in study.missing:
                self._check_named(study, sha256)
                return _progress(study)
        if self._stage.size() + len(content) > self._stage_bytes:
            raise LimitExceeded(
                f"unfinished studies may take {self._stage_bytes:,} bytes on this server, and this file would exceed "
                "that: finish or remove another study first",
                retry_after=_HOUR_S,
            )
        facts, reason = None, ""
        try:
            pinned, facts = self._inspector.accept(content)
        except (UnsupportedImage, ImageTooLarge) as error:
            reason = str(error)
        with self._unfinished.locked(study_id) as study:
            if sha256 in study.missing:
                if facts and (twin := _same_image(study, facts)):
                    facts, reason = None, f"the same image as {twin}"
                if facts:
                    self._unfinished.keep_image(study, sha256, facts, pinned)
                else:
                    self._unfinished.refuse(study, sha256, reason)
            return _progress(study)

    def classify(self, study_id: str, *, seconds: float) -> StudyProgress:
        """Classify slices for about ``seconds``, in order; the last ones make the documents of the study.

        Raises NotFound; Conflict while files are missing; InvalidStudy without any image; ServerBusy,
        ClassificationFailed, StorageError.
        """
        end = time.monotonic() + seconds
        with self._unfinished.locked(study_id) as study:
            if study.missing:
                raise Conflict(f"{len(study.missing)} of the study's {len(study.files)} files were not received yet")
            if (patients := study.arrangement[1].patients) > 1:
                self._unfinished.remove(study)
                raise InvalidStudy(f"expected images of one patient, found those of {patients}: make a study of each")
            if not study.slices:
                self._unfinished.remove(study)
                raise InvalidStudy(f"expected at least one image, found none: {study.left_out[0].reason}")
            waiting = [each.sha256 for each in study.slices if each.sha256 not in study.results]
            while waiting:
                part, waiting = waiting[:AT_ONCE], waiting[AT_ONCE:]
                slices = [(study.facts[sha256], partial(self._unfinished.image, study, sha256)) for sha256 in part]
                made = self._classification.infer_several(slices, study.model)
                for sha256, manifest in zip(part, made, strict=True):
                    self._unfinished.keep_result(study, sha256, manifest)
                if time.monotonic() > end:
                    break
            if not waiting and study.documents is None:
                self._complete(study)
            return _progress(study)

    def pin(self, study_id: str, client: str, *, seconds: float, answers: Answers = _NO_ANSWERS) -> StudyProgress:
        """Look for text in the slices, and leave those out that show some if that is the answer; then pin images and
        documents, for about ``seconds``. When all is pinned the study can be signed.

        Raises NotFound; Conflict before every slice is classified; TextInSlices and UnrecognisedSlices, each until it
        is answered; ServerBusy, LimitExceeded, StorageError.
        """
        end = time.monotonic() + seconds
        with self._unfinished.locked(study_id) as study:
            if study.documents is None:
                raise Conflict("the study is not classified yet")
            if study.recorded or not self._screened(study, answers, end):
                return _progress(study)
            documents = study.documents
            for each in study.slices:
                if time.monotonic() > end:
                    return _progress(study)
                facts = study.facts[each.sha256]
                if facts.cid not in study.pinned:
                    self._intake.keep(self._unfinished.image(study, each.sha256), facts, client=client)
                    self._unfinished.keep_pin(study, facts.cid)
            self._pin_documents(documents)
            self._save_kinds(study, documents.manifest.cid)
            self._unfinished.finish(study)
            return _progress(study)

    def _save_kinds(self, study: UnfinishedStudy, cid: str) -> None:
        """Of the slices, with what the gate recognised, and of the study."""
        images = [study.facts[each.sha256].cid for each in study.slices]
        found, gate = self._kinds.find(images), self._classifier.gate()
        kinds = []
        for each in study.slices:
            facts, inference = study.facts[each.sha256], manifests.read(study.results[each.sha256])
            kind = found.get(facts.cid) or kind_of(facts)
            if gate and inference and inference.opinion:
                kind = with_opinion(kind, GateOpinion(gate, inference.opinion.modality))
            kinds.append(kind)
        self._kinds.save([*kinds, agreed(cid, kinds)])

    def _screened(self, study: UnfinishedStudy, answers: Answers, end: float) -> bool:
        """Whether every slice may be pinned; False when the time is over before that is known."""
        files = study.slices
        if self._store.public and not answers.pin_anyway:
            strange = [number for number, each in enumerate(files) if _declined(study.results[each.sha256])]
            if strange:
                raise UnrecognisedSlices(strange)
        if answers.text == "keep":
            return True
        waiting = [each.sha256 for each in files if each.sha256 not in study.text]
        while waiting:
            if time.monotonic() > end:
                return False
            part, waiting = waiting[:AT_ONCE], waiting[AT_ONCE:]
            found = self._screening.show_text([self._unfinished.image(study, sha256) for sha256 in part])
            for sha256, shown in zip(part, found, strict=True):
                self._unfinished.keep_text(study, sha256, shown=shown)
        texts = [number for number, each in enumerate(files) if study.text[each.sha256]]
        if texts and answers.text == "leave-out":
            self._leave_out(study, [files[number] for number in texts])
        elif texts:
            raise TextInSlices(texts)
        return True

    def _leave_out(self, study: UnfinishedStudy, files: Sequence[StudyFile]) -> None:
        """Make the study anew without these slices. Raises Conflict where none would be left."""
        if len(files) == len(study.slices):
            raise Conflict("every slice seems to show text, so no study would be left without them")
        for each in files:
            self._unfinished.refuse(study, each.sha256, "it seems to show text, and was left out")
        self._complete(study)

    def view(self, study_id: str, order: int) -> tuple[str, bytes]:
        """Media type and bytes of a slice as the models see it. Raises NotFound, StorageError, and the inspector's."""
        with self._unfinished.locked(study_id) as study:
            slices = study.slices
            check_order(order, len(slices))
            facts = study.facts[slices[order].sha256]
            if study.recorded:
                return self._intake.view(facts.cid)
            content = self._unfinished.image(study, slices[order].sha256)
        return self._intake.view_of(facts, content)

    def discard(self, study_id: str) -> None:
        """Remove what is not pinned of a study. Raises NotFound, StorageError."""
        with self._unfinished.locked(study_id) as study:
            self._unfinished.remove(study)

    def recover(self, cid: str) -> bool:
        """Whether the store has a study by that CID. Its manifest is stored again, after a loss of the database."""
        try:
            if not self._store.has(cid):
                return False
            manifest = self._manifest(cid)
        except (InvalidStudy, ImageTooLarge, NotFound, StorageError):
            return False
        self._add(manifest)
        return True

    def known(self, cids: Sequence[str]) -> frozenset[str]:
        """The subset of ``cids`` that are studies which were pinned here."""
        return self._studies.known(cids)

    def slices(self, cid: str) -> tuple[StudyManifest, tuple[SliceResult, ...]]:
        """The manifest and the slices of a pinned study. Raises InvalidCid, NotFound, StorageError, InvalidStudy."""
        try:
            manifest = self._manifest(cid)
            slices = self._store.get(manifest.slices_cid, max_bytes=study_documents.MAX_LIST_BYTES)
        except ImageTooLarge as error:
            raise InvalidStudy(f"{cid} is no study: {error}") from error
        return manifest, study_documents.read_slices(slices, manifest)

    def _manifest(self, cid: str) -> StudyManifest:
        return study_documents.read_manifest(self._store.get(cid, max_bytes=manifests.MAX_MANIFEST_BYTES))

    def _add(self, manifest: StudyManifest) -> None:
        self._studies.add(manifest.hash, manifest.content, (manifest.slices_cid, manifest.manifests_cid))

    def _id(self, files: Sequence[StudyFile], model: str | None) -> str:
        """Also of what decides the result, so that another release or model makes another study."""
        gate = self._classifier.gate()
        values = [
            manifests.CODE_VERSION,
            self._classifier.decoding,
            gate and gate.sha256,
            self._classifier.resolve(model).sha256,
            model,
            [each.sha256 for each in files],
        ]
        return hashlib.sha256(json.dumps(values).encode()).hexdigest()

    @staticmethod
    def _check_named(study: UnfinishedStudy, sha256: str) -> None:
        if not any(each.sha256 == sha256 for each in study.files):
            raise Conflict(f"the file with SHA-256 {sha256} is none of the files that this study was begun with")

    def _complete(self, study: UnfinishedStudy) -> None:
        files = [each.sha256 for each in study.slices]
        documents = self._classification.complete(
            [study.facts[each] for each in files],
            [study.results[each] for each in files],
            study.model,
            lambda order: self._unfinished.image(study, files[order]),
            study.arrangement[1].series,
        )
        for sha256, line in zip(files, documents.slice_manifests.splitlines(), strict=True):
            if line != study.results[sha256]:
                self._unfinished.keep_result(study, sha256, line)
        self._unfinished.complete(study, documents.manifest.content)

    def _pin_documents(self, documents: StudyDocuments) -> None:
        """The study manifest last: it names the others."""
        manifest = documents.manifest
        for cid, content, kind in (
            (manifest.manifests_cid, documents.slice_manifests, "application/jsonl"),
            (manifest.slices_cid, documents.slice_list, _JSON),
            (manifest.cid, manifest.content, _JSON),
        ):
            stored = self._store.put(content, name=f"{cid}.{kind.partition('/')[2]}", media_type=kind)
            if stored.cid != cid:
                raise CidMismatch(cid, stored.cid)
        self._add(manifest)


def check_order(order: int, slices: int) -> None:
    """Raises NotFound for an order that a study of so many slices does not have."""
    if not 0 <= order < slices:
        raise NotFound(f"expected an order from 0 to {slices - 1}, found {order}")


def _declined(inference: bytes) -> bool:
    """Whether a gate was asked, and recognised no modality."""
    found = manifests.read(inference)
    return found is not None and found.opinion is not None and found.opinion.modality is None


def _progress(study: UnfinishedStudy) -> StudyProgress:
    slices = study.slices
    return StudyProgress(
        study_id=study.study_id,
        files=len(study.files),
        missing=study.missing,
        left_out=study.all_left_out,
        slices=len(slices),
        classified=len(slices) if study.documents else max(0, min(len(study.results), len(slices) - 1)),
        screened=len(study.text),
        objects=len(slices) + 1,
        pinned=len(slices) + 1 if study.recorded else len(study.pinned),
        documents=study.documents,
        names=tuple(each.name for each in slices),
    )


def _usable(files: Sequence[StudyFile]) -> tuple[tuple[StudyFile, ...], list[LeftOut]]:
    first: dict[str, StudyFile] = {}
    left_out: list[LeftOut] = []
    for each in files:
        if each.size > MAX_IMAGE_BYTES:
            left_out.append(LeftOut(each.name, f"{each.size:,} bytes, where a slice has at most {MAX_IMAGE_BYTES:,}"))
        elif (known := first.setdefault(each.sha256, each)) is not each:
            left_out.append(LeftOut(each.name, f"the same file as {known.name}"))
    return tuple(first.values()), left_out


def _same_image(study: UnfinishedStudy, facts: ImageFacts) -> str | None:
    """The name of the slice that has the same image, after its metadata was removed."""
    images = (each for each in study.files if each.sha256 in study.facts)
    return next((each.name for each in images if study.facts[each.sha256].cid == facts.cid), None)
