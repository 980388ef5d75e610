"""The outline of a tumour through the API: figures and polygons, the layer, and why there is none."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from flask.testing import FlaskClient

from backend.container import Container
from backend.domain import GateOpinion, ModelFacts, Outline
from tests.backend.api.conftest import API, assert_problem

SQUARE = [[1.0, 1.0], [5.0, 1.0], [5.0, 5.0], [1.0, 5.5]]
MODEL = {"name": "tumour-outline", "version": "1.0.0", "sha256": "ab" * 32, "modality": "brain-mri"}


@dataclass(frozen=True, slots=True)
class Finding:
    label: str = "glioma"
    abstained: bool = False


@pytest.fixture
def glioma(container: Container, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every image is taken for a glioma, and the same square is outlined on it."""
    outline = Outline(ModelFacts(**MODEL), None, (tuple(map(tuple, SQUARE)),), 17, 0.0213, 0.9, b"\x89PNG")
    gate = container.classifier.gate()
    assert gate
    opinion = GateOpinion(gate, "brain-mri")
    monkeypatch.setattr(type(container.classifier), "recognise", lambda *_: opinion)
    monkeypatch.setattr(type(container.classifier), "predict", lambda *_: (Finding(), None))
    monkeypatch.setattr(type(container.outline._outliner), "outline", lambda *_: outline)


@pytest.mark.usefixtures("glioma")
def test_an_outline_has_its_area_its_polygons_and_its_layer(client: FlaskClient, cid: str) -> None:
    answer = client.get(f"{API}/images/{cid}/outline?model=brain-mri")
    overlay = f"{API}/images/{cid}/outline.png?model=brain-mri"
    assert answer.json == {
        "outlined": True,
        "reason": None,
        "area": {"pixels": 17, "share": 0.0213},
        "probability": 0.9,
        "contours": [SQUARE],
        "model": MODEL,
        "links": {"overlay": overlay},
    }
    layer = client.get(overlay)
    assert (layer.data, layer.content_type) == (b"\x89PNG", "image/png")
    assert layer.headers["Content-Security-Policy"] == "sandbox"


@pytest.mark.usefixtures("glioma")
@pytest.mark.parametrize("name", ["outline", "outline.png"])
def test_what_the_browser_has_is_asked_for_again_and_sent_only_if_it_changed(
    client: FlaskClient, cid: str, name: str
) -> None:
    first = client.get(f"{API}/images/{cid}/{name}?model=brain-mri")
    assert first.headers["Cache-Control"] == "no-cache"
    again = client.get(f"{API}/images/{cid}/{name}?model=brain-mri", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_nothing_is_outlined_on_what_the_classifier_declines(client: FlaskClient, cid: str) -> None:
    reason = "the classifier gave no answer"
    nothing = {"outlined": False, "reason": reason, "area": None, "probability": None, "contours": [], "model": None}
    assert client.get(f"{API}/images/{cid}/outline").json == nothing | {"links": {}}
    assert_problem(client.get(f"{API}/images/{cid}/outline.png"), 404, "not-found", f"nothing is outlined: {reason}")


@pytest.mark.parametrize("name", ["outline", "outline.png"])
def test_an_unknown_model_and_an_unknown_image_are_not_found(client: FlaskClient, cid: str, name: str) -> None:
    unknown = client.get(f"{API}/images/{cid}/{name}?model=nobody")
    assert (unknown.status_code, unknown.json["type"]) == (404, "urn:scanproof:problem:not-found")
    other = cid[:-4] + ("aaaa" if cid[-4:] != "aaaa" else "aaea")
    assert client.get(f"{API}/images/{other}/{name}").status_code in (400, 404)
    assert client.get(f"{API}/images/not-a-cid/{name}").status_code == 400
