from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.datasets import load_samples, of_split, read_manifest
from ml.errors import ImageCorrupt, ManifestFileMissing, ManifestInvalid, SplitLeak, SplitMissing, UnknownLabel

LABELS = ("glioma", "notumor")


@pytest.fixture
def folder(tmp_path: Path, head: Image.Image) -> Path:
    for name in ("a.png", "b.png", "c.png"):
        head.save(tmp_path / name)
    return tmp_path


def write(folder: Path, *rows: str, header: str = "split,path,label,group") -> Path:
    (folder / "manifest.csv").write_text("\n".join([header, *rows]) + "\n")
    return folder


def test_rows_become_samples(folder: Path) -> None:
    samples = read_manifest(write(folder, "train,a.png,glioma,1", "test,b.png,notumor,2"), LABELS)
    assert [(s.path.name, s.label, s.split, s.group) for s in samples] == [
        ("a.png", "glioma", "train", "1"),
        ("b.png", "notumor", "test", "2"),
    ]


def test_path_and_label_are_enough(folder: Path) -> None:
    (sample,) = read_manifest(write(folder, "a.png,glioma", header="path,label"), LABELS)
    assert (sample.split, sample.group) == ("", "")


def test_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(ManifestInvalid) as caught:
        read_manifest(tmp_path, LABELS)
    assert str(caught.value) == f"{tmp_path / 'manifest.csv'}: there is no such file"


def test_a_missing_column(folder: Path) -> None:
    with pytest.raises(ManifestInvalid, match="expected the columns path and label, label missing"):
        read_manifest(write(folder, "a.png", header="path"), LABELS)


def test_no_rows(folder: Path) -> None:
    with pytest.raises(ManifestInvalid, match="expected at least one row, found none"):
        read_manifest(write(folder), LABELS)


def test_a_manifest_that_is_no_text(folder: Path) -> None:
    (folder / "manifest.csv").write_bytes(b"path,label\n\xff\xfe\x00")
    with pytest.raises(ManifestInvalid, match="cannot be read"):
        read_manifest(folder, LABELS)


def test_an_unknown_label(folder: Path) -> None:
    with pytest.raises(UnknownLabel) as caught:
        read_manifest(write(folder, "train,a.png,healthy,1"), LABELS)
    assert str(caught.value) == "expected one of the labels glioma, notumor, found 'healthy'"


def test_a_missing_file(folder: Path) -> None:
    with pytest.raises(ManifestFileMissing) as caught:
        read_manifest(write(folder, "train,d.png,glioma,1"), LABELS)
    assert str(caught.value) == f"the manifest names {folder / 'd.png'}, but there is no such file"


def test_a_path_must_stay_in_the_folder(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "x.png"
    (folder / "a.png").replace(outside)
    with pytest.raises(ManifestFileMissing):
        read_manifest(write(folder, f"train,{outside},glioma,1"), LABELS)


def test_a_group_in_two_splits(folder: Path) -> None:
    with pytest.raises(SplitLeak) as caught:
        read_manifest(write(folder, "train,a.png,glioma,7", "val,b.png,glioma,7"), LABELS)
    assert str(caught.value) == "group 7 must lie in one split, found it in train, val"


def test_a_split_that_is_not_there(folder: Path) -> None:
    samples = read_manifest(write(folder, "train,a.png,glioma,1", "val,b.png,glioma,2"), LABELS)
    with pytest.raises(SplitMissing) as caught:
        of_split(samples, "test")
    assert str(caught.value) == "expected rows of the split 'test', found the splits train, val"


def test_samples_are_loaded_in_order(folder: Path) -> None:
    samples = read_manifest(write(folder, "train,a.png,notumor,1", "train,b.png,glioma,2"), LABELS)
    images = load_samples(samples, LABELS, 32)
    assert images.pixels.shape == (2, 32, 32, 1)
    assert images.labels.tolist() == [1, 0]
    assert np.array_equal(images.pixels[0], images.pixels[1])


def test_a_corrupt_image_is_named(folder: Path) -> None:
    (folder / "b.png").write_bytes((folder / "b.png").read_bytes()[:-400])
    samples = read_manifest(write(folder, "train,b.png,glioma,1"), LABELS)
    with pytest.raises(ImageCorrupt) as caught:
        load_samples(samples, LABELS, 32)
    assert str(folder / "b.png") in str(caught.value)


def test_the_public_manifest_keeps_groups_in_one_split(data: Path) -> None:
    samples = read_manifest(data / "brain-mri", ("glioma", "meningioma", "notumor", "pituitary"))
    assert {split: len(of_split(samples, split)) for split in ("train", "val", "test")} == {
        "train": 4336,
        "val": 784,
        "test": 796,
    }
