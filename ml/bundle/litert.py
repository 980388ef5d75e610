"""Runs a LiteRT flatbuffer; LiteRT is TensorFlow's own small runtime."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from ml.bundle.notices import hide_notices

SIGNATURE = "classify"
THREADS = 2
_NOTICE = rb"INFO: Created TensorFlow Lite XNNPACK delegate"
"""Written when the first network is made ready. LiteRT has no switch for it in Python (google-ai-edge/LiteRT#7420)."""


@dataclass(frozen=True, slots=True)
class NetworkOutput:
    """float32 arrays: ``logits`` (K,), or (h, w, K) of a segmentation; ``activation_maps`` (h, w, K) and ``features``
    (D,) where the network has these outputs."""

    logits: np.ndarray
    activation_maps: np.ndarray | None = None
    features: np.ndarray | None = None

    def required_features(self) -> np.ndarray:
        """``features`` of a network with a detector. Raises ValueError where the network gives none."""
        if self.features is None:
            raise ValueError("the network gives no features")
        return self.features


def tensor_shapes(model: bytes) -> tuple[dict[str, tuple[int, ...]], dict[str, tuple[int, ...]]]:
    """The shapes of a flatbuffer's inputs and outputs by name, without allocating its tensors.

    Raises:
        ValueError, RuntimeError, KeyError: ``model`` is no flatbuffer with the signature ``SIGNATURE``.
    """
    signature = Interpreter(model_content=model, num_threads=1).get_signature_runner(SIGNATURE)
    inputs, outputs = (signature.get_input_details(), signature.get_output_details())
    return _shapes(inputs), _shapes(outputs)


def _shapes(details: dict[str, dict[str, Any]]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(int(side) for side in detail["shape"]) for name, detail in details.items()}


class LiteRtNetwork:
    """A network in memory. Thread-safe: an interpreter processes one image at a time, so calls wait for each other."""

    def __init__(self, model: bytes) -> None:
        """Raises ValueError, RuntimeError or KeyError where ``model`` is no flatbuffer with the signature ``SIGNATURE``
        and the input ``pixels``."""
        with hide_notices(_NOTICE):
            self._interpreter = Interpreter(model_content=model, num_threads=THREADS)
            self._interpreter.allocate_tensors()
        # The signature gives the tensors' names; running it would allocate memory for every image.
        signature = self._interpreter.get_signature_runner(SIGNATURE)
        inputs = signature.get_input_details()
        self.input_shape = _shapes(inputs)["pixels"]
        self._input = inputs["pixels"]["index"]
        self._outputs = {name: details["index"] for name, details in signature.get_output_details().items()}
        self._lock = threading.Lock()

    def __call__(self, pixels: np.ndarray) -> NetworkOutput:
        """Run on ``pixels``: float32 of ``input_shape``, batch of one; ValueError for another shape."""
        with self._lock:
            self._interpreter.set_tensor(self._input, pixels)
            self._interpreter.invoke()
            outputs = {name: self._interpreter.get_tensor(index)[0] for name, index in self._outputs.items()}
        return NetworkOutput(**outputs)
