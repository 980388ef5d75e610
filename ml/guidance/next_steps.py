"""Next steps for a person after a result: cautious sentences with their sources, from ``next_steps.json``.

None of them is medical advice or a prognosis. A change of the data is reviewed like code; a test checks that every
class of every installed model has its texts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

DATA = Path(__file__).with_suffix(".json")
ANY_MODALITY = "any"


@dataclass(frozen=True, slots=True)
class Reference:
    """The source of a sentence."""

    title: str
    publisher: str
    url: str


@dataclass(frozen=True, slots=True)
class NextStep:
    text: str
    reference: Reference


def next_steps(modality: str, label: str) -> tuple[NextStep, ...]:
    """The sentences for a label of a modality, or for "abstained"; else those of the label for any modality.

    Empty for an unknown label.
    """
    known = _known()
    return known.get((modality, label)) or known.get((ANY_MODALITY, label), ())


@cache
def _known() -> dict[tuple[str, str], tuple[NextStep, ...]]:
    data = json.loads(DATA.read_bytes())
    references = {name: Reference(**values) for name, values in data["references"].items()}
    return {
        (modality, label): tuple(NextStep(step["text"], references[step["reference"]]) for step in steps)
        for modality, labels in data["steps"].items()
        for label, steps in labels.items()
    }
