"""The image analysis of ``ml`` behind the port ImageAnalyser."""

from __future__ import annotations

from backend.errors import ImageTooLarge, UnsupportedImage
from ml import errors as ml_errors
from ml.analysis import Analysis, analyse


class StepwiseAnalyser:
    def analyse(self, image: bytes) -> Analysis:
        try:
            return analyse(image)
        except ml_errors.ImageTooLarge as error:
            raise ImageTooLarge(str(error)) from error
        except ml_errors.ImageError as error:
            raise UnsupportedImage(str(error)) from error
