"""Serves the gate: recognises the modality of an image before a model is chosen."""

from __future__ import annotations

from dataclasses import replace

from PIL import Image

from ml.bundle.metadata import ABSTAINED_CODE, ABSTAINED_LABEL
from ml.inference.prediction import Prediction
from ml.inference.single_network import Predictor

OTHER = "other"
"""The gate's class for images of any other kind than the models' modalities."""

REASON = "not recognised as a brain MRI or a breast-histology image"


class Gate(Predictor):
    """A bundle of the kind gate. Its labels are modalities, and ``other``, for which it declines."""

    def predict(self, source: bytes | Image.Image) -> Prediction:
        """The modality as ``label``; "abstained" for an image of another kind, or of uncertain modality.

        Raises:
            ImageError: see ``ml.preprocessing.images.decode_image``.
        """
        found = super().predict(source)
        if not found.abstained and found.label != OTHER:
            return found
        return _abstention(found, REASON)


def decline(found: Prediction) -> Prediction:
    """The gate's prediction as a classification's result: always an abstention, because a modality is no diagnosis.

    A recognised modality is the result where another model was named.
    """
    reason = f"recognised as {found.label}, which the named model was not made for"
    return found if found.abstained else _abstention(found, reason)


def _abstention(found: Prediction, reason: str) -> Prediction:
    return replace(found, label=ABSTAINED_LABEL, code=ABSTAINED_CODE, abstained=True, reason=reason)
