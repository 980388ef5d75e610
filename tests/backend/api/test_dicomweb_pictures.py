"""Pixels and pictures of WADO-RS."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pydicom
import pytest
from flask.testing import FlaskClient
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGBaseline8Bit, RLELossless
from werkzeug.http import parse_options_header
from werkzeug.test import TestResponse

from backend.adapters.dicom.cleaner import SenderCleaner
from backend.api import dicomweb_pictures, multipart_related
from backend.container import Container
from backend.domain import DicomInstance, Source, SourceKind
from tests.backend.adapters.dicom.multiframe import enhanced
from tests.backend.adapters.images.conftest import saved
from tests.backend.api.conftest import assert_problem
from tests.backend.received import SERIES, STUDY, series
from tests.dicoms import dataset, written

NATIVE, RLE, JPEG_SYNTAX = "1.2.840.10008.1.2.1", str(RLELossless), str(JPEGBaseline8Bit)
OCTETS = 'multipart/related; type="application/octet-stream"'
RELATED_JPEG, RELATED_PNG = 'multipart/related; type="image/jpeg"', 'multipart/related; type="image/png"'


@pytest.fixture
def container(container: Container, cleaner: SenderCleaner) -> Container:
    return replace(container, received=replace(container.received, cleaner=cleaner))


class Stored(NamedTuple):
    instance: DicomInstance
    content: bytes

    @property
    def path(self) -> str:
        return (
            f"/dicomweb/studies/{self.instance.study}/series/{self.instance.series}/instances/{self.instance.instance}"
        )

    @property
    def dataset(self) -> pydicom.Dataset:
        return pydicom.dcmread(io.BytesIO(self.content))


def keep(container: Container, content: bytes) -> list[Stored]:
    clean = container.received.clean(content)
    container.received.keep(clean, Source(SourceKind.WEB))
    return [Stored(each.instance, each.content) for each in clean.files]


@pytest.fixture
def native(container: Container) -> Stored:
    return keep(container, series(1)[0])[0]


@pytest.fixture
def run_lengths(container: Container) -> Stored:
    made = pydicom.dcmread(io.BytesIO(series(1)[0]))
    made.compress(RLELossless)
    return keep(container, written(made))[0]


@pytest.fixture
def jpeg(container: Container) -> Stored:
    made = dataset(np.zeros((16, 24), np.uint8), StudyInstanceUID=STUDY, SeriesInstanceUID=SERIES)
    made.PixelData = encapsulate([saved("JPEG", Image.new("L", (24, 16), 140))])
    made["PixelData"].is_undefined_length = True
    made.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    return keep(container, written(made))[0]


def get(client: FlaskClient, path: str, accept: str = "*/*", **parameters: str) -> TestResponse:
    return client.get(path, headers={"Accept": accept}, query_string=parameters)


def parts(answer: TestResponse) -> list[tuple[str, bytes]]:
    """Content-Type and content of each part."""
    assert answer.status_code == 200, answer.data
    name, options = parse_options_header(answer.headers["Content-Type"])
    assert name == "multipart/related"
    _, *pieces = answer.data.split(f"--{options['boundary']}".encode())
    found = []
    for piece in pieces[:-1]:
        head, _, content = piece.partition(b"\r\n\r\n")
        found.append((head.decode().split("\r\n")[1].removeprefix("Content-Type: "), content.removesuffix(b"\r\n")))
    return found


def test_native_pixels_are_given_as_they_are(client: FlaskClient, native: Stored) -> None:
    expected = native.dataset.PixelData
    octets = f"application/octet-stream; transfer-syntax={NATIVE}"
    for accept in ("*/*", OCTETS, f"{OCTETS}; transfer-syntax=*", f"{OCTETS}; transfer-syntax={NATIVE}"):
        assert parts(get(client, f"{native.path}/frames/1", accept)) == [(octets, expected)]
        assert parts(get(client, f"{native.path}/bulkdata/7FE00010", accept)) == [(octets, expected)]
    alone = get(client, f"{native.path}/frames/1", "application/octet-stream")
    assert (alone.headers["Content-Type"], alone.data) == ("application/octet-stream", expected)
    (described,) = json.loads(client.get(f"{native.path}/metadata").data)
    address = described["7FE00010"]["BulkDataURI"]
    assert parts(client.get(address.removeprefix("http://localhost")))[0][1] == expected


def test_compressed_pixels_are_given_as_they_are_or_without_compression(
    client: FlaskClient, run_lengths: Stored
) -> None:
    stored = run_lengths.dataset
    path = f"{run_lengths.path}/frames/1"
    compressed = pydicom.encaps.get_frame(stored.PixelData, 0, number_of_frames=1)
    native = stored.pixel_array.astype("<u2").tobytes()
    assert stored.file_meta.TransferSyntaxUID == RLELossless
    found = {
        accept: parts(get(client, path, accept))[0]
        for accept in (
            OCTETS,
            f"{OCTETS}; transfer-syntax={NATIVE}",
            f"{OCTETS}; transfer-syntax=*",
            f"{OCTETS}; transfer-syntax={RLE}",
            'multipart/related; type="image/dicom-rle"',
        )
    }
    assert [content for _, content in found.values()] == [native, native, compressed, compressed, compressed]
    assert found['multipart/related; type="image/dicom-rle"'][0] == f"image/dicom-rle; transfer-syntax={RLE}"


def test_a_stored_jpeg_is_given_as_it_is(client: FlaskClient, jpeg: Stored) -> None:
    (kind, content), *_ = parts(get(client, f"{jpeg.path}/frames/1", RELATED_JPEG))
    assert kind == f"image/jpeg; transfer-syntax={JPEG_SYNTAX}"
    assert content.rstrip(b"\0") == pydicom.encaps.get_frame(jpeg.dataset.PixelData, 0, number_of_frames=1).rstrip(
        b"\0"
    )


def test_a_picture_is_what_the_models_see(client: FlaskClient, container: Container, native: Stored) -> None:
    view = container.inspector.view(native.content)
    assert view is not None
    expected = np.asarray(Image.open(io.BytesIO(view)), int)
    for path in (f"{native.path}/frames/1", f"{native.path}/rendered", f"{native.path}/frames/1/rendered"):
        for accept in ("image/png", "image/jpeg"):
            answer = get(client, path, accept)
            assert (answer.status_code, answer.mimetype) == (200, accept)
            shown = Image.open(io.BytesIO(answer.data))
            assert shown.format == accept.removeprefix("image/").upper()
            assert np.abs(np.asarray(shown, int) - expected).mean() <= (0 if accept == "image/png" else 3)
    assert parts(get(client, f"{native.path}/frames/1", RELATED_PNG))[0][0] == "image/png"
    assert get(client, f"{native.path}/rendered").mimetype == "image/jpeg"
    by_address = client.get(f"{native.path}/rendered?accept=image/png", headers={"Accept": "image/jpeg"})
    assert by_address.mimetype == "image/png"


def test_pictures_fit_into_their_viewport(client: FlaskClient, container: Container) -> None:
    (large,) = keep(container, series(1, side=300)[0])

    def size(path: str, **parameters: str) -> tuple[int, int]:
        return Image.open(io.BytesIO(get(client, f"{large.path}/{path}", "image/png", **parameters).data)).size

    assert size("rendered", viewport="60,40") == (40, 40)
    assert size("rendered", viewport="900,900") == (300, 300)
    assert size("thumbnail") == size("frames/1/thumbnail") == (128, 128)
    assert size("thumbnail", viewport="20,30") == (20, 20)
    best, worst = (get(client, f"{large.path}/rendered", quality=quality) for quality in ("100", "1"))
    assert len(best.data) > len(worst.data)


def test_frames_of_an_object_are_named_by_its_uid(client: FlaskClient, container: Container) -> None:
    uids = {"StudyInstanceUID": STUDY, "SeriesInstanceUID": SERIES, "SOPInstanceUID": f"{SERIES}.1"}
    sent = enhanced([0.0, 5.0, 10.0], **uids)
    stored = keep(container, sent)
    whole = stored[0].dataset.SOPInstanceUIDOfConcatenationSource
    path = stored[0].path.replace(stored[0].instance.instance, whole)
    pixels = [each.dataset.PixelData for each in stored]
    assert [content for _, content in parts(get(client, f"{path}/frames/3,1"))] == [pixels[2], pixels[0]]
    assert [content for _, content in parts(get(client, f"{path}/bulkdata/7FE00010"))] == pixels
    assert len(parts(get(client, f"{path}/frames/1,2", RELATED_JPEG))) == 2
    assert len(parts(get(client, f"{path}/rendered", RELATED_PNG))) == 3
    study = f"/dicomweb/studies/{stored[0].instance.study}"
    assert [kind for kind, _ in parts(get(client, f"{study}/rendered"))] == ["image/jpeg"] * 3
    assert get(client, f"{study}/thumbnail").mimetype == "image/jpeg"
    assert get(client, f"{study}/rendered", "image/png").status_code == 406
    assert_problem(
        get(client, f"{path}/frames/4"), 404, "not-found", "expected a frame from 1 to 3 of this object, found 4"
    )
    many = ",".join(["1"] * 201)
    for numbers in ("0", "1,", "x", many):
        answer = get(client, f"{path}/frames/{numbers}")
        assert (answer.status_code, "numbers of frames from 1" in answer.json["detail"]) == (400, True)


def test_what_cannot_be_given_is_refused_by_name(client: FlaskClient, native: Stored, jpeg: Stored) -> None:
    for path in (
        f"{native.path}/frames/1",
        f"{jpeg.path}/frames/1",
        f"{native.path}/rendered",
        f"{native.path}/thumbnail",
    ):
        for accept in ("image/gif", 'multipart/related; type="image/jls"', "image/png; q=0", "image/png; q=x"):
            answer = get(client, path, accept)
            assert (answer.status_code, "can be given here" in answer.json["detail"]) == (406, True), (path, accept)
    assert get(client, f"{native.path}/frames/1", f"{OCTETS}; transfer-syntax={RLE}").status_code == 406
    for name, value in {"window": "40,400,linear", "quality": "0", "viewport": "0,1"}.items():
        answer = get(client, f"{native.path}/rendered", **{name: value})
        assert (answer.status_code, name in answer.json["detail"]) == (400, True)
    assert get(client, f"{native.path}/rendered", quality="x").status_code == 400
    assert get(client, f"{native.path}/rendered", viewport="1").status_code == 400


@pytest.mark.parametrize(
    ("accept", "mimetype"),
    [
        ("image/png;q=0.4, image/jpeg;q=0.5", "image/jpeg"),
        ("image/gif, image/*;q=0.1", "image/png"),
        ('text/html, multipart/related;type="image/*"', "multipart/related"),
        ("multipart/*", "multipart/related"),
    ],
)
def test_the_type_that_is_wanted_most_is_given(client: FlaskClient, native: Stored, accept: str, mimetype: str) -> None:
    assert get(client, f"{native.path}/frames/1", accept).mimetype == mimetype


@pytest.mark.parametrize(
    ("syntax", "expected"),
    [
        ("1.2.840.10008.1.2.4.90", "image/jp2"),
        ("1.2.840.10008.1.2.4.80", "image/jls"),
        ("1.2.840.10008.1.2.4.201", "image/jphc"),
        ("1.2.840.10008.1.2.5", "image/dicom-rle"),
        ("1.2.3", "application/octet-stream"),
    ],
)
def test_media_types_of_transfer_syntaxes(syntax: str, expected: str) -> None:
    assert dicomweb_pictures._media_type(syntax) == expected


def test_many_pictures_take_the_place_of_a_download(client: FlaskClient, app, container: Container) -> None:
    stored = keep(container, enhanced([0.0, 5.0], StudyInstanceUID=STUDY, SeriesInstanceUID=SERIES))
    downloads = app.extensions["downloads"]
    while downloads._slots.acquire(blocking=False):
        pass
    answer = get(client, f"/dicomweb/studies/{stored[0].instance.study}/rendered")
    assert answer.status_code == 503
    assert get(client, f"{stored[0].path}/rendered").status_code == 200


def test_parts_are_written_with_their_type() -> None:
    assert b"Content-Type: image/png\r\n" in b"".join(multipart_related.write([b"x"], "b", "image/png"))
