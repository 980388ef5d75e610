"""The statement of a review is published by its hash, shown with its record, and nothing else passes for it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from unittest.mock import Mock

import pytest
import rfc8785
from flask.testing import FlaskClient

from backend.adapters.chain import artifact, rpc
from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.adapters.chain.development_accounts import CLINICIAN
from backend.api.app import create_app
from backend.cids import hash_of, parse_cid
from backend.container import Container
from backend.domain import DiagnosisReviewedEvent, Review, Verdict
from backend.errors import Conflict, InvalidInput
from backend.services import statements
from backend.settings import Settings
from backend.wiring import wire
from tests.backend.api.conftest import API, assert_problem, signed_of
from tests.backend.studies import record_study

REASON = "Zwei Schichten, eindeutig. <b>=1+1</b>\nSiehe “oben”. 🧠"


@dataclass
class Reviews:
    """An image with a diagnosis on the chain, and a clinician who reviews it."""

    client: FlaskClient
    container: Container
    clinician: DevelopmentWallet
    image_id: str

    def review(self, content: Callable[..., bytes], verdict: Verdict, label: int) -> DiagnosisReviewedEvent:
        """Send a review whose statement ``content`` makes of the diagnosis; the event."""
        record = self.container.records.find(self.image_id)
        (diagnosis,) = record.diagnoses
        steps = [diagnosis.diagnosis_id, *(review.review_id for review in record.reviews)]
        self.content = content(diagnosis)
        self.clinician.review(diagnosis, Review(steps[-1], hash_of(self.content), verdict, label))
        return self.container.records.find(self.image_id).reviews[-1]

    def withdraw(self) -> DiagnosisReviewedEvent:
        return self.review(
            lambda diagnosis: statements.build(diagnosis, Verdict.WITHDRAWN, None, 0, REASON), Verdict.WITHDRAWN, 0
        )

    def publish(self, review_id: str, content: bytes, **options):
        path = f"{API}/reviews/{review_id}/statement"
        return self.client.put(path, data=content, **{"content_type": "application/json", **options})

    def statement(self, review_id: str):
        return self.client.get(f"{API}/reviews/{review_id}/statement")

    def shown(self) -> dict:
        """The newest review as the record shows it."""
        return self.client.get(f"{API}/records/{self.image_id}").json["diagnoses"][0]["reviews"][-1]


@pytest.fixture
def reviews(
    client: FlaskClient,
    container: Container,
    settings: Settings,
    alice: DevelopmentWallet,
    cid: str,
    classification: dict,
) -> Reviews:
    return reviewed(client, container, settings, alice, cid, classification["manifestHash"])


def reviewed(client, container, settings, alice, cid: str, manifest_hash: str) -> Reviews:
    body = {"manifestHash": manifest_hash, "uploader": alice.address}
    attested = client.post(f"{API}/images/{cid}/attestations", json=body).json
    alice.register_with_diagnosis(cid, signed_of(attested))
    clinician = DevelopmentWallet(settings.rpc_url, settings.contract_address, CLINICIAN)
    return Reviews(client, container, clinician, attested["imageId"])


def test_a_published_statement_is_given_byte_for_byte_and_its_reason_shown(reviews: Reviews) -> None:
    review = reviews.withdraw()
    assert (reviews.shown()["verdict"], reviews.shown()["statement"]) == ("withdrawn", None)
    path = f"{API}/reviews/{review.review_id}/statement"
    missing = f"the statement of the review {review.review_id} was not published here"
    assert_problem(reviews.statement(review.review_id), 404, "not-found", missing)

    answers = [reviews.publish(review.review_id, reviews.content) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 200]
    assert answers[0].json == {"reviewId": review.review_id, "links": {"statement": path}}
    given = reviews.client.get(path)
    assert (given.data, given.content_type) == (reviews.content, "application/json")
    assert "0x" + hashlib.sha256(given.data).hexdigest() == review.reason_hash
    assert reviews.shown()["statement"] == REASON


def test_a_statement_holds_all_that_was_decided_and_a_salt(reviews: Reviews) -> None:
    (diagnosis,) = reviews.container.records.find(reviews.image_id).diagnoses
    made = [statements.build(diagnosis, Verdict.OVERRIDDEN, "glioma", 1, f"  {REASON} ") for _ in range(2)]
    values = json.loads(made[0])

    assert len(bytes.fromhex(values.pop("salt"))) == 32
    assert values == {
        "schema": "scanproof.review/1",
        "imageId": reviews.image_id,
        "diagnosisId": diagnosis.diagnosis_id,
        "verdict": "overridden",
        "label": "glioma",
        "labelCode": 1,
        "reason": REASON,
    }
    assert rfc8785.dumps(json.loads(made[0])) == made[0] != made[1]


OUTLINE = (((10.0, 20.0), (30.5, 20.0), (30.5, 44.25)),)


@pytest.mark.parametrize("outline", [OUTLINE, ()], ids=["corrected", "removed"])
def test_a_corrected_outline_is_part_of_the_statement_and_of_the_record(reviews: Reviews, outline) -> None:
    def made(diagnosis):
        return statements.build(diagnosis, Verdict.WITHDRAWN, None, 0, REASON, outline=outline)

    review = reviews.review(made, Verdict.WITHDRAWN, 0)
    assert reviews.shown()["outline"] is None, "not before it is published"

    assert reviews.publish(review.review_id, reviews.content).status_code == 201

    expected = [[list(point) for point in contour] for contour in outline]
    assert reviews.shown()["outline"] == json.loads(reviews.content)["outline"] == expected
    assert statements.read(reviews.content).outline == outline


@pytest.mark.parametrize(
    "outline",
    [
        None,
        {},
        [[[0, 0], [1, 1]]],
        [[[0, 0], [1, 1], [2]]],
        [[[0, 0], [1, 1], [2, "3"]]],
        [[[0, 0], [1, 1], [2, True]]],
        [[[0, 0], [1, 1], [-1, 2]]],
        [[[0, 0], [1, 1], [1e9, 2]]],
        [[[0, 0], [1, 1], [10**400, 2]]],
        [[[0, 0]] * 401],
        [[[0, 0]] * 3] * 17,
        [7],
    ],
)
def test_a_statement_with_something_else_for_an_outline_is_none(reviews: Reviews, outline) -> None:
    (diagnosis,) = reviews.container.records.find(reviews.image_id).diagnoses
    content = json.loads(statements.build(diagnosis, Verdict.WITHDRAWN, None, 0, REASON))

    assert statements.read(json.dumps(content | {"outline": outline}).encode()) is None


_CID = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"
_SLICE = {"order": 3, "cid": _CID, "outline": [[[0, 0], [1, 1], [0, 1]]]}


@pytest.mark.parametrize(
    "outlines",
    [
        [],
        {},
        [7],
        [_SLICE | {"order": -1}],
        [_SLICE | {"order": True}],
        [_SLICE | {"cid": "bafk"}],
        [_SLICE | {"cid": _CID.upper()}],
        [_SLICE | {"outline": [[[0, 0]]]}],
        [_SLICE | {"more": 1}],
        [_SLICE, _SLICE],
        [_SLICE, _SLICE | {"order": 2}],
        [_SLICE | {"order": order} for order in range(25)],
        [_SLICE | {"order": order, "outline": [[[0, 0]] * 201]} for order in range(2)],
    ],
)
def test_a_statement_with_something_else_for_outlines_of_slices_is_none(reviews: Reviews, outlines) -> None:
    (diagnosis,) = reviews.container.records.find(reviews.image_id).diagnoses
    content = json.loads(statements.build(diagnosis, Verdict.WITHDRAWN, None, 0, REASON))

    good = statements.read(json.dumps(content | {"sliceOutlines": [_SLICE]}).encode())
    assert good and good.slice_outlines == (statements.SliceOutline(3, _CID, (((0, 0), (1, 1), (0, 1)),)),)
    assert statements.read(json.dumps(content | {"sliceOutlines": outlines}).encode()) is None


def test_outlines_of_slices_are_refused_on_the_record_of_an_image(reviews: Reviews) -> None:
    outlines = (statements.SliceOutline(0, _CID, OUTLINE),)
    review = reviews.review(
        lambda diagnosis: statements.build(diagnosis, Verdict.WITHDRAWN, None, 0, REASON, slice_outlines=outlines),
        Verdict.WITHDRAWN,
        0,
    )
    detail = "the statement outlines slices, but no study of this record is known here"
    assert_problem(reviews.publish(review.review_id, reviews.content), 409, "conflict", detail)


@pytest.fixture
def study(client: FlaskClient, container: Container, settings: Settings, alice: DevelopmentWallet, picture) -> Reviews:
    documents = record_study(container, alice, {f"{number}.png": picture() for number in range(2)})
    clinician = DevelopmentWallet(settings.rpc_url, settings.contract_address, CLINICIAN)
    return Reviews(client, container, clinician, container.chain.image_id(alice.address, documents.manifest.cid))


def test_the_outlines_of_a_study_name_their_slices(study: Reviews) -> None:
    slices = study.client.get(f"{API}/records/{study.image_id}/study").json["slices"]

    def withdrawn(**options):
        return study.review(
            lambda diagnosis: statements.build(diagnosis, Verdict.WITHDRAWN, None, 0, REASON, **options),
            Verdict.WITHDRAWN,
            0,
        )

    def refused(detail: str, **options) -> None:
        review = withdrawn(**options)
        assert_problem(study.publish(review.review_id, study.content), 409, "conflict", detail)

    cid = slices[0]["cid"]
    refused("the record is of a study: an outline must name its slice, in sliceOutlines", outline=OUTLINE)
    for order in (1, 2):
        detail = f"slice {order + 1} of the record's study does not have the CID {cid}"
        refused(detail, slice_outlines=(statements.SliceOutline(order, cid, OUTLINE),))

    review = withdrawn(slice_outlines=(statements.SliceOutline(0, cid, OUTLINE),))
    assert study.publish(review.review_id, study.content).status_code == 201

    expected = [{"order": 0, "cid": cid, "outline": json.loads(study.content)["sliceOutlines"][0]["outline"]}]
    assert (study.shown()["outline"], study.shown()["sliceOutlines"]) == (None, expected)
    assert study.client.get(f"{API}/records/{study.image_id}").json["diagnoses"][0]["reviews"][0]["sliceOutlines"] == []


def test_only_the_very_statement_of_the_review_is_taken(reviews: Reviews) -> None:
    review = reviews.withdraw()
    other = reviews.content.replace(b"Schichten", b"Bilder")
    found = "0x" + hashlib.sha256(other).hexdigest()

    detail = f"expected the statement with the SHA-256 {review.reason_hash}, found {found}"
    assert_problem(reviews.publish(review.review_id, other), 409, "conflict", detail)
    assert reviews.statement(review.review_id).status_code == 404


def test_a_statement_that_tells_something_else_than_the_chain_is_refused(reviews: Reviews) -> None:
    """The reviewer chose the hash, so that the right hash proves nothing about the content."""
    nothing = "0x" + "00" * 32
    for changes in ({"verdict": "confirmed"}, {"labelCode": 3}, {"imageId": nothing}, {"diagnosisId": nothing}):

        def false(diagnosis, changes: dict = changes) -> bytes:
            true = json.loads(statements.build(diagnosis, Verdict.WITHDRAWN, None, 0, REASON))
            return rfc8785.dumps({**true, **changes})

        review = reviews.review(false, Verdict.WITHDRAWN, 0)
        detail = f"the statement is of another image, diagnosis, verdict or label than review {review.review_id}"
        assert_problem(reviews.publish(review.review_id, reviews.content), 409, "conflict", detail)
        assert reviews.shown()["statement"] is None


@pytest.mark.parametrize("name", ["malignant", "other", "abstained", "Grade IV"])
def test_a_statement_that_names_another_class_than_its_code_is_refused(reviews: Reviews, name: str) -> None:
    """Code 2 is a section for the gate, which judged this image; "malignant" is code 2 of another model."""
    review = overridden(reviews, name, 2)
    detail = f"the statement says {name}, but the review's code 2 is breast-histology"
    assert_problem(reviews.publish(review.review_id, reviews.content), 409, "conflict", detail)
    # Pinned by somebody else all the same, it is not given as the review's.
    reviews.container.store.put(reviews.content, name="statement", media_type="application/json")
    assert reviews.statement(review.review_id).status_code == 404


@pytest.mark.parametrize(("name", "code"), [("breast-histology", 2), (None, 2)])
def test_the_name_of_its_class_and_none_at_all_are_taken(reviews: Reviews, name, code: int) -> None:
    assert reviews.publish(overridden(reviews, name, code).review_id, reviews.content).status_code == 201


def test_the_names_of_a_model_that_is_not_installed_are_taken(reviews: Reviews, monkeypatch) -> None:
    review = overridden(reviews, "glioma", 2)
    monkeypatch.setattr(reviews.container.models, "_classifier", Mock(models=list, describe=lambda _sha256: None))
    assert reviews.publish(review.review_id, reviews.content).status_code == 201


def overridden(reviews: Reviews, name: str | None, code: int) -> DiagnosisReviewedEvent:
    verdict = Verdict.OVERRIDDEN
    return reviews.review(lambda diagnosis: statements.build(diagnosis, verdict, name, code, REASON), verdict, code)


def test_what_is_no_statement_is_refused_although_its_hash_is_on_the_chain(reviews: Reviews) -> None:
    true = {"schema": "scanproof.review/1", "imageId": "", "diagnosisId": "", "verdict": "confirmed", "label": None}
    true |= {"labelCode": 1, "reason": "r"}
    for changes in (
        {"schema": "scanproof.manifest/1"},
        {"verdict": "maybe"},
        {"verdict": []},
        {"label": 7},
        {"labelCode": True},
        {"labelCode": 1.0},
        {"imageId": None},
        {"reason": " \n"},
        {"reason": "\ud800"},
        dict.fromkeys(true),
    ):
        content = json.dumps(true | changes).encode()
        review = reviews.review(lambda _, content=content: content, Verdict.WITHDRAWN, 0)
        detail = "expected a statement of the schema scanproof.review/1, found something else"
        assert_problem(reviews.publish(review.review_id, content), 400, "invalid-input", detail)
        assert reviews.shown()["statement"] is None


HIDDEN = ["ok \u202eevil", "\x1b[2J", "a\u200bb", "\u2066x\u2069", "bell\x07"]


def statement_of(diagnosis, reason: str) -> bytes:
    """As a program makes it that checks nothing."""
    content = statements.build(diagnosis, Verdict.WITHDRAWN, None, 0, "placeholder")
    return rfc8785.dumps(json.loads(content) | {"reason": reason})


@pytest.mark.parametrize("reason", HIDDEN)
def test_a_reason_with_hidden_characters_is_refused(reviews: Reviews, reason: str) -> None:
    message = "expected a text without control, direction and invisible characters, found U+"
    (diagnosis,) = reviews.container.records.find(reviews.image_id).diagnoses
    with pytest.raises(InvalidInput, match=re.escape(message)):
        statements.build(diagnosis, Verdict.WITHDRAWN, None, 0, reason)
    review = reviews.review(lambda diagnosis: statement_of(diagnosis, reason), Verdict.WITHDRAWN, 0)
    refused = reviews.publish(review.review_id, reviews.content)
    assert (refused.status_code, refused.json["detail"].startswith(message)) == (400, True)


def test_hidden_characters_of_a_reason_that_others_published_are_shown(reviews: Reviews) -> None:
    reviews.review(lambda diagnosis: statement_of(diagnosis, "ok \u202eevil\nnext"), Verdict.WITHDRAWN, 0)
    reviews.container.store.put(reviews.content, name="statement", media_type="application/json")
    assert reviews.shown()["statement"] == "ok \\u202eevil\nnext"
    verification = reviews.client.get(f"{API}/records/{reviews.image_id}/verification").json
    (check,) = [check for check in verification["checks"] if check["name"].startswith("review statement")]
    assert check["found"] == "“ok \\u202eevil next”"


def test_other_bodies_are_refused_before_anybody_reads_them(reviews: Reviews) -> None:
    review = reviews.withdraw()
    large = b'{"reason":"' + b"x" * 16 * 1024 + b'"}'
    bodies = ((b"", 409), (b"[1]", 400), (b'{"a":1,"a":2}', 400), (b"not JSON", 400), (b"[" * 9000, 400), (large, 413))
    for content, status in bodies:
        assert reviews.publish(review.review_id, content).status_code == status, content[:20]
    assert reviews.publish(review.review_id, b"{}", content_type="text/plain").status_code == 415


def test_a_review_that_is_not_on_the_chain_is_reported(reviews: Reviews) -> None:
    unknown = "0x" + "12" * 32
    detail = f"no review with the id {unknown} of a recorded diagnosis is on the chain"
    assert_problem(reviews.publish(unknown, b"{}"), 404, "not-found", detail)
    assert_problem(reviews.statement(unknown), 404, "not-found", detail)
    bad = "the review's id must be 0x and 64 hex digits, not '0x12'"
    assert_problem(reviews.publish("0x12", b"{}"), 400, "invalid-input", bad)


def test_a_review_of_a_diagnosis_that_was_never_recorded_is_none(reviews: Reviews) -> None:
    """The contract cannot look back at its events, and lets such a review pass."""
    (diagnosis,) = reviews.container.records.find(reviews.image_id).diagnoses
    invented = replace(diagnosis, label=4, manifest_hash="0x" + "77" * 32)
    signed = reviews.container.chain.events_of_image(reviews.image_id)[-1]
    node = rpc.connect(reviews.container.settings.rpc_url)
    registry = node.eth.contract(address=reviews.container.chain.contract, abi=artifact.current().abi)
    digest = registry.functions.hashDiagnosis(
        (invented.image_id, invented.model_id, 4, invented.confidence, invented.manifest_hash, invented.issued_at)
    ).call()
    content = statements.build(replace(signed, diagnosis_id="0x" + digest.hex()), Verdict.WITHDRAWN, None, 0, REASON)
    reviews.clinician.review(invented, Review("0x" + digest.hex(), hash_of(content), Verdict.WITHDRAWN, 0))
    *_, review = reviews.container.chain.events_of_image(reviews.image_id)

    assert reviews.publish(review.review_id, content).status_code == 404
    shown = reviews.client.get(f"{API}/records/{reviews.image_id}").json["diagnoses"][0]
    assert (shown["status"], shown["reviews"]) == ("abstained", [])
    verification = reviews.client.get(f"{API}/records/{reviews.image_id}/verification").json
    assert (verification["verdict"], verification["noiseCount"]) == ("valid", 1)
    (noise,) = verification["noise"]
    assert (noise["reviewId"], noise["reviewer"]) == (review.review_id, CLINICIAN.address)
    assert (noise["verdict"], noise["diagnosisId"]) == ("withdrawn", "0x" + digest.hex())
    assert noise["block"]["number"] == review.block.number
    assert not any("review" in check["name"] for check in verification["checks"] if check["name"] != "complete reviews")


def test_statements_of_sealed_diagnoses_are_never_published(
    client: FlaskClient, container: Container, settings: Settings, alice: DevelopmentWallet, cid: str
) -> None:
    sealed = client.post(f"{API}/images/{cid}/classifications", json={"sealed": True}).json
    reviews = reviewed(client, container, settings, alice, cid, sealed["manifestHash"])
    review = reviews.withdraw()

    detail = "the diagnosis is sealed: the statements of its reviews are not published here"
    assert_problem(reviews.publish(review.review_id, reviews.content), 409, "conflict", detail)
    assert reviews.statement(review.review_id).status_code == 404


def test_what_the_database_lost_comes_back_from_the_store(reviews: Reviews, settings: Settings, built_page) -> None:
    review = reviews.withdraw()
    reviews.publish(review.review_id, reviews.content)
    container = wire(replace(settings, database_url=f"sqlite:///{settings.var / 'new.db'}"))
    client = create_app(container, page=built_page).test_client()

    shown = client.get(f"{API}/records/{reviews.image_id}").json["diagnoses"][0]["reviews"][0]

    assert shown["statement"] == REASON
    assert client.get(f"{API}/reviews/{review.review_id}/statement").data == reviews.content
    container.close()


def test_the_hash_of_another_object_in_the_store_finds_no_statement(
    reviews: Reviews, cid: str, classification: dict
) -> None:
    """A reviewer may name the hash of anything public; the record must stay readable all the same."""
    image = reviews.client.get(f"{API}/images/{cid}/content").data
    manifest = reviews.client.get(classification["links"]["manifest"]).data
    large = reviews.container.store.put(b" " * 20_000, name="large", media_type="text/plain")
    hashes = [hash_of(image), hash_of(manifest), "0x" + parse_cid(large.cid).digest.hex()]
    for reason_hash in hashes:
        record = reviews.container.records.find(reviews.image_id)
        newest = record.reviews[-1].review_id if record.reviews else record.diagnoses[0].diagnosis_id
        reviews.clinician.review(record.diagnoses[0], Review(newest, reason_hash, Verdict.WITHDRAWN, 0))
        review_id = reviews.container.records.find(reviews.image_id).reviews[-1].review_id

        assert reviews.shown()["statement"] is None
        missing = f"the statement of the review {review_id} was not published here"
        assert_problem(reviews.statement(review_id), 404, "not-found", missing)


def test_a_code_that_the_model_does_not_have_is_refused_and_one_of_a_former_contract_is_named(reviews: Reviews) -> None:
    """The contract of version 0.1.0 did not know the classes of a model."""
    with pytest.raises(Conflict, match=r"LabelOutOfRange\(label: 999, labels: 3\)"):
        overridden(reviews, "Grade IV", 999)
    model_id = reviews.container.records.find(reviews.image_id).diagnoses[0].model_id
    assert reviews.container.models.label(model_id, 999) == ("code-999", "Code 999, which this model does not have")


def test_the_store_is_not_asked_again_and_again_for_what_is_not_published(
    reviews: Reviews, monkeypatch: pytest.MonkeyPatch
) -> None:
    review = reviews.withdraw()
    has = Mock(wraps=reviews.container.store.has)
    monkeypatch.setattr(reviews.container.store, "has", has)

    for _ in range(3):
        assert reviews.shown()["statement"] is None
    assert has.call_count == 1

    reviews.publish(review.review_id, reviews.content)
    assert reviews.shown()["statement"] == REASON


def test_no_other_page_publishes(reviews: Reviews) -> None:
    review = reviews.withdraw()
    for header in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert reviews.publish(review.review_id, reviews.content, headers=header).status_code == 403
