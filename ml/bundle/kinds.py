"""The kinds of bundles. Code that depends on the kind asks this table; none compares the name of a kind.

An architecture that is no network has a trainer of its own, see ``ml.training.choices.TRAINERS``.

A function of a kind is given as "module:name", as ``pkgutil.resolve_name`` reads it, and imported when it is first
called. So the table needs none of the modules that serve, evaluate and train a kind, and a server imports no training.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

NETWORK = "model.tflite"
DETECTOR = "detector.npz"
COMBINATION = "ensemble.json"
METADATA = "metadata.json"


class Answer(StrEnum):
    """What a model answers for an image."""

    DIAGNOSIS = "diagnosis"
    MODALITY = "modality"
    OUTLINE = "outline"


@dataclass(frozen=True, slots=True)
class Trainer:
    """``name`` is the "module:name" of its function; ``choices`` are the only fields of ``ml.training.choices.Choices``
    that it takes, where it does not take all."""

    name: str
    choices: tuple[str, ...] = ()

    @property
    def follows_recipe(self) -> bool:
        """Whether it takes a recipe, which can be searched."""
        return not self.choices or "recipe" in self.choices

    @property
    def train(self) -> Callable[..., Any]:
        """``(job)``, an ``ml.training.choices.TrainingJob``, returns the bundle that it wrote."""
        return resolve(self.name)


@dataclass(frozen=True, slots=True)
class Kind:
    """``model`` is the file of the model, ``files`` are further required ones. ``abstains``: the kind has limits beyond
    which it declines to answer. ``member``: an ensemble may combine it. ``trainer`` is None for a kind that is
    built from other bundles."""

    answer: Answer
    model: str
    checker: str
    opener: str
    reader: str
    evaluator: str
    trainer: Trainer | None = None
    files: tuple[str, ...] = ()
    least_classes: int = 2
    abstains: bool = True
    member: bool = False

    @property
    def classifies(self) -> bool:
        """Whether its labels are diagnoses, so that a person may choose it to classify an image."""
        return self.answer is Answer.DIAGNOSIS

    @property
    def check(self) -> Callable[..., None]:
        """``(metadata, model file, path)``: raises BundleError where the file does not fit the metadata."""
        return resolve(self.checker)

    @property
    def open(self) -> Callable[..., Any]:
        """``(bundle, by_sha256)`` returns the model; ``by_sha256`` finds the models of other bundles."""
        return resolve(self.opener)

    @property
    def read(self) -> Callable[..., Sequence[Any]]:
        """``(folder, labels)`` returns the samples of a folder, without their images. Raises WrongChoice."""
        return resolve(self.reader)

    @property
    def evaluate(self) -> Callable[..., dict[str, Any]]:
        """``(model, samples)`` returns the figures of a model on what ``read`` returns, or a part of it."""
        return resolve(self.evaluator)


def resolve(name: str) -> Callable[..., Any]:
    """The function or class that "module:name" stands for."""
    found: Callable[..., Any] = pkgutil.resolve_name(name)
    return found


KINDS = {
    "classifier": Kind(
        Answer.DIAGNOSIS,
        NETWORK,
        files=(DETECTOR,),
        member=True,
        checker="ml.bundle.consistency:check_network",
        opener="ml.inference.single_network:Predictor.open",
        reader="ml.datasets:read_samples",
        evaluator="ml.evaluation.classifier:evaluate_samples",
        trainer=Trainer("ml.training.train_model:train_classifier"),
    ),
    "ensemble": Kind(
        Answer.DIAGNOSIS,
        COMBINATION,
        checker="ml.bundle.combination:check_combination",
        opener="ml.inference.ensemble:Ensemble",
        reader="ml.datasets:read_samples",
        evaluator="ml.evaluation.classifier:evaluate_samples",
    ),
    "gate": Kind(
        Answer.MODALITY,
        NETWORK,
        checker="ml.bundle.consistency:check_network",
        opener="ml.gate.gate:Gate.open",
        reader="ml.datasets:read_samples",
        evaluator="ml.evaluation.classifier:evaluate_samples",
        trainer=Trainer("ml.gate.training:train_gate", choices=("epochs", "seed")),
    ),
    "segmentation": Kind(
        Answer.OUTLINE,
        NETWORK,
        least_classes=1,
        abstains=False,
        checker="ml.bundle.consistency:check_network",
        opener="ml.segmentation.segmenter:Segmenter.open",
        reader="ml.segmentation.data:read_masked_manifest",
        evaluator="ml.segmentation.evaluation:evaluate_model",
        trainer=Trainer("ml.segmentation.training:train_segmentation", choices=("size", "epochs", "seed", "start")),
    ),
}
