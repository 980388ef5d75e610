"""Splits samples into train, val and test. Each function returns the samples in their order with ``split`` set; the
same samples and seed give the same split."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from ml.datasets.samples import Sample
from ml.errors import WrongChoice

SPLITS = ("train", "val", "test")
PAPER_SHARES = (0.54, 0.136, 0.324)


def check_groups(parts: Iterable[tuple[str, str]]) -> None:
    """Raises WrongChoice where a group is in two of ``parts``, pairs of a sample's group and its split or fold."""
    parts_of: dict[str, set[str]] = {}
    for group, part in parts:
        parts_of.setdefault(group, set()).add(part)
    for group, found in parts_of.items():
        if group and len(found) > 1:
            raise WrongChoice(f"group {group} must lie in one split, found it in {', '.join(sorted(found))}")


def paper_split(samples: Sequence[Sample], seed: int) -> list[Sample]:
    """S1's protocol: 54 % train, 13.6 % val, 32.4 % test, drawn at random over images, regardless of patients.

    Images of one patient are in train and in test, so the figures are too good: they show how well a network recognises
    these patients. The protocol exists to be compared with `grouped_folds`.
    """
    order = np.random.default_rng(seed).permutation(len(samples))
    ends = np.rint(np.cumsum(PAPER_SHARES)[:-1] * len(samples)).astype(int)
    splits = np.empty(len(samples), object)
    for split, rows in zip(SPLITS, np.split(order, ends), strict=True):
        splits[rows] = split
    return [replace(sample, split=split) for sample, split in zip(samples, splits, strict=True)]


def grouped_split(samples: Sequence[Sample], seed: int) -> list[Sample]:
    """The shares of `paper_split`, as nearly as whole groups allow, each class on its own; no group is in two splits.

    A sample without a group is a group of its own. Raises WrongChoice with fewer than three groups.
    """
    part_of = _allocate(samples, PAPER_SHARES, seed)
    return [replace(sample, split=SPLITS[part]) for sample, part in zip(samples, part_of, strict=True)]


def grouped_folds(samples: Sequence[Sample], folds: int = 5, seed: int = 0) -> list[list[Sample]]:
    """Cross-validation by group (patient): all samples once for each fold, where that fold is test, the next one val,
    and the others train. Over all folds each sample is tested once, by a network that has not seen its patient.

    Where every sample names a fold, these folds are used and ``folds`` is ignored; else they are built, balanced in
    class. A sample without a group is a group of its own.

    Raises:
        WrongChoice: a group is in two of the named folds; fewer than three folds or groups, or fewer groups than folds.
    """
    if samples and all(sample.fold for sample in samples):
        check_groups((sample.group, sample.fold) for sample in samples)
        fold_of = [sample.fold for sample in samples]
    else:
        fold_of = [str(part) for part in _allocate(samples, (1 / folds,) * folds, seed)]
    names = sorted(set(fold_of), key=lambda name: (len(name), name))
    if len(names) < len(SPLITS):
        raise _too_few_groups(len(names), len(SPLITS))
    return [
        [
            replace(sample, split={test: "test", val: "val"}.get(fold, "train"), fold=fold)
            for sample, fold in zip(samples, fold_of, strict=True)
        ]
        for test, val in zip(names, names[1:] + names[:1], strict=True)
    ]


def _allocate(samples: Sequence[Sample], shares: Sequence[float], seed: int) -> list[int]:
    """A part for each sample. The largest groups come first, and each goes to the part that it brings nearest to its
    share of every class. Groups of one size come in an order drawn from the seed."""
    keys = [sample.group or f"\0{row}" for row, sample in enumerate(samples)]
    labels = sorted({sample.label for sample in samples})
    counts = {key: np.zeros(len(labels)) for key in keys}
    for key, sample in zip(keys, samples, strict=True):
        counts[key][labels.index(sample.label)] += 1
    if len(counts) < len(shares):
        raise _too_few_groups(len(counts), len(shares))
    totals = sum(counts.values())
    target = np.outer(shares, totals)
    filled = np.zeros_like(target)
    names = list(counts)
    np.random.default_rng(seed).shuffle(names)
    names.sort(key=lambda name: -counts[name].sum())
    part_of: dict[str, int] = {}
    for left, name in zip(range(len(names), 0, -1), names, strict=True):
        # The growth of the sum of (filled - target)² / (target x total), which weighs small and large parts alike.
        cost = ((2 * (filled - target) + counts[name]) * counts[name] / (target * totals)).sum(axis=1)
        empty = filled.sum(axis=1) == 0
        if left == empty.sum():
            cost[~empty] = np.inf
        part = int(np.argmin(cost))
        filled[part] += counts[name]
        part_of[name] = part
    return [part_of[key] for key in keys]


def _too_few_groups(groups: int, parts: int) -> WrongChoice:
    return WrongChoice(f"expected at least {parts} groups (patients) for {parts} parts, found {groups}")
