"""Every network by name: its input, its source, and how to build it. The table is read without TensorFlow.

Each takes ``pixels``, float32 (N, H, W, C) in [0, 1], and returns ``logits`` without activation: (N, 1) for two
classes, else (N, classes). Layer ``feature_map`` (N, h, w, D) is the map that explains a result; ``features`` is the
input of the head, so that all layers up to it run once where the backbone is frozen.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ml.bundle.files import weights_file
from ml.bundle.kinds import resolve
from ml.errors import WrongChoice
from ml.networks.saved_models import saved_layers

if TYPE_CHECKING:
    import keras

    from ml.networks.weights import Weights

IMAGENET = "imagenet"
"""In place of a file of weights: those that Keras publishes, which it downloads."""

WEIGHT_FILES = (".h5", ".keras", ".npz")
_HDF5 = b"\x89HDF\r\n\x1a\n"
SMALLEST_SIDE = 16
"""Pixels a side of the least input that anything is trained on."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """``source`` is S1 to S5, the systems that ScanProof unites, or "ScanProof".

    ``input_shape`` (H, W, C) is the source's, ``smallest_side`` the least H and W that its layers or its published
    weights allow. ``builder`` is "module:name" of ``(input_shape, classes, weights=None)``, which makes the network.
    ``parameters`` are the numbers of all and of trained ones that the source states for its own classes, if any.
    ``frozen_backbone``: the layers up to ``feature_map`` are not trained. ``imagenet``: Keras publishes ImageNet
    weights of it or of its backbone. ``flattens``: its weights fit one size of images only."""

    name: str
    source: str
    input_shape: tuple[int, int, int]
    builder: str
    parameters: tuple[int, int] | None = None
    frozen_backbone: bool = False
    imagenet: bool = False
    smallest_side: int = SMALLEST_SIDE
    flattens: bool = False

    def check(self, side: int, weights: Weights) -> None:
        """Raises WrongChoice where an input of ``side`` pixels is too small, no such ``weights`` are published, or they
        are a file that is damaged or, as far as its names tell, of another network."""
        if side < self.smallest_side:
            raise WrongChoice(f"expected at least {self.smallest_side} pixels a side for {self.name}, found {side}")
        if weights == IMAGENET and not self.imagenet:
            known = ", ".join(name for name, each in ZOO.items() if each.imagenet)
            raise WrongChoice(
                f"expected a file of weights or none: no ImageNet weights of {self.name} are published, only of {known}"
            )
        if weights not in (None, IMAGENET) and not Path(weights).is_dir():
            self._check_file(weights_file(Path(weights)))

    def _check_file(self, path: Path) -> None:
        if path.suffix not in WEIGHT_FILES:
            raise WrongChoice(f"{path}: expected a file that ends in {', '.join(WEIGHT_FILES)}")
        expected = f"{path}: expected weights of {self.name}"
        is_whole = _is_hdf5 if path.suffix == ".h5" else zipfile.is_zipfile
        if not is_whole(path):
            raise WrongChoice(f"{expected}: the file is damaged, or of another format than its name says")
        try:
            table, found = _names_in(path)
        except ValueError as exc:
            raise WrongChoice(f"{expected}: {exc}") from exc
        if found not in (None, table[self.name]):
            others = [name for name, digest in table.items() if digest == found]
            raise WrongChoice(f"{expected}: found those of {others[0] if others else 'another network'}")


def names_digest(names: Iterable[str]) -> str:
    """The first eight digits of the SHA-256 of the sorted names."""
    return hashlib.sha256(" ".join(sorted(names)).encode()).hexdigest()[:8]


def _names_in(path: Path) -> tuple[dict[str, str], str | None]:
    """The table that has a file of this kind, and the file's digest; None for a file of weights without names. Raises
    ValueError."""
    if path.suffix != ".npz":
        layers = saved_layers(path)
        return LAYERS_OF_FILES, None if layers is None else names_digest(layers)
    with zipfile.ZipFile(path) as archive:
        return NAMES_OF_WEIGHTS, names_digest(name.removesuffix(".npy") for name in archive.namelist())


def _is_hdf5(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_HDF5)) == _HDF5


def _pretrained(
    name: str, source: str, builder: str, parameters: tuple[int, int] | None = None, *, smallest_side: int = 32
) -> Architecture:
    """A head on a frozen backbone, for which Keras publishes ImageNet weights."""
    return Architecture(
        name,
        source,
        (224, 224, 3),
        builder,
        parameters,
        frozen_backbone=True,
        imagenet=True,
        smallest_side=smallest_side,
    )


_ARCHITECTURES = (
    Architecture(
        "basecnn",
        "S1",
        (224, 224, 3),
        "ml.networks.basecnn:build_basecnn",
        parameters=(89_485, 89_479),
        smallest_side=22,
    ),
    _pretrained("mobilenetv3small", "S1", "ml.networks.mobilenet:build_mobilenetv3small", (1_103_345, 164_225)),
    _pretrained("efficientnetb0", "S1", "ml.networks.efficientnet:build_efficientnetb0", (4_385_764, 336_193)),
    _pretrained("vgg16", "S1", "ml.networks.vgg:build_vgg16", (14_854_273, 139_585)),
    _pretrained("resnet50v2", "S1", "ml.networks.resnet:build_resnet50v2", (24_097_601, 532_801)),
    _pretrained("vgg19", "S2", "ml.networks.vgg:build_vgg19"),
    _pretrained("inceptionv3", "S2", "ml.networks.inception:build_inceptionv3", smallest_side=75),
    Architecture(
        "xception",
        "S3",
        (256, 256, 3),
        "ml.networks.xception:build_xception",
        parameters=(27_415_884, 27_361_256),
        imagenet=True,
        smallest_side=71,
        flattens=True,
    ),
    Architecture(
        "alexnet",
        "S3",
        (256, 256, 3),
        "ml.networks.alexnet:build_alexnet",
        smallest_side=67,
        flattens=True,
    ),
    Architecture(
        "densenet121",
        "S3",
        (256, 256, 3),
        "ml.networks.densenet:build_densenet121",
        imagenet=True,
        smallest_side=32,
    ),
    Architecture(
        "resnet18",
        "S3",
        (256, 256, 3),
        "ml.networks.resnet:build_resnet18",
    ),
    Architecture(
        "googlenet",
        "S3",
        (256, 256, 3),
        "ml.networks.inception:build_googlenet",
    ),
    Architecture(
        "cnn_a",
        "S4",
        (64, 64, 1),
        "ml.networks.cnn_ab:build_cnn_a",
        smallest_side=32,
        flattens=True,
    ),
    Architecture(
        "cnn_b",
        "S4",
        (200, 200, 1),
        "ml.networks.cnn_ab:build_cnn_b",
        parameters=(2_663_844, 2_663_012),
        flattens=True,
    ),
    Architecture(
        "logistic",
        "S5",
        (128, 128, 1),
        "ml.networks.logistic:build_logistic",
    ),
    _pretrained("mobilenet", "ScanProof", "ml.networks.mobilenet:build_mobilenet"),
    Architecture(
        "mobile_compact",
        "ScanProof",
        (128, 128, 1),
        "ml.networks.mobilenet:build_mobile_compact",
        imagenet=True,
        smallest_side=32,
    ),
    Architecture(
        "lite_compact",
        "ScanProof",
        (128, 128, 1),
        "ml.networks.efficientnet:build_lite_compact",
    ),
    Architecture(
        "compact_residual",
        "ScanProof",
        (128, 128, 1),
        "ml.networks.compact_residual:build_compact",
    ),
)
BATCH_NORM_MOMENTUM = 0.9
"""Keras's default of 0.99 needs hundreds of batches until the statistics fit; these data sets have few an epoch."""

ZOO: dict[str, Architecture] = {architecture.name: architecture for architecture in _ARCHITECTURES}

NAMES_OF_WEIGHTS = {
    "basecnn": "968d6ad2",
    "mobilenetv3small": "5042a843",
    "efficientnetb0": "e080163d",
    "vgg16": "35314c07",
    "resnet50v2": "07a2ed81",
    "vgg19": "8c9e5dbe",
    "inceptionv3": "91e90a74",
    "xception": "c38a71d1",
    "alexnet": "3bef6c45",
    "densenet121": "d6673280",
    "resnet18": "003760f5",
    "googlenet": "243161cf",
    "cnn_a": "ffe22161",
    "cnn_b": "57a9fdf9",
    "logistic": "cb47a327",
    "mobilenet": "7b5b5699",
    "mobile_compact": "1a502034",
    "lite_compact": "3ba7fd61",
    "compact_residual": "bfda751a",
}
"""``names_digest`` of the weights of each network, which tells whose an archive is before TensorFlow is loaded."""

LAYERS_OF_FILES = {
    "basecnn": "882afde1",
    "mobilenetv3small": "a49114ee",
    "efficientnetb0": "af392f68",
    "vgg16": "bc9deb22",
    "resnet50v2": "b9985866",
    "vgg19": "90459749",
    "inceptionv3": "f9a8fd33",
    "xception": "0b9c060c",
    "alexnet": "3a5bf589",
    "densenet121": "7398edc2",
    "resnet18": "076737be",
    "googlenet": "6573fa3a",
    "cnn_a": "3d8f832c",
    "cnn_b": "ab9b59b7",
    "logistic": "e3197281",
    "mobilenet": "fade1eee",
    "mobile_compact": "fade1eee",
    "lite_compact": "91ed78bc",
    "compact_residual": "5e04485b",
}
"""``names_digest`` of the layers that ``saved_layers`` finds in a saved model: those of the backbone, or of the network
where there is none."""


def architecture(name: str) -> Architecture:
    """The architecture ``name``. Raises WrongChoice where there is none."""
    if name not in ZOO:
        raise WrongChoice(f"expected one of the networks {', '.join(ZOO)}, found {name!r}")
    return ZOO[name]


def build(
    name: str, classes: int, input_shape: tuple[int, int, int] | None = None, weights: Weights = None
) -> keras.Model:
    """The network ``name`` for ``classes`` classes, at its source's input shape unless another is given.

    ``weights`` is None (random), "imagenet" (downloaded by Keras, for networks with an ImageNet backbone) or a file:
    ``.h5`` or ``.keras`` for the backbone (for the whole network where there is none), ``.npz`` for a whole network.

    Raises:
        WrongChoice: there is no such network, no such file, or no ImageNet weights of the network; the input is too
            small for it; or the file is of another kind, damaged, or of another network.

    Example:
        >>> build("basecnn", 2).output_shape
        (None, 1)
    """
    chosen = architecture(name)
    shape = input_shape or chosen.input_shape
    chosen.check(min(shape[:2]), weights)

    import keras

    network: keras.Model = resolve(chosen.builder)(shape, classes, weights)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable:
            layer.momentum = min(layer.momentum, BATCH_NORM_MOMENTUM)
    return network
