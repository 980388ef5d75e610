"""Trains networks under protocols and writes a result for each pair that has none yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ml.compare import figures
from ml.compare.candidate import Candidate, train_and_run
from ml.compare.cautions import cautions, unit
from ml.compare.protocols import divisions
from ml.compare.results import RESULTS, SCHEMA, result_path, write_result
from ml.datasets import Sample, of_split, read_image, read_samples
from ml.datasets.duplicates import Leakage, fingerprints_of, leakage_of
from ml.datasets.splits import SPLITS
from ml.errors import WrongChoice
from ml.networks.zoo import Architecture, architecture
from ml.training.recipes import recipe_of

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to compare. ``size`` and ``epochs`` replace the source's input size and the recipe's epochs, to save time.
    ``weights`` are the backbones', a file or "imagenet" by the network's name, random for others. ``again``: replace
    results that exist."""

    data: Path
    protocols: Sequence[str]
    networks: Sequence[str]
    recipe: str = "source"
    results: Path = RESULTS
    size: int | None = None
    epochs: int | None = None
    weights: Mapping[str, str | Path] = field(default_factory=dict)
    seed: int = 7
    again: bool = False


def compare(plan: Plan, report: Report = lambda text: None) -> dict[str, list[Any]]:
    """Train and measure every network of ``plan`` under every protocol.

    Returns the paths ``written`` and ``skipped``, and ``failed``: network, protocol and error of each training that
    failed. The others continue.

    Raises:
        WrongChoice: an unknown network, recipe or protocol; a size or weights that a network does not take; or the
            data do not allow a protocol.
        MlError: an image cannot be read. Both before any training.
    """
    networks = [architecture(name) for name in plan.networks]
    for network in networks:
        network.check(plan.size or min(network.input_shape[:2]), plan.weights.get(network.name))
    recipe = recipe_of(plan.recipe)
    recipe = replace(recipe, epochs=plan.epochs or recipe.epochs, seed=plan.seed)
    samples = read_samples(plan.data)
    if len(labels := {sample.label for sample in samples}) < 2:
        raise WrongChoice(f"expected images of two or more labels in {plan.data}, found {', '.join(labels)}")
    by_protocol = {protocol: divisions(samples, protocol, plan.seed) for protocol in plan.protocols}
    colour = read_image(samples[0].path).mode == "RGB"
    leakages = _leakages(by_protocol)
    outcome: dict[str, list[Any]] = {"written": [], "skipped": [], "failed": []}
    for protocol, parts in by_protocol.items():
        report(f"{protocol}: {leakages[protocol]}")
        for network in networks:
            path = result_path(plan.results, plan.data.resolve().name, protocol, network.name, Path(plan.recipe).stem)
            if path.exists() and not plan.again:
                outcome["skipped"].append(str(path))
                continue
            weights = plan.weights.get(network.name)
            candidate = Candidate(network, plan.recipe, recipe, _shape(network, plan.size, colour), weights)
            try:
                result = _result(plan, candidate, protocol, parts, leakages[protocol], report)
                write_result(path, result)
            except Exception as exc:  # hours of training must not be lost to the failure of one network
                report(f"{protocol}, {network.name}: {type(exc).__name__}: {exc}")
                failed = {"network": network.name, "protocol": protocol, "error": f"{type(exc).__name__}: {exc}"}
                outcome["failed"].append(failed)
            else:
                outcome["written"].append(str(path))
    return outcome


def _result(
    plan: Plan, candidate: Candidate, protocol: str, parts: list[list[Sample]], leakage: Leakage, report: Report
) -> dict[str, Any]:
    labels = sorted({sample.label for sample in parts[0]})
    name, data = candidate.architecture.name, plan.data.resolve()
    trained = []
    for number, samples in enumerate(parts, 1):
        report(f"{protocol}, {name}: network {number} of {len(parts)}")
        trained.append(train_and_run(candidate, samples, labels))
    tested = [sample for samples in parts for sample in of_split(samples, "test")]
    measured = figures.test_figures(trained, tested, labels, plan.data, plan.seed)
    network = trained[-1].network
    return {
        "schema": SCHEMA,
        "data": {
            "name": data.name,
            "labels": labels,
            "images": len(parts[0]),
            "unit": unit(parts[0]),
            "groups": len({sample.group for sample in parts[0] if sample.group}) or None,
            "divisions": [{part: len(of_split(samples, part)) for part in SPLITS} for samples in parts],
            "near_duplicate_sets_across_splits": len(leakage.crossing),
            "groups_across_splits": len(leakage.groups),
        },
        "protocol": protocol,
        "network": {
            "name": name,
            "source": candidate.architecture.source,
            "frozen_backbone": candidate.architecture.frozen_backbone,
            "weights": Path(candidate.weights).name if candidate.weights else None,
            "input_shape": list(candidate.input_shape),
            "parameters": figures.parameter_counts(network),
        },
        "recipe": {"name": candidate.recipe_name} | asdict(candidate.recipe),
        "budget": {
            "input_shape_of_the_source": list(candidate.architecture.input_shape),
            "epochs_at_most": candidate.recipe.epochs,
            "epochs_of_the_recipe": recipe_of(candidate.recipe_name).epochs,
            "epochs_run": [len(each.history["loss"]) for each in trained],
        },
        "seed": plan.seed,
        **measured,
        "training": figures.training_histories(trained),
        "cost": figures.network_cost(network, trained),
        "cautions": list(cautions(candidate, data.name, protocol, parts[0], leakage)),
    }


def _shape(network: Architecture, size: int | None, colour: bool) -> tuple[int, int, int]:
    height, width, channels = network.input_shape
    return (size or height, size or width, channels if colour else 1)


def _leakages(by_protocol: Mapping[str, list[list[Sample]]]) -> dict[str, Leakage]:
    """The leakage of each protocol's first division; further divisions keep the same images together."""
    first = {protocol: parts[0] for protocol, parts in by_protocol.items()}
    samples = next(iter(first.values()))
    fingerprints = fingerprints_of(samples)
    return {protocol: leakage_of(samples, fingerprints) for protocol, samples in first.items()}
