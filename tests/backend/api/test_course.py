"""The outlined area over time, for the recorded images of one patient."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from datetime import date
from unittest.mock import Mock

import numpy as np
import pytest
from flask.testing import FlaskClient

from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.adapters.chain.development_accounts import CLINICIAN, USER, DevelopmentAccount
from backend.container import Container
from backend.domain import GateOpinion, ModelFacts, Outline, Review, Verdict
from backend.errors import ClassificationFailed, InvalidStudy
from backend.services import course as course_service
from backend.services import study_areas
from backend.services.statements import SliceOutline, Statement
from backend.services.study_areas import _Measures, _volume
from backend.settings import Settings
from tests.backend.api.conftest import API, assert_problem, signed_of, upload
from tests.backend.studies import pin_study, record_study
from tests.dicoms import deidentified, dicom

_numbers = itertools.count(1)
MODEL = ModelFacts("brain-mri", "2.1.0", "ab" * 32, "brain-mri")
SQUARE = ((1.0, 1.0), (5.0, 1.0), (5.0, 5.0), (1.0, 5.0))


@dataclass
class Patients:
    """Records slices of patients, each with a model's result, and reviews them."""

    client: FlaskClient
    container: Container
    settings: Settings

    def record(
        self,
        date: str | None,
        *,
        patient: str = "P1",
        sealed: bool = False,
        account: DevelopmentAccount = USER,
        **values,
    ) -> str:
        """The image id of a new slice with the study date ``date``."""
        pixels = np.full((32, 32), next(_numbers) * 7, np.uint16) + np.arange(32, dtype=np.uint16)
        attributes = {"PatientID": patient, "StudyDate": date, **values}
        content = deidentified(dicom(pixels, **{key: value for key, value in attributes.items() if value is not None}))
        cid = upload(self.client, content).json["cid"]
        made = self.client.post(f"{API}/images/{cid}/classifications", json={"sealed": sealed}).json
        wallet = DevelopmentWallet(self.settings.rpc_url, self.settings.contract_address, account)
        body = {"manifestHash": made["manifestHash"], "uploader": wallet.address}
        attestation = self.client.post(f"{API}/images/{cid}/attestations", json=body).json
        wallet.register_with_diagnosis(cid, signed_of(attestation))
        return attestation["imageId"]

    def review(self, image_id: str, verdict: Verdict, label: int) -> None:
        clinician = DevelopmentWallet(self.settings.rpc_url, self.settings.contract_address, CLINICIAN)
        diagnosis = self.container.records.find(image_id).diagnoses[0]
        clinician.review(diagnosis, Review(diagnosis.diagnosis_id, f"0x{next(_numbers):064x}", verdict, label))

    def course(self, image_id: str) -> dict:
        answer = self.client.get(f"{API}/records/{image_id}/course")
        assert answer.status_code == 200, answer.json
        return answer.json

    def entry(self, image_id: str) -> dict:
        (found,) = [each for each in self.course(image_id)["entries"] if each["imageId"] == image_id]
        return found


@pytest.fixture
def patients(
    client: FlaskClient, container: Container, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Patients:
    """Every slice is taken for a glioma, and a region of 40 pixels is outlined on it."""
    gate = container.classifier.gate()
    assert gate
    found = Outline(ModelFacts("tumour-outline", "1.0.0", "ab" * 32, "brain-mri"), None, (SQUARE,), 40, 0.1, 0.9, b"")
    models = type(container.classifier)
    predict = models.predict

    def as_glioma(self, *arguments):
        prediction, overlay = predict(self, *arguments)
        return replace(prediction, abstained=False, label="glioma", code=1, reason=None), overlay

    monkeypatch.setattr(models, "predict", as_glioma)
    monkeypatch.setattr(models, "recognise", lambda *_: GateOpinion(gate, "brain-mri"))
    monkeypatch.setattr(type(container.outline), "outline", lambda *_: found)
    return Patients(client, container, settings)


def test_the_areas_of_a_patient_are_in_the_order_of_their_dates(patients: Patients) -> None:
    later = patients.record("20200301", PixelSpacing=[0.5, 0.5])
    earlier = patients.record("20200201", PixelSpacing=[0.25, 0.25], SeriesDescription="T1")
    unscaled = patients.record("20200401")
    patients.record("20200301", patient="P2")
    found = patients.course(later)
    assert found["reason"] is None
    areas = [(entry["imageId"], entry["pixels"], entry["squareMm"]) for entry in found["entries"]]
    assert areas == [(earlier, 40, 2.5), (later, 40, 10), (unscaled, 40, None)]
    dates = [date.fromisoformat(entry["studyDate"]) for entry in found["entries"]]
    assert [(each - dates[0]).days for each in dates] == [0, 29, 60]
    first = found["entries"][0]
    assert (first["by"], first["kind"]["sequence"]["value"], first["reason"]) == ("model", "t1", None)


def test_images_of_another_account_are_not_compared(patients: Patients) -> None:
    own = patients.record("20200201")
    patients.record("20200202", account=CLINICIAN)
    assert [entry["imageId"] for entry in patients.course(own)["entries"]] == [own]


def test_without_a_patient_or_a_date_there_is_no_course(patients: Patients, client: FlaskClient, picture) -> None:
    undated = patients.record(None)
    reason = "the image is no DICOM file with the pseudonym of a patient and a study date"
    assert patients.course(undated) == {"reason": reason, "entries": []}
    unknown = "0x" + "12" * 32
    detail = f"no image with the id {unknown} is registered on the chain"
    assert_problem(client.get(f"{API}/records/{unknown}/course"), 404, "not-found", detail)


def test_what_a_clinician_drew_counts_before_the_models_outline(
    patients: Patients, monkeypatch: pytest.MonkeyPatch
) -> None:
    image_id = patients.record("20200203", PixelSpacing=[2, 2])
    patients.review(image_id, Verdict.OVERRIDDEN, 2)
    assert patients.entry(image_id)["reason"] == "the model's result does not hold"
    statement = Statement(image_id, "", Verdict.OVERRIDDEN, None, 2, "", (SQUARE,))
    monkeypatch.setattr(patients.container.course, "_published", lambda _: statement)
    entry = patients.entry(image_id)
    assert (entry["pixels"], entry["squareMm"], entry["by"]) == (16, 64, "clinician")


def test_a_sealed_result_has_no_area(patients: Patients) -> None:
    entry = patients.entry(patients.record("20200204", sealed=True))
    assert (entry["pixels"], entry["squareMm"], entry["by"]) == (None, None, None)
    assert entry["reason"] == "the result is sealed"


def test_an_image_without_a_diagnosis_has_no_area(patients: Patients, alice: DevelopmentWallet) -> None:
    content = deidentified(dicom(np.eye(32, dtype=np.uint16), PatientID="P1", StudyDate="20200205"))
    cid = upload(patients.client, content).json["cid"]
    alice.register_image(cid)
    entry = patients.entry(patients.container.chain.image_id(alice.address, cid))
    assert entry["reason"] == "no diagnosis is recorded"


def test_why_nothing_is_outlined_is_said(patients: Patients, monkeypatch: pytest.MonkeyPatch) -> None:
    image_id = patients.record("20200206")
    service = type(patients.container.outline)
    monkeypatch.setattr(service, "outline", lambda *_: Outline(None, "the classifier found no tumour"))
    assert patients.entry(image_id)["reason"] == "the classifier found no tumour"

    def fail(*_: object) -> None:
        raise ClassificationFailed("the network failed")

    monkeypatch.setattr(service, "outline", fail)
    assert patients.entry(image_id)["reason"] == "the network failed"
    monkeypatch.setattr(type(patients.container.models), "facts", lambda *_: None)
    assert patients.entry(image_id)["reason"] == "the model is not installed here"


def test_an_abstention_has_no_area(patients: Patients, monkeypatch: pytest.MonkeyPatch) -> None:
    models = type(patients.container.classifier)
    predict = models.predict
    monkeypatch.setattr(
        models, "predict", lambda *given: (replace(predict(*given)[0], abstained=True, label="abstained", code=0), None)
    )
    assert patients.entry(patients.record("20200209"))["reason"] == "the model gave no answer"


def test_the_number_of_images_has_a_limit(patients: Patients, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(course_service, "MOST_IMAGES", 1)
    first, second = patients.record("20200207"), patients.record("20200208")
    assert [entry["imageId"] for entry in patients.course(first)["entries"]] == [second]


@dataclass
class StudiesOfOne:
    """Records studies of one patient; each slice but the last is taken for a glioma."""

    container: Container
    alice: DevelopmentWallet

    def record(self, date: str, *, slices: int = 3, distance: float = 2.0, **values) -> str:
        number = next(_numbers)
        files = {}
        for place in range(slices):
            pixels = np.full((32, 32), number * 7 + place, np.uint16) + np.arange(32, dtype=np.uint16)
            attributes = {
                "PatientID": "P9",
                "StudyDate": date,
                "StudyInstanceUID": f"1.2.{number}",
                "SeriesInstanceUID": f"1.2.{number}.1",
                "InstanceNumber": place + 1,
                "PixelSpacing": [0.5, 0.5],
                "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
                "ImagePositionPatient": [0, 0, distance * place],
            }
            known = {key: value for key, value in (attributes | values).items() if value is not None}
            files[f"{place}.dcm"] = deidentified(dicom(pixels, **known))
        documents = record_study(self.container, self.alice, files)
        return self.container.chain.image_id(self.alice.address, documents.manifest.cid)


@pytest.fixture
def studies(patients: Patients, container: Container, alice: DevelopmentWallet, monkeypatch) -> StudiesOfOne:
    def outline(_self, cid: str, _model: str) -> Outline:
        """Later slices have larger outlines."""
        sizes.setdefault(cid, 40 + 10 * len(sizes))
        return Outline(ModelFacts("tumour-outline", "1.0.0", "ab" * 32, "brain-mri"), None, (SQUARE,), sizes[cid])

    sizes: dict[str, int] = {}
    monkeypatch.setattr(type(container.outline), "outline", outline)
    return StudiesOfOne(container, alice)


def test_the_studies_of_a_patient_have_the_largest_area_and_the_volume(studies: StudiesOfOne, patients) -> None:
    later, earlier = studies.record("20200301"), studies.record("20200201", distance=3.0, PixelSpacing=[1, 1])
    patients.record("20200101", patient="P9")

    found = patients.course(later)

    assert [(each["imageId"], each["study"], each["pending"]) for each in found["entries"]] == [
        (earlier, True, False),
        (later, True, False),
    ]
    first, second = found["entries"]
    assert (first["pixels"], first["squareMm"], first["slices"], first["by"]) == (60, 60, 3, "model")
    assert (first["cubicMm"], second["cubicMm"]) == ((40 + 50 + 60) * 3, (70 + 80 + 90) * 0.25 * 2)


@pytest.mark.parametrize(
    ("values", "square_mm"),
    [({"PixelSpacing": None}, None), ({"ImageOrientationPatient": None}, 15)],
    ids=["no spacing", "no place"],
)
def test_a_volume_needs_spacing_and_places(studies: StudiesOfOne, patients, values, square_mm) -> None:
    entry = patients.entry(studies.record("20200302", **values))
    assert (entry["pixels"], entry["squareMm"], entry["cubicMm"]) == (60, square_mm, None)


def test_a_single_slice_has_no_volume(studies: StudiesOfOne, patients) -> None:
    entry = patients.entry(studies.record("20200302", slices=1))
    assert (entry["slices"], entry["squareMm"], entry["cubicMm"]) == (1, 10, None)


def test_uneven_slices_have_no_volume() -> None:
    def measured(*places: float) -> list:
        return [(order, 4.0, _Measures(4.0, 1.0, place, (0, 0, 1))) for order, place in enumerate(places)]

    assert _volume(measured(0, 2, 4)) == 24
    assert _volume(measured(0, 2, 4.03)) == pytest.approx(12 * 2.015)
    assert _volume(measured(0, 2, 5)) is None
    assert _volume(measured(0, 0, 0)) is None


def test_a_clinicians_outlines_of_slices_count_before_the_models(
    studies: StudiesOfOne, patients, monkeypatch: pytest.MonkeyPatch
) -> None:
    image_id = studies.record("20200303")
    patients.review(image_id, Verdict.CONFIRMED, 1)
    _, slices = patients.container.studies.slices(patients.container.records.find(image_id).image.cid)

    def reviewed(*outlines: tuple[int, int, tuple]) -> dict:
        own = tuple(SliceOutline(order, slices[image].cid, outline) for order, image, outline in outlines)
        statement = Statement(image_id, "", Verdict.CONFIRMED, None, 1, "", None, own)
        monkeypatch.setattr(patients.container.course, "_published", lambda _: statement)
        return patients.entry(image_id)

    entry = reviewed((0, 0, (SQUARE,)), (2, 1, (SQUARE,)))
    assert (entry["by"], entry["slices"], entry["pixels"]) == ("both", 3, 50)
    entry = reviewed(*((order, order, (SQUARE,)) for order in range(3)))
    assert (entry["by"], entry["pixels"], entry["cubicMm"]) == ("clinician", 16, 3 * 16 * 0.25 * 2)
    entry = reviewed(*((order, order, ()) for order in range(3)))
    assert (entry["by"], entry["pixels"], entry["slices"]) == ("clinician", 0, 0)


def test_why_a_study_has_no_area(studies: StudiesOfOne, patients, alice, monkeypatch: pytest.MonkeyPatch) -> None:
    image_id = studies.record("20200304")
    monkeypatch.setattr(study_areas, "MOST_SLICES", 2)
    assert patients.entry(image_id)["reason"] == "3 slices show a finding; at most 2 are outlined"
    monkeypatch.setattr(study_areas, "MOST_SLICES", 100)
    service = type(patients.container.outline)
    monkeypatch.setattr(service, "outline", lambda *_: Outline(None, "the classifier found no tumour"))
    assert patients.entry(image_id)["reason"] == "nothing is outlined"

    models = type(patients.container.models)
    with monkeypatch.context() as patched:
        patched.setattr(models, "facts", lambda *_: replace(MODEL, modality="breast-histology"))
        assert patients.entry(image_id)["reason"] == "tumours are outlined on brain-mri images"
        patched.setattr(models, "facts", lambda *_: None)
        assert patients.entry(image_id)["reason"] == "the model is not installed here"
        patched.setattr(type(patients.container.studies), "slices", Mock(side_effect=InvalidStudy("damaged")))
        patched.setattr(models, "facts", lambda *_: MODEL)
        assert patients.entry(image_id)["reason"] == "damaged"
    patients.review(image_id, Verdict.WITHDRAWN, 0)
    assert patients.entry(image_id)["reason"] == "the model's result does not hold"
    cid = pin_study(studies.container, {"a.dcm": _again(studies)}).manifest.cid
    alice.register_image(cid)
    found = patients.entry(studies.container.chain.image_id(alice.address, cid))
    assert found["reason"] == "no diagnosis is recorded"


def _again(_studies: StudiesOfOne) -> bytes:
    pixels = np.eye(32, dtype=np.uint16) * next(_numbers)
    return deidentified(dicom(pixels, PatientID="P9", StudyDate="20200305", StudyInstanceUID="1.2.99"))


def test_slices_that_are_not_outlined_yet_are_pending(studies: StudiesOfOne, patients, monkeypatch) -> None:
    image_id = studies.record("20200306")
    monkeypatch.setattr(course_service, "WORK_S", -1.0)
    entry = patients.entry(image_id)
    assert (entry["pending"], entry["slices"], entry["pixels"]) == (True, 0, None)
    monkeypatch.setattr(course_service, "WORK_S", 60.0)
    assert patients.entry(image_id)["slices"] == 3
    outlines = Mock(side_effect=AssertionError("outlined again"))
    monkeypatch.setattr(type(patients.container.outline), "outline", outlines)
    assert patients.entry(image_id)["slices"] == 3
    monkeypatch.setattr(study_areas, "MOST_KEPT", 1)
    monkeypatch.setattr(type(patients.container.outline), "outline", lambda *_: Outline(None, None, (SQUARE,), 9))
    studies_areas = patients.container.course._areas
    studies_areas._kept.clear()
    assert patients.entry(image_id)["pixels"] == 9
    assert len(studies_areas._kept) == 1
