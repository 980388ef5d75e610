from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ml.bundle.bundle import canonical_listing, load_bundle, seal_bundle
from ml.bundle.detector import MahalanobisDetector
from ml.bundle.procedures import FAMILIES
from ml.errors import BundleError
from ml.inference.registry import BUNDLES
from ml.inference.single_network import Predictor
from tests.ml.bundles import unpacked

SHIPPED = BUNDLES / "brain-mri"
FILES = ("card.md", "detector.npz", "metadata.json", "metrics.json", "model.tflite", "weights.npz")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A bundle with all that one can hold."""
    return unpacked("brain-mri-mobile", tmp_path / "brain-mri")


def change_metadata(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "metadata.json"
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))
    seal_bundle(folder)


def test_the_shipped_bundle_holds_these_files_and_stays_small() -> None:
    sizes = {path.name: path.stat().st_size for path in SHIPPED.iterdir()}
    assert sizes.keys() == {*FILES, "SHA256SUMS"} - {"weights.npz"}
    assert sum(sizes.values()) <= 5_000_000


def test_the_identity_is_the_hash_of_the_listing() -> None:
    listing = (SHIPPED / "SHA256SUMS").read_bytes()
    assert load_bundle(SHIPPED).sha256 == hashlib.sha256(listing).hexdigest()


def test_the_listing_can_be_checked_by_hand() -> None:
    checked = subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=SHIPPED, check=False)
    assert checked.returncode == 0


def test_the_listing_is_sorted_whatever_the_order_of_the_files() -> None:
    assert canonical_listing({"b": b"", "a": b"x"}) == canonical_listing({"a": b"x", "b": b""})
    assert canonical_listing({"a": b"x"}) == f"{hashlib.sha256(b'x').hexdigest()}  a\n".encode()


def test_codes_on_chain() -> None:
    classes = load_bundle(SHIPPED).metadata.classes
    assert {info.label: info.code for info in classes} == {"glioma": 1, "meningioma": 2, "notumor": 3, "pituitary": 4}


@pytest.mark.parametrize("name", FILES)
def test_one_flipped_byte_in_any_file_is_refused(folder: Path, name: str) -> None:
    content = bytearray((folder / name).read_bytes())
    expected = hashlib.sha256(content).hexdigest()
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(BundleError) as caught:
        load_bundle(folder)
    found = hashlib.sha256(content).hexdigest()
    assert str(caught.value) == f"{folder / name}: expected SHA-256 {expected}, found {found}"


@pytest.mark.parametrize("position", [0, 70, -1])
def test_a_flipped_byte_in_the_listing_is_refused(folder: Path, position: int) -> None:
    content = bytearray((folder / "SHA256SUMS").read_bytes())
    content[position] ^= 1
    (folder / "SHA256SUMS").write_bytes(content)
    with pytest.raises(BundleError, match=r"expected SHA-256|the bundle lacks|is not listed in"):
        load_bundle(folder)


@pytest.mark.parametrize(
    "change", [lambda lines: lines[::-1], lambda lines: [*lines, lines[0]], lambda lines: [*lines, ""]]
)
def test_a_listing_in_another_form_is_refused(folder: Path, change: Callable[[list[str]], list[str]]) -> None:
    lines = (folder / "SHA256SUMS").read_text().splitlines()
    (folder / "SHA256SUMS").write_text("\n".join(change(lines)) + "\n")
    with pytest.raises(BundleError) as caught:
        load_bundle(folder)
    assert str(caught.value).startswith(f"{folder / 'SHA256SUMS'}: expected SHA-256 ")


@pytest.mark.parametrize("name", [*FILES, "SHA256SUMS"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(BundleError) as caught:
        load_bundle(folder)
    assert str(caught.value) == f"the bundle lacks {folder / name}"


@pytest.mark.parametrize("name", [name for name in FILES if name != "weights.npz"])
def test_a_required_file_may_not_be_left_out_of_the_listing(folder: Path, name: str) -> None:
    (folder / name).unlink()
    seal_bundle(folder)
    with pytest.raises(BundleError) as caught:
        load_bundle(folder)
    assert str(caught.value) == f"the bundle lacks {folder / name}"


def test_a_file_beside_the_listing_is_refused(folder: Path) -> None:
    (folder / "extra.txt").write_text("?")
    with pytest.raises(BundleError) as caught:
        load_bundle(folder)
    assert str(caught.value) == f"{folder / 'extra.txt'} is not listed in the bundle's SHA256SUMS"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: v.pop("classes"), "expected the field classes, found none"),
        (lambda v: v.pop("temperature"), "missing or unknown: ['temperature']"),
        (lambda v: v.update(colour="red"), "missing or unknown: ['colour']"),
        (lambda v: v.update(temperature=0), "expected a temperature above 0, found 0"),
        *(
            (
                lambda v, splits=splits: v["training"].update(learned_from=splits),
                f"expected to have learned from train, or train and val, found {splits!r}",
            )
            for splits in (5, None, "train", [], ["val"], [["train"]], ["train", "val", "test"])
        ),
        (lambda v: v.update(temperature="1"), "expected temperature to be float, found '1'"),
        (lambda v: v.update(input_size=-1), "expected an input size above 0, found -1"),
        (
            lambda v: v.update(kind="oracle"),
            "one of the kinds classifier, ensemble, gate, segmentation, found",
        ),
        (
            lambda v: v.update(kind="segmentation"),
            "no abstention for the kind segmentation, found Abstention(",
        ),
        (lambda v: v.update(abstention=None), "expected limits of abstention for the kind classifier, found None"),
        (lambda v: v.update(channels=2), "expected 1 or 3 channels, found 2"),
        (lambda v: v.update(channels=3), "expected input_size and channels ("),
        (lambda v: v.update(input_size=64), "gives, found (64, 1)"),
        (lambda v: v.update(weak=1), "expected weak to be str | None, found 1"),
        (lambda v: v.update(classes=v["classes"][:1]), "expected at least 2 classes for the kind classifier, found 1"),
        (lambda v: v["classes"][0].update(code=0), "different codes from 1 to 65535, found [0, 2, 3, 4]"),
        (lambda v: v["classes"][0].update(code=2), "different codes from 1 to 65535, found [2, 2, 3, 4]"),
        (lambda v: v["classes"][0].update(label="abstained"), "expected different labels, none of them 'abstained'"),
        (lambda v: v["abstention"].pop("score"), "missing or unknown: ['score']"),
        (lambda v: v.update(classes="none"), "expected an object for ClassInfo, found str"),
    ],
)
def test_malformed_metadata_are_refused(folder: Path, change: Callable[[dict[str, Any]], object], message: str) -> None:
    change_metadata(folder, change)
    with pytest.raises(BundleError) as caught:
        load_bundle(folder)
    assert str(folder / "metadata.json") in str(caught.value)
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["metadata.json", "metrics.json", "detector.npz"])
@pytest.mark.parametrize("content", [b"{", b"[]", b""])
def test_files_of_another_kind_are_refused(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    seal_bundle(folder)
    with pytest.raises(BundleError, match=f"^{folder / name}: "):
        load_bundle(folder)


@pytest.mark.parametrize("name", ["other-v1", "grey-crop-pad-128-v2", "grey-crop-pad-0-v1", ""])
def test_an_unknown_preprocessing_is_refused(folder: Path, name: str) -> None:
    change_metadata(folder, lambda values: values.update(preprocessing=name))
    with pytest.raises(BundleError) as caught:
        load_bundle(folder)
    assert str(caught.value) == f"expected one of the preprocessings {', '.join(FAMILIES)}, found {name!r}"


def test_a_model_that_is_no_flatbuffer_is_refused(folder: Path) -> None:
    (folder / "model.tflite").write_bytes(b"not a model")
    seal_bundle(folder)
    with pytest.raises(BundleError, match="expected a network with pixels and logits"):
        load_bundle(folder)


def test_a_detector_that_does_not_fit_the_network_is_refused() -> None:
    bundle = load_bundle(SHIPPED)
    small = MahalanobisDetector(bundle.detector.means[:, :5], bundle.detector.whitening[:5, :5])
    with pytest.raises(BundleError, match="expected a network that fits the detector"):
        Predictor(replace(bundle, detector=small))
