"""One image served by LiteRT, by Keras ``model.predict`` and by ONNX Runtime, with the same weights, in one run.

    uv run python -m tests.benchmarks.serving [--json] [--rounds N]

The three take turns, and the fastest of all rounds counts: whatever is over it is other work on the machine. Each has
two threads but Keras, which uses what it finds. "network" is the forward pass alone; "image" is the whole
predictor, from a file's bytes to probabilities and activation map.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from copy import copy
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from ml.bundle.litert import THREADS, NetworkOutput
from ml.datasets.phantom import phantom_png
from ml.inference.registry import Registry
from ml.inference.single_network import Predictor
from ml.preprocessing.grey_image import preprocess
from ml.preprocessing.images import decode_image

MODEL = "brain-mri"
BURST = 5
RESIDENT_MEMORY = """
import psutil
from ml.datasets.phantom import phantom_png
from ml.inference.registry import Registry
Registry().get("brain-mri").predict(phantom_png())
print(psutil.Process().memory_info().rss)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rounds", type=int, default=100, help="measured images for each way of serving")
    options = parser.parse_args()
    result = measure(options.rounds)
    print(json.dumps(result) if options.json else table(result))


def measure(rounds: int) -> dict[str, object]:
    """Least milliseconds an image, their ratios to LiteRT, the largest difference in probability, and memory."""
    predictor = Registry().get(MODEL)
    predictors = {"litert": predictor} | {
        name: _with_network(predictor, network) for name, network in _other_runtimes(predictor).items()
    }
    content = _photo_of_a_phantom()
    pixels = preprocess(decode_image(content), predictor.bundle.metadata.input_size).pixels
    milliseconds = {
        "network": _in_turns({name: partial(each.network, pixels) for name, each in predictors.items()}, rounds),
        "image": _in_turns({name: partial(each.predict, content) for name, each in predictors.items()}, rounds),
    }
    answers = {name: list(each.predict(content).probabilities.values()) for name, each in predictors.items()}
    memory = subprocess.run([sys.executable, "-c", RESIDENT_MEMORY], capture_output=True, text=True, check=True)
    return {
        "milliseconds": milliseconds,
        "times_faster_than_keras": {part: round(v["keras"] / v["litert"], 2) for part, v in milliseconds.items()},
        "time_relative_to_onnx": {part: round(v["litert"] / v["onnx"], 2) for part, v in milliseconds.items()},
        "largest_difference": {
            name: float(np.abs(np.subtract(answers[name], answers["litert"])).max()) for name in ("keras", "onnx")
        },
        "resident_mebibytes": round(int(memory.stdout) / 2**20, 1),
        "rounds": rounds,
    }


def _photo_of_a_phantom() -> bytes:
    """A 512 x 512 JPEG, as the public scans are."""
    file = io.BytesIO()
    decode_image(phantom_png(512)).save(file, "JPEG", quality=90)
    return file.getvalue()


def table(result: dict[str, Any]) -> str:
    lines = [f"{'least ms an image':<22}{'LiteRT':>9}{'Keras':>9}{'ONNX':>9}{'Keras/LiteRT':>14}{'LiteRT/ONNX':>13}"]
    for part, values in result["milliseconds"].items():
        times = "".join(f"{values[name]:>9.2f}" for name in ("litert", "keras", "onnx"))
        faster, relative = result["times_faster_than_keras"][part], result["time_relative_to_onnx"][part]
        lines.append(f"{part:<22}{times}{faster:>14.1f}{relative:>13.2f}")
    differences = ", ".join(f"{name} {value:.1e}" for name, value in result["largest_difference"].items())
    lines.append(f"largest difference in probability: {differences}")
    lines.append(f"resident memory of a process that has classified an image: {result['resident_mebibytes']} MiB")
    return "\n".join(lines)


def _in_turns(runs: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Least milliseconds of each; ``BURST`` calls a turn, since a server does not swap runtimes between images."""
    least = dict.fromkeys(runs, float("inf"))
    for _ in range(-(-rounds // BURST)):
        for name, run in runs.items():
            for _ in range(BURST):
                started = time.perf_counter()
                run()
                least[name] = min(least[name], time.perf_counter() - started)
    return {name: round(1000 * seconds, 3) for name, seconds in least.items()}


def _with_network(predictor: Predictor, network: Callable[[np.ndarray], NetworkOutput]) -> Predictor:
    """The same predictor, preprocessing to activation map, on another runtime."""
    other = copy(predictor)
    other.network = network
    return other


def _other_runtimes(predictor: Predictor) -> dict[str, Callable[[np.ndarray], NetworkOutput]]:
    """The bundle's weights in Keras and, converted from there, in ONNX Runtime."""
    import onnxruntime
    import tensorflow as tf
    import tf2onnx

    from ml.training.export import inference_model
    from ml.training.join_networks import joined_network

    metadata, registry = predictor.bundle.metadata, Registry()
    members = [member.split()[0] for member in metadata.training["members"]]
    serving = inference_model(joined_network(members, registry))
    signature = [tf.TensorSpec((1, metadata.input_size, metadata.input_size, 1), tf.float32, name="pixels")]
    function = tf.function(lambda pixels: serving(pixels, training=False), input_signature=signature)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        tf2onnx.convert.from_function(function, input_signature=signature, output_path=str(path))
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    # TensorFlow flattens a dictionary of outputs in the order of its sorted keys.
    names = sorted(function.get_concrete_function().structured_outputs)
    return {
        "keras": lambda pixels: _output(serving.predict(pixels, verbose=0)),
        "onnx": lambda pixels: _output(dict(zip(names, session.run(None, {"pixels": pixels}), strict=True))),
    }


def _output(batch: dict[str, np.ndarray]) -> NetworkOutput:
    return NetworkOutput(**{name: values[0] for name, values in batch.items()})


if __name__ == "__main__":
    main()
