"""What kind of image one is: in answers, from each source, and in searches."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import delete, func, select

from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.adapters.database.engine import open_database
from backend.adapters.database.kinds import SqlKinds
from backend.adapters.database.tables import ImageRow, KindRow, KindStatementRow
from backend.container import Container
from backend.domain import GateOpinion, ImageKind, KindFilter, KindSource, KindValue
from backend.errors import DatabaseFull, StorageUnavailable
from backend.services.kind_sources import agreed, kind_filter, with_opinion
from tests.backend.api.conftest import API, assert_problem, upload
from tests.backend.api.test_studies import begin, send
from tests.dicoms import deidentified, dicom

SLICE = np.asarray(Image.radial_gradient("L")).astype(np.uint16) * 12 + 300
UNKNOWN = {"value": None, "source": "unknown", "by": None, "others": []}
NOTHING = dict.fromkeys(("modality", "bodyPart", "sequence", "magnification"), UNKNOWN)


def said_by(source: str, value: str, by: str | None = None, *others: dict) -> dict:
    beside = [{name: each[name] for name in ("value", "source", "by")} for each in others]
    return {"value": value, "source": source, "by": by, "others": beside}


def mr_file(**values) -> bytes:
    attributes = {"BodyPartExamined": "BRAIN", "SeriesDescription": "T1 POST", "PixelSpacing": [0.5, 0.5], **values}
    return deidentified(dicom(SLICE, **attributes))


MR_KIND = {
    "modality": said_by("dicom", "MR"),
    "bodyPart": said_by("dicom", "BRAIN"),
    "sequence": said_by("dicom", "t1-post-contrast"),
    "magnification": UNKNOWN,
}


@pytest.fixture
def recognised(container: Container, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Makes the gate recognise a modality in each image: the gate's name and version."""

    def make(modality: str) -> str:
        gate = container.classifier.gate()
        assert gate
        monkeypatch.setattr(type(container.classifier), "recognise", lambda *_: GateOpinion(gate, modality))
        return f"{gate.name} {gate.version}"

    return make


def test_of_a_dicom_file_the_attributes_tell(client: FlaskClient) -> None:
    answer = upload(client, mr_file()).json
    assert answer["kind"] == MR_KIND
    assert client.get(answer["links"]["self"]).json["kind"] == MR_KIND


def test_of_other_files_nothing_is_known_until_a_gate_was_asked(
    client: FlaskClient, cid: str, recognised: Callable[[str], str]
) -> None:
    assert client.get(f"{API}/images/{cid}").json["kind"] == NOTHING
    by = recognised("brain-mri")
    found = {**NOTHING, "modality": said_by("recognised", "MR", by), "bodyPart": said_by("recognised", "BRAIN", by)}
    assert client.post(f"{API}/images/{cid}/classifications", json={}).json["kind"] == found
    assert client.get(f"{API}/images/{cid}").json["kind"] == found


def test_what_is_recognised_stands_beside_what_dicom_says(
    client: FlaskClient, alice: DevelopmentWallet, recognised: Callable[[str], str]
) -> None:
    by = recognised("breast-histology")
    cid = upload(client, mr_file(Modality="CT")).json["cid"]
    kind = client.post(f"{API}/images/{cid}/classifications", json={}).json["kind"]
    assert kind["modality"] == said_by("dicom", "CT", None, said_by("recognised", "SM", by))
    assert kind["bodyPart"] == said_by("dicom", "BRAIN", None, said_by("recognised", "BREAST", by))
    assert client.get(f"{API}/images/{cid}").json["kind"] == kind
    alice.register_image(cid)
    for modality, expected in (("CT", [cid]), ("SM", [cid]), ("MR", [])):
        listed = client.get(f"{API}/records", query_string={"modality": modality}).json["records"]
        assert [each["cid"] for each in listed] == expected


def test_the_same_from_two_sources_is_one_statement(client: FlaskClient, recognised: Callable[[str], str]) -> None:
    recognised("brain-mri")
    cid = upload(client, mr_file()).json["cid"]
    assert client.post(f"{API}/images/{cid}/classifications", json={}).json["kind"] == MR_KIND


def test_a_sealed_result_leaves_the_kind_unknown(
    client: FlaskClient, cid: str, recognised: Callable[[str], str]
) -> None:
    recognised("brain-mri")
    assert client.post(f"{API}/images/{cid}/classifications", json={"sealed": True}).json["kind"] == NOTHING
    assert client.get(f"{API}/images/{cid}").json["kind"] == NOTHING


def test_a_modality_without_a_term_of_dicom_keeps_its_name(container: Container) -> None:
    gate = container.classifier.gate()
    assert gate
    kind = with_opinion(ImageKind("a"), GateOpinion(gate, "knee-mri"))
    assert (kind.modality.value, kind.body_part.value) == ("knee-mri", None)
    assert with_opinion(ImageKind("a"), GateOpinion(gate, None)) == ImageKind("a")
    # A gate takes back what a gate said before.
    assert with_opinion(kind, GateOpinion(gate, "brain-mri")).modality.others == ()


def state(client: FlaskClient, content: bytes, magnification: object, **answers: str):
    data = {"file": (io.BytesIO(content), "section.png"), "magnification": magnification, **answers}
    return client.post(f"{API}/images", data=data)


def test_statements_of_uploaders_stand_side_by_side(
    client: FlaskClient, alice: DevelopmentWallet, recognised: Callable[[str], str], picture
) -> None:
    recognised("breast-histology")
    content = picture()
    answer = state(client, content, 400)
    assert (answer.status_code, answer.json["kind"]["magnification"]) == (201, said_by("uploader", "400"))
    cid = answer.json["cid"]
    both = said_by("uploader", "400", None, said_by("uploader", "100"))
    for magnification in (100, 400, 100):
        again = state(client, content, magnification)
        assert (again.status_code, again.json["kind"]["magnification"]) == (200, both)
    alice.register_image(cid)
    for magnification, expected in (("400", [cid]), ("100X", [cid]), ("200", []), ("unknown", [])):
        listed = client.get(f"{API}/records", query_string={"magnification": magnification}).json["records"]
        assert [each["cid"] for each in listed if each["cid"] == cid] == expected
    for sealed in (False, True):
        refused = client.post(f"{API}/images/{cid}/classifications", json={"sealed": sealed})
        detail = (
            "expected an image at 100X, found 400X (uploader) and 100X (uploader): breast-histology is for 100X, and "
            "sources differ about this image. Upload it again, and say that the right one takes the place of the others"
        )
        assert_problem(refused, 409, "magnifications-differ", detail)


def test_an_uploader_may_correct_what_was_said_before(
    client: FlaskClient, container: Container, recognised: Callable[[str], str], picture
) -> None:
    recognised("breast-histology")
    content = picture()
    for magnification in (400, 200):
        cid = state(client, content, magnification).json["cid"]
    corrected = state(client, content, 100, magnificationCorrected="true", text="keep", pinAnyway="true")
    assert corrected.json["kind"]["magnification"] == said_by("uploader", "100")
    assert client.post(f"{API}/images/{cid}/classifications", json={}).status_code == 201
    with open_database(container.settings.database_url).read() as session:
        assert session.scalar(select(func.count()).select_from(KindStatementRow)) == 0


def test_a_model_that_is_for_no_magnification_does_not_ask_for_one(
    client: FlaskClient, recognised: Callable[[str], str], picture
) -> None:
    recognised("brain-mri")
    content = picture()
    for magnification in (400, 100):
        cid = state(client, content, magnification).json["cid"]
    assert client.post(f"{API}/images/{cid}/classifications", json={}).status_code == 201


@pytest.mark.parametrize("magnification", ["99", "400X", "-100", "0"])
def test_a_magnification_that_no_microscope_here_has_is_refused(client: FlaskClient, picture, magnification) -> None:
    assert state(client, picture(), magnification).status_code == 400


@pytest.mark.parametrize("sealed", [False, True])
def test_a_model_refuses_another_magnification_by_name(
    client: FlaskClient, picture, recognised: Callable[[str], str], sealed: bool
) -> None:
    recognised("breast-histology")
    cid = state(client, picture(), 400).json["cid"]
    answer = client.post(f"{API}/images/{cid}/classifications", json={"sealed": sealed})
    detail = "expected an image at 100X, found one that was stated to be at 400X: breast-histology is for 100X"
    assert_problem(answer, 409, "other-magnification", detail)


def test_the_magnification_that_a_model_expects_is_shown(
    client: FlaskClient, picture, recognised: Callable[[str], str]
) -> None:
    recognised("breast-histology")
    cid = state(client, picture(), 100).json["cid"]
    assert client.post(f"{API}/images/{cid}/classifications", json={}).json["expectedMagnification"] == 100
    models = {model["name"]: model["magnification"] for model in client.get(f"{API}/models").json["models"]}
    assert (models["breast-histology"], models["brain-mri"]) == (100, None)


def test_records_are_found_by_their_kind(
    client: FlaskClient, alice: DevelopmentWallet, picture, recognised: Callable[[str], str]
) -> None:
    recognised("breast-histology")
    mri = upload(client, mr_file(SeriesDescription="T2 AX")).json["cid"]
    section = state(client, picture(), 200).json["cid"]
    other = upload(client, picture()).json["cid"]
    for cid in (mri, section, other):
        alice.register_image(cid)

    def found(**query: str) -> set[str]:
        answer = client.get(f"{API}/records", query_string={"limit": 100, **query})
        return {record["cid"] for record in answer.json["records"]} & {mri, section, other}

    assert found(modality="mr") == found(bodyPart="Brain") == found(sequence="T2") == {mri}
    assert found(magnification="200X") == {section}
    assert found(modality="unknown") == {section, other}
    assert found(modality="unknown", magnification="unknown") == {other}
    assert found(modality="MR", sequence="t1") == set()
    listed = client.get(f"{API}/records", query_string={"sequence": "t2"}).json["records"]
    assert listed[0]["kind"]["sequence"] == said_by("dicom", "t2")


def test_of_an_image_of_a_former_release_the_kind_is_found_when_it_is_shown(
    client: FlaskClient, container: Container, alice: DevelopmentWallet
) -> None:
    cid = upload(client, mr_file(SeriesDescription="FLAIR")).json["cid"]
    alice.register_image(cid)
    forget_kinds(container)
    image_id = container.chain.image_id(alice.address, cid)
    listed = client.get(f"{API}/records", query_string={"q": cid}).json["records"]
    assert listed[0]["kind"] == NOTHING
    shown = client.get(f"{API}/records/{image_id}").json
    assert shown["kind"]["sequence"] == said_by("dicom", "flair")
    assert client.get(f"{API}/records", query_string={"sequence": "flair"}).json["records"][0]["cid"] == cid


def test_what_a_gate_recognised_before_is_part_of_a_kind_found_later(
    client: FlaskClient, container: Container, cid: str, recognised: Callable[[str], str]
) -> None:
    by = recognised("brain-mri")
    client.post(f"{API}/images/{cid}/classifications", json={})
    forget_kinds(container)
    assert client.get(f"{API}/images/{cid}").json["kind"]["modality"] == said_by("recognised", "MR", by)


def test_a_file_that_cannot_be_read_now_is_unknown_and_asked_again(
    client: FlaskClient, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    cid = upload(client, mr_file()).json["cid"]
    forget_kinds(container)
    with monkeypatch.context() as patched:
        patched.setattr(type(container.store), "get", unavailable)
        assert container.kinds.of(cid) == ImageKind(cid)
    assert container.kinds.of(cid).modality.value == "MR"


def test_a_full_disk_hides_no_kind(client: FlaskClient, container: Container, monkeypatch: pytest.MonkeyPatch) -> None:
    cid = upload(client, mr_file()).json["cid"]
    forget_kinds(container)

    def full(*_arguments: object) -> None:
        raise DatabaseFull("no room is left")

    with monkeypatch.context() as patched:
        patched.setattr(SqlKinds, "change", full)
        assert client.get(f"{API}/images/{cid}").json["kind"] == MR_KIND
    assert container.kinds.known([cid]) == {}


def test_a_record_of_an_image_elsewhere_has_an_unknown_kind(
    client: FlaskClient, container: Container, alice: DevelopmentWallet, picture
) -> None:
    cid = container.inspector.accept(picture())[1].cid
    alice.register_image(cid)
    assert client.get(f"{API}/records/{container.chain.image_id(alice.address, cid)}").json["kind"] == NOTHING


def test_a_study_has_the_values_that_its_slices_share(
    client: FlaskClient, container: Container, alice: DevelopmentWallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {f"{number}.dcm": mr_file(InstanceNumber=number, SOPInstanceUID=f"1.2.{number}") for number in (1, 2)}
    study = f"{API}/studies/{begin(client, files).json['studyId']}"
    for content in files.values():
        send(client, study, content)
    while not client.post(f"{study}/classifications").json["classificationDone"]:
        pass
    while not client.post(f"{study}/pins", json={"text": "keep"}).json["signable"]:
        pass
    cid = client.get(study).json["result"]["cid"]
    alice.register_image(cid)
    image_id = container.chain.image_id(alice.address, cid)
    kind = client.get(f"{API}/records/{image_id}").json["kind"]
    assert kind == MR_KIND
    assert client.get(f"{API}/records", query_string={"modality": "MR"}).json["records"][0]["imageId"] == image_id
    with open_database(container.settings.database_url).write() as session:
        session.execute(delete(KindRow).filter_by(cid=cid))
    with monkeypatch.context() as patched:
        patched.setattr(type(container.store), "get", unavailable)
        assert container.kinds.of(cid) == ImageKind(cid)
    assert client.get(f"{API}/records/{image_id}").json["kind"] == kind
    forget_kinds(container)
    assert client.get(f"{API}/records/{image_id}").json["kind"] == NOTHING


def test_values_that_differ_are_unknown_for_the_study() -> None:
    t1, t2 = (ImageKind(name, sequence=KindValue(name, KindSource.DICOM)) for name in ("t1", "t2"))
    assert agreed("study", [t1, t2]) == agreed("study", []) == ImageKind("study")
    assert agreed("study", [t1, t1]).sequence == t1.sequence


def test_the_kinds_of_all_images_are_completed_and_listed(client: FlaskClient, container: Container, picture) -> None:
    cid = upload(client, mr_file(SeriesDescription="SWI")).json["cid"]
    upload(client, picture())
    forget_kinds(container)
    assert list(container.kinds.complete()) == [True, True]
    assert list(container.kinds.complete()) == []
    found = container.kinds.matching(kind_filter(modality="", body_part="", sequence="swi", magnification=""), 10)
    assert [kind.cid for kind in found] == [cid]
    assert found[0].spacing == (0.5, 0.5)
    assert len(container.kinds.matching(KindFilter(), 10)) == 2


def test_an_image_that_is_gone_does_not_stop_the_others(client: FlaskClient, container: Container) -> None:
    first, second = (upload(client, mr_file(SOPInstanceUID=f"1.2.{number}")).json["cid"] for number in (1, 2))
    forget_kinds(container)
    for block in Path(container.settings.var / "ipfs" / "blocks").rglob(min(first, second)):
        block.unlink()
    assert sorted(container.kinds.complete()) == [False, True]


def unavailable(*_args: object, **_options: object) -> bytes:
    raise StorageUnavailable("no answer")


def forget_kinds(container: Container) -> None:
    """As a database of a former release is after its migration."""
    with open_database(container.settings.database_url).write() as session:
        session.execute(delete(KindRow))
        assert session.scalar(select(func.count()).select_from(ImageRow))
