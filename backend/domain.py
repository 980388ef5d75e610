"""The values of ScanProof: images, manifests, diagnoses, records. Frozen, without I/O; standard library only."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, TypedDict, TypeVar

SEALED_LABEL = 65_535
"""On-chain label code of a sealed diagnosis (IImageRegistry.SEALED): only its manifest holds label and confidence."""

ABSTAINED_LABEL = 0
"""On-chain label code of an abstention: the model gave no answer."""

DICOM_TYPE = "application/dicom"
"""The media type of a DICOM file (RFC 3240)."""

MAX_IMAGE_BYTES = 25 * 1024 * 1024
"""The limit for an upload, and for the bytes that are pinned of it."""

MAX_STUDY_FILE_BYTES = 192 * 1024 * 1024
"""Of a DICOM file of several frames, each of which becomes a file of at most MAX_IMAGE_BYTES."""

MAX_SLIDE_PIXELS = 2**31
"""Of a whole-slide image at full size."""

SLIDE_TYPE = "image/tiff"
"""The media type of a whole-slide image. No other image is pinned as TIFF."""

NO_PARENT = "0x" + "00" * 32
"""On-chain parent of a training that did not start from a registered model."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """A pinned object. ``pin_id`` is the store's own id for it (Pinata's file id); a delete needs it."""

    cid: str
    size: int
    pin_id: str | None = None


@dataclass(frozen=True, slots=True)
class SlideLevel:
    """A picture of a pyramid, in pixels. ``downsample`` is how many times wider the full size is."""

    width: int
    height: int
    downsample: float


@dataclass(frozen=True, slots=True)
class SlideFacts:
    """What a whole-slide image says of itself: its pyramid, full size first; the size of a pixel at full size in
    micrometres; the magnification of the objective; the maker of the scanner. None where it is not said."""

    levels: tuple[SlideLevel, ...]
    micrometres_per_pixel: float | None
    objective: float | None
    vendor: str | None


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """An accepted upload after sniffing and stripping. ``sha256`` is lower-case hex of the bytes that are pinned.

    ``frames`` counts the pictures of a DICOM file; an image that is kept has one.
    """

    cid: str
    sha256: str
    size: int
    width: int
    height: int
    media_type: str
    stripped: tuple[str, ...]
    frames: int = 1
    place: SlicePlace | None = field(default=None, compare=False)
    """Where a DICOM file belongs. Read from the bytes, and not stored."""
    attributes: DicomAttributes | None = field(default=None, compare=False)
    """What a DICOM file says of its picture. Read from the bytes; it becomes the image's kind."""
    slide: SlideFacts | None = None
    """What a whole-slide image says of itself; None for every other image."""


@dataclass(frozen=True, slots=True)
class LocalSlide:
    """A slide in a file of this machine, whose bytes have the CID of its facts. The file may go when its user is
    done."""

    path: Path
    facts: ImageFacts


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a slide in pixels of the full size; ``x`` and ``y`` are of its upper left corner."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class SlicePlace:
    """Where DICOM says that a slice belongs: ``patient`` is the Patient ID, or what stands for it after
    de-identification; ``number`` the Instance Number; ``position`` in mm along the normal of the image plane; ``frame``
    the place in an object of several frames, from 0."""

    patient: str
    study: str
    series: str
    number: int | None
    position: float | None
    frame: int = 0


@dataclass(frozen=True, slots=True)
class DicomAttributes:
    """``modality`` is DICOM's code, such as MR, ``body_part`` as in Body Part Examined, ``sequence`` one of
    ``ml.preprocessing.dicom_sequence.SEQUENCES``, ``study_date`` YYYYMMDD; each is empty if unknown. ``spacing`` is the
    distance of the rows and of the columns in mm."""

    modality: str
    body_part: str
    sequence: str
    study_date: str
    spacing: tuple[float, float] | None


class KindSource(StrEnum):
    """Where a value of an image's kind is from."""

    DICOM = "dicom"
    RECOGNISED = "recognised"
    UPLOADER = "uploader"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class KindValue:
    """``value`` is None if it is unknown. ``by`` is name and version of what recognised it, else None. ``others`` are
    the statements of another value, without others of their own."""

    value: str | None = None
    source: KindSource = KindSource.UNKNOWN
    by: str | None = None
    others: tuple[KindValue, ...] = ()


UNKNOWN_KIND = KindValue()
MAGNIFICATIONS = (40, 100, 200, 400)
"""What an uploader may state: the magnifications of BreakHis (Spanhol et al., 2016)."""


@dataclass(frozen=True, slots=True)
class ImageKind:
    """What kind of image one is. ``modality`` is DICOM's code (PS3.3, section C.7.3.1.1.1), and so is the body part;
    ``magnification`` is that of the objective and eyepiece together, such as 100.

    ``patient`` is the pseudonym of a de-identified DICOM file, ``study_date`` its shifted date, ``spacing`` in mm.
    """

    VALUES: ClassVar[tuple[str, ...]] = ("modality", "body_part", "sequence", "magnification")
    """The fields that are a KindValue, and have a filter."""

    cid: str
    modality: KindValue = UNKNOWN_KIND
    body_part: KindValue = UNKNOWN_KIND
    sequence: KindValue = UNKNOWN_KIND
    magnification: KindValue = UNKNOWN_KIND
    patient: str | None = None
    study_date: str | None = None
    spacing: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class KindFilter:
    """Values that an image's kind must have; None sets no condition, UNKNOWN asks for what is not known."""

    UNKNOWN: ClassVar[str] = "unknown"

    modality: str | None = None
    body_part: str | None = None
    sequence: str | None = None
    magnification: str | None = None


@dataclass(frozen=True, slots=True)
class DicomReference:
    """What a DICOM image says of itself, its series and study, after de-identification; empty or None where it says
    nothing.

    ``spacing`` is the distance of the rows and of the columns in mm, ``position`` that of the first pixel in mm and
    ``orientation`` the direction of rows and columns in the patient's coordinates (PS3.3 C.7.6.2.1.1).
    """

    sop_class: str
    sop_instance: str
    study: str
    series: str
    frame_of_reference: str
    modality: str
    series_number: int | None
    instance_number: int | None
    rows: int
    columns: int
    spacing: tuple[float, float] | None
    position: tuple[float, float, float] | None
    orientation: tuple[float, float, float, float, float, float] | None
    thickness: float | None
    patient_id: str
    patient_name: str
    patient_sex: str
    study_date: str


@dataclass(frozen=True, slots=True)
class TextBox:
    """A place of an image in which a text seems to be. In pixels; ``x`` and ``y`` are of its upper left corner."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """The identity of a model. ``sha256`` is the bundle's SHA-256 in lower-case hex: the on-chain ``modelId``."""

    name: str
    version: str
    sha256: str
    modality: str


class Preprocessing(TypedDict):
    """How a model's input is made of pixels: the procedure's ``id``, and the softmax ``temperature``."""

    id: str
    temperature: float


@dataclass(frozen=True, slots=True)
class ModelLabel:
    """``label`` is the name and ``code`` the number of a class, ``text`` its name for readers."""

    label: str
    code: int
    text: str


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """A model as the page shows it. ``weak`` says why its output is unreliable; None if there is no known reason.

    ``metrics`` are the bundle's metrics, ready for JSON; ``card`` is Markdown. ``magnification`` is the one of the
    microscope that it knows, None for images without one.
    """

    facts: ModelFacts
    kind: str
    architecture: str
    weak: str | None
    classes: tuple[ModelLabel, ...]
    metrics: Mapping[str, Any]
    card: str
    magnification: int | None = None

    def to_json(self) -> dict[str, Any]:
        """The JSON of the API and the command line: the model's identity on the same level as the other fields."""
        return {
            **asdict(self.facts),
            "kind": self.kind,
            "architecture": self.architecture,
            "weak": self.weak,
            "classes": [asdict(each) for each in self.classes],
            "metrics": self.metrics,
            "card": self.card,
            "magnification": self.magnification,
        }


@dataclass(frozen=True, slots=True)
class Classification:
    """A model's output for one image, with its canonical manifest.

    ``label_code`` is 0 when the model abstained. ``confidence`` and all probabilities are in [0, 1].
    ``manifest`` is the canonical JSON (RFC 8785), ``manifest_hash`` its SHA-256 in lower-case hex and
    ``manifest_cid`` the CIDv1 (raw) of the same bytes. ``activation_map`` is a small PNG with transparency in the
    proportions of the image, or None. ``decoding`` is the version of the rules that decode the image's bytes to pixels.
    """

    cid: str
    decoding: int
    model: ModelFacts
    label: str
    label_code: int
    confidence: float
    probabilities: dict[str, float]
    abstained: bool
    reason: str | None
    manifest: bytes
    manifest_hash: str
    manifest_cid: str
    activation_map: bytes | None


@dataclass(frozen=True, slots=True)
class FieldResult:
    """A model's output for a region of a slide. ``label_code`` is 0 where model or gate abstained; ``confidence`` in
    [0, 1], 0 where the gate did."""

    region: Region
    label: str
    label_code: int
    confidence: float
    abstained: bool


@dataclass(frozen=True, slots=True)
class SlideAnswer:
    """A model's output for a whole slide, made by ``rule`` of those for ``fields`` in the order of rows.

    The first seven are as in a prediction for an image. ``field_size`` is width and height in pixels of the full size.
    ``least_confidence`` is the model's limit for an answer, None for one without.
    """

    label: str
    code: int
    confidence: float
    probabilities: Mapping[str, float]
    abstained: bool
    reason: str | None
    threshold: float | None
    rule: str
    decoding: str
    micrometres_per_pixel: float | None
    field_size: tuple[int, int]
    least_confidence: float | None
    fields: tuple[FieldResult, ...]


@dataclass(frozen=True, slots=True)
class GateOpinion:
    """The modality that ``gate`` recognises; None when it abstains: no installed model fits the image."""

    gate: ModelFacts
    modality: str | None


@dataclass(frozen=True, slots=True)
class Recognition:
    """A gate's output for an image; ``modality`` is None when it abstained: no installed model fits the image."""

    cid: str
    decoding: int
    gate_sha256: str
    modality: str | None


@dataclass(frozen=True, slots=True)
class SealedManifest:
    """The stored part of a sealed classification: image, model and manifest hash, nothing of the result."""

    manifest_hash: str
    cid: str
    model_sha256: str


@dataclass(frozen=True, slots=True)
class StudyFile:
    """A file that somebody chose for a study: its name, and the SHA-256 (hex) and size of its bytes as they were."""

    name: str
    sha256: str
    size: int


class SourceKind(StrEnum):
    """How DICOM files arrive without a browser."""

    STORE = "c-store"
    WEB = "stow-rs"
    FOLDER = "folder"
    RECOVERED = "recovered"
    """A file whose row was lost with the database."""


@dataclass(frozen=True, slots=True)
class Source:
    """Who sent a DICOM file; ``name`` is the calling AE title, empty where there is none."""

    kind: SourceKind
    name: str = ""


@dataclass(frozen=True, slots=True)
class DicomInstance:
    """A de-identified DICOM file; its three UIDs are the new ones.

    ``sha256`` (hex), ``size`` and ``cid`` are of the file as it is stored. ``attributes`` is the data set without
    pixels and other bulk data, in the DICOM JSON Model (PS3.18, Annex F).
    """

    instance: str
    study: str
    series: str
    sha256: str
    size: int
    cid: str
    attributes: Mapping[str, Any]

    @property
    def series_id(self) -> str:
        """64 hex digits, which name the series in addresses and folders."""
        return hashlib.sha256(f"{self.study}\0{self.series}".encode()).hexdigest()

    def value(self, tag: str) -> str:
        """The first value of an attribute, such as ``00080060``, as text; empty where there is none."""
        found = self.attributes.get(tag, {}).get("Value") or [""]
        return str(found[0])


@dataclass(frozen=True, slots=True)
class CleanFile:
    """The bytes of a de-identified DICOM file of one frame, and what it is."""

    content: bytes
    instance: DicomInstance


@dataclass(frozen=True, slots=True)
class CleanDicom:
    """What is left of a DICOM object that was received: one file, or a file for each of its frames, all of one series.

    ``instance`` is its new SOP Instance UID. ``uids`` are the new UIDs by the old ones, and are in memory only.
    """

    instance: str
    files: tuple[CleanFile, ...]
    uids: Mapping[str, str]

    @property
    def first(self) -> DicomInstance:
        """It has the study, series and class of all."""
        return self.files[0].instance


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A DICOM file that waits in the queue, or is pinned."""

    instance: DicomInstance
    queued: bool


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """``digest`` is the same for a DICOM file and for its copies without identifiers, whoever made them; empty for a
    picture of one shade, which tells nobody apart. A ``clean`` file is such a copy."""

    digest: str
    clean: bool


@dataclass(frozen=True, slots=True)
class Rendering:
    """How a picture is sent to a viewer: ``format`` is JPEG, of that quality from 1 to 100, or PNG. It fits into
    ``box``, a width and height in pixels, and is never enlarged; None: as large as it is."""

    format: str = "PNG"
    quality: int = 90
    box: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class PixelBytes:
    """The pixels of a frame in a transfer syntax, which is a UID."""

    syntax: str
    content: bytes


@dataclass(frozen=True, slots=True)
class ReceivedSeries:
    """A series in the queue; times in Unix seconds. ``study_id`` is the study that was begun with it, and ``cid`` what
    is to be recorded."""

    series_id: str
    study: str
    series: str
    modality: str
    source: Source
    files: int
    size: int
    first_at: int
    last_at: int
    study_id: str | None = None
    cid: str | None = None


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """Bytes and files of the whole queue, and files of one of its series."""

    bytes: int
    files: int
    files_of_series: int


@dataclass(frozen=True, slots=True)
class StudySeries:
    """The DICOM study and series (their UIDs after de-identification) that the slices of a study belong to."""

    study: str
    series: str


@dataclass(frozen=True, slots=True)
class SliceResult:
    """A slice of a study as the slice list has it, in the order of the series: ``order`` begins at 0.

    ``sha256`` and ``model_sha256`` are hex without 0x, ``manifest_hash`` (of the slice's inference manifest) has it.
    ``size`` in bytes, ``confidence`` in [0, 1]; ``label_code`` is 0 when the model, or the gate, abstained.
    """

    order: int
    cid: str
    sha256: str
    size: int
    manifest_hash: str
    model_sha256: str
    label: str
    label_code: int
    confidence: float
    abstained: bool


@dataclass(frozen=True, slots=True)
class StudySummary:
    """The result of a study. ``confidence`` in [0, 1], 0 for an abstention, whose ``reason`` says why.

    ``deciding`` are the first and last of the neighbouring slices (from 0) that gave the finding; None without one.
    ``counts`` are the numbers of slices by label.
    """

    label: str
    label_code: int
    confidence: float
    abstained: bool
    reason: str | None
    deciding: tuple[int, int] | None
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Outline:
    """The tumour that ``model`` outlines on an image, or the ``reason`` why there is no outline.

    ``model`` is None when no model was run. ``contours`` are closed polygons of (x, y) in pixels of the original; a
    point inside an odd number of them belongs to the tumour (even-odd rule). ``pixels`` is the area in pixels of the
    original, ``share`` its part of the head's area in [0, 1], ``probability`` the model's mean inside. ``overlay`` is a
    PNG with transparency.
    """

    model: ModelFacts | None
    reason: str | None
    contours: tuple[tuple[tuple[float, float], ...], ...] = ()
    pixels: int = 0
    share: float = 0.0
    probability: float = 0.0
    overlay: bytes | None = None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The EIP-712 struct that the classifier signs (see IImageRegistry.Diagnosis).

    ``image_id``, ``model_id``, ``manifest_hash``: 0x-prefixed 32 bytes; ``confidence`` in basis points (0 to 10,000);
    ``issued_at`` in Unix seconds.
    """

    image_id: str
    model_id: str
    label: int
    confidence: int
    manifest_hash: str
    issued_at: int


@dataclass(frozen=True, slots=True)
class SignedDiagnosis:
    """``signature`` is 65 bytes as 0x-hex, made by ``classifier`` for ``chain_id`` and ``contract``."""

    diagnosis: Diagnosis
    signature: str
    classifier: str
    chain_id: int
    contract: str


@dataclass(frozen=True, slots=True)
class BlockRef:
    """``timestamp`` in Unix seconds; ``hash`` 0x-prefixed."""

    number: int
    hash: str
    timestamp: int


def describe_time(timestamp: int) -> str:
    """Unix seconds in UTC, for people. A time past the calendar, which only a false node or file states, stays a
    number."""
    try:
        return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return f"Unix time {timestamp}"


def describe_block(block: BlockRef) -> str:
    """Number, time and hash, for people."""
    return f"block {block.number} of {describe_time(block.timestamp)}, {block.hash}"


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """What the signature of a transaction covers.

    ``sender`` is None for a signature that is none, ``chain_id`` for one without replay protection (before EIP-155).
    ``to`` is the receiver; of a deployment, the new contract. ``input`` is the call data.
    """

    sender: str | None
    to: str | None
    chain_id: int | None
    input: bytes


class RoleChange(NamedTuple):
    """A grant or revocation of a role, by ``sender``."""

    block_number: int
    log_index: int
    granted: bool
    sender: str
    transaction_hash: str


@dataclass(frozen=True, slots=True)
class ImageRegisteredEvent:
    image_id: str
    uploader: str
    cid: str
    commitment: str
    transaction_hash: str
    log_index: int
    block: BlockRef


@dataclass(frozen=True, slots=True)
class DiagnosisRecordedEvent:
    """``diagnosis_id`` is the EIP-712 digest that the classifier signed, computed from the other fields."""

    image_id: str
    diagnosis_id: str
    model_id: str
    classifier: str
    label: int
    confidence: int
    manifest_hash: str
    issued_at: int
    signature: str
    transaction_hash: str
    log_index: int
    block: BlockRef


class Verdict(StrEnum):
    """The verdict of a review, in the order of IImageRegistry.Verdict."""

    CONFIRMED = "confirmed"
    OVERRIDDEN = "overridden"
    WITHDRAWN = "withdrawn"


class DiagnosisStatus(StrEnum):
    """Before its first review a diagnosis is asserted by its classifier; one that gives no answer is abstained.

    Then the newest review decides.
    """

    ASSERTED = "asserted"
    ABSTAINED = "abstained"
    CONFIRMED = "confirmed"
    OVERRIDDEN = "overridden"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class DiagnosisReviewedEvent:
    """``supersedes`` is the id of the previous review, ``diagnosis_id`` for the first. ``label`` is the new code."""

    image_id: str
    diagnosis_id: str
    reviewer: str
    review_id: str
    supersedes: str
    reason_hash: str
    verdict: Verdict
    label: int
    transaction_hash: str
    log_index: int
    block: BlockRef


@dataclass(frozen=True, slots=True)
class ModelRegisteredEvent:
    """``labels`` is the number of the model's class codes, None on a registry that did not ask for it."""

    model_id: str
    admin: str
    labels: int | None
    card_cid: str
    transaction_hash: str
    log_index: int
    block: BlockRef


@dataclass(frozen=True, slots=True)
class ModelRetiredEvent:
    model_id: str
    admin: str
    transaction_hash: str
    log_index: int
    block: BlockRef


@dataclass(frozen=True, slots=True)
class TrainingAnchoredEvent:
    """``parent_model_id`` is the model that the training started from, NO_PARENT if none of the registry."""

    training_id: str
    model_id: str
    parent_model_id: str
    metrics_hash: str
    participants: int
    admin: str
    transaction_hash: str
    log_index: int
    block: BlockRef

    @property
    def parent(self) -> str | None:
        """The registered model that the training started from, if any."""
        return None if self.parent_model_id == NO_PARENT else self.parent_model_id


@dataclass(frozen=True, slots=True)
class RoleChangedEvent:
    """``role`` is its name in the contract, such as CLASSIFIER_ROLE."""

    role: str
    account: str
    granted: bool
    sender: str
    transaction_hash: str
    log_index: int
    block: BlockRef


@dataclass(frozen=True, slots=True)
class ClassifierCompromisedEvent:
    """The admin's report that the classifier's key is not its own ``since`` then, in Unix seconds."""

    classifier: str
    since: int
    admin: str
    transaction_hash: str
    log_index: int
    block: BlockRef


@dataclass(frozen=True, slots=True)
class Check:
    """One line of a verification: the expected and the found value, for people."""

    name: str
    passed: bool
    expected: str
    found: str


class Outcome(StrEnum):
    """What a verification found. UNANCHORED: consistent in itself, but compared with no block hash that is trusted."""

    VALID = "valid"
    UNANCHORED = "unanchored"
    INVALID = "invalid"


RecordEvent = ImageRegisteredEvent | DiagnosisRecordedEvent | DiagnosisReviewedEvent
ModelEvent = ModelRegisteredEvent | ModelRetiredEvent | TrainingAnchoredEvent
Event = RecordEvent | ModelEvent | ClassifierCompromisedEvent
IndexedEvent = Event | RoleChangedEvent
E = TypeVar("E", bound=ModelEvent)
AnyEvent = TypeVar("AnyEvent", bound=Event)


def position(event: IndexedEvent) -> tuple[int, int]:
    """The order of events on a chain: block number, and index of the log in that block."""
    return event.block.number, event.log_index


def first_of(events: Sequence[ModelEvent], kind: type[E]) -> E | None:
    """The first event of one kind. The contract emits each kind once for a model; a node may answer with more."""
    return next((event for event in events if isinstance(event, kind)), None)


def earliest_report(reports: Iterable[ClassifierCompromisedEvent]) -> int | None:
    """Since when the key is reported as compromised, in Unix seconds; None without a report. A later report only ever
    names an earlier time."""
    return min((report.since for report in reports), default=None)


def compromised_since(diagnosis: DiagnosisRecordedEvent, reports: Iterable[ClassifierCompromisedEvent]) -> int | None:
    """Since when the key of the diagnosis' classifier was not its own, in Unix seconds, if that is at or before the
    time of its block or of its signature; else None."""
    since = earliest_report([report for report in reports if report.classifier.lower() == diagnosis.classifier.lower()])
    return since if since is not None and since <= max(diagnosis.block.timestamp, diagnosis.issued_at) else None


@dataclass(frozen=True, slots=True)
class Record:
    """An image on the chain with its diagnoses and their reviews, oldest first.

    ``reviews`` may contain reviews of a diagnosis that was never recorded, because the contract cannot refuse them.
    They change nothing: they are ``noise``. ``reports`` are those of its classifiers' keys.
    """

    image: ImageRegisteredEvent
    diagnoses: tuple[DiagnosisRecordedEvent, ...]
    reviews: tuple[DiagnosisReviewedEvent, ...] = ()
    reports: tuple[ClassifierCompromisedEvent, ...] = ()

    @classmethod
    def of(cls, events: Sequence[RecordEvent]) -> Record | None:
        """The record made of one image's events in chain order; None when the image is not registered."""
        image = next((event for event in events if isinstance(event, ImageRegisteredEvent)), None)
        if image is None:
            return None
        return cls(
            image=image,
            diagnoses=tuple(event for event in events if isinstance(event, DiagnosisRecordedEvent)),
            reviews=tuple(event for event in events if isinstance(event, DiagnosisReviewedEvent)),
        )

    @property
    def noise(self) -> tuple[DiagnosisReviewedEvent, ...]:
        """The reviews of diagnoses that were never recorded: any reviewer can add them to any image."""
        recorded = {diagnosis.diagnosis_id for diagnosis in self.diagnoses}
        return tuple(review for review in self.reviews if review.diagnosis_id not in recorded)

    def without_noise(self, events: Iterable[AnyEvent]) -> list[AnyEvent]:
        """``events`` without the noise of this record."""
        noise = frozenset[object](self.noise)
        return [event for event in events if event not in noise]

    def reviews_of(self, diagnosis: DiagnosisRecordedEvent) -> tuple[DiagnosisReviewedEvent, ...]:
        """The reviews of one diagnosis, oldest first; each supersedes the one before."""
        return tuple(review for review in self.reviews if review.diagnosis_id == diagnosis.diagnosis_id)

    def compromised_since(self, diagnosis: DiagnosisRecordedEvent) -> int | None:
        """As the function of that name."""
        return compromised_since(diagnosis, self.reports)

    def status_of(self, diagnosis: DiagnosisRecordedEvent) -> DiagnosisStatus:
        reviews = self.reviews_of(diagnosis)
        if reviews:
            return DiagnosisStatus(reviews[-1].verdict)
        return DiagnosisStatus.ABSTAINED if diagnosis.label == ABSTAINED_LABEL else DiagnosisStatus.ASSERTED

    def label_of(self, diagnosis: DiagnosisRecordedEvent) -> int | None:
        """The current label code, None when the diagnosis was withdrawn."""
        reviews = self.reviews_of(diagnosis)
        if reviews and reviews[-1].verdict is Verdict.WITHDRAWN:
            return None
        return reviews[-1].label if reviews else diagnosis.label


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A block up to which events were read. Its hash shows later whether the chain was reorganised."""

    number: int
    hash: str


@dataclass(frozen=True, slots=True)
class BlockRange:
    """All events of neighbouring blocks in chain order. ``parent`` is the hash of the block before the first one,
    ``last`` the last block."""

    parent: str
    last: BlockRef
    events: tuple[IndexedEvent, ...]


@dataclass(frozen=True, slots=True)
class DamagedRow:
    """A stored row that is not what was written. ``place`` finds it again, ``values`` are what the database holds."""

    table: str
    name: str
    place: object
    values: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class IndexStatus:
    """``block`` is the newest block that was read, ``head`` the chain's newest; None while unknown."""

    block: int | None
    head: int | None
    synced: bool


class LedgerKind(StrEnum):
    """The names of the contract's events."""

    IMAGE_REGISTERED = "imageRegistered"
    DIAGNOSIS_RECORDED = "diagnosisRecorded"
    DIAGNOSIS_REVIEWED = "diagnosisReviewed"
    MODEL_REGISTERED = "modelRegistered"
    MODEL_RETIRED = "modelRetired"
    TRAINING_ANCHORED = "trainingAnchored"
    CLASSIFIER_COMPROMISED = "classifierCompromised"


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One event, summarised. ``who`` is the account that acted; for a diagnosis, the classifier.

    ``image_id`` and ``model_id`` are None for events without one; a review has the model id of its diagnosis.
    ``label``, ``confidence`` (basis points) and ``verdict`` are None for events without one. ``classifier`` is the
    reported one of a compromise report. ``compromised_since``, in Unix seconds, is the time of the report; of a
    diagnosis, that of its classifier's if it is at or before the block's time or the signature's.
    """

    kind: LedgerKind
    who: str
    image_id: str | None
    model_id: str | None
    label: int | None
    confidence: int | None
    verdict: Verdict | None
    classifier: str | None
    compromised_since: int | None
    transaction_hash: str
    log_index: int
    block: BlockRef


LabelCode = tuple[str, int]
"""A model id and a label code within that model."""


@dataclass(frozen=True, slots=True)
class RecordFilter:
    """Every condition that is not None must be true; ``models``, ``labels`` and ``status`` of the same diagnosis.

    ``text``, in lower case, is an image id, CID, uploader, model id or the hash of any transaction of the record; or a
    name, which stands for ``text_models`` or ``text_labels``. A label matches the classifier's and the current one.
    The times are those of the registration's block in Unix seconds, both included. ``kind`` is that of the image or
    study, ``cids`` its CID, ``patient`` the pseudonym of an image or study with a study date.
    """

    text: str | None = None
    text_models: tuple[str, ...] = ()
    text_labels: tuple[LabelCode, ...] = ()
    models: tuple[str, ...] | None = None
    labels: tuple[LabelCode, ...] | None = None
    status: DiagnosisStatus | None = None
    first_time: int | None = None
    last_time: int | None = None
    kind: KindFilter = KindFilter()
    cids: tuple[str, ...] | None = None
    patient: str | None = None


class ModelStatus(StrEnum):
    """Whether the registry accepts diagnoses by a model, in the order of IModelRegistry.Status."""

    UNKNOWN = "unknown"
    IN_USE = "inUse"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class RegisteredState:
    """The registry's state of a model; ``training_id`` is None while its training is not anchored."""

    status: ModelStatus
    training_id: str | None


@dataclass(frozen=True, slots=True)
class StateKeys:
    """What of the registry's state a record depends on. ``roles`` are pairs of a role and an account."""

    image_id: str
    diagnosis_ids: tuple[str, ...] = ()
    model_ids: tuple[str, ...] = ()
    classifiers: tuple[str, ...] = ()
    roles: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class StoredImage:
    """IImageRegistry.Image: what the registry stores of an image. Times in Unix seconds, 0 before the first."""

    uploader: str
    registered_at: int
    last_issued_at: int
    diagnosis_count: int


@dataclass(frozen=True, slots=True)
class RegistryState:
    """What the registry stored at the end of a block, by the keys of a StateKeys.

    ``image`` is None when it is not registered; a newest review is None before the first. ``compromises`` is the time
    (Unix seconds) since which each classifier is reported as compromised, None for one that nobody reported.
    """

    image: StoredImage | None
    newest_reviews: Mapping[str, str | None]
    models: Mapping[str, RegisteredState]
    compromises: Mapping[str, int | None]
    roles: Mapping[tuple[str, str], bool]


@dataclass(frozen=True, slots=True)
class Training:
    """IModelRegistry.Training, hashes 0x-prefixed; ``parent_model_id`` is None for a training without parent."""

    training_id: str
    model_id: str
    parent_model_id: str | None
    metrics_hash: str
    participants: int


@dataclass(frozen=True, slots=True)
class ModelDocuments:
    """The published documents of an installed model: its card; as canonical JSON, training record and metrics.

    ``labels`` is the number of its class codes, which are 1 to that number.
    """

    facts: ModelFacts
    labels: int
    card: bytes
    training: bytes
    metrics: bytes


@dataclass(frozen=True, slots=True)
class Review:
    """IImageRegistry.Review: ``label`` is the new class code."""

    supersedes: str
    reason_hash: str
    verdict: Verdict
    label: int


@dataclass(frozen=True, slots=True)
class SentTransaction:
    """A mined transaction; ``name`` is the contract's function that it called."""

    name: str
    hash: str
    gas_used: int
    block: int


class TransactionState(StrEnum):
    UNKNOWN = "unknown"
    PENDING = "pending"
    MINED = "mined"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class TransactionStatus:
    """``confirmations`` counts the transaction's own block: 1 means mined in the newest block."""

    hash: str
    state: TransactionState
    confirmations: int = 0
    block: BlockRef | None = None
    gas_used: int | None = None
    sender: str | None = None
    nonce: int | None = None
    revert_reason: str | None = None
