"""``scanproof classify`` outlines a tumour where the classifier sees one; what the gate declines is an abstention."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path

import pytest

from backend.settings import ROOT
from ml.datasets.phantom import phantom_png
from tests.backend.commands.conftest import CommandLine

SAMPLES = Path(os.environ.get("SCANPROOF_DATA", ROOT / "../shared/data")) / "samples"

with_samples = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason=f"the public images are not at {SAMPLES}: set SCANPROOF_DATA"
)


CLOCK = Path(str(resources.files("skimage"))) / "data" / "clock_motion.png"
"""A photo of a clock, which brain-mri takes for a meningioma with 99.5 %."""


@pytest.mark.parametrize("model", [(), ("--model", "brain-mri"), ("--model", "breast-histology")])
def test_what_the_gate_declines_is_an_abstention_whoever_names_a_model(
    scanproof: CommandLine, model: tuple[str, ...]
) -> None:
    answer = scanproof("classify", CLOCK, *model, "--json").json
    assert (answer["label"], answer["abstained"], answer["model"]["name"]) == ("abstained", True, "modality-gate")
    assert answer["reason"] == "not recognised as a brain MRI or a breast-histology image"


def test_forced_numbers_are_marked(scanproof: CommandLine) -> None:
    answer = scanproof("classify", CLOCK, "--model", "brain-mri", "--force", "--json").json
    assert (answer["label"], answer["model"]["name"], answer["forced"]) == ("meningioma", "brain-mri", True)
    assert answer["confidence"] > 0.99
    expected = "not for use: the gate recognises no known kind of image, and brain-mri was made for brain-mri images"
    assert answer["warning"] == expected
    shown = scanproof("classify", CLOCK, "--model", "brain-mri", "--force").stdout
    assert expected in shown.splitlines()[0]
    assert shown.splitlines()[-1] == "NOT FOR USE. No server signs this."


def test_a_scan_needs_no_force(scanproof: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "scan.png").write_bytes(phantom_png())
    answer = scanproof("classify", tmp_path / "scan.png", "--model", "brain-mri", "--force", "--json").json
    assert (answer["model"]["name"], answer["forced"], answer["warning"]) == ("brain-mri", False, None)


@with_samples
def test_a_tumour_has_its_area_and_its_polygons(scanproof: CommandLine) -> None:
    answer = scanproof("classify", SAMPLES / "mri_meningioma_1.jpg", "--model", "brain-mri", "--json").json
    assert answer["label"] == "meningioma"
    outline = answer["outline"]
    assert outline["reason"] is None
    assert outline["area"]["pixels"] > 0 and 0 < outline["area"]["share"] < 0.5
    (first, *_) = outline["contours"]
    assert len(first) > 2 and all(0 <= value <= 512 for point in first for value in point)


@with_samples
def test_a_scan_without_a_tumour_has_no_outline(scanproof: CommandLine) -> None:
    answer = scanproof("classify", SAMPLES / "mri_notumor_1.jpg", "--model", "brain-mri", "--json").json
    assert answer["label"] == "notumor"
    assert answer["outline"] == {"area": None, "contours": [], "reason": "the classifier found no tumour"}


@with_samples
def test_what_is_no_scan_has_no_outline(scanproof: CommandLine) -> None:
    answer = scanproof("classify", SAMPLES / "SOB_B_F-14-23060CD-100-001.png", "--model", "brain-mri", "--json").json
    assert answer["outline"] == {"area": None, "contours": [], "reason": "the classifier gave no answer"}
