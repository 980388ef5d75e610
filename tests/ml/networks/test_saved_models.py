"""The architecture in a file of another network or of hostile content, read without TensorFlow."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

h5py = pytest.importorskip("h5py", reason="TensorFlow, which brings h5py, is a development dependency")

from ml.errors import WrongChoice  # noqa: E402
from ml.networks import saved_models  # noqa: E402
from ml.networks.saved_models import saved_layers  # noqa: E402
from ml.networks.zoo import architecture  # noqa: E402


def layer(kind: str, name: str, **options: Any) -> dict[str, Any]:
    return {"class_name": kind, "config": {"name": name, **options}}


MODEL = layer(
    "Functional",
    "mine",
    layers=[
        layer("InputLayer", "pixels"),
        layer("Functional", "inner", layers=[layer("Conv2D", "first", filters=8, kernel_size=[3, 3]), 7]),
        layer("Dense", "hidden", units=16),
        layer("Dense", "logits", units=4),
    ],
)
FOUND = ["Conv2D [8, null, [3, 3]]", "Dense [null, 16, null]"]


def keras_file(path: Path, config: bytes, name: str = "config.json") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, config)
    return path


def hdf5_file(path: Path, config: object) -> Path:
    with h5py.File(path, "w") as file:
        file.create_group("layers")
        if config is not None:
            file.attrs["model_config"] = config
    return path


def test_the_layers_with_weights_are_found_within_models_too(tmp_path: Path) -> None:
    text = json.dumps(MODEL)
    assert sorted(saved_layers(keras_file(tmp_path / "a.keras", text.encode())) or []) == FOUND
    assert sorted(saved_layers(hdf5_file(tmp_path / "a.h5", text)) or []) == FOUND
    assert sorted(saved_layers(hdf5_file(tmp_path / "b.h5", np.bytes_(text))) or []) == FOUND


@pytest.mark.parametrize("config", [None, 7])
def test_a_file_of_weights_alone_names_no_layers(tmp_path: Path, config: object) -> None:
    assert saved_layers(hdf5_file(tmp_path / "a.h5", config)) is None


@pytest.mark.parametrize("config", [b"[]", b"7", b'{"config": 7}', b'{"config": {"layers": {"a": 1}}}'])
def test_what_is_no_model_has_no_layers(tmp_path: Path, config: bytes) -> None:
    assert saved_layers(keras_file(tmp_path / "a.keras", config)) == []


@pytest.mark.parametrize("config", [b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_refused(tmp_path: Path, config: bytes) -> None:
    with pytest.raises(ValueError):
        saved_layers(keras_file(tmp_path / "a.keras", config))
    with pytest.raises(WrongChoice, match="expected weights of basecnn: "):
        architecture("basecnn").check(64, tmp_path / "a.keras")


def test_an_architecture_without_end_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_models, "MAX_CONFIG_BYTES", 1000)
    for file in (
        keras_file(tmp_path / "a.keras", bytes(100_000)),
        hdf5_file(tmp_path / "a.h5", np.bytes_(b"x" * 2000)),
    ):
        with pytest.raises(ValueError, match=r"^expected an architecture of at most 1,000 bytes, found a longer one$"):
            saved_layers(file)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^expected a model that Keras saved: "):
        saved_layers(keras_file(tmp_path / "a.keras", b"{}", name="other.json"))
    whole = hdf5_file(tmp_path / "a.h5", json.dumps(MODEL)).read_bytes()
    (tmp_path / "a.h5").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"^expected an HDF5 file: "):
        saved_layers(tmp_path / "a.h5")


@pytest.mark.parametrize("suffix", ["h5", "keras"])
def test_a_model_of_another_network_is_refused_without_tensorflow(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"other.{suffix}"
    if suffix == "h5":
        hdf5_file(path, json.dumps(MODEL))
    else:
        keras_file(path, json.dumps(MODEL).encode())
    program = (
        "import sys\n"
        "from ml.errors import WrongChoice\n"
        "from ml.networks.zoo import build\n"
        "try:\n"
        "    build('basecnn', 3, (64, 64, 3), weights=sys.argv[1])\n"
        "except WrongChoice as error:\n"
        "    print(error, 'tensorflow' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=True)
    assert done.stdout == f"{path}: expected weights of basecnn: found those of another network False\n"
