"""Whole-slide images over HTTP: pinned as one object, shown by tiles, read by region."""

from __future__ import annotations

import io
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from backend.adapters.ipfs.unixfs import cid_of
from backend.api.app import PREFIX
from backend.api.downloads import AT_ONCE
from backend.container import Container
from tests.backend.adapters.slides import makers, vectors

PIXELS = makers.tissue(1000, 800)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An SVS as it comes from a scanner."""
    return makers.aperio(tmp_path_factory.mktemp("slides") / "original.svs", PIXELS).read_bytes()


@pytest.fixture(scope="module")
def clean(original: bytes) -> bytes:
    return vectors.clean(original)


def send(client: FlaskClient, content: bytes, path: str = "slides", **fields: str) -> TestResponse:
    return client.post(f"{PREFIX}/{path}", data={"file": (io.BytesIO(content), "slide.svs"), **fields})


@pytest.fixture
def cid(client: FlaskClient, clean: bytes) -> str:
    return send(client, clean).json["cid"]


def opened(response: TestResponse) -> np.ndarray:
    assert response.status_code == 200
    return np.asarray(Image.open(io.BytesIO(response.data)))


def test_a_clean_slide_is_pinned_as_it_is(client: FlaskClient, container: Container, clean: bytes) -> None:
    first, again = send(client, clean), send(client, clean)

    assert (first.status_code, again.status_code) == (201, 200)
    facts = first.json
    assert facts["cid"] == cid_of(clean)
    assert (facts["size"], facts["width"], facts["height"]) == (len(clean), 1000, 800)
    assert facts["mediaType"] == "image/tiff"
    assert facts["slide"] == {
        "levels": [
            {"width": 1000, "height": 800, "downsample": 1.0},
            {"width": 250, "height": 200, "downsample": 4.0},
        ],
        "micrometresPerPixel": 0.252,
        "objective": 20.0,
        "vendor": "Aperio",
    }
    assert again.json == {**facts, "created": False}
    assert container.store.get(facts["cid"], max_bytes=len(clean)) == clean


def test_the_routes_of_images_know_a_slide(client: FlaskClient, cid: str, clean: bytes) -> None:
    facts = client.get(f"{PREFIX}/images/{cid}").json
    content = client.get(facts["links"]["content"])
    view = opened(client.get(facts["links"]["view"]))

    assert facts["slide"]["objective"] == 20.0
    assert content.data == clean
    assert content.mimetype == "image/tiff"
    assert view.shape == (800, 1000, 3)


def test_a_slide_that_is_not_sent_is_not_in_use(client: FlaskClient, container: Container, cid: str) -> None:
    path = f"{PREFIX}/images/{cid}/content"
    used = vars(container.slides._copies)["_used"]
    client.get(path, buffered=False).close()
    assert not used

    taken = [client.application.extensions["downloads"].begin() for _ in range(AT_ONCE)]
    try:
        refused = client.get(path)
    finally:
        for download in taken:
            with download:
                pass

    assert refused.status_code == 503
    assert not used


def test_a_download_takes_no_place_while_the_store_copies(
    client: FlaskClient, container: Container, cid: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = []
    opened = container.slides.open

    def watched(name: str) -> object:
        with ExitStack() as places:
            for _ in range(AT_ONCE):
                places.enter_context(client.application.extensions["downloads"].begin())
                taken.append(name)
        return opened(name)

    monkeypatch.setattr(container.slides, "open", watched)

    assert client.get(f"{PREFIX}/images/{cid}/content").status_code == 200
    assert taken == [cid] * AT_ONCE


def test_after_a_loss_of_the_database_the_facts_are_read_from_the_store(
    client: FlaskClient, container: Container, clean: bytes
) -> None:
    cid = container.store.put(clean, name="slide.tif", media_type="image/tiff").cid

    assert client.get(f"{PREFIX}/images/{cid}").json["slide"]["micrometresPerPixel"] == 0.252


def test_a_slide_that_identifies_somebody_is_refused_with_names_and_no_values(
    client: FlaskClient, container: Container, original: bytes
) -> None:
    answer = send(client, original)

    assert answer.status_code == 422
    assert answer.json["type"] == "urn:scanproof:problem:identifiers-left"
    assert "label picture, macro picture, ImageDescription" in answer.json["detail"]
    assert "a slide without identifiers" in answer.json["detail"]
    assert not any(secret.decode() in answer.text for secret in makers.SECRETS)
    assert not container.store.has(cid_of(original))
    assert list(container.settings.var.glob("slides/*/*")) == []


def test_each_route_of_uploads_names_the_other(client: FlaskClient, clean: bytes, picture) -> None:
    slide_as_image, image_as_slide = send(client, clean, "images"), send(client, picture())
    small = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(small, "TIFF")

    assert slide_as_image.status_code == image_as_slide.status_code == 415
    assert "/api/v1/slides" in slide_as_image.json["detail"]
    assert "/api/v1/images" in image_as_slide.json["detail"]
    assert "/api/v1/images" in send(client, small.getvalue()).json["detail"]
    assert send(client, small.getvalue(), "images").status_code == 201


def test_a_slide_has_the_size_of_its_setting(client: FlaskClient, container: Container) -> None:
    container.slides._inspector.max_bytes = 100_000

    answer = send(client, bytes(300_000))

    assert answer.status_code == 413
    assert list(container.settings.var.glob("slides/*/*")) == []


def test_two_files_are_not_one_slide(client: FlaskClient, clean: bytes) -> None:
    files = {"file": [(io.BytesIO(clean), "a.svs"), (io.BytesIO(clean), "b.svs")]}

    assert client.post(f"{PREFIX}/slides", data=files).status_code == 400


def test_the_tiles_of_the_full_size_are_the_pixels(client: FlaskClient, cid: str) -> None:
    grid = client.get(f"{PREFIX}/slides/{cid}/deepzoom").json
    assert grid == {"width": 1000, "height": 800, "tileSize": 254, "overlap": 1, "levels": 11, "format": "jpeg"}

    first = opened(client.get(f"{PREFIX}/slides/{cid}/tiles/10/0_0.jpeg"))
    last = opened(client.get(f"{PREFIX}/slides/{cid}/tiles/10/3_3.jpeg"))

    assert first.shape == (255, 255, 3)
    assert last.shape == (800 - 3 * 254 + 1, 1000 - 3 * 254 + 1, 3)
    inside = opened(client.get(f"{PREFIX}/slides/{cid}/tiles/10/1_1.jpeg")).astype(int)
    assert inside.shape == (256, 256, 3)
    assert np.abs(inside - PIXELS[253:509, 253:509]).mean() < 8


@pytest.mark.parametrize(("level", "size"), [(0, (1, 1)), (5, (32, 25)), (8, (250, 200))])
def test_each_lower_level_is_half_as_large(client: FlaskClient, cid: str, level: int, size: tuple[int, int]) -> None:
    found = opened(client.get(f"{PREFIX}/slides/{cid}/tiles/{level}/0_0.jpeg"))

    assert found.shape[:2] == size[::-1]


@pytest.mark.parametrize("place", ["11/0_0", "10/4_0", "10/0_4", "8/1_0", "x/0_0", "10/-1_0", "10/0_99999999999"])
def test_there_is_no_tile_outside_the_grid(client: FlaskClient, cid: str, place: str) -> None:
    assert client.get(f"{PREFIX}/slides/{cid}/tiles/{place}.jpeg").status_code == 404


def test_a_tile_never_changes(client: FlaskClient, cid: str) -> None:
    path = f"{PREFIX}/slides/{cid}/tiles/10/0_0.jpeg"
    tile = client.get(path)

    assert "immutable" in tile.headers["Cache-Control"]
    assert client.get(path, headers={"If-None-Match": tile.headers["ETag"]}).status_code == 304


def test_a_region_has_every_pixel(client: FlaskClient, cid: str) -> None:
    path = f"{PREFIX}/slides/{cid}/region?x=300&y=200&width=123&height=45"
    region = client.get(path)

    assert np.array_equal(opened(region), PIXELS[200:245, 300:423])
    assert client.get(path, headers={"If-None-Match": region.headers["ETag"]}).status_code == 304


@pytest.mark.parametrize("query", ["x=900&y=0&width=101&height=1", "x=-1&y=0&width=5&height=5", "x=0&y=0&width=5"])
def test_a_region_lies_within_the_slide(client: FlaskClient, cid: str, query: str) -> None:
    assert client.get(f"{PREFIX}/slides/{cid}/region?{query}").status_code == 400


def test_an_ordinary_image_has_no_tiles(client: FlaskClient, picture) -> None:
    cid = send(client, picture(), "images").json["cid"]

    assert client.get(f"{PREFIX}/slides/{cid}/deepzoom").status_code == 400


def test_what_reads_a_whole_image_says_that_a_slide_is_read_by_region(client: FlaskClient, cid: str) -> None:
    answer = client.get(f"{PREFIX}/images/{cid}/analysis")

    assert answer.status_code == 415
    assert "which is read by region" in answer.json["detail"]


def test_tiles_have_a_limit_of_their_own(client: FlaskClient, container: Container, cid: str) -> None:
    object.__setattr__(container.settings, "tiles_per_minute", 2)
    path = f"{PREFIX}/slides/{cid}/tiles/10/0_0.jpeg"

    assert [client.get(path).status_code for _ in range(3)] == [200, 200, 429]


def test_a_slide_of_two_gigapixels_in_which_every_tile_is_the_same_is_shown(client: FlaskClient) -> None:
    slide = makers.by_hand(46_336, 46_336, tile=(4096, 4096), tile_bytes=makers.jpeg_tile(4096), micrometres=0.25)
    facts = send(client, slide).json

    assert facts["width"] * facts["height"] > 2_000_000_000
    assert opened(client.get(f"{PREFIX}/slides/{facts['cid']}/tiles/16/182_182.jpeg")).shape == (109, 109, 3)


def copies_of(container: Container) -> list[Path]:
    return sorted(container.settings.var.glob("slides/copies/*.tif"))


def test_a_damaged_copy_is_made_again(client: FlaskClient, container: Container, cid: str, clean: bytes) -> None:
    path = f"{PREFIX}/slides/{cid}/region?x=0&y=0&width=9&height=9"
    assert client.get(path).status_code == 200
    (copy,) = copies_of(container)
    copy.write_bytes(bytes(len(clean)))

    assert client.get(path).status_code == 200
    assert copy.read_bytes() == clean


def test_a_slide_that_the_store_lost_is_gone(client: FlaskClient, container: Container, cid: str) -> None:
    for pin in container.settings.var.glob("ipfs/pins/*"):
        pin.unlink()

    answer = client.get(f"{PREFIX}/slides/{cid}/tiles/10/0_0.jpeg")

    assert answer.status_code == 410


def test_a_slide_is_classified_by_fields_of_which_the_answer_and_the_manifest_say_what_was_found(
    client: FlaskClient, cid: str
) -> None:
    path = f"{PREFIX}/images/{cid}/classifications"
    first, again = client.post(path, json={}), client.post(path, json={})
    sealed = client.post(path, json={"sealed": True}).json

    assert (first.status_code, again.status_code) == (201, 200)
    found = first.json
    assert found["model"]["name"] == "breast-histology"
    assert found["label"] in ("abstained", "benign", "malignant")
    assert found["abstained"] == (found["reason"] is not None)
    assert [(tile["x"], tile["y"], tile["width"], tile["height"]) for tile in found["tiles"]] == [
        (0, 0, 556, 365),
        (0, 365, 556, 365),
    ]
    assert found["manifest"]["tiles"]["list"] == found["tiles"]
    assert found["manifest"]["tiles"]["rule"] == "mean-of-fields/1"
    assert found["manifest"]["tiles"]["decoding"] == "slide-1"
    assert again.json == found
    assert sealed["tiles"] == found["tiles"]
    assert sealed["manifestHash"] != found["manifestHash"]


def test_a_slide_without_a_pixel_size_is_an_abstention_with_its_reason(client: FlaskClient, tmp_path: Path) -> None:
    slide = makers.pyramid(tmp_path / "slide.tif", PIXELS, micrometres=None)
    cid = send(client, vectors.clean(slide.read_bytes())).json["cid"]

    found = client.post(f"{PREFIX}/images/{cid}/classifications", json={}).json

    assert (found["abstained"], found["labelCode"], found["tiles"]) == (True, 0, [])
    assert found["reason"].startswith("the slide does not state the size of its pixels")


def test_a_model_that_reads_no_slides_is_refused_by_name(client: FlaskClient, cid: str) -> None:
    answer = client.post(f"{PREFIX}/images/{cid}/classifications", json={"model": "brain-mri"})

    assert answer.status_code == 404
    assert "found brain-mri" in answer.json["detail"]


def test_an_ordinary_image_has_no_tiles_in_its_classification(client: FlaskClient, picture) -> None:
    cid = send(client, picture(), "images").json["cid"]

    found = client.post(f"{PREFIX}/images/{cid}/classifications", json={}).json

    assert found["tiles"] is None
    assert "tiles" not in found["manifest"]
