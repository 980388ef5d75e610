"""Searches for a recipe by trials in parallel on Ray; the best figure on val wins."""

from __future__ import annotations

import itertools
import logging
import math
import os
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from ml import progress
from ml.datasets import LabelledImages, of_split, read_manifest
from ml.errors import MlError
from ml.evaluation.metrics import measure
from ml.inference.calibration import softmax
from ml.training.choices import Choices, chosen_recipe, chosen_specification
from ml.training.recipes import Recipe
from ml.training.specifications import Specification
from ml.training.train_model import fit_network, initial_network, load

SCHEMA = "scanproof.search/1"
METRIC = "macro_auc"
FIGURES = (METRIC, "accuracy", "balanced_accuracy", "negative_log_likelihood")
SPACE: dict[str, tuple[Any, ...]] = {
    "learning_rate": (3e-4, 1e-3, 2e-3, 4e-3),
    "weight_decay": (0.0, 0.02, 0.05),
    "label_smoothing": (0.0, 0.05, 0.1),
    "mixup": (0.0, 0.5),
    "augmentation": ("scanproof", "source"),
    "batch_size": (32, 64),
}


def search(
    model: str,
    data: Path,
    trials: int,
    choices: Choices,
    address: str | None = None,
    space: Mapping[str, Sequence[Any]] = SPACE,
    report: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Train ``trials`` variants of the recipe in ``choices``, drawn from ``space`` without repetition (random search,
    Bergstra & Bengio 2012), or all where there are no more (grid search). Test is not read.

    ``address`` is that of a Ray cluster whose machines have the same release and the same files at the same paths; None
    starts one on this machine, with a trial on each core. A trial that fails is reported; the others continue.

    Returns ``best``, the trial with the highest area under the ROC curve on val (the mean over classes), and all
    ``trials``, best first: changes, recipe, figures and seconds, or changes and error.

    Raises:
        WrongChoice: there is no such model, recipe or file of weights.
        MlError: the data are wrong; both before any trial. Or no trial came to its end.
    """
    choices = replace(choices, start=choices.start and _absolute(choices.start), run=None)
    specification = chosen_specification(model, choices)
    samples = read_manifest(data, specification.labels)
    for split in ("train", "val"):
        of_split(samples, split)
    recipe = chosen_recipe(choices)
    images = [load(specification, samples, split) for split in ("train", "val")]
    drawn = draw(space, trials, choices.seed)
    done = []
    for changes, outcome in _run(drawn, specification, images, recipe, choices, address):
        done.append({"changes": changes} | outcome)
        figure = outcome.get("error") or f"{METRIC} {outcome['val'][METRIC]} on val"
        report(f"trial {len(done)} of {len(drawn)}, {_plain(changes)}: {figure}")
    done.sort(key=lambda each: each.get("val", {}).get(METRIC) or -math.inf, reverse=True)
    if "error" in done[0]:
        raise MlError(f"expected at least one of {len(done)} trials to end, all failed, such as by: {done[0]['error']}")
    return {
        "schema": SCHEMA,
        "model": specification.name,
        "architecture": specification.architecture,
        "data": data.resolve().name,
        "chosen_by": f"{METRIC} on val",
        "space": {name: list(values) for name, values in space.items()},
        "best": done[0],
        "trials": done,
    }


def draw(space: Mapping[str, Sequence[Any]], count: int, seed: int) -> list[dict[str, Any]]:
    """``count`` different points of ``space`` at random, or all of them where there are no more."""
    grid = [dict(zip(space, values, strict=True)) for values in itertools.product(*space.values())]
    return random.Random(seed).sample(grid, min(count, len(grid)))  # noqa: S311


def trial(
    changes: Mapping[str, Any],
    specification: Specification,
    train: LabelledImages,
    val: LabelledImages,
    recipe: Recipe,
    choices: Choices,
) -> dict[str, Any]:
    """Train once. Returns recipe, figures on val and seconds, or the error as text: many exceptions cannot be sent
    between processes."""
    import keras

    started = time.perf_counter()
    try:
        keras.backend.clear_session()
        changed = replace(recipe, **changes)
        network = initial_network(specification, changed, choices)
        fit_network(specification, network, train, val, changed, choices)
        probabilities = softmax(network.predict(val.pixels, batch_size=32, verbose=0))
        if not np.isfinite(probabilities).all():
            return {"error": "the training diverged"}
    except Exception as exc:
        return {"error": f"{type(exc).__name__}: {exc}"}
    figures = measure(probabilities, val.labels, np.ones((1, len(val.labels))))
    return {
        "recipe": asdict(changed),
        "val": {name: None if np.isnan(figures[name][0]) else round(float(figures[name][0]), 4) for name in FIGURES},
        "seconds": round(time.perf_counter() - started, 1),
    }


def _trial_on_one_thread(*arguments: Any) -> dict[str, Any]:
    """``trial`` in a process that serves one trial after another."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    return trial(*arguments)


def _run(
    drawn: Sequence[dict[str, Any]],
    specification: Specification,
    images: Sequence[LabelledImages],
    recipe: Recipe,
    choices: Choices,
    address: str | None,
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each point of ``drawn`` with the outcome of its trial, in the order in which trials end."""
    progress.report(f"starting {len(drawn)} trials")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray

    place = {"address": address} if address else {"address": "local", "include_dashboard": False}
    try:
        ray.init(**place, log_to_driver=False, logging_level=logging.ERROR)
        remote = ray.remote(num_cpus=1, max_retries=0)(_trial_on_one_thread)
        train, val = (ray.put(each) for each in images)
        waiting = {remote.remote(changes, specification, train, val, recipe, choices): changes for changes in drawn}
        while waiting:
            (ended,), _ = ray.wait(list(waiting), num_returns=1)
            try:
                outcome = ray.get(ended)
            except ray.exceptions.RayError as exc:  # its process died: out of memory, or a lost machine
                outcome = {"error": f"{type(exc).__name__}: {exc}"}
            yield waiting.pop(ended), outcome
    finally:
        ray.shutdown()


def _absolute(start: str) -> str:
    # Workers have another working directory; "imagenet" is not a path.
    return str(Path(start).resolve()) if Path(start).exists() else start


def _plain(changes: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in changes.items())
