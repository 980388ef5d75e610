"""Joins several installed networks to one and writes its bundle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml.bundle.bundle import WEIGHTS, BundleDocuments
from ml.bundle.files import new_folder
from ml.bundle.metadata import TRAIN_ALONE, TRAIN_AND_VAL
from ml.datasets import of_split, read_manifest
from ml.errors import WrongChoice
from ml.inference.ensemble import member_mismatch
from ml.inference.registry import Registry
from ml.networks.zoo import architecture, build
from ml.training.build_ensemble import chosen_members, merged_texts, refuse_other_splits
from ml.training.datasheets import MEASURED_ON, listed
from ml.training.refit import REFIT_SPLITS, earlier_version, val_as_train
from ml.training.specifications import Specification
from ml.training.train_model import load, splits_of

if TYPE_CHECKING:
    import keras


def join(
    names: Sequence[str],
    data: Path,
    output: Path,
    version: str = "1.0.0",
    outliers: Mapping[str, Sequence[Path]] | None = None,
    registry: Registry | None = None,
    *,
    refit: Path | None = None,
) -> dict[str, Any]:
    """Join the networks of ``names`` to one whose logits are the mean of theirs, and write its bundle, which has the
    name of the folder ``output``.

    Nothing is trained, and the bundle has no Keras weights: those of the members suffice. ``data/manifest.csv`` has the
    splits train, val and optionally test: the detector is fitted on train, temperature and limits on validation images
    that have no near-duplicate in train, and test is evaluated once, at the end. Where the members learned from val,
    temperature and limits are those of ``refit``, the bundle of the same networks joined before they did. Returns name,
    version, sha256, metrics.

    Raises:
        WrongChoice: fewer than two members; a member has other labels or preprocessing than the first, learned from val
            without ``refit`` or did not with it, or lacks its weights; ``refit`` is not such a bundle; the data cannot
            be used to measure the result; or the output is not empty.
        BundleError: a member is not installed or is refused.
        MlError: the networks cannot be joined, or an image is wrong.
    """
    registry = registry or Registry()
    members = chosen_members(output, names, registry)
    expected = members[0].metadata.preprocessing
    for name, member in zip(dict.fromkeys(names), members, strict=True):
        if (found := member.metadata.preprocessing) != expected:
            raise WrongChoice(member_mismatch(output.name, name, "preprocessing", expected, found))
        if WEIGHTS not in member.files:
            raise WrongChoice(f"expected members of {output.name} with Keras weights, found none in {name}")
        architecture(member.metadata.architecture)
    specification = _specification(members, output.name, version)
    samples = read_manifest(data, specification.labels)
    refuse_other_splits(output, names, members, TRAIN_AND_VAL if refit else TRAIN_ALONE)
    earlier = earlier_version(refit, specification) if refit else None
    samples, splits = (val_as_train(samples), REFIT_SPLITS) if refit else (samples, splits_of(samples))
    for split in splits:
        of_split(samples, split)

    # TensorFlow takes seconds to import, so the checks come first.
    from ml.training.packaging import package

    network = joined_network(members, registry)
    images = {split: load(specification, samples, split) for split in splits}
    training = {
        "joined": "mean of the members' logits, each divided by its temperature",
        "members": [member.title for member in members],
        MEASURED_ON: listed(data),
    }
    with new_folder(output) as folder:
        bundle = package(
            specification,
            network,
            training,
            samples,
            images,
            outliers or {},
            folder,
            earlier=earlier,
            with_weights=False,
        )
    return {"name": output.name, "version": version, "sha256": bundle.sha256, "metrics": bundle.metrics}


def _specification(members: Sequence[BundleDocuments], name: str, version: str) -> Specification:
    """The specification of the first member, with merged texts."""
    each = [member.metadata for member in members]
    first = Specification(**{field.name: getattr(each[0], field.name) for field in fields(Specification)})
    return replace(first, name=name, version=version, **merged_texts(each))


def joined_network(members: Sequence[BundleDocuments], registry: Registry) -> keras.Model:
    """The joined network, from the Keras weights of ``members``. Raises MlError."""
    from ml.networks.joined import build_joined

    networks = []
    for member in members:
        metadata = member.metadata
        shape = (metadata.input_size, metadata.input_size, metadata.channels)
        with registry.files(member.sha256) as folder:
            networks.append(build(metadata.architecture, len(metadata.classes), shape, folder / WEIGHTS))
    return build_joined(networks, [member.metadata.temperature for member in members])
