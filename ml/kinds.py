"""The kinds of bundles and what each must hold: one table, so that no other place tells them apart."""

from __future__ import annotations

from dataclasses import dataclass

NETWORK = "model.tflite"
DETECTOR = "detector.npz"
COMBINATION = "ensemble.json"
METADATA = "metadata.json"


@dataclass(frozen=True, slots=True)
class Kind:
    """``model`` is the file that answers and ``files`` what else is required. ``classifies``: its labels are findings,
    so a person may choose it to classify an image. ``abstains``: it has limits past which it declines."""

    model: str
    files: tuple[str, ...] = ()
    least_classes: int = 2
    classifies: bool = False
    abstains: bool = True


KINDS = {
    "classifier": Kind(NETWORK, (DETECTOR,), classifies=True),
    "ensemble": Kind(COMBINATION, classifies=True),
    "gate": Kind(NETWORK),
    "segmentation": Kind(NETWORK, least_classes=1, abstains=False),
}
