"""Tells the modality of an image before a model is chosen."""

from __future__ import annotations

from dataclasses import replace

from PIL import Image

from ml.bundle.metadata import ABSTAINED_CODE, ABSTAINED_LABEL
from ml.inference.prediction import Prediction
from ml.inference.predictor import Predictor

OTHER = "other"
"""The gate's class for everything that no model here knows."""

REASON = "not recognised as a brain MRI or a breast-histology image"


class Gate(Predictor):
    """A bundle of the kind gate. Its labels are modalities, and ``other``, which is never an answer: it declines."""

    def predict(self, source: bytes | Image.Image) -> Prediction:
        """The modality as ``label``; "abstained" for an image that is of none, or not clearly of one.

        Raises:
            ImageError: see ``ml.preprocessing.images.decode_image``.
        """
        found = super().predict(source)
        if not found.abstained and found.label != OTHER:
            return found
        return replace(found, label=ABSTAINED_LABEL, code=ABSTAINED_CODE, abstained=True, reason=REASON)
