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
        return replace(found, label=ABSTAINED_LABEL, code=ABSTAINED_CODE, abstained=True, reason=REASON)
