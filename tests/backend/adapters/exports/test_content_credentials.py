"""Pictures with a C2PA manifest, read back and validated by the C2PA library, and the signer's certificates."""

from __future__ import annotations

import io
import json
import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from unittest.mock import Mock

import c2pa
import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from PIL import Image

from backend.adapters.exports import certificates, content_credentials, manifest_embedding, pictures
from backend.adapters.exports.certificates import picture_signer
from backend.adapters.exports.wording import valid_label
from backend.adapters.exports.writers import ExportKeys
from backend.adapters.images.decoder_pool import decoder_pool
from backend.errors import ConfigurationError, UnsupportedImage
from backend.exports import RecordFacts
from tests.backend.adapters.exports.documents import ABSTAINED, CID, REASON, STATES, WITHDRAWN, facts
from tests.backend.adapters.exports.facts import MODEL, png
from tests.dicoms import dicom


@pytest.fixture
def keys(tmp_path: Path) -> ExportKeys:
    return ExportKeys(lambda: None, tmp_path / "c2pa")


def jpeg(diagnosis=ABSTAINED) -> RecordFacts:
    output = io.BytesIO()
    Image.open(io.BytesIO(png())).save(output, "JPEG")
    found = facts(diagnosis, content=output.getvalue())
    return replace(found, pictures=(replace(found.shown, media_type="image/jpeg"),))


def read(content: bytes, media_type: str = "image/png") -> dict[str, Any]:
    """The store of manifests and how they validate."""
    reader = c2pa.Reader(media_type, io.BytesIO(content), context=c2pa.Context.from_dict(manifest_embedding.OFFLINE))
    with reader:
        return {"state": reader.get_validation_state(), **json.loads(reader.json())}


def active(store: dict[str, Any]) -> dict[str, Any]:
    return store["manifests"][store["active_manifest"]]


def assertion(store: dict[str, Any], label: str) -> dict[str, Any]:
    (found,) = (each["data"] for each in active(store)["assertions"] if each["label"] == label)
    return found


def pixels(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)))


@pytest.mark.parametrize("state", STATES)
def test_the_manifest_validates_and_says_what_the_record_says(keys: ExportKeys, state: str):
    found = facts(STATES[state])

    file = content_credentials.write(found, keys)

    store = read(file.content, file.media_type)
    assert store["state"] == "Valid"
    assert [each["code"] for each in store["validation_status"]] == ["signingCredential.untrusted"]
    data = assertion(store, "org.scanproof.record")
    assert data["statement"][0] == "AI result, not a diagnosis."
    assert data["record"]["transaction"] == found.transaction_hash
    assert (data["record"]["chainId"], data["record"]["registry"]) == (31337, found.contract)
    assert (data["image"], data["imageSha256"]) == (f"ipfs://{CID}", found.sha256)
    assert data["result"]["model"]["sha256"] == MODEL.sha256
    assert data["result"]["status"] == found.diagnosis.status_name
    assert ("validLabel" in data["result"]) == (valid_label(found.diagnosis) is not None)


@pytest.mark.parametrize(("found", "suffix"), [(facts(), "png"), (jpeg(), "jpg")])
def test_png_and_jpeg_keep_their_pixels(keys: ExportKeys, found: RecordFacts, suffix: str):
    file = content_credentials.write(found, keys)

    assert (file.media_type, file.suffix) == (found.shown.media_type, suffix)
    assert np.array_equal(pixels(file.content), pixels(found.shown.content))
    actions = assertion(read(file.content, file.media_type), "c2pa.actions.v2")["actions"]
    assert [action["action"] for action in actions] == ["c2pa.opened", "c2pa.published"]


def test_a_dicom_image_becomes_what_the_model_saw(keys: ExportKeys):
    content = dicom(np.arange(64 * 64, dtype=np.uint16).reshape(64, 64))
    found = facts(content=content, dicom=True)

    file = content_credentials.write(found, keys)

    assert (file.media_type, file.suffix) == ("image/png", "png")
    assert np.array_equal(pixels(file.content), np.asarray(pictures.pixels_of(found.shown)))
    store = read(file.content)
    assert store["state"] == "Valid"
    actions = assertion(store, "c2pa.actions.v2")["actions"]
    assert [action["action"] for action in actions] == ["c2pa.opened", "c2pa.converted"]
    (ingredient,) = active(store)["ingredients"]
    assert (ingredient["title"], ingredient["format"]) == (CID, "application/dicom")


def test_an_abstention_has_no_label(keys: ExportKeys):
    found = assertion(read(content_credentials.write(facts(ABSTAINED), keys).content), "org.scanproof.record")

    assert (found["result"]["abstained"], found["result"]["reason"]) == (True, REASON)
    assert not {"modelLabel", "validLabel"} & found["result"].keys()


def test_a_withdrawn_label_is_not_valid(keys: ExportKeys):
    found = assertion(read(content_credentials.write(facts(WITHDRAWN), keys).content), "org.scanproof.record")

    assert "validLabel" not in found["result"]
    assert found["statement"][1] == "Withdrawn by a clinician."


def test_a_changed_pixel_is_found(keys: ExportKeys):
    content = bytearray(content_credentials.write(facts(), keys).content)
    content[content.index(b"IDAT") + 10] ^= 1

    store = read(bytes(content))

    assert store["state"] == "Invalid"
    assert "assertion.dataHash.mismatch" in [each["code"] for each in store["validation_status"]]


def test_the_picture_is_read_in_a_process_without_the_key(keys: ExportKeys, monkeypatch: pytest.MonkeyPatch):
    """And not in this one."""
    pool, sent = decoder_pool(), []
    run = type(pool)._run

    def noted(self, job, content, *rest, **more):
        sent.append(json.dumps(job))
        return run(self, job, content, *rest, **more)

    monkeypatch.setattr(type(pool), "_run", noted)
    monkeypatch.setattr(manifest_embedding, "embed", Mock(side_effect=AssertionError("read in this process")))
    assert read(content_credentials.write(facts(), keys).content)["state"] == "Valid"
    (job,) = sent
    assert "CERTIFICATE" in job and "PRIVATE KEY" not in job


def test_bytes_that_are_no_picture_are_refused(keys: ExportKeys):
    with pytest.raises(UnsupportedImage, match="the picture cannot carry a C2PA manifest: "):
        content_credentials.write(facts(content=b"none"), keys)


@contextmanager
def counted_requests() -> Iterator[tuple[str, list[str]]]:
    """An address, and the paths that were asked for there."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_arguments: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def with_remote_manifest(address: str, keys: ExportKeys) -> bytes:
    """A picture that says that its manifest is at ``address``."""
    signer = picture_signer(keys.folder)
    output = io.BytesIO()
    found = facts()
    definition = content_credentials.manifest(found, found.shown, "image/png")
    definition["assertions"][0]["data"]["actions"] = [
        {"action": "c2pa.created", "digitalSourceType": "http://c2pa.org/digitalsourcetype/empty"}
    ]
    with (
        c2pa.Signer.from_info(c2pa.C2paSignerInfo(b"es256", signer.chain, signer.key, None)) as by,
        c2pa.Builder.from_json(
            json.dumps(definition), c2pa.Context.from_dict({"version": 1, "verify": {"verify_after_sign": False}})
        ) as builder,
    ):
        builder.set_no_embed()
        builder.set_remote_url(f"{address}/manifest")
        builder.sign(by, "image/png", io.BytesIO(png()), output)
    return output.getvalue()


def test_nothing_is_asked_of_the_network(keys: ExportKeys):
    with counted_requests() as (address, asked):
        content = with_remote_manifest(address, keys)
        with pytest.raises(c2pa.C2paError):
            c2pa.Reader("image/png", io.BytesIO(content), context=c2pa.Context.from_dict({"version": 1}))
        assert asked == ["/manifest"]  # what the library does unless it is told not to

        content_credentials.write(facts(content=content), keys)

        assert asked == ["/manifest"]


def test_the_signer_is_made_once_for_its_owner_alone(tmp_path: Path):
    folder = tmp_path / "c2pa"
    before = os.umask(0)
    try:
        with ThreadPoolExecutor(4) as pool:
            made = set(pool.map(lambda _: picture_signer(folder), range(4)))
    finally:
        os.umask(before)

    assert len(made) == 1
    assert [file.name for file in folder.iterdir()] == ["signer.pem"]
    assert stat.S_IMODE((folder / "signer.pem").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert "PRIVATE" not in repr(made.pop())


def test_a_signer_open_to_others_is_refused(tmp_path: Path):
    picture_signer(tmp_path)
    file = tmp_path / "signer.pem"
    file.chmod(0o640)

    with pytest.raises(ConfigurationError) as raised:
        picture_signer(tmp_path)
    assert str(raised.value) == (
        f"the signer of pictures {file} is readable by other users (mode 640): run chmod 600 {file}"
    )


@pytest.mark.parametrize("damage", ["empty", "half", "another key"])
def test_a_damaged_signer_is_refused(tmp_path: Path, damage: str):
    picture_signer(tmp_path)
    file = tmp_path / "signer.pem"
    text = file.read_text()
    certificate = text.index("-----BEGIN CERTIFICATE-----")
    if damage == "another key":
        other = tmp_path / "other"
        picture_signer(other)
        text = (other / "signer.pem").read_text()[:certificate] + text[certificate:]
    file.write_text({"empty": "", "half": text[: certificate + 200]}.get(damage, text))

    with pytest.raises(ConfigurationError) as raised:
        picture_signer(tmp_path)
    assert str(raised.value) == (
        f"the signer of pictures {file} does not hold a P-256 key and two certificates: restore it, or remove it to "
        "get a new one"
    )


def test_a_certificate_that_ended_is_refused_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(certificates, "VALID_FOR", timedelta(0))

    with pytest.raises(
        ConfigurationError, match=r"the certificate in .* ended on .*: remove the file to get a new one"
    ):
        picture_signer(tmp_path)


def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path):
    (tmp_path / "file").write_text("")

    with pytest.raises(ConfigurationError, match=r"the signer of pictures .* cannot be used: File exists"):
        picture_signer(tmp_path / "file")


def test_who_has_the_certificate_of_the_issuer_can_trust_the_signer(keys: ExportKeys):
    content = content_credentials.write(facts(), keys).content
    _, issuer = x509.load_pem_x509_certificates((keys.folder / "signer.pem").read_bytes())
    anchors = issuer.public_bytes(Encoding.PEM).decode("ascii")
    context = c2pa.Context.from_dict(manifest_embedding.OFFLINE | {"trust": {"user_anchors": anchors}})

    with c2pa.Reader("image/png", io.BytesIO(content), context=context) as reader:
        assert reader.get_validation_state() == "Trusted"
