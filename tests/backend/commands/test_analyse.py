"""``scanproof analyse``; what it computes is tested in ``ml``."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from ml.datasets.phantom import phantom_png


@pytest.fixture
def scan(tmp_path):
    path = tmp_path / "scan.png"
    path.write_bytes(phantom_png(128))
    return path


def test_figures_and_pictures(scanproof, scan, tmp_path):
    folder = tmp_path / "deep" / "steps"
    done = scanproof("analyse", scan, "--output", folder, "--json")

    assert done.status == 0
    names = [step["name"] for step in done.json["steps"]]
    assert (names[0], names[-1], len(names)) == ("original", "region", 8)
    assert [step["picture"] for step in done.json["steps"]] == [
        str(folder / f"{place}-{name}.png") for place, name in enumerate(names, 1)
    ]
    for step in done.json["steps"]:
        Image.open(io.BytesIO((folder / step["picture"]).read_bytes())).load()


def test_in_words_the_outline_is_no_finding(scanproof, scan):
    done = scanproof("analyse", scan)

    assert done.status == 0
    assert "Correlation " in done.stdout
    assert "The outline is the result of a threshold, not a finding. For research; not for diagnosis." in done.stdout


def test_what_cannot_be_read_or_written_is_reported(scanproof, scan, tmp_path):
    (tmp_path / "note.txt").write_text("no image")
    unreadable = scanproof("analyse", tmp_path / "note.txt", "--json")
    unwritable = scanproof("analyse", scan, "--output", tmp_path / "note.txt", "--json")

    assert (unreadable.status, unreadable.json["error"]["type"]) == (1, "UnsupportedImage")
    assert (unwritable.status, unwritable.json["error"]["type"]) == (2, "WrongUse")
    assert "expected a directory: " in unwritable.json["error"]["message"]
