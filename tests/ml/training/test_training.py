"""One short training run on drawn images, from a manifest to a bundle that serves."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from PIL import Image

from ml.bundle.bundle import load_bundle
from ml.datasets import read_manifest
from ml.datasets.phantom import phantom_png
from ml.errors import MlError, WrongChoice
from ml.evaluation.evaluate_model import evaluate
from ml.inference.registry import BUNDLES, Registry
from ml.inference.single_network import Predictor
from ml.preprocessing.grey_image import preprocess
from ml.preprocessing.images import decode_image
from ml.training.choices import Choices, chosen_recipe, chosen_specification
from ml.training.specifications import BRAIN_MRI, LITE_LICENCE, MOBILENET_LICENCE, OTHER_LICENCE, SPECIFICATIONS
from ml.training.train_model import initial_network, train
from tests.ml.bundles import unpacked
from tests.ml.pictures import write_collection


@dataclass(frozen=True, slots=True)
class Trained:
    output: Path
    result: dict[str, Any]
    printed: str


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """48 phantoms; the class decides where a bright square lies."""
    pictures = []
    for number in range(48):
        place = number % 4
        image = decode_image(phantom_png(128, number)).copy()
        image.paste(255, (30 + 40 * (place % 2), 30 + 40 * (place // 2), 54 + 40 * (place % 2), 54 + 40 * (place // 2)))
        split = ("train", "train", "train", "train", "val", "test")[number // 8]
        pictures.append((split, BRAIN_MRI.labels[place], number, image))
    return write_collection(tmp_path_factory.mktemp("drawn"), pictures)


@pytest.fixture(scope="module")
def trained(drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    pytest.importorskip("tensorflow", reason="TensorFlow is a development dependency")
    output = tmp_path_factory.mktemp("models") / "brain-mri"
    with redirect_stdout(io.StringIO()) as printed:
        result = train(
            "brain-mri", drawn, output, Choices(recipe="finetune", epochs=2, seed=3), {"scan": [drawn / "0.png"]}
        )
    return Trained(output, result, printed.getvalue())


def test_standard_output_is_left_to_the_result(trained: Trained) -> None:
    assert trained.printed == ""


def test_the_bundle_loads_under_the_name_that_was_returned(trained: Trained) -> None:
    bundle = load_bundle(trained.output)
    assert (bundle.metadata.name, bundle.metadata.version, bundle.sha256) == (
        trained.result["name"],
        trained.result["version"],
        trained.result["sha256"],
    )
    assert bundle.metadata.training["epochs"] == 2
    assert bundle.metadata.training["seed"] == 3


def test_nothing_else_is_left_beside_the_bundle(trained: Trained) -> None:
    assert [path.name for path in trained.output.parent.iterdir()] == ["brain-mri"]


def test_val_and_test_are_measured(trained: Trained) -> None:
    assert (trained.result["metrics"]["val"]["images"], trained.result["metrics"]["test"]["images"]) == (8, 8)
    assert trained.result["metrics"]["outliers"]["scan"]["images"] == 1
    assert set(trained.result["metrics"]["shortcuts"]) == {"centre_only", "outline_only", "image_size_alone"}


def test_the_card_has_the_figures(trained: Trained) -> None:
    accuracy = trained.result["metrics"]["test"]["accuracy"]
    assert f"| accuracy | {100 * accuracy:.1f} % (" in load_bundle(trained.output).card


def test_served_and_trained_networks_agree(trained: Trained, drawn: Path) -> None:
    from ml.networks.zoo import build
    from ml.training.export import inference_model

    shape = (BRAIN_MRI.input_size, BRAIN_MRI.input_size, BRAIN_MRI.channels)
    network = build(BRAIN_MRI.architecture, len(BRAIN_MRI.classes), shape, trained.output / "weights.npz")
    serving = inference_model(network)
    served = Predictor(load_bundle(trained.output)).network
    for number in range(4):
        pixels = preprocess(Image.open(drawn / f"{number}.png"), BRAIN_MRI.input_size).pixels
        expected = {name: np.asarray(value)[0] for name, value in serving(pixels, training=False).items()}
        found = served(pixels)
        for name, values in expected.items():
            assert getattr(found, name) == pytest.approx(values, abs=0.02), name


def test_activation_maps_are_the_weighted_feature_maps() -> None:
    keras = pytest.importorskip("keras", reason="TensorFlow is a development dependency")
    from ml.networks.compact_residual import build_compact_residual
    from ml.training.export import inference_model

    keras.utils.set_random_seed(11)
    network = build_compact_residual(32, 3, widths=(4, 8), blocks=(1,))
    pixels = np.random.default_rng(2).random((2, 32, 32, 1), np.float32)
    feature_map = keras.Model(network.input, network.get_layer("feature_map").output)(pixels)
    kernel, bias = network.get_layer("logits").get_weights()
    outputs = inference_model(network)(pixels)
    assert np.asarray(outputs["activation_maps"]) == pytest.approx(np.asarray(feature_map) @ kernel + bias, abs=1e-5)
    assert np.asarray(outputs["activation_maps"]).mean(axis=(1, 2)) == pytest.approx(
        np.asarray(outputs["logits"]), abs=1e-5
    )
    assert outputs["features"].shape == (2, 8)


def test_other_weights_give_another_activation_map() -> None:
    keras = pytest.importorskip("keras", reason="TensorFlow is a development dependency")
    from ml.networks.compact_residual import build_compact_residual
    from ml.training.export import inference_model

    pixels = np.random.default_rng(2).random((1, 32, 32, 1), np.float32)
    maps = []
    for seed in (1, 2):
        keras.utils.set_random_seed(seed)
        maps.append(np.asarray(inference_model(build_compact_residual(32, 3, (4, 8), (1,)))(pixels)["activation_maps"]))
    assert np.abs(np.corrcoef(maps[0].ravel(), maps[1].ravel())[0, 1]) < 0.9


def test_evaluation_of_a_trained_model_repeats_its_figures(trained: Trained, drawn: Path) -> None:
    figures = evaluate("brain-mri", drawn, "test", Registry(trained.output.parent))
    assert figures["model"]["sha256"] == trained.result["sha256"]
    repeated = {name: figures[name] for name in trained.result["metrics"]["test"]}
    assert json.loads(json.dumps(repeated)) == trained.result["metrics"]["test"]


def test_evaluation_without_a_split_takes_every_row(trained: Trained, drawn: Path) -> None:
    assert evaluate("brain-mri", drawn, registry=Registry(trained.output.parent))["images"] == 48


def test_evaluation_of_a_split_that_is_not_there(drawn: Path) -> None:
    with pytest.raises(WrongChoice, match="expected rows of the split 'holdout'"):
        evaluate("brain-mri", drawn, "holdout")


def test_any_network_of_the_zoo_at_any_size(drawn: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorflow", reason="TensorFlow is a development dependency")
    reported: list[str] = []
    choices = Choices(architecture="cnn_a", recipe="s4", size=32, epochs=1, run=tmp_path / "run", version="0.3.0")
    train("brain-mri", drawn, tmp_path / "bundle", choices, report=reported.append)
    metadata = load_bundle(tmp_path / "bundle").metadata
    assert (metadata.name, metadata.version, metadata.architecture) == ("brain-mri-cnn-a", "0.3.0", "cnn_a")
    assert metadata.data.startswith("A collection that nothing is known of")
    assert (metadata.input_size, metadata.preprocessing) == (32, "grey-crop-pad-32-v1")
    assert metadata.licence == "MIT; weights trained from nothing"
    assert (metadata.training["optimizer"], metadata.training["augmentation"]) == ("rmsprop", "none")
    assert len(reported) == 1
    assert reported[0].startswith("WARNING: images for training and testing overlap: 48 images; near-duplicates: ")
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["tensorboard"]
    start = replace(choices, start=str(tmp_path / "bundle"))
    assert chosen_specification("brain-mri", start).input_size == 32
    with pytest.raises(WrongChoice, match=r"of the network cnn_a \(pixels a side: 64, .*, found .*: 32, "):
        chosen_specification("brain-mri", replace(start, size=64))


def test_training_goes_on_from_a_bundle(trained: Trained) -> None:
    from ml.networks.weights import weights_to_bytes

    choices = Choices(start=str(trained.output), size=32)
    weights = (trained.output / "weights.npz").read_bytes()
    recipe = chosen_recipe(choices)
    assert recipe.start == hashlib.sha256(weights).hexdigest()
    network = initial_network(chosen_specification("brain-mri", choices), recipe, choices)
    assert network.input_shape == (None, 32, 32, 1)
    with np.load(io.BytesIO(weights_to_bytes(network))) as found, np.load(io.BytesIO(weights)) as expected:
        assert all((found[name] == expected[name]).all() for name in expected.files)


@pytest.mark.parametrize(
    ("choices", "licence"),
    [
        (Choices(), "MIT; weights trained from nothing"),
        (Choices(start="imagenet"), MOBILENET_LICENCE),
        (Choices(start="mobilenet.weights.h5"), MOBILENET_LICENCE),
        (Choices(start="mine.npz"), OTHER_LICENCE),
        (Choices(start="lite0.weights.h5", architecture="lite_compact"), LITE_LICENCE),
        (Choices(start="imagenet", architecture="vgg16"), OTHER_LICENCE),
    ],
)
def test_the_licence_follows_from_where_the_weights_begin(
    choices: Choices, licence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (unpacked("brain-mri-mobile", tmp_path / "bundle") / "weights.npz").rename("mine.npz")
    for name in ("mobilenet.weights.h5", "lite0.weights.h5"):
        h5py.File(name, "w").close()
    assert chosen_specification("brain-mri", choices).licence == licence


@pytest.mark.parametrize(
    ("name", "licence"),
    [
        ("brain-mri-mobile", MOBILENET_LICENCE),
        ("brain-mri-128", "MIT (weights trained from scratch by this project)"),
    ],
)
def test_a_network_that_goes_on_from_a_bundle_keeps_its_licence(name: str, licence: str, tmp_path: Path) -> None:
    start = unpacked(name, tmp_path / name)
    choices = Choices(start=str(start), architecture=load_bundle(start).metadata.architecture)
    assert chosen_specification("brain-mri", choices).licence == licence


@pytest.mark.parametrize("name", ["brain-mri-128", "modality-gate"])
def test_a_bundle_of_another_network_is_refused_before_an_image_is_read(name: str, tmp_path: Path) -> None:
    start = BUNDLES / name if name == "modality-gate" else unpacked(name, tmp_path / name)
    with pytest.raises(
        WrongChoice, match=r"expected a bundle of the network mobile_compact \(channels: 1, classes: 4\)"
    ):
        train("brain-mri", tmp_path / "no images", tmp_path / "new", Choices(start=str(start)))


def test_what_starts_from_nothing_of_others_keeps_its_licence() -> None:
    for model in ("breast-histology", "modality-gate"):
        assert chosen_specification(model, Choices()).licence == SPECIFICATIONS[model].licence


def test_a_bundle_has_the_name_that_is_chosen() -> None:
    choices = Choices(name="ward-7", version="2.0.0", architecture="logistic")
    found = chosen_specification("brain-mri", choices)
    assert (found.name, found.version, found.architecture) == ("ward-7", "2.0.0", "logistic")


def test_weights_that_are_not_there_are_refused(drawn: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorflow", reason="TensorFlow is a development dependency")
    with pytest.raises(WrongChoice, match="expected a file of weights at "):
        train("brain-mri", drawn, tmp_path / "new", Choices(start=str(tmp_path / "lost.npz")))


def test_a_choice_that_would_change_nothing_is_refused(drawn: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorflow", reason="TensorFlow is a development dependency")
    with pytest.raises(WrongChoice) as caught:
        train("tumour-outline", drawn, tmp_path / "new", Choices(recipe="source"))
    assert str(caught.value) == (
        "tumour-outline has a training of its own, which leaves only epochs, seed, size, start to choose, found recipe"
    )


def test_an_unknown_model_is_refused(drawn: Path, tmp_path: Path) -> None:
    with pytest.raises(WrongChoice) as caught:
        train("knee-mri", drawn, tmp_path / "new")
    assert str(caught.value) == f"expected one of the models {', '.join(SPECIFICATIONS)}, found 'knee-mri'"


def test_a_folder_with_files_is_not_overwritten(drawn: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(MlError) as caught:
        train("brain-mri", drawn, tmp_path)
    assert str(caught.value) == f"expected a new or empty folder, found files in {tmp_path}"


def test_training_needs_val(drawn: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "0.png").write_bytes((drawn / "0.png").read_bytes())
    (folder / "manifest.csv").write_text("path,label,split\n0.png,glioma,train\n")
    assert len(read_manifest(folder, BRAIN_MRI.labels)) == 1
    with pytest.raises(MlError, match="expected rows of the split 'val'"):
        train("brain-mri", folder, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_what_is_checked_before_a_training_needs_no_tensorflow() -> None:
    """Importing it takes seconds, which a run that is refused shall not cost."""
    modules = ("train_model", "build_ensemble", "join_networks", "search_recipe")
    code = "".join(f"import ml.training.{name}\n" for name in modules) + "import sys\nprint('keras' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3], capture_output=True, text=True)
    assert (found.stdout, found.returncode) == ("False\n", 0), found.stderr
