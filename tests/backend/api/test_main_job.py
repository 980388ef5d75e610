"""The main job through the API: upload, classify, attest, record, find, verify."""

from __future__ import annotations

import base64
import hashlib
import io
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
import rfc8785
from flask.testing import FlaskClient
from PIL import Image

from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.adapters.chain.eip712 import recover
from backend.adapters.images.decoder_pool import DecoderPool
from backend.container import Container
from backend.domain import SEALED_LABEL
from backend.errors import ServerBusy
from ml.preprocessing.images import DECODING, decode_image
from tests.backend.adapters.images.conftest import same_pixels
from tests.backend.api.conftest import API, assert_problem, signed_of, upload


def test_from_an_image_to_a_verified_record(
    client: FlaskClient, container: Container, alice: DevelopmentWallet, cid: str, classification: dict
) -> None:
    body = {"manifestHash": classification["manifestHash"], "uploader": alice.address.lower()}
    attestation = client.post(f"{API}/images/{cid}/attestations", json=body)
    assert attestation.status_code == 201
    assert attestation.json["uploader"] == alice.address
    signed = signed_of(attestation.json)
    assert recover(signed) == container.signer.address == attestation.json["classifier"]
    sent = alice.register_with_diagnosis(cid, signed)

    transaction = client.get(f"{API}/transactions/{sent.hash}").json
    assert (transaction["state"], transaction["gasUsed"]) == ("confirmed", sent.gas_used)
    assert (transaction["confirmations"], transaction["required"]) == (1, 1)
    image_id = attestation.json["imageId"]
    assert transaction["imageIds"] == [image_id]

    record = client.get(f"{API}/records/{image_id}").json
    assert (record["cid"], record["uploader"], record["imageAvailable"]) == (cid, alice.address, True)
    assert record["transaction"] == {"hash": sent.hash, "explorerUrl": None}
    (diagnosis,) = record["diagnoses"]
    same = ("label", "labelText", "labelCode", "manifestHash", "manifestCid")
    assert {name: diagnosis[name] for name in same} == {name: classification[name] for name in same}
    signed_confidence = 0 if classification["abstained"] else round(classification["confidence"], 4)
    assert diagnosis["confidence"] == signed_confidence
    assert diagnosis["model"]["version"] == classification["model"]["version"]

    verification = client.get(f"{API}/records/{image_id}/verification").json
    assert [check for check in verification["checks"] if not check["passed"]] == []
    assert verification["passed"] and len(verification["checks"]) > 5


def test_a_16_bit_image_is_shown_as_the_models_see_it(client: FlaskClient, picture) -> None:
    file = io.BytesIO()
    values = np.asarray(Image.open(io.BytesIO(picture(size=(64, 48)))).convert("L")).astype(np.uint16)
    values[::2] = 4095
    Image.fromarray(values).save(file, "PNG")
    image = upload(client, file.getvalue()).json

    view = client.get(image["links"]["view"])

    assert (view.status_code, view.content_type) == (200, "image/png")
    assert same_pixels(Image.open(io.BytesIO(view.data)), decode_image(file.getvalue()))
    assert view.headers["Content-Security-Policy"] == "sandbox"
    again = client.get(image["links"]["view"], headers={"If-None-Match": view.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert client.get(image["links"]["content"]).data == file.getvalue()


def test_the_view_of_an_8_bit_image_is_its_bytes(client: FlaskClient, picture) -> None:
    image = upload(client, picture("JPEG")).json

    view, content = client.get(image["links"]["view"]), client.get(image["links"]["content"])

    assert (view.data, view.content_type) == (content.data, "image/jpeg")


def test_a_manifest_names_the_decoding(classification: dict) -> None:
    assert classification["manifest"]["decoding"] == DECODING


def test_a_busy_server_says_when_to_come_again(client: FlaskClient, picture, monkeypatch) -> None:
    def busy(*_: object, **__: object) -> None:
        raise ServerBusy("other images are being decoded: try again in a moment")

    monkeypatch.setattr(DecoderPool, "inspect", busy)
    answer = upload(client, picture())
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
    assert answer.json["type"] == "urn:scanproof:problem:server-busy"


def test_an_image_that_is_refused_is_not_pinned(client: FlaskClient, container: Container, picture) -> None:
    cut = picture("JPEG", (64, 48))[:-40] + b"\xff\xd9"
    before = sorted((container.settings.var / "ipfs").rglob("*"))
    answer = upload(client, cut)
    assert answer.status_code == 415
    assert answer.json["detail"] == "expected a whole JPEG, found one that is cut off"
    assert sorted((container.settings.var / "ipfs").rglob("*")) == before


def test_an_upload_is_described_and_its_bytes_come_back(client: FlaskClient, picture) -> None:
    content = picture("JPEG", (60, 40), exif=Image.Exif())
    response = upload(client, content)
    assert response.status_code == 201
    image = response.json
    assert (image["width"], image["height"], image["mediaType"], image["created"]) == (60, 40, "image/jpeg", True)
    served = client.get(image["links"]["content"])
    assert hashlib.sha256(served.data).hexdigest() == image["sha256"]
    assert served.content_type == "image/jpeg"
    assert served.headers["Content-Security-Policy"] == "sandbox"
    assert served.headers["X-Content-Type-Options"] == "nosniff"
    assert served.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert served.headers["ETag"] == f'"{image["cid"]}"'
    assert client.get(image["links"]["self"]).json == {**image, "created": False}


def test_content_that_the_browser_has_is_not_sent_again(client: FlaskClient, cid: str) -> None:
    again = client.get(f"{API}/images/{cid}/content", headers={"If-None-Match": f'"{cid}"'})
    assert (again.status_code, again.data) == (304, b"")


def test_metadata_is_stripped_and_the_person_is_informed(client: FlaskClient, picture) -> None:
    exif = Image.Exif()
    exif[0x010E] = "patient Jane Doe"
    content = picture("JPEG", exif=exif)
    assert b"Jane Doe" in content
    image = upload(client, content).json
    assert image["stripped"] == ["EXIF"]
    served = client.get(image["links"]["content"]).data
    assert b"Jane Doe" not in served
    assert Image.open(io.BytesIO(served)).size == (64, 48)


def test_a_manifest_is_canonical_and_hashes_to_its_name(client: FlaskClient, classification: dict) -> None:
    response = client.get(classification["links"]["manifest"])
    assert response.content_type == "application/json"
    assert "0x" + hashlib.sha256(response.data).hexdigest() == classification["manifestHash"]
    assert response.json == classification["manifest"]
    assert rfc8785.dumps(response.json) == response.data
    manifest = classification["manifest"]
    assert manifest["schema"] == "scanproof.manifest/1"
    assert manifest["image"]["cid"] == classification["cid"]
    assert manifest["model"]["sha256"] == classification["model"]["sha256"]
    assert manifest["probabilities"] == classification["probabilities"]


def test_an_activation_map_is_a_png_for_the_page(classification: dict) -> None:
    head, _, data = classification["activationMap"].partition(",")
    assert head == "data:image/png;base64"
    assert Image.open(io.BytesIO(base64.b64decode(data))).mode == "RGBA"


@pytest.mark.parametrize("sealed", [False, True])
def test_a_named_model_does_not_go_round_the_gate(
    client: FlaskClient, container: Container, alice: DevelopmentWallet, sealed: bool
) -> None:
    """A photo of a clock, which brain-mri takes for a meningioma, is signed as an abstention."""
    clock = Path(str(resources.files("skimage"))) / "data" / "clock_motion.png"
    cid = upload(client, clock.read_bytes()).json["cid"]
    answer = client.post(f"{API}/images/{cid}/classifications", json={"model": "brain-mri", "sealed": sealed}).json
    assert (answer["label"], answer["labelCode"], answer["abstained"]) == ("abstained", 0, True)
    assert answer["manifest"]["gate"]["modality"] is None
    body = {"manifestHash": answer["manifestHash"], "uploader": alice.address}
    attestation = client.post(f"{API}/images/{cid}/attestations", json=body).json
    assert attestation["diagnosis"]["label"] == (SEALED_LABEL if sealed else 0)
    assert attestation["diagnosis"]["modelId"] == "0x" + container.classifier.gate().sha256
    if not sealed:
        alice.register_with_diagnosis(cid, signed_of(attestation))
        verification = client.get(f"{API}/records/{attestation['imageId']}/verification").json
        assert [check for check in verification["checks"] if not check["passed"]] == []


def test_nobody_can_force_a_classification(client: FlaskClient, cid: str) -> None:
    refused = client.post(f"{API}/images/{cid}/classifications", json={"model": "brain-mri", "force": True})
    assert_problem(refused, 400, "invalid-input", "force: Unknown field.")
