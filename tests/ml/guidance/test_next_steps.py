"""Next steps: every class has them, each with a source, none of them advice on treatment."""

from __future__ import annotations

import json
import re
from urllib.parse import urlsplit

import pytest

from ml.bundle.kinds import KINDS
from ml.bundle.metadata import ABSTAINED_LABEL
from ml.guidance.next_steps import DATA, NextStep, next_steps
from ml.inference.registry import Registry

TEXTS = json.loads(DATA.read_bytes())["steps"]
ALL = [(modality, label) for modality, labels in TEXTS.items() for label in labels]
LONGEST_TEXT = 140
FORBIDDEN = re.compile(
    r"\b(dos(e|es|age)|surg\w*|operat\w*|chemo\w*|radiotherap\w*|therap\w*|treat\w*|drugs?|medication|prescri\w*"
    r"|prognos\w*|surviv\w*|life expectancy|cur(e|ed|able)|fatal|incurable|remove[ds]?|recommend\w*|you (have|need)"
    r"|you must|no need|harmless|safe|certain\w*|definitely)\b",
    re.IGNORECASE,
)


def classes() -> list[tuple[str, str]]:
    """Everything that a person can be told: of each model the classes, and that it declines."""
    models = [bundle.metadata for bundle in Registry().bundles()]
    found = [(m.modality, label) for m in models if KINDS[m.kind].classifies for label in (*m.labels, ABSTAINED_LABEL)]
    return sorted({*found, *((m.modality, ABSTAINED_LABEL) for m in models if m.kind == "gate")})


@pytest.mark.parametrize(("modality", "label"), classes())
def test_every_class_of_every_installed_model_has_next_steps(modality: str, label: str) -> None:
    assert 2 <= len(next_steps(modality, label)) <= 3


@pytest.mark.parametrize(("modality", "label"), ALL)
def test_texts_are_short_sentences_with_a_source(modality: str, label: str) -> None:
    steps = next_steps(modality, label)
    assert 2 <= len(steps) <= 3
    for step in steps:
        assert 20 <= len(step.text) <= LONGEST_TEXT
        assert re.fullmatch(r"[A-Z].*\.", step.text)
        address = urlsplit(step.reference.url)
        assert (address.scheme, "." in address.netloc, address.query) == ("https", True, "")
        assert step.reference.title and step.reference.publisher


@pytest.mark.parametrize(("modality", "label"), ALL)
def test_nothing_is_advice_on_treatment_or_a_prognosis(modality: str, label: str) -> None:
    assert [step.text for step in next_steps(modality, label) if FORBIDDEN.search(step.text)] == []


@pytest.mark.parametrize("text", ["Surgery is recommended.", "The dose is 5 mg.", "You need treatment.", "It is safe."])
def test_the_forbidden_words_are_found(text: str) -> None:
    assert FORBIDDEN.search(text)


def test_every_reference_is_used() -> None:
    used = {step["reference"] for labels in TEXTS.values() for steps in labels.values() for step in steps}
    assert used == json.loads(DATA.read_bytes())["references"].keys()


def test_a_modality_without_texts_has_those_of_any() -> None:
    assert next_steps("chest-x-ray", ABSTAINED_LABEL) == next_steps("any", ABSTAINED_LABEL)
    assert isinstance(next_steps("any", ABSTAINED_LABEL)[0], NextStep)
    assert next_steps("chest-x-ray", "pneumonia") == ()
