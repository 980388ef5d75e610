"""The analysis of a pinned image, and the next steps of its result."""

from __future__ import annotations

import io

import pytest
from flask.testing import FlaskClient
from PIL import Image

from backend.adapters.images.decoder_pool import DecoderPool
from backend.errors import NotFound
from backend.services.analysis import AnalysisService
from ml.datasets.phantom import phantom_png
from tests.backend.api.conftest import API, assert_problem, upload

UNKNOWN = "bafkreidgvpkjawlxz6sffxzwgooowe5yt7i6wsyg236mfoks77nywkptdq"


@pytest.fixture
def scan(client: FlaskClient) -> str:
    return upload(client, phantom_png(96)).json["cid"]


def test_each_step_has_its_picture_and_its_figures(client: FlaskClient, scan: str) -> None:
    response = client.get(f"{API}/images/{scan}/analysis")
    answer = response.json

    assert (response.status_code, answer["cid"], answer["stained"]) == (200, scan, False)
    assert response.headers["Cache-Control"] == "no-cache"
    figures = {(step["name"], f["name"]): f["value"] for step in answer["steps"] for f in step["figures"]}
    assert figures["original", "width"] == 96
    assert {name for step, name in figures if step == "texture"} == {
        "contrast",
        "dissimilarity",
        "homogeneity",
        "energy",
        "correlation",
    }
    for step in answer["steps"]:
        picture = client.get(step["picture"])
        assert (picture.status_code, picture.content_type) == (200, "image/png")
        assert picture.headers["Content-Security-Policy"] == "sandbox"
        assert Image.open(io.BytesIO(picture.data)).size == (step["width"], step["height"])


def test_a_classified_image_is_not_decoded_again(
    client: FlaskClient, scan: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.post(f"{API}/images/{scan}/classifications", json={}).status_code == 201

    def decoded(*_: object) -> None:
        raise AssertionError("the image was decoded again")

    monkeypatch.setattr(DecoderPool, "decoded", decoded)
    assert client.get(f"{API}/images/{scan}/analysis").status_code == 200


@pytest.mark.parametrize("path", ["analysis", "analysis/region.png"])
def test_what_the_browser_has_is_not_sent_again(client: FlaskClient, scan: str, path: str) -> None:
    first = client.get(f"{API}/images/{scan}/{path}")
    again = client.get(f"{API}/images/{scan}/{path}", headers={"If-None-Match": first.headers["ETag"]})
    other = client.get(f"{API}/images/{scan}/{path}", headers={"If-None-Match": '"other"'})

    assert (again.status_code, again.data) == (304, b"")
    assert (other.status_code, other.data) == (200, first.data)


def test_what_is_not_there_is_reported(client: FlaskClient, scan: str) -> None:
    for path in ("analysis", "analysis/region.png"):
        detail = f"no image {UNKNOWN} was uploaded here"
        assert_problem(client.get(f"{API}/images/{UNKNOWN}/{path}"), 404, "not-found", detail)
    steps = "original, resized, grey, filtered, histogram, texture, threshold, region"
    detail = f"expected one of the steps {steps}, found 'nonsense'"
    assert_problem(client.get(f"{API}/images/{scan}/analysis/nonsense.png"), 404, "not-found", detail)


class CountingAnalyser:
    """Its analysis is the bytes it was given."""

    def __init__(self) -> None:
        self.seen: list[bytes] = []

    def analyse(self, image: bytes) -> bytes:
        self.seen.append(image)
        return image


class Intake:
    """Has every image but one; its bytes are its name."""

    def content(self, cid: str) -> tuple[None, bytes]:
        if cid == "missing":
            raise NotFound("missing")
        return None, cid.encode()


def test_the_last_analyses_are_kept_and_no_more() -> None:
    analyser = CountingAnalyser()
    service = AnalysisService(Intake(), analyser.analyse, kept=2)

    found = [service.analyse(cid) for cid in ("a", "b", "a", "c", "a", "b")]

    assert found == [b"a", b"b", b"a", b"c", b"a", b"b"]
    assert analyser.seen == [b"a", b"b", b"c", b"b"]
    with pytest.raises(NotFound):
        service.analyse("missing")


def test_a_result_comes_with_sourced_next_steps(classification: dict) -> None:
    steps = classification["nextSteps"]

    assert 2 <= len(steps) <= 3
    for step in steps:
        assert set(step) == {"text", "reference"}
        assert set(step["reference"]) == {"title", "publisher", "url"}
        assert step["reference"]["url"].startswith("https://")
