"""Explains an image step by step: preprocessing, statistics, texture, threshold, outlined region."""

from ml.analysis.pipeline import analyse
from ml.analysis.steps import Analysis, Figure, Step

__all__ = ["Analysis", "Figure", "Step", "analyse"]
