"""Fitting: what a recipe does, that a seed decides everything, and that a killed run ends as if it never was."""

from __future__ import annotations

import json
import logging
import re
import signal
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from ml import progress
from ml.datasets import LabelledImages
from ml.errors import MlError, WrongChoice
from ml.training.choices import Choices, chosen_recipe

pytest.importorskip("keras", reason="TensorFlow is a development dependency")

import keras

from ml.networks.compact_residual import build_compact_residual
from ml.training.callback import TrainingCallback
from ml.training.checkpoint import Checkpoint, clear
from ml.training.fitting import _class_weights, _identity, _rate, fit
from ml.training.recipes import RECIPES, Recipe, recipe_of

EPOCHS = 4
KILLED = """
import os, signal
from tests.ml.training.test_runs import fitted, images

synced, sync = [], os.fsync
def kill_in_the_third(file):
    synced.append(file)
    if len(synced) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    sync(file)
os.fsync = kill_in_the_third
fitted("scanproof", {folder!r})
"""


def images(classes: int = 3, count: int = 24) -> LabelledImages:
    """Noise with a bright row, whose place is the class."""
    generator = np.random.default_rng(4)
    labels = np.arange(count) % classes
    pixels = generator.random((count, 16, 16, 1), np.float32) * 0.6
    pixels[np.arange(count), 5 * labels] += 0.4
    return LabelledImages(pixels, labels)


def network(classes: int = 3, seed: int = 1) -> keras.Model:
    keras.utils.set_random_seed(seed)
    return build_compact_residual(16, classes, widths=(4, 8), blocks=(1,))


def fitted(name: str, folder: str | Path | None = None, **changes: object) -> tuple[list[np.ndarray], dict]:
    """Weights and history without its seconds, which no seed decides."""
    recipe = replace(RECIPES[name], **{"epochs": EPOCHS, "batch_size": 16} | changes)
    model = network()
    history = fit(model, images(), images(count=12), recipe, folder=Path(folder) if folder else None)
    return model.get_weights(), {name: values for name, values in history.items() if name != "seconds"}


def assert_same(one: tuple[list[np.ndarray], dict], other: tuple[list[np.ndarray], dict]) -> None:
    assert one[1] == other[1]
    for found, expected in zip(one[0], other[0], strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.fixture(scope="module")
def whole() -> tuple[list[np.ndarray], dict]:
    return fitted("scanproof")


def test_the_same_seed_gives_the_same_numbers(whole: tuple[list[np.ndarray], dict]) -> None:
    assert_same(fitted("scanproof"), whole)


def test_another_seed_gives_others(whole: tuple[list[np.ndarray], dict]) -> None:
    assert fitted("scanproof", seed=8)[1] != whole[1]


def test_a_run_killed_while_it_saves_goes_on_to_the_same_end(
    whole: tuple[list[np.ndarray], dict], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, progress.LOGGER)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED.format(folder=str(tmp_path))],
        cwd=Path(__file__).parents[3],
        capture_output=True,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert list(tmp_path.glob(".state.npz.*.part"))
    assert_same(fitted("scanproof", tmp_path), whole)
    assert [text.partition(",")[0] for text in caplog.messages] == ["epoch 3 of 4", "epoch 4 of 4"]
    caplog.clear()
    # Ended, it is not trained again.
    assert_same(fitted("scanproof", tmp_path), whole)
    assert caplog.messages == []
    clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["tensorboard"]


def test_an_interrupted_run_stops_early_and_ends_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changes = {"patience": 2, "reduce_after": 1, "learning_rate": 0.1}
    save, saved = Checkpoint.save, []

    def interrupted(self: Checkpoint, *arguments: object) -> None:
        if len(saved) == 2:
            raise KeyboardInterrupt
        saved.append(save(self, *arguments))

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "save", interrupted)
        with pytest.raises(KeyboardInterrupt):
            fitted("source", tmp_path, **changes)
    assert_same(fitted("source", tmp_path, **changes), fitted("source", **changes))


def test_logs_lie_in_the_folder_and_progress_is_logged(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, progress.LOGGER):
        fitted("s4", tmp_path, epochs=2)
    assert capfd.readouterr().out == ""
    lines = "\n".join(record.getMessage() for record in caplog.records if record.name == progress.LOGGER)
    assert re.fullmatch(r"epoch 1 of 2\nepoch 2 of 2, after loss \d\.\d{4}, val_loss \d\.\d{4}", lines)
    assert {path.name for path in (tmp_path / "tensorboard").iterdir()} == {"train", "validation"}
    clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["tensorboard"]


def test_another_run_in_the_folder_is_refused(tmp_path: Path) -> None:
    Checkpoint(tmp_path, "one").save([], {"loss": [1.0]})
    assert Checkpoint(tmp_path, "one").restore([]) == {"loss": [1.0]}
    with pytest.raises(MlError) as caught:
        Checkpoint(tmp_path, "another").restore([])
    assert str(caught.value) == (
        f"{tmp_path} holds an unfinished run of another network, recipe or data: name another folder, or remove it"
    )


def test_a_run_is_known_by_network_recipe_and_data() -> None:
    train, val = (images().pixels, images().labels), (images(count=12).pixels, images(count=12).labels)
    one, other = network(), network(classes=4)
    found = [
        _identity(one, train, val, Recipe()),
        _identity(other, train, val, Recipe()),
        _identity(one, train, val, Recipe(seed=8)),
        _identity(one, val, train, Recipe()),
        _identity(one, (train[0], train[1][::-1]), val, Recipe()),
    ]
    assert len(set(found)) == len(found)
    assert _identity(network(seed=2), train, val, Recipe()) == found[0]


def test_two_classes_are_learned_by_one_logit() -> None:
    model = network(classes=2)
    recipe = replace(RECIPES["s4"], epochs=12, balanced=True)
    history = fit(model, images(2), images(2, 12), recipe)
    assert model.output_shape == (None, 1)
    assert history["val_auc"][-1] == 1
    logits = model.predict(images(2, 12).pixels, verbose=0)[:, 0]
    assert ((logits > 0) == images(2, 12).labels).mean() == pytest.approx(history["val_accuracy"][-1])
    assert history["val_accuracy"][-1] > 0.8


@pytest.mark.parametrize(
    ("monitor", "figures", "ended"),
    [
        ("val_auc", [0.5, 0.9, 0.8, 0.7], True),
        ("val_auc", [0.5, 0.6, 0.7, 0.65], False),
        ("val_loss", [0.5, 0.4, 0.6, 0.7], True),
        ("val_loss", [0.9, float("nan"), 0.8, 0.9], False),
    ],
)
def test_early_stopping_follows_the_right_figure(monitor: str, figures: list[float], ended: bool) -> None:
    callback = TrainingCallback(replace(RECIPES["source"], patience=2), monitor, None)
    callback.history = {monitor: figures}
    assert callback.ended_early == ended


def test_early_stopping_gives_the_best_weights_back() -> None:
    recipe = replace(RECIPES["source"], epochs=30, patience=2, reduce_after=1, learning_rate=0.05, batch_size=8)
    model = network(2)
    history = fit(model, images(2), images(2, 12), recipe)
    best = int(np.argmax(history["val_auc"]))
    assert len(history["val_auc"]) == best + 3
    found = model.evaluate(images(2, 12).pixels, images(2, 12).labels[:, None], verbose=0, return_dict=True)
    assert found["auc"] == pytest.approx(history["val_auc"][best], abs=1e-6)
    assert found["loss"] == pytest.approx(history["val_loss"][best], rel=1e-4)


def test_the_learning_rate_falls_where_val_gets_no_better() -> None:
    model = network()
    recipe = replace(RECIPES["source"], epochs=4, reduce_after=1, patience=9, learning_rate=0.3, batch_size=24)
    history = fit(model, images(), images(count=12), recipe)
    losses = np.array(history["val_loss"])
    waited = np.arange(4) - [int(losses[: end + 1].argmin()) for end in range(4)]
    assert np.count_nonzero(waited) > 0
    assert float(model.optimizer.learning_rate) == pytest.approx(0.3 * 0.3 ** np.count_nonzero(waited))


def test_rare_classes_weigh_more() -> None:
    balanced = replace(RECIPES["s4"], balanced=True)
    assert _class_weights(np.array([[1], [1], [1], [0]], np.float32), balanced) == pytest.approx([2, 2 / 3])
    several = np.eye(3, dtype=np.float32)[[0, 0, 0, 1, 1, 2]]
    assert _class_weights(several, balanced)[1:] == pytest.approx([2 / 3, 1, 2])
    assert _class_weights(several, RECIPES["s4"]) == pytest.approx([1, 1, 1, 1])


def test_averaged_weights_are_the_ones_that_are_kept() -> None:
    averaged, last = fitted("s4", average=0.5), fitted("s4")
    assert averaged[1]["loss"] == pytest.approx(last[1]["loss"], rel=1e-5)
    assert averaged[1]["val_loss"] != pytest.approx(last[1]["val_loss"], rel=1e-5)
    assert any(np.abs(one - other).max() > 1e-3 for one, other in zip(averaged[0], last[0], strict=True))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 0}, "the recipe's epochs must be at least 1, found 0"),
        ({"optimizer": "sgd"}, "the recipe's optimizer must be adamw or adam or rmsprop, found 'sgd'"),
        ({"warmup": 80}, "the recipe's warmup must be fewer than epochs, found 80"),
        ({"warmup": 1}, "the recipe's warmup must be 0 beside other than one cycle, found 1"),
        ({"patience": 3}, "the recipe's average must be 0 beside early stopping, found 0.1"),
    ],
)
def test_a_recipe_out_of_range_is_refused(changes: dict, message: str) -> None:
    with pytest.raises(WrongChoice) as caught:
        replace(Recipe(), **changes)
    assert str(caught.value) == message


def test_the_rate_rises_to_its_peak_and_falls_to_zero() -> None:
    steps = 10
    rate = _rate(replace(RECIPES["finetune"], epochs=5, warmup=2), steps)
    rates = [float(rate(step)) for step in range(5 * steps + 1)]
    assert rates[:21] == pytest.approx([1e-3 * step / 20 for step in range(21)])
    assert rates[35] == pytest.approx(5e-4)
    assert rates[50] == pytest.approx(0, abs=1e-9)


def test_fewer_epochs_shorten_the_parts_of_a_recipe() -> None:
    shortened = chosen_recipe(Choices(recipe="finetune", epochs=1))
    assert (shortened.epochs, shortened.warmup, shortened.light_epochs) == (1, 0, 1)


def test_a_recipe_comes_by_name_or_from_a_search(tmp_path: Path) -> None:
    found = replace(RECIPES["source"], learning_rate=0.123)
    (tmp_path / "found.json").write_text(json.dumps({"best": {"recipe": asdict(found)}}))
    assert recipe_of("s4") is RECIPES["s4"]
    assert recipe_of(str(tmp_path / "found.json")) == found


@pytest.mark.parametrize("content", [None, "no JSON", "{}", '{"best": {"recipe": {"epochs": 3}}}'])
def test_an_unknown_recipe_is_refused(content: str | None, tmp_path: Path) -> None:
    path = tmp_path / "found.json"
    if content:
        path.write_text(content)
    with pytest.raises(WrongChoice) as caught:
        recipe_of(str(path))
    assert str(caught.value) == (
        "expected one of the recipes scanproof, finish, finetune, source, s4, or a result file of scanproof search, "
        f"found '{path}'"
    )
