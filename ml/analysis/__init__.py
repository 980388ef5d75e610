"""Image analysis in steps that a person can follow: pre-processing, statistics, texture, threshold, outlined region."""

from ml.analysis.pipeline import analyse
from ml.analysis.steps import Analysis, Figure, Step

__all__ = ["Analysis", "Figure", "Step", "analyse"]
