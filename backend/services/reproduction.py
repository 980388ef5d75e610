"""Repeats an inference and compares it with its manifest."""

from __future__ import annotations

from backend.domain import ModelFacts
from backend.errors import ClassificationFailed, ImageTooLarge, UnsupportedImage
from backend.ports import Classifier
from backend.services.manifests import ReadManifest
from backend.services.models import ModelService

TOLERANCE = 1e-4
"""The largest accepted difference of a probability: processors differ in the last digits of floating point."""


def describe_result(manifest: ReadManifest) -> str:
    return f"{manifest.label} ({manifest.confidence:.4f}), probabilities within {TOLERANCE}"


def repeat(classifier: Classifier, manifest: ReadManifest, model: ModelFacts, content: bytes) -> tuple[bool, str]:
    """Whether ``model`` gives the manifest's result for the image ``content`` again, and what was found."""
    try:
        if failure := _gate_failure(classifier, manifest, model, content):
            return False, failure
        prediction, _ = classifier.predict(model, content, manifest.decoding)
    except (UnsupportedImage, ImageTooLarge, ClassificationFailed) as error:
        return False, str(error)
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
