"""The whole main job by command, on the shipped model."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from backend.adapters.chain.dev import embedded
from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.adapters.chain.development_accounts import USER
from backend.adapters.chain.signer import KeyFileSigner
from backend.adapters.ipfs.unixfs import cid_of
from backend.settings import load
from backend.wiring import complete_registration
from tests.dicoms import deidentified, dicom

from ..services.verification.test_true_records import COMPLETENESS, DIAGNOSIS_CHECKS, IMAGE_CHECKS


@pytest.fixture
def image(tmp_path):
    file = tmp_path / "grey.png"
    Image.radial_gradient("L").save(file)
    return file


def test_a_record_is_made_verified_and_then_found_again(scanproof, process, image):
    first = process("demo", image, "--json")

    assert first.status == 0, first.stderr
    assert "drawing" not in first.stderr
    result = first.json
    assert result["verified"]
    names = [check["name"] for check in result["checks"] if check["name"] != "training origin"]
    assert names == IMAGE_CHECKS + DIAGNOSIS_CHECKS + COMPLETENESS
    assert all(check.keys() == {"name", "passed", "expected", "found"} for check in result["checks"])
    assert result["cid"] == scanproof("cid", image).stdout.strip()
    assert sum(result["probabilities"].values()) == pytest.approx(1, abs=1e-4)
    assert result["model"].keys() == {"name", "version", "sha256"}
    assert result["status"] == "abstained"
    (transaction,) = result["transactions"]
    assert transaction["name"] == "registerWithDiagnosis"
    assert 50_000 < transaction["gasUsed"] <= 72_000
    assert [line.split()[0] for line in first.stderr.splitlines() if " s  " in line] == [
        "chain",
        "pin",
        "classify",
        "record",
        "verify",
    ]
    warnings = [line for line in first.stderr.splitlines() if line.startswith("scanproof: ")]
    assert [line.split()[1] for line in warnings] == ["anvil", "images"]
    assert len(first.stderr.splitlines()) == 5 + len(warnings)

    again = scanproof("demo", image, "--json")
    assert again.status == 0
    assert again.json == result
    assert "found: it was recorded before" in again.stderr

    verified = scanproof("verify", "--image-id", result["imageId"], "--file", image, "--json")
    assert (verified.status, verified.json["verified"]) == (0, True)


def test_a_review_is_visible_at_once(command, image):
    before = command("demo", image, "--json").json
    command("review", before["imageId"], "--withdraw", "--reason", "A phantom, no patient.")

    after = command("demo", image, "--json").json

    assert (before["status"], after["status"], after["verified"]) == ("abstained", "withdrawn", True)
    assert [each["name"] for each in after["transactions"]] == ["registerWithDiagnosis", "reviewDiagnosis"]


def test_without_an_image_a_phantom_is_drawn_on_the_chain_that_runs(scanproof):
    own = load(scanproof.environ, env_file=None)
    signer = KeyFileSigner(own.classifier_key_file, chain_id=own.chain_id)
    with embedded.running(own, classifier=signer.address, prepare=complete_registration) as chain:
        result = scanproof("demo")
        assert result.status == 0, result.stderr
        assert result.stdout.splitlines()[-1] == "Every check passed."
        assert f"contract {chain.deployment.address}" in result.stderr
        assert "The image is a drawing: a model's output for it means nothing." in result.stderr


def test_an_image_that_was_registered_before_gets_its_diagnosis(scanproof, image):
    own = load(scanproof.environ, env_file=None)
    with embedded.running(own, classifier=USER.address) as chain:
        DevelopmentWallet(own.rpc_url, chain.deployment.address, USER).register_image(cid_of(image.read_bytes()))

    result = scanproof("demo", image, "--json")

    assert (result.status, result.json["verified"]) == (0, True)
    assert [each["name"] for each in result.json["transactions"]] == ["registerImage", "recordDiagnosis"]


def test_settings_that_cost_money_are_left_alone(scanproof, image):
    result = scanproof(
        "demo",
        image,
        "--json",
        SCANPROOF_CHAIN="external",
        SCANPROOF_RPC_URL="http://127.0.0.1:9/key",
        SCANPROOF_CHAIN_ID="1",
        SCANPROOF_CONTRACT_ADDRESS=USER.address,
    )

    assert (result.status, result.json["verified"]) == (0, True)
    assert "the demo runs on embedded ones in" in result.stderr


@pytest.mark.parametrize("command", ["demo", "classify"])
def test_what_is_no_image_is_reported(scanproof, tmp_path, command):
    file = tmp_path / "text.png"
    file.write_text("not an image")
    result = scanproof(command, file, "--json")

    assert (result.status, result.json["error"]["type"]) == (1, "UnsupportedImage")


def test_classify_gives_what_the_record_says_and_ignores_metadata(scanproof, image, tmp_path):
    plain = scanproof("classify", image, "--json")
    tagged = tmp_path / "tagged.png"
    exif = Image.Exif()
    exif[0x010E] = "somebody's name"
    content = io.BytesIO()
    Image.open(image).save(content, "PNG", exif=exif)
    tagged.write_bytes(content.getvalue())

    assert plain.status == 0
    assert plain.json.keys() == {"label", "confidence", "probabilities", "abstained", "reason", "outline", "model"}
    assert scanproof("classify", tagged, "--json").json == plain.json
    assert plain.json["model"] in [
        {key: model[key] for key in ("name", "version", "sha256")}
        for model in scanproof("models", "--json").json["models"]
    ]


def test_a_dicom_file_is_recorded_like_any_image(scanproof, tmp_path):
    slice_ = np.asarray(Image.radial_gradient("L")).astype(np.uint16) * 9
    named, unnamed = tmp_path / "named.dcm", tmp_path / "unnamed.dcm"
    named.write_bytes(dicom(slice_, PatientName="Doe^Jane"))
    unnamed.write_bytes(deidentified(named.read_bytes()))

    result = scanproof("demo", unnamed, "--json")
    assert (result.status, result.json["verified"]) == (0, True)
    assert result.json["cid"] == cid_of(unnamed.read_bytes())

    refused = scanproof("demo", named, "--json")
    assert (refused.status, refused.json["error"]["type"]) == (1, "IdentifiersLeft")
    assert "Doe" not in refused.stdout + refused.stderr
