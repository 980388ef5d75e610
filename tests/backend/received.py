"""DICOM series with identifiers, as a PACS sends them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tests.dicoms import dicom

STUDY, SERIES = "1.2.826.0.1.3680043.8.498.1", "1.2.826.0.1.3680043.8.498.1.2"
IDENTIFIERS = (b"Doe^Jane", b"4711-PATIENT", b"St Elsewhere", b"19700203", STUDY.encode())


def series(
    count: int,
    *,
    study: str = STUDY,
    series: str = SERIES,
    side: int = 48,
    pictures: Sequence[np.ndarray] = (),
    **values: object,
) -> list[bytes]:
    """Slices of one series, each with identifiers and a picture of its own, or of ``pictures``."""
    pictures = pictures or [_picture(number, side) for number in range(count)]
    common: dict[str, Any] = {
        "PatientName": "Doe^Jane",
        "PatientID": "4711-PATIENT",
        "PatientBirthDate": "19700203",
        "InstitutionName": "St Elsewhere",
        "StudyDate": "20240305",
        "StudyInstanceUID": study,
        "SeriesInstanceUID": series,
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "PixelSpacing": [1, 1],
    }
    own = [
        {"SOPInstanceUID": f"{series}.{number}", "InstanceNumber": number, "ImagePositionPatient": [0, 0, 5 * number]}
        for number in range(1, count + 1)
    ]
    return [dicom(picture, **(common | each | values)) for picture, each in zip(pictures, own, strict=True)]


def _picture(number: int, side: int) -> np.ndarray:
    """A bright disc whose size depends on ``number``, on a ramp."""
    down, across = np.mgrid[:side, :side]
    inside = (down - side / 2) ** 2 + (across - side / 2) ** 2 < (side / 4 + number) ** 2
    return (200 + 3 * across + 500 * inside + number).astype("uint16")
