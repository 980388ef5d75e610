"""The commands that call `ml`; what they compute is tested there."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from PIL import Image


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    Image.radial_gradient("L").save(folder / "a.png")
    Image.linear_gradient("L").save(folder / "b.png")
    (folder / "manifest.csv").write_text("split,path,label\ntest,a.png,glioma\nval,b.png,notumor\n")
    return folder


def test_the_models_are_listed(scanproof):
    (model, *_) = scanproof("models", "--json").json["models"]
    in_words = scanproof("models").stdout

    assert model["name"] == "brain-mri"
    assert [label["label"] for label in model["classes"]] == ["glioma", "meningioma", "notumor", "pituitary"]
    assert (model["kind"], model["weak"]) == ("classifier", None)
    assert f"brain-mri {model['version']}  classifier, brain-mri\n" in in_words
    assert f"  sha256  {model['sha256']}" in in_words


def test_a_model_is_measured(scanproof, data):
    as_json = scanproof("evaluate", "--model", "brain-mri", "--data", data, "--json")
    in_words = scanproof("evaluate", "--model", "brain-mri", "--data", data, "--split", "test")

    assert (as_json.status, as_json.json["images"]) == (0, 2)
    assert in_words.status == 0
    assert "Images              1 of the split test\n" in in_words.stdout
    assert "ROC-AUC             undefined: no such images\n" in in_words.stdout


def test_a_model_that_outlines_is_measured_on_masks(scanproof, tmp_path):
    Image.radial_gradient("L").save(tmp_path / "a.png")
    Image.new("1", (256, 256), 1).save(tmp_path / "mask.png")
    (tmp_path / "manifest.csv").write_text("split,image,mask,label,block\ntest,a.png,mask.png,glioma,1\n")
    result = scanproof("evaluate", "--model", "tumour-outline", "--data", tmp_path)

    assert (result.status, result.stderr) == (0, "")
    assert "Mean Dice " in result.stdout
    assert "Tumour              mean Dice  median     IoU  images\n" in result.stdout


def test_a_model_is_measured_without_copies(scanproof, data):
    without = scanproof("evaluate", "--model", "brain-mri", "--data", data, "--split", "test", "--apart-from", "val")
    nothing = scanproof("evaluate", "--model", "brain-mri", "--data", data, "--apart-from", "test,val", "--json")

    assert without.status == 0
    assert "Images              1 of the split test, without near-duplicates in val\n" in without.stdout
    assert (nothing.status, nothing.json["error"]["type"]) == (1, "MlError")


@pytest.mark.parametrize("option", ["--split", "--apart-from"])
def test_a_split_that_the_data_lack_is_wrong_use(scanproof, data, option):
    result = scanproof("evaluate", "--model", "brain-mri", "--data", data, option, "nonsense", "--json")

    assert (result.status, result.json["error"]["type"]) == (2, "WrongUse")
    assert result.json["error"]["message"].startswith("expected rows of the split 'nonsense', found the splits ")


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ("path,label\na.png,nonsense\n", "expected one of the labels "),
        ("path,label\nmissing.png,glioma\n", "the manifest names "),
        ("a,b\n", "expected the columns path and label"),
    ],
)
def test_wrong_data_are_wrong_use(scanproof, data, manifest, message):
    (data / "manifest.csv").write_text(manifest)
    result = scanproof("evaluate", "--model", "brain-mri", "--data", data, "--json")

    assert result.status == 2
    assert message in result.json["error"]["message"]


def test_the_classifiers_address_is_that_of_its_key(scanproof):
    first = scanproof("classifier", "--json").json

    assert scanproof("classifier").stdout == first["address"] + "\n"
    assert stat.S_IMODE(Path(first["keyFile"]).stat().st_mode) == 0o600
