"""Repeats an inference and compares it with its manifest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from backend.domain import FieldResult, LocalSlide, ModelFacts, SlideAnswer
from backend.errors import ClassificationFailed, ImageTooLarge, UnsupportedImage
from backend.ports import Classifier
from backend.services.manifests import ReadManifest, ReadSlide, slide_statements
from backend.services.models import ModelService
from backend.services.slide_classification import DECODING, RULE, SlideClassification

if TYPE_CHECKING:
    from ml.inference.prediction import Prediction

TOLERANCE = 1e-4
"""The largest accepted difference of a probability: processors differ in the last digits of floating point."""


def describe_result(manifest: ReadManifest) -> str:
    return f"{manifest.label} ({manifest.confidence:.4f}), probabilities within {TOLERANCE}"


def repeat(
    classifier: Classifier,
    manifest: ReadManifest,
    model: ModelFacts,
    content: bytes | LocalSlide,
    fields: SlideClassification | None = None,
) -> tuple[bool, str]:
    """Whether ``model`` gives the manifest's result for the image ``content`` again, and what was found. ``fields``
    classifies slides."""
    if isinstance(content, LocalSlide) or manifest.slide:
        return _repeat_slide(classifier, manifest, model, content, fields)
    try:
        if failure := _gate_failure(classifier, manifest, model, content):
            return False, failure
        prediction, _ = classifier.predict(model, content, manifest.decoding)
    except (UnsupportedImage, ImageTooLarge, ClassificationFailed) as error:
        return False, str(error)
    return _compared(manifest, prediction)


def _compared(manifest: ReadManifest, prediction: Prediction | SlideAnswer) -> tuple[bool, str]:
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
    return passed, f"{prediction.label} ({prediction.confidence:.4f}), largest difference {difference:.6f}"


def _repeat_slide(
    classifier: Classifier,
    manifest: ReadManifest,
    model: ModelFacts,
    content: bytes | LocalSlide,
    fields: SlideClassification | None,
) -> tuple[bool, str]:
    read = manifest.slide
    if read is None or not isinstance(content, LocalSlide):
        return False, f"the image is {'a' if read is None else 'no'} slide, and the manifest is of another image"
    if fields is None or (read.rule, read.decoding) != (RULE, DECODING):
        return False, f"not checked: slides are not read by {read.rule} and {read.decoding} here"
    if not fields.can_read(model):
        return False, f"{model.name} does not read slides: expected a model that does"
    opinion = manifest.opinion
    gate = ModelService(classifier).facts("0x" + opinion.gate_sha256) if opinion else None
    if opinion and gate is None:
        return False, f"not checked: the gate with SHA-256 {opinion.gate_sha256} is not installed here"
    try:
        answer, seen = fields.answer(content, model, gate)
    except (UnsupportedImage, ImageTooLarge, ClassificationFailed) as error:
        return False, str(error)
    if opinion and (recognised := seen and seen.modality) != opinion.modality:
        return False, f"the gate recognises {recognised or 'no modality'}, not {opinion.modality or 'none'}"
    if failure := _field_failure(read.fields, answer.fields) or _statement_failure(read, answer):
        return False, failure
    passed, found = _compared(manifest, answer)
    return passed, f"{found}, from {len(answer.fields)} fields"


def _field_failure(expected: Sequence[FieldResult], found: Sequence[FieldResult]) -> str | None:
    """Why fields of a slide are not those of the manifest; None where they are."""
    if [each.region for each in expected] != [each.region for each in found]:
        return f"other fields: expected {len(expected)}, found {len(found)}"
    for number, (one, other) in enumerate(zip(expected, found, strict=True), start=1):
        same = (one.label, one.label_code, one.abstained) == (other.label, other.label_code, other.abstained)
        if not same or abs(one.confidence - other.confidence) > TOLERANCE:
            return f"another result for field {number}: {other.label} ({other.confidence:.4f})"
    return None


def _statement_failure(read: ReadSlide, answer: SlideAnswer) -> str | None:
    """Which of the manifest's statements on the slide are not those of the repetition; None where all are."""
    found = slide_statements(answer)
    if read.statements == found:
        return None
    other = [name for name, value in found.items() if name not in read.statements or read.statements[name] != value]
    return f"the manifest states another {' and '.join(other)}" if other else "the manifest has further statements"


def _gate_failure(classifier: Classifier, manifest: ReadManifest, model: ModelFacts, content: bytes) -> str | None:
    """Why the manifest's result does not follow from the gate's opinion in it; None where it does."""
    opinion = manifest.opinion
    if opinion is None:
        return None
    gate = ModelService(classifier).facts("0x" + opinion.gate_sha256)
    if gate is None:
        return f"not checked: the gate with SHA-256 {opinion.gate_sha256} is not installed here"
    recognised = classifier.recognise(gate, content, manifest.decoding).modality
    if recognised != opinion.modality:
        return f"the gate recognises {recognised or 'no modality'}, not {opinion.modality or 'none'}"
    if not manifest.follows_gate(model.modality):
        return f"an answer, although the gate recognises {recognised or 'no modality'}: expected an abstention"
    return None
