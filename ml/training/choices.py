"""The choices for a training run, and what follows from them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from ml.bundle.bundle import WEIGHTS, load_bundle
from ml.bundle.files import weights_file
from ml.bundle.kinds import KINDS, Trainer
from ml.bundle.metadata import TRAIN_ALONE, Metadata
from ml.errors import WrongChoice
from ml.networks.zoo import IMAGENET, ZOO, architecture
from ml.training.recipes import Recipe, recipe_of
from ml.training.refit import learned_from_val
from ml.training.specifications import FROM_NOTHING_LICENCE, LICENCES, OTHER_LICENCE, Specification, specification_of

TRAINERS = {"tile_measures": Trainer("ml.training.histology:train_histology", choices=("seed",))}
"""Of architectures that are no networks."""

ANYWHERE = ("run", "features", "name", "version")


@dataclass(frozen=True, slots=True)
class Choices:
    """The choices for a training run besides the model and its data; None means the model's own.

    ``architecture`` is a name of ``ml.networks.zoo.ZOO``, ``recipe`` is as in ``ml.training.recipes.recipe_of``.
    ``start`` are the initial weights: a bundle or ``.npz`` of the same network, ``.h5`` or ``.keras`` of its backbone,
    or "imagenet". ``refit`` is the bundle of a version that did not learn from val: the network learns
    from val as well, and has that version's temperature and limits. ``name`` and ``version`` are the new bundle's.
    ``run`` is a folder for the state of the run, from which a killed one resumes. ``features`` is a folder that caches
    the outputs of frozen backbones.
    """

    architecture: str | None = None
    recipe: str = "scanproof"
    size: int | None = None
    epochs: int | None = None
    seed: int = 7
    start: str | None = None
    refit: Path | None = None
    name: str | None = None
    version: str = "1.0.0"
    run: Path | None = None
    features: Path | None = None


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """One training: ``data`` is its folder of images, ``output`` that of the bundle, which is new or empty. A trainer
    checks the data before it reads images or imports TensorFlow, and writes to ``output`` at its end.

    ``outliers`` are further files, by kind, on which abstention is measured; ``report`` receives lines for people.
    """

    specification: Specification
    data: Path
    output: Path
    choices: Choices
    outliers: Mapping[str, Sequence[Path]]
    report: Callable[[str], None]


def trainer_of(name: str) -> Trainer:
    """The trainer of the model ``name``: that of its architecture, else that of its kind. Raises WrongChoice."""
    specification = specification_of(name)
    trainer = TRAINERS.get(specification.architecture) or KINDS[specification.kind].trainer
    if trainer is None:
        raise WrongChoice(f"{name} is not trained, but built from other models")
    return trainer


def chosen_specification(model: str, choices: Choices) -> Specification:
    """The specification with the architecture, size, name and version of ``choices``, and the licence that its weights
    will have.

    Raises:
        WrongChoice: an unknown model or network; an input that is too small for the network; ImageNet weights that are
            not published; or the bundle to start from learned from val, which is needed for validation, or is of
            another network.
        BundleError: that bundle is refused.
    """
    specification = replace(specification_of(model), version=choices.version)
    specification = replace(
        specification, name=chosen_name(model, choices), architecture=choices.architecture or specification.architecture
    )
    if choices.size:
        preprocessing = specification.preprocessing.replace(f"-{specification.input_size}-", f"-{choices.size}-")
        specification = replace(specification, input_size=choices.size, preprocessing=preprocessing)
    if choices.architecture or specification.architecture in ZOO:
        architecture(specification.architecture).check(specification.input_size, choices.start)
    if choices.architecture or specification.architecture in LICENCES:
        specification = replace(specification, licence=_licence(specification, choices))
    return specification


def chosen_name(model: str, choices: Choices) -> str:
    """The name of the bundle: the chosen one, else the model's, or "<model>-<architecture>" for another than its own.
    Raises WrongChoice."""
    other = choices.architecture not in (None, specification_of(model).architecture)
    return choices.name or (f"{model}-{choices.architecture}".replace("_", "-") if other else model)


def _licence(specification: Specification, choices: Choices) -> str:
    if choices.start is None:
        return FROM_NOTHING_LICENCE
    if initial := _initial_bundle(specification, choices):
        return initial.licence
    if Path(choices.start).suffix == ".npz":
        return OTHER_LICENCE
    return LICENCES.get(specification.architecture, OTHER_LICENCE)


def _initial_bundle(specification: Specification, choices: Choices) -> Metadata | None:
    """The metadata of the bundle to start from, None where it is no bundle. Raises BundleError, WrongChoice."""
    if choices.start in (None, IMAGENET) or not (folder := Path(choices.start)).is_dir():
        return None
    metadata = load_bundle(folder).metadata
    if metadata.learned_from != TRAIN_ALONE and not choices.refit:
        raise learned_from_val(folder)
    wanted, found = _network(specification), _network(metadata)
    if wanted != found:
        raise WrongChoice(f"{folder}: expected a bundle of {wanted}, found {found}")
    return metadata


def _network(described: Specification | Metadata) -> str:
    """What weights depend on: the size of the images too, where the network flattens its map."""
    found = ZOO.get(described.architecture)
    side = f"pixels a side: {described.input_size}, " if found and found.flattens else ""
    counts = f"{side}channels: {described.channels}, classes: {len(described.classes)}"
    return f"the network {described.architecture} ({counts})"


def refuse_other_choices(model: str, choices: Choices, *, outliers: bool = False) -> None:
    """Raises WrongChoice where more is chosen than the trainer of ``model`` takes, beside name, version and folders.

    ``outliers``: further images are given on which abstention is to be measured.
    """
    allowed = trainer_of(model).choices
    chosen = [field.name for field in fields(Choices) if getattr(choices, field.name) != field.default]
    for name in [*chosen, *(["outliers"] if outliers else [])] if allowed else ():
        if name not in {*allowed, *ANYWHERE}:
            raise WrongChoice(
                f"{model} has a training of its own, which leaves only {', '.join(sorted(allowed))} to choose, "
                f"found {name}"
            )


def chosen_recipe(choices: Choices) -> Recipe:
    """The recipe with the epochs, seed and start of ``choices``.

    Raises:
        WrongChoice: there is no such recipe or file of weights, or a value is out of its range.
    """
    recipe, start = recipe_of(choices.recipe), weights_of(choices.start)
    epochs = choices.epochs or recipe.epochs
    return replace(
        recipe,
        epochs=epochs,
        light_epochs=min(recipe.light_epochs, epochs),
        warmup=min(recipe.warmup, epochs - 1),
        seed=choices.seed,
        start=identity_of(start),
    )


def weights_of(start: str | None) -> Path | str | None:
    """The initial weights as ``ml.networks.zoo.build`` takes them. Raises WrongChoice where there is no such file."""
    if start is None or start == IMAGENET:
        return start
    return weights_file(Path(start) / WEIGHTS if Path(start).is_dir() else Path(start))


def identity_of(start: Path | str | None) -> str:
    """The identity of initial weights in a recipe: the file's SHA-256, "imagenet", or empty."""
    return hashlib.sha256(start.read_bytes()).hexdigest() if isinstance(start, Path) else start or ""
