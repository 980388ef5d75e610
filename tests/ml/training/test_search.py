"""A search on a real Ray, started here: two trials, one of which fails."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ml.datasets import read_manifest
from ml.errors import MlError
from ml.training.choices import Choices, chosen_recipe, chosen_specification
from ml.training.search_recipe import FIGURES, SPACE, draw, search, trial
from ml.training.specifications import BRAIN_MRI
from ml.training.train_model import load

CHOICES = Choices(architecture="logistic", size=32, epochs=1, recipe="s4")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixteen squares of noise; the class decides where one is bright."""
    folder = tmp_path_factory.mktemp("drawn")
    rows = ["split,path,label"]
    for number in range(16):
        place = number % 4
        pixels = np.random.default_rng(number).integers(0, 150, (64, 64)).astype(np.uint8)
        pixels[16 * place : 16 * place + 16] = 250
        Image.fromarray(pixels).save(folder / f"{number}.png")
        rows.append(f"{'train' if number < 8 else 'val'},{number}.png,{BRAIN_MRI.labels[place]}")
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="module")
def found(drawn: Path) -> tuple[dict[str, Any], list[str]]:
    for name in ("ray", "tensorflow"):
        pytest.importorskip(name, reason=f"{name} is a development dependency")
    reported: list[str] = []
    space = {"batch_size": (4, 0)}
    return search("brain-mri", drawn, 2, CHOICES, space=space, report=reported.append), reported


def test_the_best_on_val_is_found(found: tuple[dict[str, Any], list[str]]) -> None:
    result, _ = found
    assert result["best"] == result["trials"][0]
    assert result["best"]["changes"] == {"batch_size": 4}
    assert result["best"]["recipe"]["epochs"] == 1
    assert 0 <= result["best"]["val"]["macro_auc"] <= 1


def test_a_failed_trial_is_reported_and_stops_no_other(found: tuple[dict[str, Any], list[str]]) -> None:
    result, reported = found
    failed = {
        "changes": {"batch_size": 0},
        "error": "WrongChoice: the recipe's batch_size must be at least 1, found 0",
    }
    assert result["trials"][1] == failed
    assert len(reported) == 2
    assert any(failed["error"] in line for line in reported)


def test_the_result_is_json_and_a_recipe(found: tuple[dict[str, Any], list[str]], tmp_path: Path) -> None:
    from ml.training.recipes import recipe_of

    (tmp_path / "found.json").write_text(json.dumps(found[0]))
    assert recipe_of(str(tmp_path / "found.json")).batch_size == 4


@pytest.mark.parametrize(
    ("rate", "scale", "error"),
    [(0.001, 1.0, None), (0.001, np.nan, "the training diverged"), (-1.0, 1.0, "WrongChoice: ")],
)
def test_a_trial_has_figures_or_an_error(drawn: Path, rate: float, scale: float, error: str | None) -> None:
    """As it runs in a process of Ray."""
    pytest.importorskip("tensorflow", reason="TensorFlow is a development dependency")
    specification = chosen_specification("brain-mri", CHOICES)
    samples = read_manifest(drawn, specification.labels)
    train, val = (load(specification, samples, split) for split in ("train", "val"))
    recipe = replace(chosen_recipe(CHOICES), optimizer="adam")
    scaled = replace(val, pixels=val.pixels * np.float32(scale))
    outcome = trial({"learning_rate": rate}, specification, train, scaled, recipe, CHOICES)
    if error:
        assert outcome.keys() == {"error"}
        assert outcome["error"].startswith(error)
    else:
        assert outcome["recipe"]["learning_rate"] == rate
        assert set(outcome["val"]) == set(FIGURES)
        assert 0 <= outcome["val"]["macro_auc"] <= 1


def test_a_search_in_which_all_fail_says_why(drawn: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tensorflow", reason="TensorFlow is a development dependency")
    monkeypatch.setattr(
        "ml.training.search_recipe._run", lambda drawn, *_: ((each, {"error": "lost"}) for each in drawn)
    )
    with pytest.raises(MlError) as caught:
        search("brain-mri", drawn, 3, CHOICES)
    assert str(caught.value) == "expected at least one of 3 trials to end, all failed, such as by: lost"


def test_trials_are_drawn_by_a_seed_without_repetition() -> None:
    some = draw(SPACE, 20, seed=1)
    assert some == draw(SPACE, 20, seed=1)
    assert some != draw(SPACE, 20, seed=2)
    assert len({tuple(each.values()) for each in some}) == 20


def test_more_trials_than_there_are_points_are_the_grid() -> None:
    grid = draw({"mixup": (0.0, 0.5), "seed": (1, 2)}, 100, seed=1)
    assert sorted(grid, key=str) == [
        {"mixup": 0.0, "seed": 1},
        {"mixup": 0.0, "seed": 2},
        {"mixup": 0.5, "seed": 1},
        {"mixup": 0.5, "seed": 2},
    ]
