"""A head on cached features against training through the frozen backbone in every epoch, in one run.

    uv run python -m tests.benchmarks.frozen_features [--json] [--data DIR] [--seeds N]

MobileNet of width 0.75 with ImageNet weights on breakhis-100x at 224 x 224, all 35 epochs of the source's recipe. The
last weights count: val has 42 images, and choosing an epoch or a learning rate by so few adds more chance than there
is to compare, as a first run on one seed had shown. Each seed draws S1's random split; every way trains on the same
images from the same initial weights. "first" computes the features, "next" finds them from an earlier head. Seconds
are of processor time on one thread, from decoded images to the trained network, so that other work on the machine
counts little.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

from ml.datasets import LabelledImages, load_resized, of_split, read_samples
from ml.datasets.splits import SPLITS, paper_split
from ml.evaluation.metrics import measure
from ml.inference.calibration import softmax
from ml.networks.zoo import build
from ml.training.fitting import fit
from ml.training.frozen import fit_head
from ml.training.recipes import RECIPES, Recipe

SHAPE = (224, 224, 3)
VIEWS = (1, 2, 4)
FIGURES = ("accuracy", "macro_auc")
LABELS = ("benign", "malignant")
WEIGHTS = "weights/mobilenet_0.75_224_notop.weights.h5"
TOLERANCE = 0.03
"""Of the mean accuracy over the seeds; one image of the 101 in a test part is 0.01."""

Train = Callable[[keras.Model, LabelledImages, LabelledImages, Recipe], object]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="with breakhis-100x and weights")
    parser.add_argument("--seeds", type=int, default=3, help="splits and trainings (default: 3)")
    options = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    result = compare(options.data, options.seeds)
    print(json.dumps(result) if options.json else table(result))


def compare(data: Path, seeds: int) -> dict[str, dict[str, float]]:
    """For each way of training the mean seconds of a full run, accuracy and AUC on test, over the seeds, and how many
    times faster it is than training through the backbone."""
    runs: dict[str, list[dict[str, float]]] = {}
    for seed in range(1, seeds + 1):
        samples = paper_split(read_samples(data / "breakhis-100x"), seed)
        train, val, test = (load_resized(of_split(samples, split), LABELS, SHAPE) for split in SPLITS)
        recipe = replace(RECIPES["source"], patience=0, reduce_after=0, seed=seed)

        def measured(way: Train, recipe: Recipe, parts: tuple[LabelledImages, ...] = (train, val, test)) -> dict:
            return _measured(way, recipe, data / WEIGHTS, *parts)

        runs.setdefault("through the backbone", []).append(measured(fit, recipe))
        for views in VIEWS:
            with tempfile.TemporaryDirectory() as cache:

                def head(*arguments: object, cache: Path = Path(cache)) -> object:
                    return fit_head(*arguments, cache=cache)

                for state in ("first", "next"):
                    name = f"head on {views} view{'s' if views > 1 else ''}, {state}"
                    runs.setdefault(name, []).append(measured(head, replace(recipe, views=views)))
    means = {
        name: {figure: statistics.mean(run[figure] for run in each) for figure in each[0]}
        for name, each in runs.items()
    }
    whole = means["through the backbone"]["seconds"]
    return {name: figures | {"times_faster": whole / figures["seconds"]} for name, figures in means.items()}


def _measured(
    way: Train, recipe: Recipe, weights: Path, train: LabelledImages, val: LabelledImages, test: LabelledImages
) -> dict[str, float]:
    keras.backend.clear_session()
    keras.utils.set_random_seed(recipe.seed)
    network = build("mobilenet", len(LABELS), SHAPE, weights)
    started = time.process_time()
    way(network, train, val, recipe)
    seconds = time.process_time() - started
    probabilities = softmax(network.predict(test.pixels, batch_size=32, verbose=0))
    figures = measure(probabilities, test.labels, np.ones((1, len(test.labels))))
    return {"seconds": seconds} | {name: float(figures[name][0]) for name in FIGURES}


def table(result: dict[str, dict[str, float]]) -> str:
    whole = result["through the backbone"]["accuracy"]
    lines = [f"{'':24} {'seconds':>8} {'faster':>7} {'accuracy':>9} {'AUC':>6}"]
    for name, each in result.items():
        same = "" if abs(each["accuracy"] - whole) <= TOLERANCE else f"  differs by more than {TOLERANCE}"
        lines.append(
            f"{name:24} {each['seconds']:8.1f} {each['times_faster']:6.1f}x {each['accuracy']:9.3f} "
            f"{each['macro_auc']:6.3f}{same}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
