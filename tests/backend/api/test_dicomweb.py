"""DICOMweb: STOW-RS, QIDO-RS and WADO-RS."""

from __future__ import annotations

import fnmatch
import io
import json
from dataclasses import replace

import numpy as np
import pydicom
import pytest
from flask.testing import FlaskClient
from PIL import Image
from pydicom.uid import ExplicitVRLittleEndian, RLELossless
from werkzeug.test import TestResponse

from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.adapters.database import received as received_rows
from backend.adapters.dicom.cleaner import SenderCleaner
from backend.api import dicomweb_store, limits, multipart_related
from backend.container import Container
from backend.domain import CleanDicom, KnownFile, Source, SourceKind, TextBox
from backend.errors import InvalidInput, QueueFull, StorageUnavailable
from backend.services import dicom_index as index_module
from backend.services import dicomweb as service_module
from backend.services.dicomweb import DicomWebService
from backend.services.received import ReceivedService
from backend.services.screening import Answers
from tests.backend.adapters.dicom.multiframe import enhanced
from tests.backend.adapters.images.conftest import saved
from tests.backend.api.conftest import assert_problem
from tests.backend.received import IDENTIFIERS, SERIES, STUDY, series
from tests.backend.studies import CLIENT, send_study
from tests.dicoms import deidentified, dicom, written

ROOT = "/dicomweb/studies"
DICOM_TYPE = 'multipart/related; type="application/dicom"; boundary=b'
REFERENCED, FAILED, OTHER = "00081199", "00081198", "0008119A"


@pytest.fixture
def container(container: Container, cleaner: SenderCleaner) -> Container:
    """With processes for de-identification that other tests started."""
    return replace(container, received=replace(container.received, cleaner=cleaner))


def stow(
    client: FlaskClient, files: list[bytes], path: str = ROOT, content_type: str = DICOM_TYPE, **headers: str
) -> TestResponse:
    body = b"".join(multipart_related.write(files, "b"))
    return client.post(path, data=body, content_type=content_type, headers=headers)


def items(answer: TestResponse, tag: str) -> list[dict]:
    assert answer.mimetype == "application/dicom+json"
    return json.loads(answer.data).get(tag, {"Value": []})["Value"]


def first(result: dict, tag: str) -> str | int:
    return result[tag]["Value"][0]


def found(client: FlaskClient, path: str, **parameters: str) -> list[dict]:
    answer = client.get(path, query_string=parameters)
    assert (answer.status_code, answer.mimetype) == (200, "application/dicom+json"), answer.data
    return json.loads(answer.data)


def parts(answer: TestResponse) -> list[bytes]:
    boundary = multipart_related.boundary_of(answer.headers["Content-Type"])
    return [part.content for part in multipart_related.read(answer.data, boundary)]


@pytest.fixture
def place(client: FlaskClient) -> tuple[str, str]:
    """Study and series of three slices that are here, by their new UIDs."""
    assert stow(client, series(3)).status_code == 200
    (study,) = found(client, ROOT)
    uid = str(first(study, "0020000D"))
    (one,) = found(client, f"{ROOT}/{uid}/series")
    return uid, str(first(one, "0020000E"))


def test_stored_objects_are_referenced_as_the_sender_knows_them(client: FlaskClient, container: Container) -> None:
    answer = stow(client, series(2))
    assert answer.status_code == 200
    stored = items(answer, REFERENCED)
    assert [first(each, "00081155") for each in stored] == [f"{SERIES}.1", f"{SERIES}.2"]
    assert {first(each, "00081150") for each in stored} == {"1.2.840.10008.5.1.4.1.1.4"}
    assert {first(each, "00081196") for each in stored} == {0xB000}
    url = str(first(stored[0], "00081190"))
    assert STUDY not in url
    kept = parts(client.get(url.removeprefix("http://localhost")))
    assert [each for each in IDENTIFIERS if each in kept[0]] == []
    assert (items(answer, FAILED), items(answer, OTHER)) == ([], [])
    (queued,) = container.received.list()
    assert (queued.files, queued.source.kind) == (2, "stow-rs")


def test_some_failures_are_202_and_only_failures_409(client: FlaskClient) -> None:
    some = stow(client, [*series(1), b"no DICOM file"])
    assert some.status_code == 202
    assert len(items(some, REFERENCED)) == 1
    assert [first(each, "00081197") for each in items(some, OTHER)] == [0xC000]
    none = stow(client, [b"no DICOM file"])
    assert none.status_code == 409
    assert items(none, REFERENCED) == []


def test_a_full_queue_is_out_of_resources(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise QueueFull("the queue is full")

    monkeypatch.setattr(ReceivedService, "keep", fail)
    answer = stow(client, series(1))
    assert answer.status_code == 409
    (refused,) = items(answer, FAILED)
    assert (first(refused, "00081155"), first(refused, "00081197")) == (f"{SERIES}.1", 0xA700)


def test_an_unforeseen_error_hides_nothing_that_was_stored(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    keep = ReceivedService.keep

    def fail_once(service: ReceivedService, clean: CleanDicom, source: Source) -> None:
        if clean.first.value("00200013") == "2":
            raise RuntimeError("nobody foresaw this")
        keep(service, clean, source)

    monkeypatch.setattr(ReceivedService, "keep", fail_once)
    answer = stow(client, series(2))
    assert answer.status_code == 202
    assert [first(each, "00081155") for each in items(answer, REFERENCED)] == [f"{SERIES}.1"]
    (refused,) = items(answer, FAILED)
    assert (first(refused, "00081155"), first(refused, "00081197")) == (f"{SERIES}.2", 0x0110)
    assert "an object could not be stored" in caplog.text


def test_an_address_with_a_study_takes_only_its_files(client: FlaskClient) -> None:
    assert stow(client, series(1), f"{ROOT}/{STUDY}").status_code == 200
    other = stow(client, series(2)[1:], f"{ROOT}/1.2.3")
    assert other.status_code == 409
    assert [first(each, "00081197") for each in items(other, OTHER)] == [0xA900]
    (study,) = found(client, ROOT)
    new = str(first(study, "0020000D"))
    assert stow(client, series(2)[1:], f"{ROOT}/{new}").status_code == 200


def test_another_body_is_refused(client: FlaskClient) -> None:
    ours = 'multipart/related; type="application/dicom"'
    for content_type, status in (
        ("application/dicom", 415),
        ('multipart/related; type="application/dicom+json"; boundary=b', 415),
        (ours, 400),
        (f"{ours}; boundary=other", 400),
    ):
        answer = stow(client, series(1), content_type=content_type)
        assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")


def test_a_part_of_another_type_is_not_stored(client: FlaskClient) -> None:
    body = b"--b\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n--b--"
    answer = client.post(ROOT, data=body, content_type=DICOM_TYPE)
    assert answer.status_code == 409
    assert [first(each, "00081197") for each in items(answer, OTHER)] == [0xC000]


def test_no_file_and_too_large_a_body_are_refused(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    assert_problem(
        client.post(ROOT, data=b"--b--", content_type=DICOM_TYPE),
        400,
        "invalid-input",
        "expected at least one DICOM file, found none",
    )
    monkeypatch.setattr(dicomweb_store, "MAX_STORED_BYTES", 1000)
    assert stow(client, series(1)).status_code == 413
    chunked = client.post(
        ROOT,
        input_stream=io.BytesIO(b"".join(multipart_related.write(series(1), "b"))),
        content_type=DICOM_TYPE,
        environ_overrides={"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"},
    )
    assert chunked.status_code == 413


def test_large_requests_are_stored_one_at_a_time(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dicomweb_store, "_LARGE_BYTES", 1000)
    monkeypatch.setattr(dicomweb_store, "_WAIT_S", 0.01)
    with dicomweb_store._large_request:
        detail = "another large request is being stored: try again in a moment"
        assert_problem(stow(client, series(1)), 503, "server-busy", detail)
    assert stow(client, series(1)).status_code == 200


def test_the_frames_of_a_file_are_stored_found_and_retrieved(client: FlaskClient, container: Container) -> None:
    sent = enhanced([0.0, 5.0, 10.0], StudyInstanceUID=STUDY, SeriesInstanceUID=SERIES, SOPInstanceUID=f"{SERIES}.1")
    answer = stow(client, [sent])
    assert answer.status_code == 200
    (stored,) = items(answer, REFERENCED)
    assert first(stored, "00081155") == f"{SERIES}.1"
    retrieved = parts(client.get(str(first(stored, "00081190")).removeprefix("http://localhost")))
    assert sorted(pydicom.dcmread(io.BytesIO(each)).ConcatenationFrameOffsetNumber for each in retrieved) == [0, 1, 2]
    (queued,) = container.received.list()
    assert queued.files == 3


def test_another_object_by_a_known_uid_is_a_duplicate(client: FlaskClient, container: Container) -> None:
    assert stow(client, series(1)).status_code == 200
    assert stow(client, series(1)).status_code == 200
    answer = stow(client, [*series(1, SeriesDescription="T1 AXIAL"), *series(2)[1:]])
    assert answer.status_code == 202
    (refused,) = items(answer, FAILED)
    assert (first(refused, "00081155"), first(refused, "00081197")) == (f"{SERIES}.1", 0x0111)
    assert len(items(answer, REFERENCED)) == 1
    assert container.received.list()[0].files == 2


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"--b\r\n\r\nabc", "cut off"),
        (b"", "cut off"),
        (b"--b\r\nno empty line\r\n--b--", "a head and an empty line in each part"),
        (b"--b\r\n" + b"X: y\r\n" * 1000 + b"\r\nabc\r\n--b--", "a head and an empty line in each part"),
        (b"--b\r\n\r\nabc\r\n" * 1001 + b"--b--", "at most 1000 parts"),
    ],
    ids=["no end", "empty", "no head", "long head", "many parts"],
)
def test_a_body_that_is_no_whole_multipart_is_refused(body: bytes, text: str) -> None:
    with pytest.raises(InvalidInput, match=text):
        multipart_related.read(body, b"b")


def test_parts_are_read_as_they_were_written() -> None:
    contents = [b"", b"\r\n--c\r\n", bytes(range(256))]
    written = b"".join(multipart_related.write(contents, "b"))
    assert [part.content for part in multipart_related.read(b"preamble\r\n" + written + b"epilogue", b"b")] == contents


def test_foreign_pages_and_other_hosts_store_nothing(client: FlaskClient, container: Container) -> None:
    assert stow(client, series(1), Origin="http://evil.example").status_code == 403
    assert stow(client, series(1), Host="evil.example").status_code == 421
    assert container.received.list() == []


def test_studies_are_found_with_their_counts(client: FlaskClient, place: tuple[str, str]) -> None:
    assert stow(client, series(1, series=f"{SERIES}.7", Modality="CT")).status_code == 200
    (study,) = found(client, ROOT)
    assert (first(study, "00201206"), first(study, "00201208")) == (2, 4)
    assert study["00080061"]["Value"] == ["CT", "MR"]
    assert str(first(study, "00081190")) == f"http://localhost{ROOT}/{place[0]}"
    assert str(first(study, "00100020")).startswith("SP-")


def test_series_and_instances_are_found(client: FlaskClient, place: tuple[str, str]) -> None:
    study, uid = place
    (one,) = found(client, f"{ROOT}/{study}/series", Modality="MR")
    assert (first(one, "00201209"), first(one, "0020000E")) == (3, uid)
    assert found(client, f"{ROOT}/{study}/series", Modality="CT") == []
    instances = found(client, f"{ROOT}/{study}/series/{uid}/instances")
    assert sorted(first(each, "00200013") for each in instances) == [1, 2, 3]
    assert {(first(each, "00280010"), first(each, "00280011")) for each in instances} == {(48, 48)}
    assert found(client, f"{ROOT}/{study}/instances") == instances
    assert found(client, f"{ROOT}/1.2.3/series") == []


def test_keys_of_a_search(client: FlaskClient, place: tuple[str, str]) -> None:
    searches: list[tuple[dict[str, str], int]] = [
        ({"PatientID": "SP-*"}, 1),
        ({"00100020": "sp-????????????"}, 1),
        ({"PatientName": "ScanProof^*"}, 1),
        ({"PatientID": "4711-PATIENT"}, 0),
        ({"PatientID": ""}, 1),
        ({"StudyDate": "19000101-21991231"}, 1),
        ({"StudyDate": "21000101-"}, 0),
        ({"StudyDate": "20240305"}, 0),
        ({"StudyInstanceUID": STUDY}, 0),
        ({"StudyInstanceUID": f"1.2.3,{place[0]}"}, 1),
        ({"StudyInstanceUID": f"1.2.3\\{place[0]}"}, 1),
        ({"ModalitiesInStudy": "MR", "fuzzymatching": "true"}, 1),
        ({"AccessionNumber": "[a]"}, 0),
        ({"offset": "1"}, 0),
    ]
    numbers = [len(found(client, ROOT, **parameters)) for parameters, _ in searches]
    assert numbers == [count for _, count in searches]


def test_all_series_and_instances_are_found_without_a_study(client: FlaskClient, place: tuple[str, str]) -> None:
    assert stow(client, series(1, study="1.2.9", series="1.2.9.1")).status_code == 200
    assert len(found(client, "/dicomweb/series")) == 2
    assert len(found(client, "/dicomweb/instances")) == 4
    assert len(found(client, "/dicomweb/instances", SeriesInstanceUID=place[1])) == 3
    assert len(found(client, "/dicomweb/instances", StudyInstanceUID=place[0], InstanceNumber="2")) == 1
    assert len(found(client, "/dicomweb/series", StudyInstanceUID=place[0])) == 1


def test_pages_of_rows_are_read_to_their_end(
    client: FlaskClient, place: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert stow(client, series(2, study="1.2.9", series="1.2.9.1")).status_code == 200
    assert stow(client, series(1, series=f"{SERIES}.7")).status_code == 200
    whole = [found(client, f"/dicomweb/{level}") for level in ("studies", "series", "instances")]
    assert [len(each) for each in whole] == [2, 3, 6]
    for count in (1, 2, 3):
        monkeypatch.setattr(received_rows, "_ROWS_AT_ONCE", count)
        assert [found(client, f"/dicomweb/{level}") for level in ("studies", "series", "instances")] == whole


def test_a_search_has_limits(client: FlaskClient, place: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert_problem(
        client.get(ROOT, query_string={"PatientID": "*a*b*c*d*e*f*g*h*i"}),
        400,
        "invalid-input",
        "expected at most 8 wild cards in a search key, found more",
    )
    monkeypatch.setattr(service_module, "MAX_ANSWER_BYTES", 1)
    answer = client.get(f"{ROOT}/{place[0]}/instances")
    assert len(json.loads(answer.data)) == 1
    assert "There are additional results" in answer.headers["Warning"]
    monkeypatch.setattr(service_module, "MAX_SCANNED", 2)
    assert_problem(
        client.get("/dicomweb/instances", query_string={"PatientID": "nobody"}),
        400,
        "invalid-input",
        "expected a search among at most 2 objects, found more: name the study",
    )


def test_searches_are_counted(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SEARCHES_PER_MINUTE", 2)
    assert [client.get(ROOT).status_code for _ in range(3)] == [200, 200, 429]


def test_fuzzy_matching_is_refused_by_a_warning(client: FlaskClient, place: tuple[str, str]) -> None:
    answer = client.get(ROOT, query_string={"PatientName": "ScanProof^*", "fuzzymatching": "true"})
    assert len(json.loads(answer.data)) == 1
    assert answer.headers["Warning"] == (
        '299 localhost "The fuzzymatching parameter is not supported. Only literal matching has been performed."'
    )
    assert "Warning" not in client.get(ROOT, query_string={"fuzzymatching": "false"}).headers
    assert client.get(ROOT, query_string={"fuzzymatching": "maybe"}).status_code == 400


def test_patterns_of_a_search_are_not_kept(client: FlaskClient, place: tuple[str, str]) -> None:
    kept = fnmatch._compile_pattern.cache_info  # type: ignore[attr-defined] # the standard library's own cache
    before = kept().currsize
    for number in range(3):
        assert found(client, ROOT, PatientID=f"{number}*a*b?") == []
    assert kept().currsize == before


def test_a_page_has_a_limit_and_says_that_there_is_more(client: FlaskClient, place: tuple[str, str]) -> None:
    path = f"{ROOT}/{place[0]}/instances"
    answer = client.get(path, query_string={"limit": "2"})
    assert len(json.loads(answer.data)) == 2
    assert answer.headers["Warning"].startswith("299 ")
    rest = client.get(path, query_string={"limit": "2", "offset": "2"})
    assert len(json.loads(rest.data)) == 1
    assert "Warning" not in rest.headers


def test_further_attributes_are_given_when_asked_for(client: FlaskClient, place: tuple[str, str]) -> None:
    path = f"{ROOT}/{place[0]}/instances"
    assert all("00180050" not in each and "00120062" not in each for each in found(client, path))
    assert all("00120062" in each for each in found(client, path, includefield="00120062,StudyDate"))
    assert all("00120064" in each for each in found(client, path, includefield="all"))


def test_a_search_that_is_none_is_refused(client: FlaskClient) -> None:
    wrong: list[dict[str, str]] = [
        {"limit": "0"},
        {"limit": "-1"},
        {"offset": "x"},
        {"NoSuchKey": "1"},
        {"includefield": "NoSuchKey"},
        {f"{number:08X}": "1" for number in range(40)},
        {"PatientID": "x" * 3000},
    ]
    for parameters in wrong:
        answer = client.get(ROOT, query_string=parameters)
        assert (answer.status_code, answer.mimetype) == (400, "application/problem+json"), parameters


def test_a_study_a_series_and_an_instance_are_retrieved(
    client: FlaskClient, container: Container, place: tuple[str, str]
) -> None:
    study, uid = place
    (queued,) = container.received.list()
    files = container.received.rows.files(queued.series_id)
    contents = [container.received.content(queued.series_id, each) for each in files]
    assert parts(client.get(f"{ROOT}/{study}")) == contents
    assert parts(client.get(f"{ROOT}/{study}/series/{uid}")) == contents
    path = f"{ROOT}/{study}/series/{uid}/instances/{files[1].instance}"
    answer = client.get(path)
    assert answer.headers["Content-Type"].startswith('multipart/related; type="application/dicom"; boundary=')
    assert parts(answer) == [contents[1]]
    assert pydicom.dcmread(io.BytesIO(contents[1])).SOPInstanceUID == files[1].instance


def test_a_study_is_sent_file_by_file(
    client: FlaskClient, place: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    content = DicomWebService.content

    def counted(service: DicomWebService, file: KnownFile) -> bytes:
        read.append(file.instance.instance)
        return content(service, file)

    monkeypatch.setattr(DicomWebService, "content", counted)
    with client.get(f"{ROOT}/{place[0]}", buffered=False) as answer:
        assert len(read) <= 2
        assert len(parts(answer)) == len(read) == 3


def test_metadata_has_no_pixels(client: FlaskClient, place: tuple[str, str]) -> None:
    study, uid = place
    data_sets = found(client, f"{ROOT}/{study}/metadata")
    assert len(data_sets) == 3
    assert found(client, f"{ROOT}/{study}/series/{uid}/metadata") == data_sets
    instance = first(data_sets[0], "00080018")
    (one,) = found(client, f"{ROOT}/{study}/series/{uid}/instances/{instance}/metadata")
    assert one == data_sets[0]
    assert list(one["7FE00010"]) == ["vr", "BulkDataURI"]
    assert pydicom.Dataset.from_json(one).Rows == 48


def test_uids_of_before_and_unknown_ones_find_nothing(client: FlaskClient, place: tuple[str, str]) -> None:
    detail = "no DICOM file with these UIDs is here; they are those after de-identification"
    for path in ("", "/series/1.2.3", "/series/1.2.3/instances/1.2.4", "/metadata"):
        assert_problem(client.get(f"{ROOT}/{STUDY}{path}"), 404, "not-found", detail)
    assert_problem(client.get(f"{ROOT}/{place[0]}/series/1.2.3"), 404, "not-found", detail)


def test_what_cannot_be_given_is_not_acceptable(client: FlaskClient, place: tuple[str, str]) -> None:
    ours = 'multipart/related; type="application/dicom"'
    statuses = {
        "*/*": 200,
        "multipart/related": 200,
        ours: 200,
        f"{ours}; transfer-syntax=*": 200,
        f"{ours}; transfer-syntax={ExplicitVRLittleEndian}": 200,
        f"{ours}; transfer-syntax=1.2.840.10008.1.2.4.50": 406,
        'multipart/related; type="image/jpeg"': 406,
        "application/dicom": 406,
        "image/png": 406,
        "*/*; q=0, image/png": 406,
    }
    found = {}
    for accept in statuses:
        # An answer that nobody reads keeps its place among the downloads.
        with client.get(f"{ROOT}/{place[0]}", headers={"Accept": accept}) as answer:
            found[accept] = answer.status_code
    assert found == statuses


def test_one_file_is_given_alone_and_files_of_two_transfer_syntaxes_as_they_are(
    client: FlaskClient, place: tuple[str, str]
) -> None:
    path = f"{ROOT}/{place[0]}"
    (address,) = {str(first(each, "00081190")) for each in found(client, f"{path}/instances", InstanceNumber="1")}
    alone = client.get(address.removeprefix("http://localhost"), headers={"Accept": "application/dicom"})
    assert alone.headers["Content-Type"] == f"application/dicom; transfer-syntax={ExplicitVRLittleEndian}"
    assert alone.data[128:132] == b"DICM"
    made = pydicom.dcmread(io.BytesIO(series(4)[3]))
    made.compress(RLELossless)
    assert stow(client, [written(made)]).status_code == 200
    ours = 'multipart/related; type="application/dicom"'
    assert len(parts(client.get(path, headers={"Accept": ours}))) == 4
    assert len(parts(client.get(path, headers={"Accept": f"{ours}; transfer-syntax=*"}))) == 4
    wanted = f"{ours}; transfer-syntax={ExplicitVRLittleEndian}"
    assert client.get(path, headers={"Accept": wanted}).status_code == 406


def test_json_is_all_that_a_search_gives(client: FlaskClient) -> None:
    for path in ("", "/1.2.3/series", "/1.2.3/instances", "/1.2.3/metadata"):
        answer = client.get(f"{ROOT}{path}", headers={"Accept": 'multipart/related; type="application/dicom+xml"'})
        assert (answer.status_code, answer.mimetype) == (406, "application/problem+json")
    assert stow(client, series(1), Accept="application/dicom+xml").status_code == 406


def test_a_file_that_the_disk_lost_is_not_found(
    client: FlaskClient, container: Container, place: tuple[str, str]
) -> None:
    for file in (container.settings.var / "received").rglob("*.dcm"):
        file.write_bytes(b"changed")
    answer = client.get(f"{ROOT}/{place[0]}")
    assert answer.status_code == 404
    assert "is gone or damaged" in answer.json["detail"]


def pin(container: Container, content: bytes) -> str:
    return container.intake.accept(content, client=CLIENT, answers=Answers(text="keep")).facts.cid


def test_images_that_a_page_or_command_pinned_are_found_and_retrieved(
    client: FlaskClient, container: Container
) -> None:
    pinned = [deidentified(content) for content in series(3)]
    for content in pinned:
        pin(container, content)
    (study,) = found(client, ROOT)
    assert first(study, "00201208") == 3
    assert sorted(parts(client.get(f"{ROOT}/{first(study, '0020000D')}"))) == sorted(pinned)
    # One that nobody searched for before.
    other = deidentified(series(1, study="1.2.9", series="1.2.9.1")[0])
    pin(container, other)
    uid = str(pydicom.dcmread(io.BytesIO(other)).StudyInstanceUID)
    assert parts(client.get(f"{ROOT}/{uid}")) == [other]


def test_of_two_pinned_images_with_one_uid_the_first_stays(client: FlaskClient, container: Container) -> None:
    first_one, other = (deidentified(series(1, SeriesDescription=text)[0]) for text in ("T1 AXIAL", "T2 AXIAL"))
    pin(container, first_one)
    assert len(found(client, "/dicomweb/instances")) == 1
    pin(container, other)
    pin(container, dicom_without_uids())
    pin(container, saved("PNG", Image.new("L", (64, 64))))
    (one,) = found(client, "/dicomweb/instances")
    assert parts(client.get(str(first(one, "00081190")).removeprefix("http://localhost"))) == [first_one]
    assert container.received.rows.unseen(10, "") == []


def dicom_without_uids() -> bytes:
    return deidentified(dicom(np.arange(64, dtype=np.uint16).reshape(8, 8)))


def test_a_pinned_image_takes_the_place_of_one_that_leaves_the_queue(client: FlaskClient, container: Container) -> None:
    """The same object was received, and is pinned with another content, such as with black places."""
    clean = container.received.clean(series(1)[0])
    container.received.keep(clean, Source(SourceKind.WEB))
    masked, _ = container.inspector.mask(clean.files[0].content, [TextBox(0, 0, 4, 4)])
    pin(container, masked)
    (one,) = found(client, "/dicomweb/instances")
    path = str(first(one, "00081190")).removeprefix("http://localhost")
    assert parts(client.get(path)) == [clean.files[0].content]
    container.received.remove(clean.first.series_id)
    assert parts(client.get(path)) == [masked]


def test_what_the_store_does_not_give_is_named_and_asked_for_again_later(
    client: FlaskClient, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin(container, deidentified(series(1)[0]))
    index, asked = container.dicomweb.index, []

    def fail(cid: str) -> bytes:
        asked.append(cid)
        raise StorageUnavailable("the store is away")

    recorded = index._recorded
    monkeypatch.setattr(index, "_recorded", fail)
    for _ in range(2):
        answer = client.get(ROOT)
        assert json.loads(answer.data) == []
        assert "are still being read: ask again" in answer.headers["Warning"]
    assert len(asked) == 1
    monkeypatch.setattr(index, "_recorded", recorded)
    monkeypatch.setattr(index_module, "_RETRY_S", 0.0)
    assert len(found(client, ROOT)) == 1


def test_a_request_waits_no_longer_than_it_may_for_new_images(container: Container) -> None:
    index = container.dicomweb.index
    assert index.complete(0.0)
    pin(container, deidentified(series(1)[0]))
    assert not index.complete(-1.0)
    with index._lock:
        assert not index.complete(0.0)
    assert index.complete(60.0)


def test_recorded_files_are_found_and_retrieved(
    client: FlaskClient, container: Container, place: tuple[str, str], alice: DevelopmentWallet
) -> None:
    before = parts(client.get(f"{ROOT}/{place[0]}"))
    (queued,) = container.received.list()
    study_id = container.received_studies.study(queued.series_id, None, seconds=600).study_id
    documents = container.studies.classify(study_id, seconds=600).documents
    assert documents is not None
    assert container.studies.pin(study_id, CLIENT, seconds=600, answers=Answers(text="keep")).signable
    send_study(container, alice, documents)
    assert container.received_studies.list() == []
    assert len(found(client, ROOT)) == 1
    assert parts(client.get(f"{ROOT}/{place[0]}")) == before
