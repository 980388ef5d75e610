"""Sentences that a reader must know before comparing one result with another, from how the result was made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ml.compare.candidate import Candidate
from ml.datasets import Sample
from ml.datasets.duplicates import Leakage
from ml.training.recipes import RECIPES

FEW_GROUPS = 30
PATIENT = "patient"
KNOWN_WEAKNESSES = {
    "brain-mri": "The images without a tumour come from another source than the others, there are no patient ids, and "
    "half of the test images are turned or mirrored copies of training images: expect less elsewhere.",
    "breakhis-100x": "312 images of 18 patients are a small part of BreakHis, all at 100X.",
}
"""By the name of the data folder."""


def cautions(
    candidate: Candidate, data: str, protocol: str, samples: Sequence[Sample], leakage: Leakage
) -> Iterator[str]:
    architecture, shape = candidate.architecture, candidate.input_shape
    groups = {sample.group for sample in samples if sample.group}
    if protocol == "paper" and groups:
        yield (
            f"Images of one {unit(samples)} are in train and in test: the figures show how well the network recognises "
            f"these {unit(samples)}s, not how it does on new ones."
        )
    if leakage.crossing:
        yield f"{len(leakage.crossing)} sets of near-duplicate images lie across the splits."
    if 0 < len(groups) < FEW_GROUPS:
        yield f"There are only {len(groups)} {unit(samples)}s, so the intervals are wide."
    if data in KNOWN_WEAKNESSES:
        yield KNOWN_WEAKNESSES[data]
    if architecture.frozen_backbone and candidate.weights is None:
        yield (
            "The backbone is frozen with random weights, as no ImageNet weights were available: the figures do not "
            "apply to this network with the weights that its source used."
        )
    if shape[0] < architecture.input_shape[0]:
        height, width, _ = architecture.input_shape
        yield f"Trained at {shape[0]} x {shape[1]} pixels; the source's size is {height} x {width}."
    if candidate.recipe_name in RECIPES and candidate.recipe.epochs < RECIPES[candidate.recipe_name].epochs:
        full = RECIPES[candidate.recipe_name].epochs
        yield f"At most {candidate.recipe.epochs} epochs, where the recipe has {full}."


def unit(samples: Sequence[Sample]) -> str:
    """What a group of these samples is: only slides have a magnification, and their groups are patients."""
    return PATIENT if any(sample.magnification for sample in samples) else "group"
