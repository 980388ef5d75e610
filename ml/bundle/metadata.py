"""A bundle's description of itself: ``metadata.json``, typed and checked."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ml.bundle.kinds import KINDS
from ml.errors import BundleError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Fields = TypeVar("Fields", bound="DataclassInstance")

ABSTAINED_LABEL = "abstained"
ABSTAINED_CODE = 0
LEARNED_FROM = "learned_from"
"""The key of ``training`` that lists the splits the weights were fitted to; absent for train alone."""

MAGNIFICATIONS = {"histology-tiles-700-v1": 100}
"""Nuclei and textures have other sizes in pixels at another magnification than this one, which BreakHis calls 100X."""
TRAIN_ALONE = ("train",)
TRAIN_AND_VAL = ("train", "val")


@dataclass(frozen=True, slots=True)
class ClassInfo:
    """One class: ``label`` in data and JSON, ``code`` on chain (1 to 65535; 0 means abstained), ``name`` and ``text``
    for people."""

    label: str
    code: int
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Abstention:
    """The limits beyond which a model declines to answer; None for a limit that it does not have.

    ``score``: highest out-of-distribution score, exceeded by ``false_alarm_rate`` of the images that it was fitted on.
    ``colourfulness``: highest colourfulness (Hasler & Süsstrunk 2003). ``confidence``: lowest calibrated probability.
    """

    score: float | None
    false_alarm_rate: float
    colourfulness: float | None
    confidence: float | None


@dataclass(frozen=True, slots=True)
class Metadata:
    """``kind`` is a key of ``ml.bundle.kinds.KINDS``, ``preprocessing`` an id of ``ml.bundle.procedures``, or
    "of each member" for an ensemble. ``input_size`` is in pixels, ``channels`` 1 (grey) or 3 (RGB), ``classes`` in the
    order of the network's outputs, ``created`` ISO 8601 in UTC.

    ``abstention`` is None for a kind that never declines. ``mask_threshold``, for segmentation only, is the probability
    from which a pixel belongs to the region. ``weak`` is a sentence for people where the model is too weak to be
    relied on, else None; ``weaknesses`` are the warnings of the card.
    """

    name: str
    version: str
    kind: str
    modality: str
    architecture: str
    input_size: int
    channels: int
    preprocessing: str
    classes: tuple[ClassInfo, ...]
    temperature: float
    abstention: Abstention | None
    mask_threshold: float | None
    intended_use: str
    data: str
    weak: str | None
    weaknesses: tuple[str, ...]
    licence: str
    training: dict[str, Any]
    created: str

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(info.label for info in self.classes)

    @property
    def magnification(self) -> int | None:
        """Of the microscope whose images the preprocessing measures; None where it means nothing."""
        return MAGNIFICATIONS.get(self.preprocessing)

    @property
    def learned_from(self) -> tuple[str, ...]:
        """The splits whose images the weights were fitted to."""
        return tuple(self.training.get(LEARNED_FROM, TRAIN_ALONE))

    def to_json(self) -> bytes:
        return (json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n").encode()

    @classmethod
    def from_json(cls, data: bytes, path: Path) -> Metadata:
        """Raises BundleError, with ``path`` and what was expected, where a field is wrong."""
        try:
            values = json.loads(data)
            limits = values["abstention"]
            metadata = _build(
                cls,
                values
                | {
                    "classes": tuple(_build(ClassInfo, entry) for entry in values["classes"]),
                    "abstention": None if limits is None else _build(Abstention, limits),
                    "weaknesses": tuple(values["weaknesses"]),
                },
            )
        except KeyError as exc:
            raise BundleError(f"{path}: expected the field {exc.args[0]}, found none") from exc
        except (ValueError, TypeError) as exc:
            raise BundleError(f"{path}: {exc}") from exc
        problem = metadata._problem()
        if problem:
            raise BundleError(f"{path}: {problem}")
        return metadata

    def _problem(self) -> str | None:
        codes = [info.code for info in self.classes]
        kind = KINDS.get(self.kind)
        if kind is None:
            return f"expected one of the kinds {', '.join(KINDS)}, found {self.kind!r}"
        if len(codes) < kind.least_classes:
            return f"expected at least {kind.least_classes} classes for the kind {self.kind}, found {len(codes)}"
        if len(set(codes)) != len(codes) or not all(0 < code < 65536 for code in codes):
            return f"expected classes with different codes from 1 to 65535, found {codes}"
        if len(set(self.labels)) != len(codes) or ABSTAINED_LABEL in self.labels:
            return f"expected different labels, none of them {ABSTAINED_LABEL!r}, found {list(self.labels)}"
        if self.training.get(LEARNED_FROM, ["train"]) not in (list(TRAIN_ALONE), list(TRAIN_AND_VAL)):
            return f"expected to have learned from train, or train and val, found {self.training[LEARNED_FROM]!r}"
        if not self.temperature > 0:
            return f"expected a temperature above 0, found {self.temperature}"
        if not self.input_size > 0:
            return f"expected an input size above 0, found {self.input_size}"
        if self.channels not in (1, 3):
            return f"expected 1 or 3 channels, found {self.channels}"
        if kind.abstains == (self.abstention is None):
            wanted = "limits of abstention" if kind.abstains else "no abstention"
            return f"expected {wanted} for the kind {self.kind}, found {self.abstention}"
        return None


TYPES: dict[str, type | tuple[type, ...]] = {
    "str": str,
    "int": int,
    "float": (int, float),
    "dict[str, Any]": dict,
    "str | None": (str, type(None)),
    "float | None": (int, float, type(None)),
}


def _build(kind: type[Fields], values: Any) -> Fields:
    """A dataclass from a JSON object with exactly its fields, of the right types."""
    if not isinstance(values, dict):
        raise TypeError(f"expected an object for {kind.__name__}, found {type(values).__name__}")
    expected = {field.name: str(field.type) for field in fields(kind)}
    if values.keys() != expected.keys():
        odd = sorted(values.keys() ^ expected.keys())
        raise TypeError(f"expected {kind.__name__} with the fields {', '.join(expected)}; missing or unknown: {odd}")
    for name, type_name in expected.items():
        wanted = TYPES.get(type_name)
        if wanted and (not isinstance(values[name], wanted) or isinstance(values[name], bool)):
            raise TypeError(f"expected {name} to be {type_name}, found {values[name]!r}")
    return kind(**values)
