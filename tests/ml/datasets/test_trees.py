from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from ml.datasets import Sample, read_samples
from ml.errors import MlError

BREAST = "BreaKHis_v1/histology_slides/breast"


def add(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.linear_gradient("L").resize((4, 4)).save(folder / name, format="PNG")
    return folder


def test_the_public_breakhis_tree(tmp_path: Path) -> None:
    add(
        tmp_path,
        f"{BREAST}/benign/SOB/adenosis/SOB_B_A_14-22549AB/40X/SOB_B_A-14-22549AB-40-001.png",
        f"{BREAST}/benign/SOB/adenosis/SOB_B_A_14-22549CD/200X/SOB_B_A-14-22549CD-200-012.png",
        f"{BREAST}/benign/SOB/phyllodes_tumor/SOB_B_PT_14-29315EF/100X/SOB_B_PT-14-29315EF-100-001.png",
        f"{BREAST}/malignant/SOB/ductal_carcinoma/SOB_M_DC_14-13412/400X/SOB_M_DC-14-13412-400-001.png",
        f"{BREAST}/malignant/SOB/lobular_carcinoma/SOB_M_LC_14-13412/40X/SOB_M_LC-14-13412-40-001.png",
        f"{BREAST}/malignant/SOB/papillary_carcinoma/SOB_M_PC_15-190EF/100X/SOB_M_PC-15-190EF-100-007.png",
    )
    (tmp_path / BREAST / "README.txt").write_text("not an image")

    found = [(s.label, s.tumour_type, s.group, s.magnification) for s in read_samples(tmp_path)]

    assert found == [
        ("benign", "A", "22549", "40"),
        ("benign", "A", "22549", "200"),
        ("benign", "PT", "29315", "100"),
        ("malignant", "DC", "13412", "400"),
        ("malignant", "LC", "13412", "40"),
        ("malignant", "PC", "190", "100"),
    ]
    assert read_samples(tmp_path / "BreaKHis_v1/histology_slides")[0].group == "22549"


@pytest.mark.parametrize(
    "name",
    [
        "SOB_B_DC-14-22549AB-40-001.png",
        "SOB_B_A-14-22549AB-50-001.png",
        "SOB_B_A-14-22549AB-40.png",
        "SOB_B_A-14-\u0662-40-001.png",
        "copy of SOB_B_A-14-22549AB-40-001.png",
    ],
)
def test_a_breakhis_name_that_does_not_parse(tmp_path: Path, name: str) -> None:
    add(tmp_path, "SOB_M_DC-14-13412-40-001.png", name)
    with pytest.raises(MlError) as caught:
        read_samples(tmp_path)
    assert str(caught.value) == f"{tmp_path / name}: expected a name such as SOB_B_A-14-22549AB-40-001.png"


def test_a_breakhis_image_in_the_other_classs_folder(tmp_path: Path) -> None:
    name = "breast/benign/SOB_M_DC-14-13412-40-001.png"
    with pytest.raises(MlError) as caught:
        read_samples(add(tmp_path, name))
    assert str(caught.value) == f"{tmp_path / name}: the name says malignant, the folder benign"


def test_the_names_of_the_real_images_say_what_the_manifest_says(data: Path) -> None:
    listed = read_samples(data / "breakhis-100x")
    read = {s.path: s for part in ("benign", "malignant") for s in read_samples(data / "breakhis-100x" / part)}
    fields = ("label", "group", "tumour_type", "magnification")

    assert len(read) == len(listed) == 312
    assert all(getattr(read[s.path], field) == getattr(s, field) for s in listed for field in fields)


def test_a_folder_a_class(tmp_path: Path) -> None:
    add(
        tmp_path,
        "glioma/b.jpg",
        "glioma/a.PNG",
        "no tumour/x.tif",
        ".hidden/x.png",
        "glioma/._a.png",
        "__MACOSX/a/x.png",
    )
    assert read_samples(tmp_path, ("glioma", "no tumour")) == [
        Sample(tmp_path / "glioma/a.PNG", "glioma"),
        Sample(tmp_path / "glioma/b.jpg", "glioma"),
        Sample(tmp_path / "no tumour/x.tif", "no tumour"),
    ]


def test_splits_and_in_them_a_folder_a_class(tmp_path: Path) -> None:
    add(tmp_path, "Training/glioma/a.jpg", "valid/glioma/c.jpg", "Testing/notumor/b.jpg")
    assert {(s.split, s.label) for s in read_samples(tmp_path)} == {
        ("train", "glioma"),
        ("val", "glioma"),
        ("test", "notumor"),
    }


@pytest.mark.parametrize("name", ["a.png", "archive/Training/glioma/a.png", "Training/a.png", "glioma/more/a.png"])
def test_images_elsewhere(tmp_path: Path, name: str) -> None:
    with pytest.raises(MlError) as caught:
        read_samples(add(tmp_path, name))
    assert str(caught.value) == (
        f"{tmp_path}: expected a manifest.csv, the BreakHis tree, or <label>/<image> or <split>/<label>/<image>; "
        f"found {name}"
    )


def test_no_image_at_all(tmp_path: Path) -> None:
    (tmp_path / "glioma").mkdir()
    with pytest.raises(MlError, match=r"found no image$"):
        read_samples(tmp_path)


def test_a_folder_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(MlError, match=r"cannot be read: .*gone"):
        read_samples(tmp_path / "gone")


@pytest.mark.parametrize("name", ["glioma/a.png", "SOB_B_A-14-22549AB-40-001.png"])
def test_a_label_that_was_not_asked_for(tmp_path: Path, name: str) -> None:
    with pytest.raises(MlError, match="expected one of the labels meningioma, malignant, found "):
        read_samples(add(tmp_path, name), ("meningioma", "malignant"))


@pytest.mark.parametrize("name", ["glioma/b.png", "notumor"])
def test_links_are_refused(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    outside = add(tmp_path_factory.mktemp("outside"), "x.png")
    add(tmp_path, "glioma/a.png")
    (tmp_path / name).symlink_to(outside / "x.png" if name.endswith("png") else outside)
    with pytest.raises(MlError) as caught:
        read_samples(tmp_path)
    assert str(caught.value) == f"expected files and folders, found the link {tmp_path / name}"


def test_a_manifest_comes_first(tmp_path: Path) -> None:
    add(tmp_path, "glioma/a.png", "glioma/b.png")
    (tmp_path / "manifest.csv").write_text("path,label,split,group\nglioma/a.png,x,train,1\nglioma/b.png,x,test,1\n")
    assert [(s.label, s.split, s.group) for s in read_samples(tmp_path)] == [("x", "train", "1"), ("x", "test", "1")]
