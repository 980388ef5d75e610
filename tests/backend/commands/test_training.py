"""What ``scanproof train`` and ``scanproof search`` pass on and tell; training itself is tested in ``tests/ml``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from backend.cli import main
from ml.inference.registry import BUNDLES
from ml.training.choices import Choices

BUNDLE = BUNDLES / "brain-mri"
MEMBERS = "--members brain-mri,brain-mri-mobile"
FOUND: dict[str, Any] = {
    "chosen_by": "macro_auc on val",
    "best": {"changes": {"mixup": 0.5}, "val": {"macro_auc": 0.99}, "recipe": {}},
    "trials": [{"changes": {"mixup": 0.5}}, {"changes": {"mixup": 0.0}, "error": "lost"}],
}


@pytest.fixture
def passed_on(monkeypatch: pytest.MonkeyPatch) -> list[tuple]:
    calls: list[tuple] = []

    def train(*arguments: object, **options: object) -> dict[str, Any]:
        calls.append((*arguments, *options.values()))
        figures = {"accuracy": 0.91, "images": 1200}
        return {"name": "brain-mri", "version": "1.1.0", "sha256": "ab", "metrics": {"val": figures, "outliers": {}}}

    def search(*arguments: object, **_: object) -> dict[str, Any]:
        calls.append(arguments)
        return FOUND

    monkeypatch.setattr("ml.training.train_model.train", train)
    monkeypatch.setattr("ml.training.join_networks.join", train)
    monkeypatch.setattr("ml.training.search_recipe.search", search)
    return calls


def test_train_passes_everything_on(passed_on: list[tuple], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for kind in ("cats", "dogs"):
        (tmp_path / kind).mkdir()
        Image.new("L", (8, 8)).save(tmp_path / kind / "1.png")
    given = ["--model", "brain-mri", "--data", str(tmp_path), "--output", str(tmp_path / "new"), "--size", "160"]
    given += ["--architecture", "basecnn", "--recipe", "source", "--from", "imagenet", "--epochs", "3", "--seed", "4"]
    given += ["--outliers", str(tmp_path / "cats"), "--outliers", str(tmp_path / "dogs")]
    given += ["--name", "ward-7", "--version", "2.1.0", "--refit", str(BUNDLE)]
    assert main(["train", *given]) == 0
    ((model, data, output, choices, outliers, _),) = passed_on
    assert (model, data, output) == ("brain-mri", tmp_path, tmp_path / "new")
    assert choices == Choices(
        architecture="basecnn",
        recipe="source",
        size=160,
        epochs=3,
        seed=4,
        start="imagenet",
        refit=BUNDLE,
        name="ward-7",
        version="2.1.0",
        run=Path("var/training/ward-7"),
        features=Path("var/training/features"),
    )
    assert outliers == {kind: [tmp_path / kind / "1.png"] for kind in ("cats", "dogs")}
    assert "Accuracy, val  91.0% of 1,200 images" in capsys.readouterr().out


def test_join_passes_everything_on(passed_on: list[tuple], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "cats").mkdir()
    Image.new("L", (8, 8)).save(tmp_path / "cats" / "1.png")
    given = ["--data", str(tmp_path), "--output", str(tmp_path / "new"), "--outliers", str(tmp_path / "cats")]
    given += ["--refit", str(BUNDLE)]
    assert main(["join", "--members", "brain-mri, brain-mri-mobile", "--version", "2.0.0", *given]) == 0
    outliers = {"cats": [tmp_path / "cats" / "1.png"]}
    assert passed_on == [(["brain-mri", "brain-mri-mobile"], tmp_path, tmp_path / "new", "2.0.0", outliers, BUNDLE)]
    assert "Accuracy, val  91.0% of 1,200 images" in capsys.readouterr().out


def test_ensemble_passes_everything_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    passed: list[tuple] = []

    def build(*arguments: object) -> dict[str, Any]:
        passed.append(arguments)
        identity = {"name": "brain-mri-ensemble", "version": "2.0.0", "sha256": "ab", "metrics": {}}
        return identity | {"members": ["brain-mri"], "method": "mean", "candidates": {"brain-mri alone": 0.12345}}

    monkeypatch.setattr("ml.training.build_ensemble.build_ensemble", build)
    given = ["--data", str(tmp_path), "--output", str(tmp_path / "new"), "--version", "2.0.0"]
    assert main(["ensemble", *MEMBERS.split(), *given]) == 0
    assert passed == [(["brain-mri", "brain-mri-mobile"], tmp_path, tmp_path / "new", "2.0.0")]
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["Method", "mean"] in lines
    assert ["brain-mri", "alone", "0.1235"] in lines or ["brain-mri", "alone", "0.1234"] in lines


@pytest.mark.parametrize("name", ["", "../up", "Ward", "a b", "-a", "a--b", "a" * 65])
def test_a_bundle_has_a_plain_name(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--model", "brain-mri", "--data", str(tmp_path), "--output", str(tmp_path / "new"), f"--name={name}"]
    assert main(["train", *given]) == 2
    expected = "expected lower-case words and numbers with - between, at most 64 characters"
    assert f"{expected}, found {name!r}" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command", ["train --model brain-mri", *(f"{name} {MEMBERS}" for name in ("join", "ensemble"))]
)
@pytest.mark.parametrize("version", ["", "1\n\n## Weaknesses", "v1", "1" * 41, "\udcff"])
def test_a_version_is_one(command: str, version: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--data", str(tmp_path), "--output", str(tmp_path / "new"), f"--version={version}"]
    assert main([*command.split(), *given]) == 2
    assert "expected a version such as 1.0.0, at most 40 characters, found " in capsys.readouterr().err


def test_the_run_may_lie_elsewhere(passed_on: list[tuple], tmp_path: Path) -> None:
    given = ["--data", str(tmp_path), "--output", str(tmp_path / "new"), "--run", str(tmp_path / "run")]
    assert main(["train", "--model", "brain-mri", *given]) == 0
    assert passed_on[0][3].run == tmp_path / "run"


def test_search_tells_the_best_and_writes_all(
    passed_on: list[tuple], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "new" / "found.json"
    given = ["--model", "brain-mri", "--data", str(tmp_path), "--trials", "2", "--ray-address", "10.0.0.1:6379"]
    assert main(["search", *given, "--output", str(output)]) == 0
    assert passed_on[0][2] == 2
    assert passed_on[0][4] == "10.0.0.1:6379"
    assert json.loads(output.read_text()) == FOUND
    assert "2, 1 failed" in capsys.readouterr().out
