"""``--frame`` chooses a picture of a file that has several."""

from __future__ import annotations

import gzip
from pathlib import Path

import nibabel
import numpy as np
import pytest

from ml.datasets.phantom import phantom_png
from tests.backend.adapters.images.conftest import opened
from tests.backend.commands.conftest import CommandLine
from tests.dicoms import dicom

HEAD = np.asarray(opened(phantom_png(256)).convert("L"))
EMPTY = np.zeros_like(HEAD)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """The drawing of a head as the second of two pictures, and alone."""
    volume = np.stack([EMPTY, HEAD])[:, ::-1, ::-1].transpose(2, 1, 0)
    image = nibabel.Nifti1Image(volume, np.eye(4))
    image.header["cal_max"] = 255
    contents = {
        "frames.dcm": dicom(np.stack([EMPTY, HEAD]), PatientName="Doe^Jane"),
        "volume.nii.gz": gzip.compress(image.to_bytes()),
        "head.png": phantom_png(256),
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return {name: tmp_path / name for name in contents}


@pytest.mark.parametrize("name", ["frames.dcm", "volume.nii.gz"])
def test_the_named_picture_is_classified(scanproof: CommandLine, files: dict[str, Path], name: str) -> None:
    expected = scanproof("classify", files["head.png"], "--json").json
    answer = scanproof("classify", files[name], "--frame", "2", "--json").json
    assert (answer["label"], answer["probabilities"]) == (expected["label"], expected["probabilities"])


@pytest.mark.parametrize("command", ["classify", "analyse"])
@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "{path} has 2 pictures: name one with --frame, from 1 to 2"),
        (("--frame", "3"), "argument --frame: expected a whole number from 1 to 2, found 3"),
    ],
)
def test_a_picture_has_to_be_named(
    scanproof: CommandLine, files: dict[str, Path], command: str, words: tuple[str, ...], message: str
) -> None:
    path = files["volume.nii.gz"]
    result = scanproof(command, path, *words, "--json")
    assert (result.status, result.json["error"]["type"]) == (2, "WrongUse")
    assert result.json["error"]["message"] == message.format(path=path)
