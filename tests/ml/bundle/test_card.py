from __future__ import annotations

from dataclasses import replace

import pytest

from ml.bundle.bundle import load_bundle
from ml.bundle.card import NOTICE, PROTOCOLS, write_card
from ml.bundle.metadata import Metadata
from tests.ml.bundles import SHIPPED

FIGURES = {
    "images": 1234,
    "groups": 18,
    "accuracy": 0.8125,
    "accuracy_interval": [0.7, 0.9],
    "sensitivity": 0.5,
    "macro_auc": None,
    "abstention": {"rate": 0.25, "accuracy_when_answering": None},
}


@pytest.fixture
def metadata() -> Metadata:
    return load_bundle(SHIPPED).metadata


def test_every_protocol_is_explained_the_most_honest_first(metadata: Metadata) -> None:
    card = write_card(replace(metadata, training={}), dict.fromkeys(reversed(PROTOCOLS), FIGURES))
    assert "|  | test | test_apart | grouped | paper | val | val_apart |" in card
    assert all(f"- {text}" in card for text in PROTOCOLS.values())


def test_figures_have_their_intervals(metadata: Metadata) -> None:
    card = write_card(metadata, {"grouped": FIGURES})
    for line in (
        "| images | 1,234 |",
        "| groups, each redrawn as a whole for the intervals | 18 |",
        "| accuracy | 81.2 % (70.0 to 90.0) |",
        "| sensitivity | 50.0 % |",
        "| abstains | 25.0 % |",
        "| accuracy when answering | n/a |",
    ):
        assert line in card
    assert "| macro AUC |" not in card
    assert PROTOCOLS["test"] not in card


def test_every_card_says_what_the_model_is_not_for(metadata: Metadata) -> None:
    for kind in ("classifier", "ensemble", "gate", "segmentation"):
        assert NOTICE in write_card(replace(metadata, kind=kind), {})


def test_a_card_says_what_kind_of_bundle_it_is_for(metadata: Metadata) -> None:
    assert "\n\nAn ensemble for brain-mri.\n" in write_card(replace(metadata, kind="ensemble"), {})
    assert "\n\nA classifier for brain-mri.\n" in write_card(metadata, {})


def test_the_card_names_weaknesses_and_a_weak_model(metadata: Metadata) -> None:
    card = write_card(replace(metadata, weak="Eighteen patients.", weaknesses=("One.", "Two.")), {})
    assert "\n**Weak.** Eighteen patients.\n" in card
    assert card.endswith("## Weaknesses\n\n- One.\n- Two.\n")
    assert "**Weak.**" not in write_card(metadata, {})


def test_the_card_names_only_existing_limits(metadata: Metadata) -> None:
    limits = replace(metadata.abstention, score=None, colourfulness=None, confidence=0.7)
    assert "The model declines when no class reaches 70%.\n" in write_card(replace(metadata, abstention=limits), {})
    assert "## Abstention" not in write_card(replace(metadata, abstention=None), {})


def test_the_card_describes_training_whatever_is_known(metadata: Metadata) -> None:
    training = {"learning_rate": 0.002, "images": 4336, "losses": {"a": 0.1, "b": 0.2}, "members": ["x", "y"]}
    card = write_card(replace(metadata, training=training), {})
    assert "; learning rate 0.002; images 4,336; losses a 0.1, b 0.2; members x, y." in card
