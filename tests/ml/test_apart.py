"""Images of which training has a copy, turned or mirrored, are told apart and decide nothing."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.bundle import load_bundle
from ml.choices import Choices
from ml.datasets import read_manifest
from ml.errors import NothingApart
from ml.evaluate_command import evaluate
from ml.evaluation import evaluate_held_out
from ml.registry import Registry
from ml.specifications import BRAIN_MRI
from ml.train_command import train

SPLITS = ("train", "train", "val", "test")
IMAGES = 16
MIRRORED = Image.Transpose.FLIP_LEFT_RIGHT
TURNED = Image.Transpose.ROTATE_180


def noise(seed: int) -> Image.Image:
    values = np.random.default_rng(seed).integers(0, 256, (12, 12), np.uint8)
    return Image.fromarray(values).resize((64, 64), Image.Resampling.BICUBIC)


def write(folder: Path, copies: dict[str, list[Image.Transpose]]) -> Path:
    """Sixteen images unlike each other, eight of them in train, and in other splits further copies of those."""
    folder.mkdir()
    with (folder / "manifest.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["split", "path", "label", "group"])

        def add(image: Image.Image, split: str, label: int, name: str) -> None:
            image.save(folder / name)
            rows.writerow([split, name, BRAIN_MRI.labels[label], name])

        for number in range(IMAGES):
            add(noise(number), SPLITS[number // 4], number % 4, f"{number}.png")
        for split, ways in copies.items():
            for number, way in enumerate(ways):
                add(noise(number).transpose(way), split, number % 4, f"{split}-{number}.png")
    return folder


def test_figures_are_told_for_the_whole_split_and_for_what_is_apart(tmp_path: Path) -> None:
    folder = write(tmp_path / "data", {"test": [MIRRORED, TURNED]})
    figures = evaluate_held_out(Registry().get("brain-mri"), read_manifest(folder, BRAIN_MRI.labels), ["val", "test"])
    assert {split: each["images"] for split, each in figures.items()} == {"val": 4, "test": 6, "test_apart": 4}


def test_evaluation_leaves_copies_out_on_request(tmp_path: Path) -> None:
    folder = write(tmp_path / "data", {"test": [MIRRORED, TURNED]})
    assert evaluate("brain-mri", folder, "test")["images"] == 6
    apart = evaluate("brain-mri", folder, "test", apart_from="train")
    assert (apart["images"], apart["apart_from"]) == (4, "train")
    assert evaluate("brain-mri", folder, "test", apart_from="val")["images"] == 6


def test_a_split_of_copies_alone_has_nothing_to_measure(tmp_path: Path) -> None:
    with pytest.raises(NothingApart) as caught:
        evaluate("brain-mri", write(tmp_path / "data", {}), "train", apart_from="train")
    assert str(caught.value) == "expected images without near-duplicates in the other split, found none among 8"


def test_copies_decide_neither_temperature_nor_limits(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow", reason="TensorFlow is a development dependency")
    chosen = []
    for name, copies in (("plain", {}), ("copied", {"val": [MIRRORED] * 8})):
        choices = Choices(architecture="logistic", recipe="s4", size=32, epochs=1)
        train("brain-mri", write(tmp_path / name, copies), tmp_path / f"{name}-bundle", choices)
        metadata = load_bundle(tmp_path / f"{name}-bundle").metadata
        assert metadata.abstention is not None
        chosen.append((metadata.temperature, metadata.abstention.score))
    assert chosen[0] == chosen[1]
