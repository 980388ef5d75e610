"""The facts of a record, read from chain and store and verified, and the files that are made from them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TypeVar

from eth_utils.address import to_checksum_address

from backend.cids import raw_cid
from backend.domain import (
    MAX_IMAGE_BYTES,
    SEALED_LABEL,
    ClassifierCompromisedEvent,
    DiagnosisRecordedEvent,
    DiagnosisReviewedEvent,
    DiagnosisStatus,
    ModelFacts,
    Record,
    Verdict,
)
from backend.errors import (
    Conflict,
    ImageTooLarge,
    InvalidCid,
    NotFound,
    RecordNotVerified,
    StorageError,
    UnsupportedImage,
)
from backend.exports import (
    KINDS,
    DiagnosisFacts,
    ExportedFile,
    Originals,
    Picture,
    RecordFacts,
    ReviewFacts,
    StudyFacts,
    outline_facts,
)
from backend.ports import DicomReader, ImageInspector, ObjectReader, Outliner
from backend.printable import printable
from backend.services import manifests, statements, study_documents
from backend.services.attestation import BASIS_POINTS
from backend.services.manifests import ReadManifest, by_hash
from backend.services.models import ModelService
from backend.services.outline import outline_finding
from backend.services.role_check import KEY_CHECK
from backend.services.slides import is_tiff
from backend.services.statements import Statement
from backend.services.verification import VerificationService

MAX_PICTURES = 40
MAX_PICTURE_BYTES = 32 * 1024 * 1024
"""Of the slices that are read for one export."""
T = TypeVar("T")
Write = Callable[[str, RecordFacts, Originals | None], ExportedFile]


@dataclass(frozen=True, slots=True)
class Registry:
    """The ledger as an export names it; ``verify`` are further arguments for ``scanproof verify``."""

    chain_id: int
    chain_name: str
    contract: str
    verify: str = ""


class ExportService:
    """Makes exports. ``documents`` is as in VerificationService; ``write`` makes the file of a kind. Thread-safe."""

    def __init__(
        self,
        *,
        verification: VerificationService,
        store: ObjectReader,
        documents: ObjectReader,
        inspector: ImageInspector,
        dicom: DicomReader,
        outliner: Outliner,
        models: ModelService,
        registry: Registry,
        write: Write,
    ) -> None:
        self._verification = verification
        self._store = store
        self._documents = documents
        self._inspector = inspector
        self._dicom = dicom
        self._outliner = outliner
        self._models = models
        self._registry = registry
        self._write = write

    def _content(self, cid: str) -> bytes:
        """Raises UnsupportedImage for a slide, StorageError."""
        try:
            content = self._store.get(cid, max_bytes=MAX_IMAGE_BYTES)
        except ImageTooLarge:
            content = b""
        if not content or is_tiff(content):
            raise UnsupportedImage(
                "expected a record of an image or a study, found one of a whole slide, of which no export is made: "
                "`scanproof evidence` and `scanproof verify` take it"
            )
        return content

    def facts(
        self, image_id: str, *, page: str, diagnosis: int | None = None, openings: Sequence[bytes] = ()
    ) -> RecordFacts:
        """The facts of a record with its ``diagnosis`` (counted from 1; None: the newest). ``page`` is the address of
        the page without a slash at the end; ``openings`` are manifests of sealed diagnoses. Where all that fails is
        that a classifier's key is reported as compromised, the facts say so, since who has the result must hear of it.

        Raises NotFound; RecordNotVerified; Conflict for a record without a diagnosis or a sealed one without its
        opening; StorageError, ChainError.
        """
        verification = self._verification.verify(image_id, openings=openings)
        record = verification.record
        if record is None:
            raise NotFound(f"no image {image_id} is registered in {self._registry.contract}")
        failed = [check for check in verification.checks if not check.passed]
        if any(not check.name.startswith(KEY_CHECK) for check in failed):
            raise RecordNotVerified(image_id, failed)
        number, event = _chosen(record, diagnosis)
        content = self._content(record.image.cid)
        if study_documents.is_study(content):
            study, seen = self._study(content)
            summary = study.summary
            found = self._diagnosis(record, event, number, summary.label, event.confidence / BASIS_POINTS)
            found = replace(found, abstained=summary.abstained, reason=summary.reason)
            pictures = tuple(self._slices(study, seen, found, self._corrected_slices(record, event, study)))
        else:
            study, manifest = None, self._manifest(event, openings)
            sealed = event.label == SEALED_LABEL
            confidence = manifest.confidence if sealed else event.confidence / BASIS_POINTS
            found = self._diagnosis(record, event, number, manifest.label, confidence)
            found = replace(
                found,
                label_code=manifest.label_code,
                abstained=manifest.abstained,
                reason=manifest.reason,
                probabilities=manifest.probabilities,
            )
            corrected = self._corrected(record, event)
            pictures = (self._picture(content, manifest, found.model, found, corrected=corrected),)
        image, registry = record.image, self._registry
        return RecordFacts(
            image_id=image.image_id,
            uploader=to_checksum_address(image.uploader),
            cid=image.cid,
            sha256=hashlib.sha256(content).hexdigest(),
            transaction_hash=image.transaction_hash,
            block=image.block,
            chain_id=registry.chain_id,
            chain_name=registry.chain_name,
            contract=to_checksum_address(registry.contract),
            diagnosis=found,
            study=study,
            pictures=pictures,
            link=f"{page}/records/{image.image_id}",
            verify=f"scanproof verify --image-id {image.image_id}{registry.verify}",
        )

    def check(self, kind: str) -> None:
        """Raises NotFound for a kind that is none of ``exports.KINDS``."""
        if kind not in KINDS:
            raise NotFound(f"expected one of the exports {', '.join(KINDS)}, found {kind!r}")

    def write(self, kind: str, facts: RecordFacts, originals: Originals | None = None) -> ExportedFile:
        """The file of a kind. Raises NotFound as ``check``; Conflict where there is nothing to write, such as a
        segmentation without an outline; UnsupportedImage, ImageTooLarge, ServerBusy."""
        self.check(kind)
        return self._write(kind, facts, originals)

    def _diagnosis(
        self, record: Record, event: DiagnosisRecordedEvent, number: int, label: str, confidence: float
    ) -> DiagnosisFacts:
        """An answer, as the summary of a study gives it. The label of a sealed one is that of its opening."""
        code, reviews = record.label_of(event), record.reviews_of(event)
        valid = None if code is None else (label, self._text(event, label))
        if valid and reviews and reviews[-1].verdict is Verdict.OVERRIDDEN:
            valid = self._models.label(event.model_id, reviews[-1].label)
        compromise = _report(record, event)
        if compromise:
            valid = None
        return DiagnosisFacts(
            number=number,
            diagnosis_id=event.diagnosis_id,
            label=label,
            label_text=self._text(event, label),
            label_code=event.label,
            confidence=confidence,
            probabilities={},
            abstained=False,
            reason=None,
            model=_known(self._models.facts(event.model_id), f"the model {event.model_id}"),
            manifest_hash=event.manifest_hash,
            manifest_cid=raw_cid(event.manifest_hash),
            classifier=to_checksum_address(event.classifier),
            issued_at=event.issued_at,
            transaction_hash=event.transaction_hash,
            block=event.block,
            status=record.status_of(event),
            current_label=valid[0] if valid else None,
            current_label_text=valid[1] if valid else None,
            reviews=tuple(self._review(event, review) for review in reviews),
            compromise=compromise,
        )

    def _text(self, event: DiagnosisRecordedEvent, label: str) -> str:
        """The name of a label for readers."""
        codes = [code for model_id, code in self._models.codes(label) if model_id == event.model_id]
        return self._models.label(event.model_id, codes[0])[1] if codes else label

    def _review(self, event: DiagnosisRecordedEvent, review: DiagnosisReviewedEvent) -> ReviewFacts:
        statement = self._statement(review)
        withdrawn = review.verdict is Verdict.WITHDRAWN
        return ReviewFacts(
            review_id=review.review_id,
            verdict=review.verdict,
            label=None if withdrawn else self._models.label(event.model_id, review.label)[0],
            label_code=review.label,
            reviewer=to_checksum_address(review.reviewer),
            reason=printable(statement.reason) if statement else None,
            transaction_hash=review.transaction_hash,
            block=review.block,
        )

    def _corrected(self, record: Record, event: DiagnosisRecordedEvent) -> tuple[statements.Outline, str] | None:
        """The outline that the newest review puts in place of the model's, and its reviewer."""
        statement, reviewer = self._newest_statement(record, event)
        if statement is None or statement.outline is None:
            return None
        return statement.outline, reviewer

    def _corrected_slices(
        self, record: Record, event: DiagnosisRecordedEvent, study: StudyFacts
    ) -> Mapping[int, tuple[statements.Outline, str]]:
        """The same for slices of a study, by their order: of those whose image is the one that the statement names."""
        statement, reviewer = self._newest_statement(record, event)
        return {
            each.order: (each.outline, reviewer)
            for each in (statement.slice_outlines if statement else ())
            if each.order < len(study.slices) and study.slices[each.order].cid == each.cid
        }

    def _newest_statement(self, record: Record, event: DiagnosisRecordedEvent) -> tuple[Statement | None, str]:
        reviews = record.reviews_of(event)
        if not reviews:
            return None, ""
        return self._statement(reviews[-1]), to_checksum_address(reviews[-1].reviewer)

    def _study(self, content: bytes) -> tuple[StudyFacts, Sequence[ReadManifest]]:
        manifest = study_documents.read_manifest(content)
        listed = self._store.get(manifest.slices_cid, max_bytes=study_documents.MAX_LIST_BYTES)
        slices = study_documents.read_slices(listed, manifest)
        lines = self._store.get(manifest.manifests_cid, max_bytes=study_documents.MAX_SLICE_MANIFESTS_BYTES)
        study = StudyFacts(
            series=manifest.series,
            slices=slices,
            slices_cid=manifest.slices_cid,
            manifests_cid=manifest.manifests_cid,
            root=manifest.root,
            rule=manifest.rule,
            summary=manifest.summary,
            time=manifest.time,
        )
        return study, study_documents.read_slice_manifests(lines, slices)

    def _slices(
        self,
        study: StudyFacts,
        seen: Sequence[ReadManifest],
        diagnosis: DiagnosisFacts,
        corrected: Mapping[int, tuple[statements.Outline, str]],
    ) -> Iterator[Picture]:
        for order in _shown(study, corrected):
            each = study.slices[order]
            content = self._store.get(each.cid, max_bytes=max(each.size, 1))
            model = _known(self._models.facts("0x" + each.model_sha256), f"the model {each.model_sha256}")
            yield self._picture(content, seen[order], model, diagnosis, order=order, corrected=corrected.get(order))

    def _picture(
        self,
        content: bytes,
        seen: ReadManifest,
        model: ModelFacts,
        diagnosis: DiagnosisFacts,
        *,
        order: int | None = None,
        corrected: tuple[statements.Outline, str] | None = None,
    ) -> Picture:
        """``seen`` is what ``model`` said of the image, ``diagnosis`` what became of it, ``corrected`` a clinician's
        outline."""
        image, dicom = self._inspector.identify(content), self._dicom.reference(content)
        spacing = dicom.spacing if dicom else None
        contours, drawn_by, reviewer, reason = self._outline(content, seen, model, diagnosis, corrected)
        outline = outline_facts(
            contours, model=drawn_by, reviewer=reviewer, width=image.width, height=image.height, spacing=spacing
        )
        if contours and not outline.pixels:
            reason = "the outline encloses no pixel"
        return Picture(
            order=order,
            cid=seen.image_cid,
            sha256=image.sha256,
            media_type=image.media_type,
            width=image.width,
            height=image.height,
            content=content,
            decoding=seen.decoding,
            outline=outline if outline.pixels else None,
            no_outline=reason,
            dicom=dicom,
        )

    def _outline(
        self,
        content: bytes,
        seen: ReadManifest,
        model: ModelFacts,
        diagnosis: DiagnosisFacts,
        corrected: tuple[statements.Outline, str] | None,
    ) -> tuple[statements.Outline, ModelFacts | None, str | None, str | None]:
        """The contours, the model or the reviewer who drew them, and why there are none."""
        if diagnosis.compromise:
            return (), None, None, "the key that signed the result is reported as compromised"
        if corrected:
            contours, reviewer = corrected
            return contours, None, reviewer, None if contours else "a clinician removed the model's outline"
        if diagnosis.status in (DiagnosisStatus.OVERRIDDEN, DiagnosisStatus.WITHDRAWN):
            return (), None, None, f"the model's result was {diagnosis.status} by a clinician"
        found = outline_finding(self._outliner, model, seen, content)
        return found.contours, found.model, None, found.reason

    def _manifest(self, event: DiagnosisRecordedEvent, openings: Sequence[bytes]) -> ReadManifest:
        if event.label == SEALED_LABEL:
            content = by_hash(openings).get(event.manifest_hash)
            if content is None:
                raise Conflict(f"the diagnosis {event.diagnosis_id} is sealed: an export needs its opening")
        else:
            content = self._store.get(raw_cid(event.manifest_hash), max_bytes=manifests.MAX_MANIFEST_BYTES)
        return _known(manifests.read(content), f"the inference manifest {event.manifest_hash}")

    def _statement(self, review: DiagnosisReviewedEvent) -> Statement | None:
        """The published statement of a review, if there is one."""
        if review.label == SEALED_LABEL:
            return None
        try:
            content = self._documents.get(raw_cid(review.reason_hash), max_bytes=statements.MAX_STATEMENT_BYTES)
        except (NotFound, StorageError, ImageTooLarge, InvalidCid):
            return None
        found = statements.read(content)
        return found if found and found.fits(review) else None


def _report(record: Record, event: DiagnosisRecordedEvent) -> ClassifierCompromisedEvent | None:
    """The report by which the key of the diagnosis' classifier was not its own, if there is one."""
    since = record.compromised_since(event)
    reports = (each for each in record.reports if each.classifier.lower() == event.classifier.lower())
    found = next((each for each in reports if each.since == since), None)
    return found and replace(found, admin=to_checksum_address(found.admin))


def _known(value: T | None, what: str) -> T:
    """``value``, which a verification has found before; this server may lack it since. Raises NotFound."""
    if value is None:
        raise NotFound(f"expected {what}, found none")
    return value


def _shown(study: StudyFacts, corrected: Collection[int]) -> list[int]:
    """The orders of the slices that an export shows: those with a corrected outline, and those that decided, of many
    the ones in the middle."""
    middle = len(study.slices) // 2
    first, last = study.summary.deciding or (middle, middle)
    spare = max(0, last + 1 - first - (MAX_PICTURES - len(corrected)))
    deciding = range(first + spare // 2, last + 1 - (spare - spare // 2))
    wanted = [*sorted(corrected), *(order for order in deciding if order not in corrected)]
    sizes = accumulate(study.slices[order].size for order in wanted)
    return sorted(order for order, size in zip(wanted, sizes, strict=True) if size <= MAX_PICTURE_BYTES)


def _chosen(record: Record, number: int | None) -> tuple[int, DiagnosisRecordedEvent]:
    count = len(record.diagnoses)
    if not count:
        raise Conflict(f"the record {record.image.image_id} has no diagnosis: there is nothing to export")
    if number is not None and not 1 <= number <= count:
        raise NotFound(f"expected a diagnosis from 1 to {count}, found {number}")
    number = number or count
    return number, record.diagnoses[number - 1]
