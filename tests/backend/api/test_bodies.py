"""Bodies that are too large, of another type, malformed, or hold what was not asked for."""

from __future__ import annotations

import io
import sys

import pytest
from flask.testing import FlaskClient

from tests.backend.api.conftest import API, assert_problem, upload

MANIFEST = "0x" + "ab" * 32
UPLOADER = "0x" + "ab" * 20


@pytest.fixture
def post(client: FlaskClient, cid: str):
    def post(body: str | bytes, content_type: str = "application/json", kind: str = "attestations"):
        return client.post(f"{API}/images/{cid}/{kind}", data=body, content_type=content_type)

    return post


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ("[", "the body is not valid JSON: Expecting value: line 1 column 2 (char 1)"),
        ('{"model": NaN}', "the body is not valid JSON: NaN is not a JSON number"),
        ('{"model": -Infinity}', "the body is not valid JSON: -Infinity is not a JSON number"),
        ('{"model": "a", "model": "b"}', "the body is not valid JSON: a name stands twice in one object"),
        ("[]", "the body must be a JSON object"),
        ("null", "the body must be a JSON object"),
        ('"text"', "the body must be a JSON object"),
        ("[" * 8000, "the body is nested too deeply"),
        ('{"a":' * 3000, "the body is nested too deeply"),
        ('{"a":' * 33 + "1" + "}" * 33, "the body is nested too deeply"),
        (b"\xff", "the body is not valid JSON: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
    ],
)
def test_what_is_not_strict_json_is_refused(post, body: str | bytes, detail: str) -> None:
    assert_problem(post(body), 400, "invalid-input", detail)


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ("", "manifestHash: Missing data for required field.; uploader: Missing data for required field."),
        ("{}", "manifestHash: Missing data for required field.; uploader: Missing data for required field."),
        (f'{{"manifestHash": "{MANIFEST}"}}', "uploader: Missing data for required field."),
        (f'{{"manifestHash": "{MANIFEST}", "uploader": 7}}', "uploader: Not a valid string."),
        (f'{{"manifestHash": "{MANIFEST}", "uploader": null}}', "uploader: Field may not be null."),
        (f'{{"manifestHash": "{MANIFEST}", "uploader": "0x12"}}', "uploader: must be 0x and 40 hex digits."),
        (f'{{"manifestHash": "{MANIFEST}", "uploader": "{UPLOADER}\\n"}}', "uploader: must be 0x and 40 hex digits."),
        (f'{{"manifestHash": {{}}, "uploader": "{UPLOADER}"}}', "manifestHash: Not a valid string."),
        (f'{{"manifestHash": "{MANIFEST}", "uploader": "{UPLOADER}", "admin": true}}', "admin: Unknown field."),
        (f'{{"manifest_hash": "{MANIFEST}", "uploader": "{UPLOADER}"}}',
         "manifestHash: Missing data for required field.; manifest_hash: Unknown field."),
    ],
)  # fmt: skip
def test_fields_are_checked(post, body: str, detail: str) -> None:
    assert_problem(post(body), 400, "invalid-input", detail)


@pytest.mark.parametrize(
    ("body", "name"),
    [('{"a":' * 32 + "1" + "}" * 32, "a"), ('{"' + "[{" * 40 + '\\"[": [{}, {}]}', "[{" * 40 + '"[')],
    ids=["as deep as may be", "brackets in a name"],
)
def test_what_is_not_nested_too_deeply_is_read(post, body: str, name: str) -> None:
    assert_problem(post(body, kind="classifications"), 400, "invalid-input", f"{name}: Unknown field.")


def test_nesting_is_refused_whatever_the_interpreters_own_limit(post) -> None:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(2**14)
    try:
        assert_problem(post("[" * 8000), 400, "invalid-input", "the body is nested too deeply")
    finally:
        sys.setrecursionlimit(limit)


def test_a_name_that_no_encoding_takes_is_refused_like_others(post) -> None:
    assert_problem(post('{"\\ud800": 1}', kind="classifications"), 400, "invalid-input", r"\ud800: Unknown field.")


def test_a_model_must_be_a_name(post) -> None:
    assert_problem(post('{"model": 1}', kind="classifications"), 400, "invalid-input", "model: Not a valid string.")
    assert_problem(
        post(f'{{"model": "{"m" * 101}"}}', kind="classifications"),
        400,
        "invalid-input",
        "model: Longer than maximum length 100.",
    )


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_json_must_say_that_it_is_json(post, content_type: str) -> None:
    """A form of a foreign page can send these types without asking, but not application/json."""
    detail = f"expected a body of type application/json, found {content_type or 'none'}"
    assert_problem(post("{}", content_type), 415, "unsupported-media-type", detail)


def test_a_huge_json_body_is_refused(post) -> None:
    detail = "a request here may have at most 16,384 bytes and 5 form fields"
    assert_problem(post('{"model": "' + "m" * 20_000 + '"}'), 413, "image-too-large", detail)


@pytest.mark.parametrize(("size", "status"), [(16_383, 404), (16_384, 413), (20_000, 413)])
def test_a_huge_json_body_of_unknown_length_is_refused_and_not_cut(
    client: FlaskClient, cid: str, size: int, status: int
) -> None:
    """A body in chunks has no Content-Length."""
    body = b'{"model": "m"}'.ljust(size)
    response = client.post(
        f"{API}/images/{cid}/classifications",
        input_stream=io.BytesIO(body),
        content_type="application/json",
        environ_overrides={"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"},
    )
    assert response.status_code == status


def test_an_upload_must_be_multipart(client: FlaskClient, picture) -> None:
    response = client.post(f"{API}/images", data=picture(), content_type="image/png")
    detail = "expected a body of type multipart/form-data, found image/png"
    assert_problem(response, 415, "unsupported-media-type", detail)


@pytest.mark.parametrize(
    ("form", "detail"),
    [
        ({}, "file: Missing data for required field."),
        ({"file": "text"}, "file: Not a valid file."),
        ({"image": (io.BytesIO(b"x"), "x.png")}, "file: Missing data for required field.; image: Unknown field."),
        ({"file": (io.BytesIO(b"x"), "x.png"), "name": "Jane"}, "name: Unknown field."),
    ],
)
def test_an_upload_has_one_file_and_nothing_else(client: FlaskClient, form: dict, detail: str) -> None:
    response = client.post(f"{API}/images", data=form, content_type="multipart/form-data")
    assert_problem(response, 400, "invalid-input", detail)


def test_of_two_files_none_is_taken(client: FlaskClient, picture) -> None:
    form = {"file": [(io.BytesIO(picture()), "a.png"), (io.BytesIO(picture()), "b.png")]}
    response = client.post(f"{API}/images", data=form, content_type="multipart/form-data")
    assert_problem(response, 400, "invalid-input", "expected one file, found 2")


def test_more_parts_than_any_upload_has_are_refused(client: FlaskClient) -> None:
    form = {f"field{number}": "x" for number in range(50)}
    response = client.post(f"{API}/images", data=form, content_type="multipart/form-data")
    assert_problem(
        response, 413, "image-too-large", "a request here may have at most 26,279,936 bytes and 5 form fields"
    )


@pytest.mark.parametrize(
    ("content", "status", "kind", "detail"),
    [
        (b"", 415, "unsupported-image", "expected a PNG, JPEG, TIFF, BMP, WebP or DICOM image, found an empty file"),
        (b"GIF89a" + bytes(20), 415, "unsupported-image",
         "expected a PNG, JPEG, TIFF, BMP, WebP or DICOM image, found a GIF, which is not supported: "
         "convert it to PNG"),
        (b"<svg onload=alert(1)>", 415, "unsupported-image",
         "expected a PNG, JPEG, TIFF, BMP, WebP or DICOM image, found data that begins with 3c 73 76 67 20 6f 6e 6c"),
        (bytes(25 * 1024 * 1024 + 1), 413, "image-too-large", "expected at most 26214400 bytes, found 26214401"),
        (bytes(26 * 1024 * 1024), 413, "image-too-large",
         "a request here may have at most 26,279,936 bytes and 5 form fields"),
    ],
    ids=["empty", "gif", "svg", "past 25 MB", "26 MB"],
)  # fmt: skip
def test_files_that_are_no_usable_image(
    client: FlaskClient, content: bytes, status: int, kind: str, detail: str
) -> None:
    assert_problem(upload(client, content), status, kind, detail)


def test_an_image_that_is_cut_off_is_refused(client: FlaskClient, picture) -> None:
    response = upload(client, picture("JPEG", (300, 300))[:-200])
    assert (response.status_code, response.json["type"]) == (415, "urn:scanproof:problem:unsupported-image")
