"""The committed vectors, to which the page's own classification is held, are what ml computes."""

from __future__ import annotations

import json

import pytest

from tests.ml import device_vectors

_FLOATS = ("colourfulness", "logits", "confidence", "probabilities", "oodScore")
_FROM_FLOATS = ("features", "maps", "overlay")
"""Another processor adds in another order."""


def test_the_committed_vectors_are_what_ml_computes(tmp_path) -> None:
    device_vectors.main(["--output", str(tmp_path / "vectors.json")])
    made, committed = (json.loads(path.read_text()) for path in (tmp_path / "vectors.json", device_vectors.VECTORS))

    assert [exact(each) for each in made] == [exact(each) for each in committed]
    for one, other in zip(made, committed, strict=True):
        for name in _FLOATS:
            values = {**one, **one["answer"]}[name], {**other, **other["answer"]}[name]
            assert values[0] == pytest.approx(values[1], abs=1e-4), one["name"]


def exact(vector: dict) -> dict:
    own = {name: value for name, value in vector.items() if name not in (*_FLOATS, "answer")}
    return own | {name: value for name, value in vector["answer"].items() if name not in (*_FLOATS, *_FROM_FLOATS)}


def test_the_images_of_a_folder_become_vectors_too(tmp_path, capsys) -> None:
    (tmp_path / "notes.txt").write_text("no image")
    device_vectors.drawn().__next__()[1].save(tmp_path / "head.png")

    device_vectors.main(["--images", str(tmp_path), "--output", str(tmp_path / "vectors.json")])

    (found,) = json.loads((tmp_path / "vectors.json").read_text())
    assert (found["name"], found["width"]) == ("head.png", 128)
    assert capsys.readouterr().out.startswith("notes.txt is left out: expected a PNG")
