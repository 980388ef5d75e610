"""The image analysis of ``ml`` behind the port ImageAnalyser."""

from __future__ import annotations

from backend.adapters.ml_images import one_image
from ml.analysis import Analysis, analyse


class StepwiseAnalyser:
    def analyse(self, image: bytes) -> Analysis:
        with one_image():
            return analyse(image)
