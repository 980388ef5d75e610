"""Early stopping, learning-rate reduction and checkpoints of a training run."""

from __future__ import annotations

import time

import keras
import numpy as np

from ml import progress
from ml.training.checkpoint import Checkpoint, History
from ml.training.recipes import Recipe

REDUCTION = 0.3


class EpochReport(keras.callbacks.Callback):
    """Reports each epoch with the losses of the last one. Keras's own report goes to standard output, which is for
    results."""

    def __init__(self, epochs: int) -> None:
        super().__init__()
        self._epochs = epochs
        self._losses = ""

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        progress.report(f"epoch {epoch + 1} of {self._epochs}{self._losses}")

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        losses = [f"{name} {value:.4f}" for name, value in (logs or {}).items() if name.endswith("loss")]
        self._losses = f", after {', '.join(losses)}"


class TrainingCallback(keras.callbacks.Callback):
    """All decisions depend on the history alone, so that a resumed run decides the same."""

    def __init__(self, recipe: Recipe, monitor: str, checkpoint: Checkpoint | None) -> None:
        super().__init__()
        self.history: History = {}
        self._recipe = recipe
        self._monitor = monitor
        self._checkpoint = checkpoint
        self._best: list[np.ndarray] = []

    @property
    def epochs_done(self) -> int:
        return len(self.history.get("loss", ()))

    @property
    def ended_early(self) -> bool:
        return 0 < self._recipe.patience <= self._epochs_since_best()

    def resume(self, model: keras.Model) -> None:
        if self._checkpoint:
            self.history = self._checkpoint.restore(_state(model))

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(float(value))
        self.history.setdefault("seconds", []).append(round(time.perf_counter() - self._started, 3))
        waited = self._epochs_since_best()
        if self._recipe.patience and not waited:
            self._keep_best()
        if self._recipe.reduce_after and waited and waited % self._recipe.reduce_after == 0:
            rate = self.model.optimizer.learning_rate
            rate.assign(rate * REDUCTION)
        self.model.stop_training = self.ended_early
        if self._checkpoint:
            self._checkpoint.save(_state(self.model), self.history)

    def finish(self, model: keras.Model) -> None:
        """Restore the best weights where the recipe has early stopping."""
        if self._recipe.patience and self._checkpoint:
            self._checkpoint.restore_best(model.variables)
        elif self._recipe.patience:
            for variable, value in zip(model.variables, self._best, strict=True):
                variable.assign(value)

    def _keep_best(self) -> None:
        if self._checkpoint:
            self._checkpoint.save_best(self.model.variables)
        else:
            self._best = [keras.ops.convert_to_numpy(variable).copy() for variable in self.model.variables]

    def _epochs_since_best(self) -> int:
        figures = np.array(self.history.get(self._monitor, ()))
        if not len(figures):
            return 0
        worth = -figures if self._monitor == "val_loss" else figures
        # NaN, the figure of a network that diverged, must not count as the best.
        best = np.nan_to_num(worth, nan=-np.inf).argmax()
        return len(figures) - 1 - int(best)


def _state(model: keras.Model) -> list[keras.Variable]:
    return [*model.variables, *model.optimizer.variables]
