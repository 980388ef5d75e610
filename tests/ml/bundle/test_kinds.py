"""How kinds differ: the functions of each, bundles without limits or a score."""

from __future__ import annotations

from dataclasses import replace
from inspect import signature

import numpy as np
import pytest
from PIL import Image

from ml.bundle.bundle import load_bundle
from ml.bundle.kinds import KINDS, Kind, Trainer
from ml.bundle.metadata import Metadata
from ml.datasets.phantom import phantom_png
from ml.inference.single_network import Predictor
from ml.training.choices import TRAINERS, trainer_of
from ml.training.specifications import SPECIFICATIONS
from tests.ml.bundles import SHIPPED


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_function_of_the_table_takes_what_it_is_called_with(kind: Kind) -> None:
    """A type checker does not see through the names."""
    signature(kind.check).bind("metadata", b"model", "path")
    signature(kind.open).bind("bundle", "by_sha256")
    signature(kind.read).bind("folder", ("label",))
    signature(kind.evaluate).bind("model", ["sample"])
    if kind.trainer:
        signature(kind.trainer.train).bind("job")


@pytest.mark.parametrize("trainer", TRAINERS.values(), ids=TRAINERS)
def test_every_trainer_of_an_architecture_takes_a_job(trainer: Trainer) -> None:
    signature(trainer.train).bind("job")


def test_only_what_follows_a_recipe_can_be_searched() -> None:
    followers = [name for name, found in SPECIFICATIONS.items() if trainer_of(name).follows_recipe]
    assert {SPECIFICATIONS[name].kind for name in followers} == {"classifier"}
    assert sorted(set(SPECIFICATIONS) - set(followers)) == ["breast-histology", "modality-gate", "tumour-outline"]


def test_no_limit_no_abstention() -> None:
    bundle = load_bundle(SHIPPED)
    limits = replace(bundle.metadata.abstention, score=None, colourfulness=None, confidence=None)
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    prediction = Predictor(replace(bundle, metadata=replace(bundle.metadata, abstention=limits))).predict(
        Image.fromarray(noise)
    )
    assert (prediction.abstained, prediction.threshold) == (False, None)


def test_without_a_detector_there_is_no_score() -> None:
    prediction = Predictor(replace(load_bundle(SHIPPED), detector=None)).predict(phantom_png())
    assert prediction.ood_score is None


def test_metadata_come_back_from_their_bytes() -> None:
    metadata = load_bundle(SHIPPED).metadata
    for each in (metadata, replace(metadata, weak="Few images.", kind="segmentation", abstention=None)):
        assert Metadata.from_json(each.to_json(), SHIPPED) == each
