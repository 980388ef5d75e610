"""Runs a LiteRT flatbuffer; LiteRT is TensorFlow's own small runtime."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
from ai_edge_litert.interpreter import Interpreter

SIGNATURE = "classify"
THREADS = 2


@dataclass(frozen=True, slots=True)
class NetworkOutput:
    """float32 arrays: ``logits`` (K,), ``activation_maps`` (h, w, K), ``features`` (D,)."""

    logits: np.ndarray
    activation_maps: np.ndarray
    features: np.ndarray


class LiteRtNetwork:
    """A network in memory. Threads may share it: an interpreter holds one image at a time, so calls take turns."""

    def __init__(self, model: bytes) -> None:
        """Raises ValueError, RuntimeError or KeyError where ``model`` is no flatbuffer with the signature ``SIGNATURE``
        and the input ``pixels``."""
        self._interpreter = Interpreter(model_content=model, num_threads=THREADS)
        self._interpreter.allocate_tensors()
        # The signature gives the tensors' names; running it would allocate anew for every image.
        signature = self._interpreter.get_signature_runner(SIGNATURE)
        pixels = signature.get_input_details()["pixels"]
        self.input_shape = tuple(int(side) for side in pixels["shape"])
        self._input = pixels["index"]
        self._outputs = {name: details["index"] for name, details in signature.get_output_details().items()}
        self._lock = threading.Lock()

    def __call__(self, pixels: np.ndarray) -> NetworkOutput:
        """Classify ``pixels``: float32 of ``input_shape``, (1, S, S, 1), in [0, 1]; ValueError for another shape."""
        with self._lock:
            self._interpreter.set_tensor(self._input, pixels)
            self._interpreter.invoke()
            outputs = {name: self._interpreter.get_tensor(index)[0] for name, index in self._outputs.items()}
        return NetworkOutput(**outputs)
