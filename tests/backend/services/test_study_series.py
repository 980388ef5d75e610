"""Studies of DICOM files: their order, other series, other patients, identifiers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.container import Container
from backend.domain import SlicePlace, StudySeries
from backend.errors import IdentifiersLeft, InvalidStudy
from backend.services.slice_order import NamedPlace, arrange
from backend.services.studies import StudyProgress
from tests.backend.studies import declared, record_study
from tests.dicoms import deidentified, dicom

STUDY, SERIES, OTHER = "1.2.3", "1.2.3.1", "1.2.3.2"
AXIAL = [1, 0, 0, 0, 1, 0]


def dicom_slice(shade: int, *, height: float | None, number: int, series: str = SERIES, **more: object) -> bytes:
    values = np.full((24, 20), shade, np.uint16)
    place = {} if height is None else {"ImagePositionPatient": [1, 2, height], "ImageOrientationPatient": AXIAL}
    made = {"StudyInstanceUID": STUDY, "SeriesInstanceUID": series, "PatientID": "one", "InstanceNumber": number}
    return deidentified(dicom(values, **{**made, **place, **more}))


def received(container: Container, files: dict[str, bytes]) -> StudyProgress:
    progress, _ = container.studies.begin(declared(files), None)
    for content in files.values():
        progress = container.studies.add(progress.study_id, content)
    return progress


def test_a_series_is_in_the_order_of_its_positions(container: Container, alice: DevelopmentWallet) -> None:
    heights = {"a.dcm": 30.0, "b.dcm": -12.5, "c.dcm": 4.25}
    files = {name: dicom_slice(n, height=each, number=n) for n, (name, each) in enumerate(heights.items(), start=1)}
    progress = received(container, files)
    assert progress.names == ("b.dcm", "c.dcm", "a.dcm")
    made = record_study(container, alice, files)
    assert [each.sha256 for each in made.slices] == [declared(files)[place].sha256 for place in (1, 2, 0)]
    assert made.manifest.series is not None
    assert made.manifest.series.study.startswith("2.25.")
    image_id = container.chain.image_id(alice.address, made.manifest.cid)
    assert container.verification.verify(image_id).passed


def test_images_of_another_series_are_separated(container: Container, picture) -> None:
    files = {f"{n}.dcm": dicom_slice(n, height=n, number=n) for n in (3, 1, 2)}
    files["scout.dcm"] = dicom_slice(9, height=0, number=1, series=OTHER)
    files["photo.png"] = picture()
    progress = received(container, files)
    assert progress.names == ("1.dcm", "2.dcm", "3.dcm")
    assert {each.name: each.reason for each in progress.left_out} == dict.fromkeys(
        ("scout.dcm", "photo.png"), "of another series, which has 1 of these images: make it a study of its own"
    )
    assert container.studies.classify(progress.study_id, seconds=60).documents.manifest.count == 3


def test_a_study_of_two_patients_is_refused_and_leaves_nothing(container: Container) -> None:
    files = {"1.dcm": dicom_slice(1, height=1, number=1), "2.dcm": dicom_slice(2, height=2, number=2, PatientID="two")}
    progress = received(container, files)
    with pytest.raises(InvalidStudy, match=r"^expected images of one patient, found those of 2: make a study of each$"):
        container.studies.classify(progress.study_id, seconds=60)
    assert not list((container.settings.var / "studies").iterdir())
    assert not list((container.settings.var / "ipfs" / "pins").iterdir())


def test_identifiers_are_refused_and_not_kept(container: Container) -> None:
    named = dicom(np.zeros((24, 20), np.uint16), PatientName="Doe^Jane")
    progress, _ = container.studies.begin(declared({"named.dcm": named}), None)
    with pytest.raises(IdentifiersLeft, match="Patient's Name"):
        container.studies.add(progress.study_id, named)
    stored = list((container.settings.var / "studies" / progress.study_id).iterdir())
    assert [path.name for path in stored] == ["journal.jsonl"]


def place(number: int | None, position: float | None, series: str = SERIES, patient: str = "one") -> SlicePlace:
    return SlicePlace(patient, STUDY, series, number, position)


def arranged(*places: SlicePlace | None) -> tuple[int, ...]:
    return arrange([NamedPlace(str(number), each) for number, each in enumerate(places)]).order


def test_the_order_is_by_what_all_slices_have() -> None:
    assert arranged(place(1, 3), place(2, -1), place(3, 2)) == (1, 2, 0)
    assert arranged(place(3, 3), place(1, None), place(2, 2)) == (1, 2, 0)
    assert arranged(place(3, 5), place(2, 5), place(1, 5)) == (2, 1, 0)
    assert arranged(place(None, None), place(1, None)) == (0, 1)
    assert arranged(None, None, None) == (0, 1, 2)
    assert arranged() == ()
    assert arranged(None, place(2, 1), place(1, 2)) == (1, 2)
    frames = [replace(place(number, None), frame=frame) for number, frame in ((2, 0), (1, 1), (1, 0))]
    assert arranged(*frames) == (2, 1, 0)


def test_patients_are_counted_in_every_series() -> None:
    places = [place(1, 1), place(2, 2), place(1, 1, OTHER, "two")]
    found = arrange([NamedPlace(str(number), each) for number, each in enumerate(places)])
    assert (found.patients, found.series) == (2, StudySeries(STUDY, SERIES))
