"""The MR sequence of a DICOM file, by the attributes that de-identification keeps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ml.preprocessing.dicom import DicomFile
from tests.dicoms import deidentified, dicom

PIXELS = np.arange(64, dtype=np.uint16).reshape(8, 8)
SPIN_ECHO = {"ScanningSequence": "SE"}


def sequence(**values: Any) -> str:
    return DicomFile(deidentified(dicom(PIXELS, **values))).description.sequence


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("T1 AXIAL", "t1"),
        ("ax t1 post gad", "t1-post-contrast"),
        ("T1 PRE CONTRAST", "t1"),
        ("MPRAGE", "t1"),
        ("T2 TSE SAG", "t2"),
        ("T2 FLAIR", "flair"),
        ("T1 FLAIR", "t1"),
        ("PD FSE", "pd"),
        ("PD T2", ""),
        ("STIR COR", "stir"),
        ("DWI B1000", "dwi"),
        ("ADC MAP", "adc"),
        ("SWI", "swi"),
        ("TOF 3D", "mra"),
        ("DSC PERF", "perfusion"),
        ("SURVEY", ""),
    ],
)
def test_words_of_the_series_description(words: str, found: str) -> None:
    assert sequence(SeriesDescription=words) == found


def test_the_words_count_before_the_times() -> None:
    assert sequence(SeriesDescription="T2", RepetitionTime=500, EchoTime=10, **SPIN_ECHO) == "t2"


def test_the_acquisition_contrast_counts_before_the_times() -> None:
    assert sequence(AcquisitionContrast="FLUID_ATTENUATED", RepetitionTime=500, EchoTime=10, **SPIN_ECHO) == "flair"


@pytest.mark.parametrize(
    ("scanning", "repetition", "echo", "inversion", "found"),
    [
        ("SE", 500, 12, None, "t1"),
        ("SE", 500, 60, None, ""),
        ("SE", 1200, 12, None, ""),
        ("SE", 3000, 100, None, "t2"),
        ("SE", 3000, 12, None, "pd"),
        ("SE", 3000, 50, None, ""),
        (["SE", "IR"], 9000, 120, 2500, "flair"),
        (["SE", "IR"], 9000, 20, 2500, ""),
        (["SE", "IR"], 4000, 120, 160, ""),
        ("GR", 500, 12, None, ""),
        (["SE", "EP"], 4000, 90, None, ""),
        ("SE", None, 12, None, ""),
    ],
)
def test_the_times_of_a_spin_echo(
    scanning: str | list[str], repetition: float | None, echo: float, inversion: float | None, found: str
) -> None:
    times = {"RepetitionTime": repetition, "EchoTime": echo, "InversionTime": inversion}
    values = {name: value for name, value in times.items() if value is not None}
    assert sequence(ScanningSequence=scanning, **values) == found


def test_other_modalities_have_none() -> None:
    assert sequence(Modality="CT", SeriesDescription="T1") == ""


def test_times_that_are_none_are_unknown() -> None:
    file = dicom(PIXELS, ScanningSequence="SE", RepetitionTime=500)
    assert DicomFile(file).description.sequence == ""


def test_what_cannot_be_read_is_unknown_and_the_picture_is_read() -> None:
    content = dicom(PIXELS, ScanningSequence="SE", SeriesDescription="T1 TSE", RepetitionTime="512.25", EchoTime=10)
    description = DicomFile(content).description
    assert description.sequence == "t1"
    # As 32-bit integers, six bytes are too many for one and too few for two.
    description_tag, repetition_tag = b"\x08\x00\x3e\x10", b"\x18\x00\x80\x00"
    damaged = content.replace(description_tag + b"LO", description_tag + b"UL")
    damaged = damaged.replace(repetition_tag + b"DS", repetition_tag + b"UL")
    assert DicomFile(damaged).description == replace(description, sequence="")


def test_the_study_date_is_the_shifted_one() -> None:
    assert DicomFile(deidentified(dicom(PIXELS, StudyDate="20200102"))).description.study_date < "20200102"
    assert DicomFile(deidentified(dicom(PIXELS))).description.study_date == ""
