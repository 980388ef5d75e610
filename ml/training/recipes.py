"""Training recipes: those of the source systems and our own."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path

from ml.errors import WrongChoice

OPTIMIZERS = ("adamw", "adam", "rmsprop")
AUGMENTATIONS = ("scanproof", "light", "source", "none")


@dataclass(frozen=True, slots=True)
class Recipe:
    """All settings of a training run besides network and data; they are written into the bundle's metadata.

    ``epochs`` is the maximum. The learning rate falls from its peak to zero along ``cycles`` of a cosine, each from
    half the last peak (SGDR, Loshchilov & Hutter 2017); with 0 cycles it is constant, and reduced after
    ``reduce_after`` epochs without improvement on val. A single cycle may start with ``warmup`` epochs of rising from
    zero. ``mixup`` is the share of batches that are mixed (Zhang et al. 2018). The last ``light_epochs`` have the
    augmentation "light" and no mixup, so that images are more like those at inference (Touvron et al. 2019).
    ``balanced`` weighs classes by their inverse frequency. ``average`` is the share of the run over which weights are
    averaged exponentially (Polyak & Juditsky 1992), 0 for none.

    ``patience`` ends a run after that many epochs without improvement on val and restores the best weights. With 0 the
    last weights remain: choosing the best epoch would make every figure on val too good. ``views`` is the number of
    augmented views of each image that a frozen backbone computes, see ``ml.training.frozen``. ``start`` is the SHA-256
    of the initial weights, empty for random ones.

    Raises:
        WrongChoice: a value is out of its range.
    """

    epochs: int = 80
    batch_size: int = 64
    optimizer: str = "adamw"
    learning_rate: float = 2e-3
    cycles: int = 2
    warmup: int = 0
    reduce_after: int = 0
    weight_decay: float = 0.02
    label_smoothing: float = 0.05
    augmentation: str = "scanproof"
    mixup: float = 0.5
    light_epochs: int = 0
    balanced: bool = False
    average: float = 0.1
    patience: int = 0
    views: int = 2
    start: str = ""
    seed: int = 7

    def __post_init__(self) -> None:
        checks = (
            ("epochs", self.epochs >= 1, "at least 1"),
            ("batch_size", self.batch_size >= 1, "at least 1"),
            ("optimizer", self.optimizer in OPTIMIZERS, " or ".join(OPTIMIZERS)),
            ("learning_rate", self.learning_rate > 0, "a number above 0"),
            ("augmentation", self.augmentation in AUGMENTATIONS, " or ".join(AUGMENTATIONS)),
            ("warmup", 0 <= self.warmup < self.epochs, "fewer than epochs"),
            ("warmup", not self.warmup or self.cycles == 1, "0 beside other than one cycle"),
            ("views", self.views >= 1, "at least 1"),
            ("light_epochs", 0 <= self.light_epochs <= self.epochs, "at most epochs"),
            ("average", 0 <= self.average < 1, "0, or a share below 1"),
            ("average", not (self.average and self.patience), "0 beside early stopping"),
        )
        for name, good, expected in checks:
            if not good:
                raise invalid_value(name, getattr(self, name), expected)


def invalid_value(field: str, value: object, expected: str) -> WrongChoice:
    return WrongChoice(f"the recipe's {field} must be {expected}, found {value!r}")


SCANPROOF = Recipe()

FINISH = Recipe(epochs=30, learning_rate=1e-3, cycles=1, average=0.25)
"""Continues from trained weights at a larger input size (progressive resizing)."""

FINETUNE = Recipe(
    epochs=14,
    learning_rate=1e-3,
    cycles=1,
    warmup=1,
    weight_decay=0.03,
    mixup=0.3,
    light_epochs=3,
    average=0.0,
)
"""Trains all layers of a network whose backbone starts from ImageNet weights."""

SOURCE = Recipe(
    epochs=35,
    batch_size=32,
    optimizer="adam",
    learning_rate=1e-3,
    cycles=0,
    reduce_after=3,
    weight_decay=0.0,
    label_smoothing=0.0,
    augmentation="source",
    mixup=0.0,
    average=0.0,
    patience=8,
)
"""S1's recipe: flips and rotations, Adam, early stopping, learning-rate reduction. S1 states no patience, no batch."""

S4 = Recipe(
    epochs=20,
    batch_size=5,
    optimizer="rmsprop",
    learning_rate=1e-3,
    cycles=0,
    weight_decay=0.0,
    label_smoothing=0.0,
    augmentation="none",
    mixup=0.0,
    average=0.0,
)

RECIPES: dict[str, Recipe] = {
    "scanproof": SCANPROOF,
    "finish": FINISH,
    "finetune": FINETUNE,
    "source": SOURCE,
    "s4": S4,
}


def recipe_of(name: str) -> Recipe:
    """A recipe by its name, or the best one in a result file of ``scanproof search``.

    Raises:
        WrongChoice: there is neither, the file is no such result, or a value in it is out of its range.
    """
    if name in RECIPES:
        return RECIPES[name]
    try:
        values = json.loads(Path(name).read_text(encoding="utf-8"))["best"]["recipe"]
        return Recipe(**{field.name: values[field.name] for field in fields(Recipe)})
    except (OSError, ValueError, LookupError, TypeError) as exc:
        raise WrongChoice(
            f"expected one of the recipes {', '.join(RECIPES)}, or a result file of scanproof search, found {name!r}"
        ) from exc
