"""Types of arguments that name a model, a network, a recipe or a protocol: what there is decides.

What lists the names is imported when such an argument is given, never TensorFlow.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from backend.commands.arguments import existing_file, existing_folder, names, one_of


def installed_model(text: str) -> str:
    from ml.inference.registry import Registry

    return one_of(text, Registry().names(), "installed models")


def classifying_model(text: str) -> str:
    """An installed model whose labels are diagnoses."""
    from ml.bundle.kinds import KINDS
    from ml.errors import BundleError
    from ml.inference.registry import Registry

    registry = Registry()
    identities = registry.identities()

    def classifies(name: str) -> bool:
        try:
            return KINDS[registry.documents(identities[name]).metadata.kind].classifies
        except BundleError:
            return True  # The command says why the bundle is refused.

    return one_of(text, filter(classifies, identities), "models that classify")


def is_model_id(text: str) -> bool:
    """Whether it is a SHA-256 in hex, with or without 0x."""
    return re.fullmatch(r"(0x)?[0-9a-fA-F]{64}", text) is not None


def installed_model_or_hash(text: str) -> str:
    """The name of an installed model, or the SHA-256 of any model."""
    from ml.inference.registry import Registry

    registry = Registry()
    if is_model_id(text) or text in (known := registry.names()) or text in registry.retired.names():
        return text
    expected = f"an installed model ({', '.join(known)}) or its SHA-256"
    raise argparse.ArgumentTypeError(f"expected {expected}, found {text[:80]!r}")


def members(text: str) -> list[str]:
    """Names of two or more installed or retired models."""
    from ml.inference.registry import Registry

    found = names(text)
    if len(found) < 2:
        raise argparse.ArgumentTypeError(f"expected two or more different models with commas between, found {text!r}")
    registry = Registry()
    known = sorted({*registry.names(), *registry.retired.names()})
    return [one_of(name, known, "models") for name in found]


def trained_model(text: str) -> str:
    from ml.training.specifications import SPECIFICATIONS

    return one_of(text, SPECIFICATIONS, "models")


def network(text: str) -> str:
    from ml.networks.zoo import ZOO

    return one_of(text, ZOO, "networks")


def networks(text: str) -> list[str]:
    return [network(name) for name in names(text)]


def protocols(text: str) -> list[str]:
    from ml.compare.protocols import PROTOCOLS

    return [one_of(name, PROTOCOLS, "protocols") for name in names(text)]


def recipe(text: str) -> str:
    """The name of a recipe, or a result file of ``scanproof search``."""
    from ml.errors import WrongChoice
    from ml.training.recipes import recipe_of

    try:
        recipe_of(text)
    except WrongChoice as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def bundle(text: str) -> Path:
    """The folder of a bundle, which need not be installed."""
    from ml.bundle.bundle import LISTING

    folder = existing_folder(text)
    if not (folder / LISTING).is_file():
        raise argparse.ArgumentTypeError(f"expected the directory of a bundle, found no {LISTING} in {text}")
    return folder


def weights(text: str) -> str:
    """The folder of a bundle, a file of weights, or ``imagenet``."""
    from ml.bundle.bundle import WEIGHTS
    from ml.networks.zoo import IMAGENET, WEIGHT_FILES

    if text == IMAGENET:
        return text
    path = existing_file(str(bundle(text) / WEIGHTS) if Path(text).is_dir() else text)
    if path.suffix not in WEIGHT_FILES:
        expected = f"a bundle, a file that ends in {', '.join(WEIGHT_FILES)}, or {IMAGENET}"
        raise argparse.ArgumentTypeError(f"expected {expected}, found {text}")
    return text


def weights_of_network(text: str) -> tuple[str, str]:
    """``NAME=FILE`` or ``NAME=imagenet``."""
    name, equals, source = text.partition("=")
    if not (name and equals and source):
        raise argparse.ArgumentTypeError(f"expected NAME=FILE or NAME=imagenet, found {text!r}")
    return network(name), weights(source)
