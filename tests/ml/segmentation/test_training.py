"""A small U-Net learns to outline drawn discs, from a manifest to a bundle that serves."""

from __future__ import annotations

import csv
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from ml.bundle.bundle import Bundle, load_bundle
from ml.bundle.litert import LiteRtNetwork
from ml.datasets import of_split
from ml.errors import BundleError, ImageError, MlError, WrongChoice
from ml.evaluation.evaluate_model import evaluate
from ml.inference.registry import Registry
from ml.segmentation.data import load_masked, read_masked_manifest
from ml.segmentation.evaluation import dice
from ml.segmentation.overlay import outline_overlay
from ml.segmentation.segmenter import Segmentation, Segmenter
from ml.training.choices import Choices
from ml.training.specifications import TUMOUR_OUTLINE
from ml.training.train_model import train

SIZE, WIDTH = 32, 0.25
TINY = replace(TUMOUR_OUTLINE, input_size=SIZE, preprocessing=f"grey-crop-pad-{SIZE}-v1")


def scan(seed: int, size: int = 96) -> tuple[Image.Image, Image.Image]:
    """A grey head with a bright disc somewhere in it, and the disc's mask."""
    generator = np.random.default_rng(seed)
    image = Image.fromarray(generator.integers(0, 20, (size, size), np.uint8))
    mask = Image.new("1", (size, size))
    ImageDraw.Draw(image).ellipse((2, 2, size - 3, size - 3), 90)
    x, y = generator.integers(size // 4, size // 2, 2)
    where = (x, y, x + size // 4, y + size // 4)
    ImageDraw.Draw(image).ellipse(where, 220)
    ImageDraw.Draw(mask).ellipse(where, 1)
    return image, mask


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    with (folder / "manifest.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["split", "image", "mask", "label", "block"])
        for number in range(48):
            image, mask = scan(number)
            image.save(folder / f"{number}.png")
            mask.save(folder / f"{number}m.png")
            split = "train" if number < 32 else "val" if number < 40 else "test"
            rows.writerow([split, f"{number}.png", f"{number}m.png", ("glioma", "pituitary")[number % 2], split])
    return folder


@dataclass(frozen=True, slots=True)
class Learned:
    bundle: Bundle
    folder: Path
    first_dice: float
    last_dice: float


@pytest.fixture(scope="module")
def learned(drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> Learned:
    """A bundle of a tiny network that was trained for a few seconds."""
    keras = pytest.importorskip("keras", reason="TensorFlow is a development dependency")
    from ml.networks.unet import build_unet
    from ml.segmentation.fitting import SegmentationRecipe, fit
    from ml.segmentation.packaging import package

    samples = read_masked_manifest(drawn)
    images = {split: load_masked(of_split(samples, split), SIZE) for split in ("train", "val")}
    recipe = SegmentationRecipe(epochs=30, cycles=1, batch_size=8, learning_rate=1e-2, averaging=0.5, seed=3)
    # Else the weights that it begins with would depend on the tests before.
    keras.utils.set_random_seed(recipe.seed)
    network = build_unet(SIZE, encoder_width=WIDTH, dropout=0.0)
    history = fit(network, images["train"], images["val"], recipe)
    folder = tmp_path_factory.mktemp("models") / TINY.name
    folder.mkdir()
    bundle = package(TINY, network, recipe, samples, images["val"], folder)
    return Learned(bundle, folder, history["dice"][0], history["dice"][-1])


@pytest.fixture(scope="module")
def segmenter(learned: Learned) -> Segmenter:
    return Segmenter(learned.bundle)


def test_agreement_rises(learned: Learned) -> None:
    assert learned.last_dice > max(0.6, learned.first_dice + 0.2)


def test_the_bundle_is_whole_and_opens_as_what_it_is(learned: Learned) -> None:
    assert load_bundle(learned.folder).sha256 == learned.bundle.sha256
    model = Registry(learned.folder.parent).get(TINY.name)
    assert isinstance(model, Segmenter)
    metadata = learned.bundle.metadata
    assert (metadata.kind, metadata.labels, metadata.abstention) == ("segmentation", ("tumour",), None)
    assert 0.3 <= metadata.mask_threshold <= 0.7


def test_figures_and_card_cover_test_and_val(learned: Learned) -> None:
    metrics = learned.bundle.metrics
    assert (metrics["test"]["images"], metrics["val"]["images"]) == (8, 8)
    assert metrics["test"]["dice"] > 0.6
    assert metrics["test"]["by_label"].keys() == {"glioma", "pituitary"}
    for line in ("| mean Dice |", "| mean Dice of the threshold method |", "| test | images | mean Dice |"):
        assert line in learned.bundle.card


def test_an_unseen_disc_is_outlined_where_it_is(segmenter: Segmenter) -> None:
    image, mask = scan(1000, 200)
    truth = np.asarray(mask)
    found = segmenter.predict(image)
    assert found.mask.shape == truth.shape
    assert dice(found.mask, truth) > 0.6
    assert found.pixels == found.mask.sum()
    assert 0.01 < found.share < 0.2
    assert found.probability >= segmenter.bundle.metadata.mask_threshold


@pytest.mark.parametrize("size", [(96, 96), (200, 160), (131, 77), (2000, 1500)])
def test_polygons_mask_and_layer_agree_in_pixels_of_the_original(segmenter: Segmenter, size: tuple[int, int]) -> None:
    found = segmenter.predict(scan(7, 96)[0].resize(size))
    assert found.size == size
    assert max(found.mask.shape) == min(512, max(size))
    filled = Image.new("1", size)
    for contour in found.contours:
        ImageDraw.Draw(filled).polygon([(x - 0.5, y - 0.5) for x, y in contour], 1)
    mask = np.asarray(Image.fromarray(found.mask).resize(size))
    assert dice(np.asarray(filled), mask) > 0.9
    assert abs(found.pixels - mask.sum()) <= 0.05 * mask.sum()
    layer = np.asarray(Image.open(BytesIO(outline_overlay(found))))
    assert layer.shape == (*found.mask.shape, 4)
    assert layer[..., 3][found.mask].min() > 0
    assert (layer[..., 3] > 0).sum() < 2 * found.mask.sum() + 200


def test_a_turned_image_has_its_outline_turned(segmenter: Segmenter) -> None:
    image, _ = scan(21)
    turned = segmenter.predict(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    assert dice(turned.mask[:, ::-1], segmenter.predict(image).mask) > 0.95


def test_the_same_bytes_give_the_same_outline_from_any_thread(segmenter: Segmenter) -> None:
    images = [scan(number)[0] for number in (50, 51, 52)] * 3
    alone = [same(segmenter.predict(image)) for image in images]
    with ThreadPoolExecutor(4) as pool:
        assert [same(found) for found in pool.map(segmenter.predict, images)] == alone


def same(found: Segmentation) -> tuple[object, ...]:
    return (found.mask.tobytes(), found.contours, found.pixels, found.share, found.probability)


@pytest.mark.parametrize("image", [Image.new("L", (1, 1)), Image.new("L", (500, 3), 255), Image.new("RGB", (64, 64))])
def test_a_plain_or_tiny_image_gives_defined_numbers(segmenter: Segmenter, image: Image.Image) -> None:
    found = segmenter.predict(image)
    assert found.mask.dtype == bool
    assert 0 <= found.share <= 1 and 0 <= found.probability <= 1
    assert all(0 <= x <= image.width and 0 <= y <= image.height for contour in found.contours for x, y in contour)


def test_a_damaged_file_is_refused(segmenter: Segmenter) -> None:
    file = BytesIO()
    scan(1)[0].save(file, "PNG")
    with pytest.raises(ImageError, match=r"^expected a complete image file, found damaged data: "):
        segmenter.predict(file.getvalue()[:-200])


@pytest.mark.parametrize("threshold", [None, 0.0, 1.0])
def test_a_bundle_without_a_threshold_is_refused(learned: Learned, threshold: float | None) -> None:
    metadata = replace(learned.bundle.metadata, mask_threshold=threshold)
    reason = f"^metadata.json: expected a mask_threshold above 0 and below 1, found {threshold}$"
    with pytest.raises(BundleError, match=reason):
        Segmenter(replace(learned.bundle, metadata=metadata))


def test_geometry_is_the_same_for_image_and_mask() -> None:
    tensorflow = pytest.importorskip("tensorflow", reason="TensorFlow is a development dependency")
    from ml.segmentation.augmentation import augment

    masks = np.zeros((16, 64, 64, 1), np.float32)
    masks[:, 20:35, 25:45] = 1
    tensorflow.random.set_seed(1)
    pixels, changed = (
        np.asarray(each) for each in augment(tensorflow.constant(masks * 0.6), tensorflow.constant(masks))
    )
    moved = [dice(after[..., 0] > 0.5, masks[0, ..., 0] > 0.5) for after in changed]
    assert min(moved) < 0.8
    assert min(dice(p[..., 0] > 0.3, m[..., 0] > 0.5) for p, m in zip(pixels, changed, strict=True)) > 0.85


def test_the_command_trains_writes_and_measures(drawn: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorflow", reason="TensorFlow is a development dependency")
    run = tmp_path / "run"
    result = train(TINY.name, drawn, tmp_path / TINY.name, Choices(size=SIZE, epochs=1, run=run))
    assert (result["name"], result["metrics"]["test"]["images"]) == (TINY.name, 8)
    assert not any(run.rglob("*.h5"))
    measured = evaluate(TINY.name, drawn, "test", Registry(tmp_path))
    assert measured["model"]["sha256"] == result["sha256"]
    assert measured["dice"] == result["metrics"]["test"]["dice"]


def test_without_val_nothing_is_trained(drawn: Path, tmp_path: Path) -> None:
    for path in drawn.glob("*.png"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    rows = (drawn / "manifest.csv").read_text().splitlines(keepends=True)
    (tmp_path / "manifest.csv").write_text("".join(row for row in rows if not row.startswith("val")))
    with pytest.raises(MlError, match=r"^expected rows of the split 'val', found the splits test, train$"):
        train(TINY.name, tmp_path, tmp_path / "bundle")


@pytest.mark.parametrize("size", [16, 100])
def test_a_size_that_the_network_cannot_halve_is_refused(drawn: Path, tmp_path: Path, size: int) -> None:
    with pytest.raises(WrongChoice, match=f"size must be a multiple of 16, at least 32, found {size}$"):
        train(TINY.name, drawn, tmp_path / "new", Choices(size=size))
    assert not (tmp_path / "new").exists()


def test_training_goes_on_from_a_bundle(learned: Learned) -> None:
    pytest.importorskip("tensorflow", reason="TensorFlow is a development dependency")
    from ml.networks.unet import build_unet

    again = build_unet(SIZE, learned.folder / "weights.npz", encoder_width=WIDTH)
    pixels = np.random.default_rng(1).random((1, SIZE, SIZE, 1), np.float32)
    logits = np.asarray(again(pixels, training=False))[0, ..., 0]
    assert logits == pytest.approx(LiteRtNetwork(learned.bundle.model)(pixels).logits[..., 0], abs=0.05)


def test_the_encoder_starts_from_weights_for_colour_images(tmp_path: Path) -> None:
    keras = pytest.importorskip("keras", reason="TensorFlow is a development dependency")
    from ml.networks.unet import build_unet

    colour = keras.applications.MobileNet((SIZE, SIZE, 3), alpha=WIDTH, include_top=False, weights=None)
    colour.save_weights(tmp_path / "mobilenet.weights.h5")
    network = build_unet(SIZE, tmp_path / "mobilenet.weights.h5", encoder_width=WIDTH)
    # Grey repeated in three colours gives what the grey network makes of it.
    grey = np.random.default_rng(1).random((1, SIZE, SIZE, 1), np.float32)
    own, given = (
        np.asarray(keras.Model(model.input, model.get_layer("conv_pw_11_relu").output)(pixels))
        for model, pixels in ((network, grey), (colour, np.repeat(2 * grey - 1, 3, axis=-1)))
    )
    # Untrained weights make small numbers.
    assert own / given.max() == pytest.approx(given / given.max(), abs=1e-3)
    with pytest.raises(MlError, match="expected weights of mobilenet"):
        build_unet(SIZE, tmp_path / "mobilenet.weights.h5", encoder_width=2 * WIDTH)
