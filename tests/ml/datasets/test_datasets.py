from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.datasets import load_resized, load_samples, load_through, of_split, read_image, read_manifest
from ml.datasets.manifest import MAX_MANIFEST_BYTES
from ml.datasets.samples import MAX_FILE_BYTES
from ml.errors import ImageError, MlError

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
    with pytest.raises(MlError) as caught:
        read_manifest(tmp_path, LABELS)
    assert str(caught.value) == f"{tmp_path / 'manifest.csv'}: there is no such file"


def test_a_missing_column(folder: Path) -> None:
    with pytest.raises(MlError, match="expected the columns path and label, label missing"):
        read_manifest(write(folder, "a.png", header="path"), LABELS)


def test_no_rows(folder: Path) -> None:
    with pytest.raises(MlError, match="expected at least one row, found none"):
        read_manifest(write(folder), LABELS)


def test_a_manifest_that_is_no_text(folder: Path) -> None:
    (folder / "manifest.csv").write_bytes(b"path,label\n\xff\xfe\x00")
    with pytest.raises(MlError, match="cannot be read"):
        read_manifest(folder, LABELS)


def test_an_unknown_label(folder: Path) -> None:
    with pytest.raises(MlError) as caught:
        read_manifest(write(folder, "train,a.png,healthy,1"), LABELS)
    assert str(caught.value) == "expected one of the labels glioma, notumor, found 'healthy'"


def test_a_missing_file(folder: Path) -> None:
    with pytest.raises(MlError) as caught:
        read_manifest(write(folder, "train,d.png,glioma,1"), LABELS)
    assert str(caught.value) == f"the manifest names {folder / 'd.png'}, but there is no such file"


def test_a_path_must_stay_in_the_folder(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "x.png"
    (folder / "a.png").replace(outside)
    with pytest.raises(MlError, match=f"the manifest names {outside}, but"):
        read_manifest(write(folder, f"train,{outside},glioma,1"), LABELS)


def test_a_group_in_two_splits(folder: Path) -> None:
    with pytest.raises(MlError) as caught:
        read_manifest(write(folder, "train,a.png,glioma,7", "val,b.png,glioma,7"), LABELS)
    assert str(caught.value) == "group 7 must lie in one split, found it in train, val"


def test_a_split_that_is_not_there(folder: Path) -> None:
    samples = read_manifest(write(folder, "train,a.png,glioma,1", "val,b.png,glioma,2"), LABELS)
    with pytest.raises(MlError) as caught:
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
    with pytest.raises(ImageError) as caught:
        load_samples(samples, LABELS, 32)
    assert str(folder / "b.png") in str(caught.value)


def test_the_public_manifest_keeps_groups_in_one_split(data: Path) -> None:
    samples = read_manifest(data / "brain-mri", ("glioma", "meningioma", "notumor", "pituitary"))
    assert {split: len(of_split(samples, split)) for split in ("train", "val", "test")} == {
        "train": 4336,
        "val": 784,
        "test": 796,
    }


def test_more_columns(folder: Path) -> None:
    header = "path,label,tumour_type,patient_case,magnification,fold"
    (sample,) = read_manifest(write(folder, "a.png,notumor,DC,12312,100,4", header=header), LABELS)
    assert (sample.group, sample.fold, sample.tumour_type, sample.magnification) == ("12312", "4", "DC", "100")
    assert (sample.split, sample.part) == ("", "fold 4")


def test_images_with_masks_in_blocks(folder: Path) -> None:
    (sample,) = read_manifest(write(folder, "val,a.png,b.png,glioma,7", header="split,image,mask,label,block"), LABELS)
    assert (sample.path.name, sample.group, sample.part) == ("a.png", "7", "val")


def test_without_given_labels_every_label_is_taken(folder: Path) -> None:
    (sample,) = read_manifest(write(folder, "a.png,healthy", header="path,label"))
    assert sample.label == "healthy"


@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbfpath,label\na.png,glioma\n",
        b"path,label\r\na.png,glioma\r\n",
        b"path,label\ra.png,glioma",
        b"path, label\na.png, glioma\n\n",
        b'"path","label"\n"a.png","glioma"\n',
    ],
)
def test_spreadsheets_write_it_their_way(folder: Path, text: bytes) -> None:
    (folder / "manifest.csv").write_bytes(text)
    (sample,) = read_manifest(folder, LABELS)
    assert (sample.path.name, sample.label) == ("a.png", "glioma")


def test_a_row_without_a_label(folder: Path) -> None:
    with pytest.raises(MlError) as caught:
        read_manifest(write(folder, "a.png,x", "b.png", header="path,label"))
    assert str(caught.value) == f"{folder / 'manifest.csv'}: line 3 has no label"


@pytest.mark.parametrize("again", ["a.png,glioma", "./a.png,notumor", "link.png,glioma"])
def test_a_file_in_two_rows(folder: Path, again: str) -> None:
    (folder / "link.png").symlink_to(folder / "a.png")
    with pytest.raises(MlError, match="line 3 names the file of line 2 again"):
        read_manifest(write(folder, "a.png,glioma", again, header="path,label"), LABELS)


def test_a_link_out_of_the_folder(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "x.png"
    (folder / "a.png").replace(outside)
    (folder / "a.png").symlink_to(outside)
    with pytest.raises(MlError, match=r"the manifest names .*a\.png, but"):
        read_manifest(write(folder, "a.png,glioma", header="path,label"), LABELS)


@pytest.mark.parametrize("path", ["", ".", "x" * 5000, "a\0.png", "../a.png"])
def test_odd_paths(folder: Path, path: str) -> None:
    with pytest.raises(MlError, match=r"but there is no such file|cannot be read"):
        read_manifest(write(folder, f"{path},glioma", header="path,label"), LABELS)


def test_a_manifest_that_is_too_large(folder: Path) -> None:
    with (folder / "manifest.csv").open("wb") as file:
        file.truncate(MAX_MANIFEST_BYTES + 1)
    with pytest.raises(MlError, match=r"expected at most 67,108,864 bytes, found 67,108,865"):
        read_manifest(folder, LABELS)


def test_a_cell_that_is_too_large(folder: Path) -> None:
    with pytest.raises(MlError, match="cannot be read: field larger than field limit"):
        read_manifest(write(folder, "x" * 200_000 + ",glioma", header="path,label"), LABELS)


def test_an_empty_image_is_named(folder: Path) -> None:
    (folder / "b.png").write_bytes(b"")
    samples = read_manifest(write(folder, "a.png,glioma", "b.png,glioma", header="path,label"), LABELS)
    with pytest.raises(ImageError, match=r"b\.png: .*found 0 bytes"):
        load_samples(samples, LABELS, 32)


def test_a_file_that_is_too_large_is_not_read(folder: Path) -> None:
    with (folder / "b.png").open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    with pytest.raises(ImageError, match=r"b\.png: .*File too large"):
        read_image(folder / "b.png")


@pytest.mark.parametrize("channels", [1, 3])
def test_whole_images_are_resized_as_the_sources_did(folder: Path, head: Image.Image, channels: int) -> None:
    Image.merge("RGB", (head, head, Image.new("L", head.size))).save(folder / "a.png")
    samples = read_manifest(write(folder, "a.png,notumor", header="path,label"), LABELS)
    images = load_resized(samples, LABELS, (24, 20, channels))
    assert images.pixels.shape == (1, 24, 20, channels)
    assert 0 <= images.pixels.min() < images.pixels.max() <= 1
    if channels == 3:
        assert np.allclose(images.pixels[0, ..., 0], np.asarray(head.resize((20, 24), 2)) / 255, atol=1e-6)
        assert not images.pixels[0, ..., 2].any()


def test_loading_takes_any_preparation_but_no_unknown_label(folder: Path) -> None:
    samples = read_manifest(write(folder, "a.png,notumor", "b.png,glioma", header="path,label"))
    images = load_through(samples, LABELS, lambda image: np.array([image.width, image.height], np.float32))
    assert images.pixels.tolist() == [[200, 240], [200, 240]]
    with pytest.raises(MlError, match="expected one of the labels glioma, found 'notumor'"):
        load_through(samples, ("glioma",), np.asarray)
