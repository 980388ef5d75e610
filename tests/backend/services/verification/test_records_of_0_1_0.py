"""Results that version 0.1.0 recorded are reproduced by every later version, whether their models are retired or not.

The manifests were made by version 0.1.0, one for each model that classified then, of one drawn scan.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from backend.adapters.models.bundled import BundledModels
from backend.domain import ModelFacts
from backend.errors import NotFound
from backend.services import manifests
from backend.services.reproduction import TOLERANCE
from ml.inference.registry import Registry

RECORDS = Path(__file__).with_name("records_of_0_1_0")
MODELS = BundledModels()


def test_every_retired_model_has_a_record_here() -> None:
    recorded = {path.stem for path in RECORDS.glob("*.json")}
    assert set(Registry().retired.identities()) <= recorded
    assert len(recorded) == 8


@pytest.mark.parametrize("path", sorted(RECORDS.glob("*.json")), ids=lambda path: path.stem[:8])
def test_the_result_of_a_record_is_reproduced(path: Path) -> None:
    content = path.read_bytes()
    manifest = manifests.read(content)
    assert manifest is not None
    model = MODELS.describe(manifest.model_sha256)
    assert model is not None
    named = json.loads(content)["model"]
    assert model.facts == ModelFacts(named["name"], named["version"], path.stem, json.loads(content)["modality"])
    prediction, _ = MODELS.predict(model.facts, (RECORDS / "scan.png").read_bytes())
    assert (prediction.label, prediction.code, prediction.abstained) == (
        *(manifest.label, manifest.label_code, manifest.abstained),
    )
    assert prediction.probabilities == pytest.approx(manifest.probabilities, abs=TOLERANCE)


@pytest.mark.parametrize("name", [*Registry().retired.names(), *Registry().retired.identities()])
def test_a_retired_model_cannot_be_chosen(name: str) -> None:
    with pytest.raises(NotFound, match=f"^no model named '{name}'; available: brain-mri, "):
        MODELS.resolve(name)


def test_models_that_nobody_is_meant_to_choose_are_not_offered() -> None:
    assert [model.facts.name for model in MODELS.models()] == [
        *("brain-mri", "breast-histology", "brain-mri-ensemble", "modality-gate", "tumour-outline"),
    ]
    assert len(MODELS.known()) == len(MODELS.models()) + len(Registry().retired.identities())
