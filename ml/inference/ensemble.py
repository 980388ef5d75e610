"""Classifies an image with several networks and combines their answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import numpy as np
from PIL import Image

from ml.bundle.bundle import Bundle
from ml.bundle.combination import Combination, Member
from ml.bundle.kinds import COMBINATION, KINDS
from ml.bundle.metadata import Metadata
from ml.errors import BundleError, BundleNotFound, MlError
from ml.inference.calibration import log_softmax, softmax
from ml.inference.prediction import Prediction, decide
from ml.inference.registry import Model
from ml.inference.single_network import Examination, Predictor
from ml.preprocessing.grey_image import Preprocessed
from ml.preprocessing.images import decode_image


class Ensemble:
    """A bundle of the kind "ensemble", which classifies like a ``Predictor``. Thread-safe."""

    def __init__(self, bundle: Bundle, by_sha256: Callable[[str], Model]) -> None:
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

        The out-of-distribution score is the mean of the members' scores, each divided by the member's limit. The
        activation map is the mean of the members' maps for the ensemble's most probable class, weighted by their
        shares.

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

    def _member(self, member: Member, by_sha256: Callable[[str], Model]) -> Predictor:
        metadata = self.bundle.metadata
        try:
            model = by_sha256(member.sha256)
        except BundleNotFound as exc:
            raise BundleError(
                f"the ensemble {metadata.name} needs {member.name} with SHA-256 {member.sha256}, which is not installed"
            ) from exc
        check_member(metadata.name, metadata.labels, model.bundle.metadata, BundleError)
        return cast(Predictor, model)  # as which every kind that can be a member is opened


def examine(members: Sequence[Predictor], image: Image.Image) -> list[Examination]:
    """The output of each member for a decoded image; a preprocessing that members share runs once."""
    prepared: dict[str, Preprocessed] = {}
    for member in members:
        procedure = member.bundle.metadata.preprocessing
        if procedure not in prepared:
            prepared[procedure] = member.prepare(image)
    return [member.examine(prepared[member.bundle.metadata.preprocessing]) for member in members]


def check_member(ensemble: str, labels: tuple[str, ...], found: Metadata, error: type[MlError]) -> None:
    """Raises ``error`` where a model of the metadata ``found`` cannot be a member, or has other labels than these."""
    if not KINDS[found.kind].member:
        members = " or ".join(name for name, kind in KINDS.items() if kind.member)
        raise error(member_mismatch(ensemble, found.name, "kind", members, found.kind))
    if found.labels != labels:
        raise error(member_mismatch(ensemble, found.name, "labels", labels, found.labels))


def member_mismatch(ensemble: str, name: str, what: str, expected: object, found: object) -> str:
    """The message that the model ``name`` cannot be a member."""
    return f"the ensemble {ensemble} needs members of the {what} {expected}, {name} has {found}"


def member_log_probabilities(member: Predictor, found: Examination) -> np.ndarray:
    """A member's calibrated log-probabilities, (1, K)."""
    return log_softmax(found.output.logits[None], member.bundle.metadata.temperature)


def relative_ood_score(members: Sequence[Predictor], found: Sequence[Examination]) -> float | None:
    """The mean of the members' scores, each divided by the member's own limit; None where no member has both."""
    scores = [
        examination.ood_score / limits.score
        for member, examination in zip(members, found, strict=True)
        if examination.ood_score is not None and (limits := member.bundle.metadata.abstention) and limits.score
    ]
    return float(np.mean(scores)) if scores else None
