"""Makes one network of several installed ones, and its bundle."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml.bundle import WEIGHTS
from ml.datasets import read_manifest
from ml.ensemble import check_member
from ml.errors import EnsembleMemberUnfit, TooFewMembers
from ml.files import new_folder, refuse_nonempty
from ml.predictor import Predictor
from ml.registry import Registry
from ml.specifications import Specification
from ml.train_command import load

if TYPE_CHECKING:
    import keras


def join(
    names: Sequence[str],
    data: Path,
    output: Path,
    version: str = "1.0.0",
    outliers: Mapping[str, Sequence[Path]] | None = None,
    registry: Registry | None = None,
) -> dict[str, Any]:
    """Join the networks of ``names`` to one whose logits are the mean of theirs, and write its bundle, which bears the
    name of the folder ``output``.

    Nothing is trained, and the bundle holds no Keras weights: the members' do. ``data/manifest.csv`` has the splits
    train, val and perhaps test: the detector is fitted on train, temperature and limits on val, and test is measured
    once, at the end. Returns name, version, sha256, metrics.

    Raises:
        TooFewMembers, BundleError, NetworkError.
        EnsembleMemberUnfit: a member has other labels or preprocessing than the first.
        OutputNotEmpty, DatasetError, ImageError.
    """
    if len(set(names)) < 2:
        raise TooFewMembers(names)
    refuse_nonempty(output)
    registry = registry or Registry()
    members = [registry.get(name) for name in dict.fromkeys(names)]
    first = members[0].bundle.metadata
    for member in members:
        check_member(output.name, first.labels, member)
        found = member.bundle.metadata
        if found.preprocessing != first.preprocessing:
            given = (first.preprocessing, found.preprocessing)
            raise EnsembleMemberUnfit(output.name, found.name, "preprocessing", *given)
    specification = _specification(members, output.name, version)
    samples = read_manifest(data, specification.labels)
    splits = ("train", "val", "test") if any(sample.split == "test" for sample in samples) else ("train", "val")
    images = {split: load(specification, samples, split) for split in splits}

    # TensorFlow takes seconds to import: only what can be done pays for it.
    from ml.packaging import package

    each = [member.bundle for member in members]
    training = {
        "joined": "mean of the members' logits, each divided by its temperature",
        "members": [f"{bundle.metadata.name} {bundle.metadata.version} {bundle.sha256}" for bundle in each],
    }
    # Keras reports progress on standard output, which belongs to the result.
    with redirect_stdout(sys.stderr), new_folder(output) as folder:
        network = joined_network(members, registry.folder)
        bundle = package(specification, network, training, samples, images, outliers or {}, folder, with_weights=False)
    return {"name": output.name, "version": version, "sha256": bundle.sha256, "metrics": bundle.metrics}


def _specification(members: Sequence[Predictor], name: str, version: str) -> Specification:
    """That of the first member, as far as all have it."""
    each = [member.bundle.metadata for member in members]
    first = Specification(**{field.name: getattr(each[0], field.name) for field in fields(Specification)})
    return replace(
        first,
        name=name,
        version=version,
        architecture=" and ".join(dict.fromkeys(metadata.architecture for metadata in each)),
        weak=next((metadata.weak for metadata in each if metadata.weak), None),
        weaknesses=tuple(dict.fromkeys(text for metadata in each for text in metadata.weaknesses)),
        licence="; ".join(dict.fromkeys(metadata.licence for metadata in each)),
    )


def joined_network(members: Sequence[Predictor], bundles: Path) -> keras.Model:
    """From the Keras weights of the ``members``, which lie in the folder ``bundles``. Raises NetworkError."""
    from ml.networks.joined import build_joined
    from ml.networks.zoo import build

    each = [member.bundle.metadata for member in members]
    networks = [
        build(
            metadata.architecture,
            len(metadata.classes),
            (metadata.input_size, metadata.input_size, metadata.channels),
            bundles / metadata.name / WEIGHTS,
        )
        for metadata in each
    ]
    return build_joined(networks, [metadata.temperature for metadata in each])
