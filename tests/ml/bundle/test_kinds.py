"""How kinds differ: the functions of each, bundles without limits or a score."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from ml.bundle.bundle import load_bundle
from ml.bundle.kinds import KINDS, Kind, resolve
from ml.bundle.metadata import Metadata
from ml.datasets.phantom import phantom_png
from ml.inference.single_network import Predictor
from tests.ml.bundles import SHIPPED


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_function_of_the_table_is_there(kind: Kind) -> None:
    named = (kind.checker, kind.opener, kind.evaluator, *([kind.trainer] if kind.trainer else []))
    assert all(callable(resolve(name)) for name in named)


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
