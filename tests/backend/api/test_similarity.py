"""Recorded cases that look like an image to the model, with what became of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete

from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.adapters.chain.development_accounts import CLINICIAN
from backend.adapters.database.engine import open_database
from backend.adapters.database.tables import FeatureRow
from backend.container import Container
from backend.domain import (
    ClassifierCompromisedEvent,
    DiagnosisRecordedEvent,
    GateOpinion,
    Record,
    Review,
    Verdict,
)
from backend.services import similarity
from backend.services.event_index import EventIndex
from backend.settings import Settings
from tests.backend.api.conftest import API, assert_problem, signed_of, upload

_numbers = itertools.count(1)


@dataclass
class Cases:
    """Uploads images, has a model with chosen features classify them, and records them."""

    client: FlaskClient
    container: Container
    uploader: DevelopmentWallet
    clinician: DevelopmentWallet
    picture: Callable[..., bytes]
    features: list[float] | None = None

    def add(self, features: list[float] | None, *, sealed: bool = False) -> str:
        """The CID of a new image that was classified."""
        self.features = features
        cid = upload(self.client, self.picture()).json["cid"]
        answer = self.client.post(f"{API}/images/{cid}/classifications", json={"sealed": sealed})
        assert answer.status_code == 201, answer.json
        self.manifest_hash = answer.json["manifestHash"]
        return cid

    def record(self, features: list[float], *, sealed: bool = False) -> str:
        """As ``add``; recorded on the chain."""
        cid = self.add(features, sealed=sealed)
        body = {"manifestHash": self.manifest_hash, "uploader": self.uploader.address}
        answer = self.client.post(f"{API}/images/{cid}/attestations", json=body)
        assert answer.status_code == 201, answer.json
        self.uploader.register_with_diagnosis(cid, signed_of(answer.json))
        return cid

    def review(self, cid: str, verdict: Verdict, label: int) -> None:
        image_id = self.container.chain.image_id(self.uploader.address, cid)
        diagnosis = self.container.records.find(image_id).diagnoses[0]
        reason = f"0x{next(_numbers):064x}"
        self.clinician.review(diagnosis, Review(diagnosis.diagnosis_id, reason, verdict, label))

    def similar(self, cid: str, **query) -> dict:
        answer = self.client.get(f"{API}/images/{cid}/similar", query_string=query)
        assert answer.status_code == 200, answer.json
        return answer.json

    def cids(self, cid: str, **query) -> list[str]:
        return [case["cid"] for case in self.similar(cid, **query)["cases"]]


@pytest.fixture
def cases(
    client: FlaskClient,
    container: Container,
    settings: Settings,
    alice: DevelopmentWallet,
    picture: Callable[..., bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> Cases:
    clinician = DevelopmentWallet(settings.rpc_url, settings.contract_address, CLINICIAN)
    made = Cases(client, container, alice, clinician, picture)
    gate = container.classifier.gate()
    assert gate
    network = type(container.classifier)
    predict = network.predict

    def with_features(self, model, image, decoding=None):
        prediction, overlay = predict(self, model, image, decoding)
        features = None if made.features is None else np.array(made.features, np.float32)
        return replace(prediction, features=features), overlay

    monkeypatch.setattr(network, "recognise", lambda *_: GateOpinion(gate, "brain-mri"))
    monkeypatch.setattr(network, "predict", with_features)
    return made


def test_the_nearest_recorded_images_come_first_with_their_outcomes(cases: Cases) -> None:
    near, copy, far = cases.record([1, 0.1, 0]), cases.record([2, 0, 0]), cases.record([0, 1, 0])
    asked = cases.add([1, 0, 0])
    cases.review(near, Verdict.OVERRIDDEN, 2)
    found = cases.similar(asked)
    assert [case["cid"] for case in found["cases"]] == [copy, near, far]
    assert [case["sameImage"] for case in found["cases"]] == [True, False, False]
    assert [case["distance"] for case in found["cases"]] == [0, pytest.approx(0.004963, abs=1e-5), 1]
    assert (found["compared"], found["limit"], found["reason"], found["model"]["name"]) == (
        3,
        10_000,
        None,
        "brain-mri",
    )
    first, second, _ = found["cases"]
    assert (second["status"], second["current"]["labelCode"]) == ("overridden", 2)
    record = cases.client.get(f"{API}/records/{first['imageId']}").json["diagnoses"][0]
    assert {name: first[name] for name in ("status", "label", "labelText", "confidence", "current")} == {
        name: record[name] for name in ("status", "label", "labelText", "confidence", "current")
    }


def test_the_record_of_the_image_itself_is_not_among_them(cases: Cases) -> None:
    own, other = cases.record([0, 0, 1]), cases.record([0, 0, 1])
    assert cases.cids(own) == [other]


def test_what_is_not_recorded_withdrawn_or_removed_does_not_appear(
    cases: Cases, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, withdrawn, kept = cases.add([1, 1, 0]), cases.record([1, 1, 0]), cases.record([1, 1, 0])
    cases.review(withdrawn, Verdict.WITHDRAWN, 0)
    assert cases.cids(asked) == [kept]
    monkeypatch.setattr(type(cases.container.intake), "available", lambda *_: frozenset())
    assert cases.cids(asked) == []


def test_what_a_reported_key_signed_does_not_appear(cases: Cases, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report on the chain of all tests would be for good, so the index gets it here."""
    asked, forged = cases.add([2, 1, 0]), cases.record([2, 1, 0])
    assert cases.cids(asked) == [forged]
    search = EventIndex.search

    def reported(self: EventIndex, *wanted: Any) -> list[Record]:
        return [replace(each, reports=(report_of(each.diagnoses[0]),)) for each in search(self, *wanted)]

    monkeypatch.setattr(EventIndex, "search", reported)
    assert cases.cids(asked) == []


def report_of(diagnosis: DiagnosisRecordedEvent) -> ClassifierCompromisedEvent:
    """That the key of the diagnosis was a thief's when it signed."""
    return ClassifierCompromisedEvent(
        diagnosis.classifier, diagnosis.issued_at, "0x" + "ad" * 20, "0x" + "01" * 32, 0, diagnosis.block
    )


def test_sealed_results_store_nothing_and_do_not_appear(cases: Cases) -> None:
    sealed = cases.record([3, 1, 4], sealed=True)
    asked = cases.add([3, 1, 4])
    found = cases.similar(asked)
    assert (found["compared"], found["cases"]) == (0, [])
    answer = cases.similar(sealed)
    assert (answer["reason"], answer["model"], answer["cases"]) == ("the image was not classified in public", None, [])
    assert stored(cases.container) == 1


def test_a_sealed_record_does_not_appear_after_the_image_was_classified_in_public_too(cases: Cases) -> None:
    sealed = cases.record([5, 9, 2], sealed=True)
    cases.client.post(f"{API}/images/{sealed}/classifications", json={})
    asked = cases.add([5, 9, 2])
    found = cases.similar(asked)
    assert (found["compared"], found["cases"]) == (1, [])


def test_the_number_of_cases_has_a_limit(cases: Cases) -> None:
    for _ in range(3):
        cases.record([1, 2, 3])
    asked = cases.add([1, 2, 3])
    assert len(cases.cids(asked, limit=2)) == 2
    answer = cases.client.get(f"{API}/images/{asked}/similar?limit=7")
    assert answer.status_code == 400


def test_features_of_a_former_release_are_computed_once(cases: Cases) -> None:
    asked, other = cases.add([1, 0, 2]), cases.record([1, 0, 2])
    with open_database(cases.container.settings.database_url).write() as session:
        session.execute(delete(FeatureRow).filter_by(cid=asked))
    assert cases.cids(asked, model="brain-mri") == [other]
    assert stored(cases.container) == 2


def test_a_model_without_features_says_so(cases: Cases) -> None:
    asked = cases.add(None)
    assert cases.similar(asked)["reason"] == "brain-mri gives no features to compare"


def test_features_of_another_length_or_of_zeros_are_no_neighbours(cases: Cases) -> None:
    cases.record([1, 2])
    zeros = cases.record([0, 0, 0])
    found = cases.similar(cases.add([1, 2, 3]))
    assert [(case["cid"], case["distance"]) for case in found["cases"]] == [(zeros, 1)]


def test_only_so_many_images_are_compared(cases: Cases, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        cases.record([1, 0, 1])
    asked = cases.add([1, 0, 1])
    monkeypatch.setattr(similarity, "COMPARED", 1)
    assert cases.similar(asked)["compared"] <= 1


def test_an_image_that_was_never_uploaded_has_no_neighbours(client: FlaskClient, container: Container, picture) -> None:
    cid = container.inspector.accept(picture())[1].cid
    answer = client.get(f"{API}/images/{cid}/similar")
    assert_problem(answer, 404, "not-found", f"no image {cid} was uploaded here")


def test_what_the_gate_declined_is_compared_with_nothing(cases: Cases) -> None:
    gate = cases.container.classifier.gate()
    assert gate
    assert cases.similar(cases.add([1]), model=gate.name)["reason"] == "no model here knows this kind of image"


def test_what_no_gate_recognised_was_not_classified_by_a_model(client: FlaskClient, cid: str) -> None:
    client.post(f"{API}/images/{cid}/classifications", json={})
    answer = client.get(f"{API}/images/{cid}/similar").json
    assert answer["reason"] == "the image was not classified in public"


def stored(container: Container) -> int:
    with open_database(container.settings.database_url).read() as session:
        return session.query(FeatureRow).count()
