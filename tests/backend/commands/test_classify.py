"""``scanproof classify`` outlines a tumour where the classifier sees one, and nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from backend.settings import ROOT
from tests.backend.commands.conftest import CommandLine

SAMPLES = Path(os.environ.get("SCANPROOF_DATA", ROOT / "../shared/data")) / "samples"

pytestmark = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason=f"the public images are not at {SAMPLES}: set SCANPROOF_DATA"
)


def test_a_tumour_has_its_area_and_its_polygons(scanproof: CommandLine) -> None:
    answer = scanproof("classify", SAMPLES / "mri_meningioma_1.jpg", "--model", "brain-mri", "--json").json
    assert answer["label"] == "meningioma"
    outline = answer["outline"]
    assert outline["reason"] is None
    assert outline["area"]["pixels"] > 0 and 0 < outline["area"]["share"] < 0.5
    (first, *_) = outline["contours"]
    assert len(first) > 2 and all(0 <= value <= 512 for point in first for value in point)


def test_a_scan_without_a_tumour_has_no_outline(scanproof: CommandLine) -> None:
    answer = scanproof("classify", SAMPLES / "mri_notumor_1.jpg", "--model", "brain-mri", "--json").json
    assert answer["label"] == "notumor"
    assert answer["outline"] == {"area": None, "contours": [], "reason": "the classifier found no tumour"}


def test_what_is_no_scan_has_no_outline(scanproof: CommandLine) -> None:
    answer = scanproof("classify", SAMPLES / "SOB_B_F-14-23060CD-100-001.png", "--model", "brain-mri", "--json").json
    assert answer["outline"] == {"area": None, "contours": [], "reason": "the classifier gave no answer"}
