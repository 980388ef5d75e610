"""`scanproof data`; what it computes is tested with `ml`."""

from __future__ import annotations

import pytest
from PIL import Image


@pytest.fixture
def folder(tmp_path):
    pictures = {
        "Training/glioma/a.png": Image.linear_gradient("L"),
        "Testing/glioma/b.png": Image.radial_gradient("L"),
        "Training/x\x1b[1m/c.png": Image.effect_mandelbrot((256, 256), (-2.0, -1.5, 1.0, 1.5), 50),
    }
    for name, picture in pictures.items():
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        picture.save(tmp_path / "data" / name)
    return tmp_path / "data"


def test_without_a_folder_the_public_sets_are_listed(scanproof):
    sets = scanproof("data", "--json").json["sets"]
    in_words = scanproof("data").stdout

    assert [each["name"] for each in sets] == [
        "BreakHis",
        "Brain Tumor MRI Dataset",
        "figshare brain tumor dataset",
    ]
    for each in sets:
        assert each["licence"] in in_words
        assert each["address"] in in_words


def test_a_good_folder(scanproof, folder, tmp_path):
    as_json = scanproof("data", folder, "--output", tmp_path / "chart.png", "--json")
    in_words = scanproof("data", folder)

    assert (as_json.status, in_words.status) == (0, 0)
    assert as_json.json["labels"] == {"glioma": 2, "x\x1b[1m": 1}
    assert as_json.json["splits"] == {"test": 1, "train": 2}
    assert as_json.json["sizes"] == {"256x256": 3}
    assert all(check["passed"] for check in as_json.json["checks"])
    assert Image.open(tmp_path / "chart.png").format == "PNG"
    lines = [line.split() for line in in_words.stdout.splitlines()]
    assert ["Class", "train", "test", "images"] in lines
    assert ["glioma", "1", "1", "2", "█" * 30, "66.7%"] in lines
    assert ["x\\x1b[1m", "1", "0", "1", "█" * 15, "33.3%"] in lines
    assert ["All", "2", "1", "3"] in lines
    assert "passed  every file is an image: 0 damaged\n" in in_words.stdout


def test_a_folder_with_faults_fails(scanproof, folder):
    Image.linear_gradient("L").rotate(90).save(folder / "Testing/glioma/copy.png")
    (folder / "Testing/glioma/empty.png").write_bytes(b"")

    as_json = scanproof("data", folder, "--json")
    in_words = scanproof("data", folder)

    assert (as_json.status, in_words.status) == (1, 1)
    assert [check["passed"] for check in as_json.json["checks"]] == [False, True, False, True]
    assert as_json.json["unreadable"][0]["path"] == "Testing/glioma/empty.png"
    assert as_json.json["duplicates_across_splits"] == [["Testing/glioma/copy.png", "Training/glioma/a.png"]]
    assert (
        "FAILED  no near-duplicates lie in two splits: 1 sets: copy.png (glioma, test) = a.png (glioma, train)\n"
        in in_words.stdout
    )


def test_a_folder_that_is_none_of_the_three(scanproof, tmp_path):
    result = scanproof("data", tmp_path, "--json")

    assert result.status == 2
    assert "expected a manifest.csv, the BreakHis tree, or <label>/<image>" in result.json["error"]["message"]
