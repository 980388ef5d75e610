"""Classifies one image with several networks whose answers are put together."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from ml.bundle.bundle import Bundle
from ml.bundle.combination import Combination, Member
from ml.bundle.kinds import COMBINATION
from ml.bundle.metadata import Metadata
from ml.errors import BundleError, BundleNotFound
from ml.inference.calibration import log_softmax, softmax
from ml.inference.prediction import Prediction, decide
from ml.inference.predictor import Examination, Predictor
from ml.preprocessing.grey_image import Preprocessed
from ml.preprocessing.images import decode_image


class Ensemble:
    """A bundle of the kind "ensemble", ready to classify like a ``Predictor``. Threads may share it."""

    def __init__(self, bundle: Bundle, by_sha256: Callable[[str], Predictor]) -> None:
        """``by_sha256`` finds a member by its identity, as ``Registry.by_sha256`` does.

        Raises:
            BundleError: a member is not installed, is another version of it, or is refused; or its kind or labels are
                not the ensemble's.
        """
        self.bundle = bundle
        metadata = bundle.metadata
        combination = Combination.from_json(bundle.model, len(metadata.classes), Path(COMBINATION))
        self._method = combination.method
        self.members = tuple(self._member(member, by_sha256) for member in combination.members)

    def predict(self, source: bytes | Image.Image) -> Prediction:
        """Classify an image file's bytes, or an open image.

        The out-of-distribution score is the members' mean, each divided by its own limit. The activation map is the
        mean of the members' maps for the ensemble's most probable class, weighted by their shares.

        Raises:
            ImageError: see ``ml.preprocessing.images.decode_image``.
        """
        started = time.perf_counter()
        image = decode_image(source)
        found = examine(self.members, image)
        logits = self._method.combine(
            np.stack([member_log_probabilities(*pair) for pair in zip(self.members, found, strict=True)])
        )
        probabilities = softmax(logits, self.bundle.metadata.temperature)[0]
        return decide(
            self.bundle.metadata,
            image,
            found[0].seen,
            probabilities,
            relative_ood_score(self.members, found),
            lambda top: self._activation_map(found, top),
            started,
        )

    def _activation_map(self, found: Sequence[Examination], top: int) -> np.ndarray | None:
        drawn = [
            (share, heat)
            for share, examination in zip(self._method.shares(), found, strict=True)
            if (heat := examination.activation_map(top)) is not None
        ]
        weight = sum(share for share, _ in drawn)
        return sum((share / weight) * heat for share, heat in drawn).astype(np.float32) if weight > 0 else None

    def _member(self, member: Member, by_sha256: Callable[[str], Predictor]) -> Predictor:
        metadata = self.bundle.metadata
        try:
            predictor = by_sha256(member.sha256)
        except BundleNotFound as exc:
            raise BundleError(
                f"the ensemble {metadata.name} needs {member.name} with SHA-256 {member.sha256}, which is not installed"
            ) from exc
        found = predictor.bundle.metadata
        if problem := member_problem(metadata.name, found.name, found, member_fields(metadata)):
            raise BundleError(problem)
        return predictor


def examine(members: Sequence[Predictor], image: Image.Image) -> list[Examination]:
    """What each member makes of a decoded image; those with the same preprocessing share it."""
    prepared: dict[str, Preprocessed] = {}
    for member in members:
        procedure = member.bundle.metadata.preprocessing
        if procedure not in prepared:
            prepared[procedure] = member.prepare(image)
    return [member.examine(prepared[member.bundle.metadata.preprocessing]) for member in members]


def member_fields(metadata: Metadata) -> dict[str, object]:
    """What the metadata of every member must say in an ensemble with the labels of ``metadata``."""
    return {"kind": "classifier", "labels": metadata.labels}


def member_problem(ensemble: str, name: str, found: Metadata, expected: Mapping[str, object]) -> str | None:
    """Why the model ``name`` cannot be a member: the first field of ``found`` that is not as ``expected``, if any."""
    for field, value in expected.items():
        if (has := getattr(found, field)) != value:
            return f"the ensemble {ensemble} needs members of the {field} {value}, {name} has {has}"
    return None


def member_log_probabilities(member: Predictor, found: Examination) -> np.ndarray:
    """What a member's calibrated answer contributes, (1, K)."""
    return log_softmax(found.output.logits[None], member.bundle.metadata.temperature)


def relative_ood_score(members: Sequence[Predictor], found: Sequence[Examination]) -> float | None:
    """The mean of the members' scores, each divided by the member's own limit; None where no member has both."""
    scores = [
        examination.ood_score / limit
        for member, examination in zip(members, found, strict=True)
        if examination.ood_score is not None and (limit := member.bundle.metadata.abstention.score)
    ]
    return float(np.mean(scores)) if scores else None
