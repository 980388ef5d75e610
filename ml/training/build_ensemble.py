"""Builds the bundle of an ensemble from installed classifiers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import numpy as np

from ml import progress
from ml.bundle.bundle import Bundle, BundleDocuments, write_bundle
from ml.bundle.combination import Combination, Member, Method
from ml.bundle.detector import threshold_at
from ml.bundle.files import new_folder, refuse_nonempty
from ml.bundle.kinds import COMBINATION
from ml.bundle.metadata import TRAIN_ALONE, Abstention, Metadata
from ml.datasets import Sample, of_split, read_image, read_manifest
from ml.datasets.duplicates import selection_set, without_duplicates_of_train
from ml.errors import WrongChoice
from ml.evaluation.classifier import abstention_rates, evaluate_splits
from ml.evaluation.outliers import draw_outliers
from ml.inference.calibration import fit_temperature
from ml.inference.ensemble import (
    Ensemble,
    check_member,
    examine,
    member_log_probabilities,
    relative_ood_score,
)
from ml.inference.registry import Registry
from ml.inference.single_network import Predictor
from ml.training.datasheets import MEASURED_ON, listed
from ml.training.member_selection import FITS, Selection, ranked_selections
from ml.training.train_model import splits_of

PREPROCESSING = "of each member"


def build_ensemble(
    names: Sequence[str],
    data: Path,
    output: Path,
    version: str = "1.0.0",
    outliers: Mapping[str, Sequence[Path]] | None = None,
    registry: Registry | None = None,
) -> dict[str, Any]:
    """Choose members among ``names`` and a method, and write the bundle.

    They are chosen on the validation images of ``data/manifest.csv`` without near-duplicates in train
    (``ml.datasets.duplicates.selection_set``); temperature and limits are fitted on the same images, and test, where
    there is one, is evaluated once, at the end. An ensemble has at least two members, even where one alone is better:
    the losses show that. Returns name, version, sha256, metrics, the chosen ``members`` and ``method``, and all
    ``candidates`` with their losses.

    Raises:
        WrongChoice: the members cannot make an ensemble, the data cannot be used to choose among them, or the output is
            not empty.
        BundleError: a member is not installed or is refused.
        MlError: an image is wrong.
    """
    registry = registry or Registry()
    documents = chosen_members(output, names, registry)
    refuse_other_splits(output, names, documents, TRAIN_ALONE)
    labels = documents[0].metadata.labels
    samples = read_manifest(data, labels)
    for split in splits_of(samples)[1:]:
        of_split(samples, split)
    members = [cast(Predictor, registry.by_sha256(each.sha256)) for each in documents]
    distinct = without_duplicates_of_train(samples, splits_of(samples)[1:])
    val = selection_set(of_split(samples, "val"), distinct["val"])
    answers, scores = _answers(members, val)
    truth = np.array([labels.index(sample.label) for sample in val])
    progress.report("choosing members and method")
    tried = ranked_selections(answers, truth, [sample.group for sample in val])
    best = next(selection for selection in tried if len(selection.members) > 1)
    chosen = [members[number] for number in best.members]
    method = FITS[best.fit](answers[list(best.members)], truth)
    logits = method.combine(answers[list(best.members)])
    metadata = _metadata(chosen, version, scores[list(best.members)])
    metadata = replace(
        metadata,
        temperature=round(fit_temperature(logits, truth), 6),
        training={
            "method": best.fit,
            "members": [member.bundle.metadata.name for member in chosen],
            "chosen_and_fitted_on": f"{len(val)} val images",
            MEASURED_ON: listed(data),
            "loss_in_cross_validation": {_title(members, each): round(each.loss, 4) for each in tried},
        },
    )
    content = Combination(tuple(_as_member(each) for each in chosen), method).to_json()
    ensemble = Ensemble(Bundle.draft(metadata, content), registry.by_sha256)
    metrics = _measure(ensemble, samples, distinct, outliers or {}) | {"members": _member_figures(chosen, method)}
    with new_folder(output) as folder:
        bundle = write_bundle(folder, metadata, {COMBINATION: content}, metrics)
    return {
        "name": metadata.name,
        "version": metadata.version,
        "sha256": bundle.sha256,
        "members": metadata.training["members"],
        "method": best.fit,
        "candidates": metadata.training["loss_in_cross_validation"],
        "metrics": bundle.metrics,
    }


def chosen_members(output: Path, names: Sequence[str], registry: Registry) -> list[BundleDocuments]:
    """The documents of the models ``names``, each once, that are to be combined in the folder ``output``.

    Raises:
        WrongChoice: there are fewer than two; one is not a classifier, or has other labels than the first; or
            ``output`` is not empty.
        BundleError: one is not installed or is refused.
    """
    if len(set(names)) < 2:
        raise WrongChoice(f"an ensemble needs two or more different members, found {', '.join(names) or 'none'}")
    refuse_nonempty(output)
    found = [registry.documents(registry.identity(name)) for name in dict.fromkeys(names)]
    for documents in found:
        check_member(output.name, found[0].metadata.labels, documents.metadata, WrongChoice)
    return found


def refuse_other_splits(
    output: Path, names: Sequence[str], members: Sequence[BundleDocuments], splits: tuple[str, ...]
) -> None:
    """Raises WrongChoice where one of ``members`` did not learn from these ``splits``."""
    for name, member in zip(dict.fromkeys(names), members, strict=True):
        if (found := member.metadata.learned_from) != splits:
            raise WrongChoice(
                f"expected members of {output.name} that learned from {' and '.join(splits)}, "
                f"found that {name} learned from {' and '.join(found)}"
            )


def merged_texts(each: Sequence[Metadata]) -> dict[str, Any]:
    """The descriptive fields of several models' metadata, merged for the model that combines them."""
    return {
        "architecture": " and ".join(dict.fromkeys(metadata.architecture for metadata in each)),
        "data": " ".join(dict.fromkeys(metadata.data for metadata in each)),
        "licence": "; ".join(dict.fromkeys(metadata.licence for metadata in each)),
        "weak": next((metadata.weak for metadata in each if metadata.weak), None),
        "weaknesses": tuple(dict.fromkeys(text for metadata in each for text in metadata.weaknesses)),
    }


def _answers(members: Sequence[Predictor], samples: Sequence[Sample]) -> tuple[np.ndarray, np.ndarray]:
    """The members' calibrated log-probabilities (M, N, K), and their relative scores (M, N), NaN for no score."""
    answers, scores = [], []
    for sample in progress.counted(samples, "images shown to the members"):
        image = read_image(sample.path)
        found = examine(members, image)
        pairs = list(zip(members, found, strict=True))
        answers.append([member_log_probabilities(*pair)[0] for pair in pairs])
        scores.append([relative_ood_score([member], [each]) for member, each in pairs])
    return np.array(answers).transpose(1, 0, 2), np.array(scores, np.float64).T


def _metadata(members: Sequence[Predictor], version: str, scores: np.ndarray) -> Metadata:
    """The first member's metadata with merged texts and the ensemble's own limits; ``scores`` are these members', as
    ``_answers`` returns them."""
    scored = scores[~np.isnan(scores).any(axis=1)]
    each = [member.bundle.metadata for member in members]
    limits = next(metadata.abstention for metadata in each if metadata.abstention)
    return replace(
        each[0],
        name=f"{each[0].modality}-ensemble",
        version=version,
        kind="ensemble",
        input_size=max(metadata.input_size for metadata in each),
        preprocessing=PREPROCESSING,
        abstention=Abstention(
            score=round(threshold_at(scored.mean(axis=0), limits.false_alarm_rate), 4) if len(scored) else None,
            false_alarm_rate=limits.false_alarm_rate,
            colourfulness=limits.colourfulness,
            confidence=limits.confidence,
        ),
        **merged_texts(each),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _measure(
    ensemble: Ensemble,
    samples: Sequence[Sample],
    distinct: Mapping[str, Sequence[Sample]],
    outliers: Mapping[str, Sequence[Path]],
) -> dict[str, Any]:
    return evaluate_splits(ensemble, samples, distinct) | {
        "outliers": abstention_rates(ensemble, draw_outliers() | dict(outliers))
    }


def _member_figures(members: Sequence[Predictor], method: Method) -> list[dict[str, Any]]:
    """Each member with its share and its own accuracies, to compare with the ensemble's."""
    rows = []
    for member, share in zip(members, method.shares(), strict=True):
        bundle = member.bundle
        accuracies = {split: bundle.metrics[split]["accuracy"] for split in ("test", "val") if split in bundle.metrics}
        name = f"{bundle.metadata.name} {bundle.metadata.version}"
        rows.append({"name": name, "sha256": bundle.sha256, "share": round(float(share), 4), "accuracy": accuracies})
    return rows


def _as_member(predictor: Predictor) -> Member:
    return Member(predictor.bundle.metadata.name, predictor.bundle.sha256)


def _title(members: Sequence[Predictor], selection: Selection) -> str:
    names = " + ".join(members[number].bundle.metadata.name for number in selection.members)
    return f"{names}, {selection.fit}" if len(selection.members) > 1 else f"{names} alone"
