"""Finds near-duplicate images, rotated and mirrored ones included, and leakage between splits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from ml import progress
from ml.datasets.samples import AnySample, Sample, of_split, read_image

FINGERPRINT_SIDE = 48
CORRELATION = 0.98
BLOCK = 1024
SMALLEST_SELECTION_SET = 50

Duplicates = tuple[Sample, ...]


@dataclass(frozen=True, slots=True)
class Leakage:
    """``duplicates``: sets of near-duplicates, two samples or more each. ``crossing``: those of them that lie in more
    than one split (fold, where there are no splits). ``mislabelled``: those with more than one label.
    ``groups``: the groups (patients, blocks) in more than one split, sorted.
    """

    images: int
    duplicates: tuple[Duplicates, ...]
    crossing: tuple[Duplicates, ...]
    mislabelled: tuple[Duplicates, ...]
    groups: tuple[str, ...]

    @property
    def clean(self) -> bool:
        """Whether neither near-duplicates nor groups are in more than one split."""
        return not self.crossing and not self.groups

    def __str__(self) -> str:
        """Two sentences for people."""
        inside = sum(map(len, self.duplicates))
        return (
            f"{self.images:,} images; near-duplicates: {inside:,} images in {len(self.duplicates):,} sets, "
            f"{len(self.crossing):,} of them across splits, {len(self.mislabelled):,} with more than one label. "
            f"Groups across splits: {len(self.groups):,}"
            + (f" ({', '.join(self.groups[:5])}{', …' if len(self.groups) > 5 else ''})." if self.groups else ".")
        )


def leakage(samples: Sequence[Sample]) -> Leakage:
    """Search all images for near-duplicates and groups across splits; ten thousand images take half a minute.

    Raises:
        ImageError: a file cannot be decoded; the message names it.
    """
    return leakage_of(samples, fingerprints_of(samples))


def leakage_of(samples: Sequence[Sample], fingerprints: np.ndarray) -> Leakage:
    """`leakage` of samples whose `fingerprint` is known, float32 (N, 2304)."""
    sets: dict[int, list[Sample]] = {}
    for number, sample in zip(near_duplicates(fingerprints), samples, strict=True):
        sets.setdefault(int(number), []).append(sample)
    duplicates = tuple(tuple(each) for each in sets.values() if len(each) > 1)
    parts: dict[str, set[str]] = {}
    for sample in samples:
        if sample.group and sample.part:
            parts.setdefault(sample.group, set()).add(sample.part)
    return Leakage(
        images=len(samples),
        duplicates=duplicates,
        crossing=tuple(each for each in duplicates if len({s.part for s in each if s.part}) > 1),
        mislabelled=tuple(each for each in duplicates if len({s.label for s in each}) > 1),
        groups=tuple(sorted(group for group, found in parts.items() if len(found) > 1)),
    )


def fingerprint(image: Image.Image) -> np.ndarray:
    """48 x 48 grey pixels, bilinear, as float32 (2304,) of mean 0 and length 1: the product of two is the correlation
    of the images. Uniform images have a fingerprint in common that correlates with no other."""
    small = image.convert("L").resize((FINGERPRINT_SIDE, FINGERPRINT_SIDE), Image.Resampling.BILINEAR)
    values = np.asarray(small, np.float32).ravel()
    values = values - values.mean()
    length = np.linalg.norm(values)
    return values / length if length > 0 else np.full_like(values, 1 / FINGERPRINT_SIDE)


def fingerprints_of(samples: Sequence[AnySample]) -> np.ndarray:
    """The `fingerprint` of each sample: float32 (N, 2304). Raises ImageError."""
    fingerprints = np.empty((len(samples), FINGERPRINT_SIDE**2), np.float32)
    for row, sample in enumerate(progress.counted(samples, "compared images")):
        fingerprints[row] = fingerprint(read_image(sample.path))
    return fingerprints


def near_duplicates(fingerprints: np.ndarray) -> np.ndarray:
    """The number of the set of near-duplicates that each image is in, (N,).

    Two images are in one set where a chain of pairs leads from one to the other, each correlated over 0.98 in one of
    the eight rotations and reflections of a square. Works in blocks, so that memory does not grow with N squared.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = len(fingerprints)
    sets = np.arange(count)
    for left in range(0, count, BLOCK):
        for each in _rotated_and_mirrored(fingerprints[left : left + BLOCK]):
            for top in range(0, left + 1, BLOCK):
                rows, columns = np.nonzero(fingerprints[top : top + BLOCK] @ each.T > CORRELATION)
                edges = (sets[rows + top], sets[columns + left])
                # Merged block by block: all pairs of many equal images would not fit into memory.
                if np.any(edges[0] != edges[1]):
                    graph = coo_array((np.ones(len(rows), bool), edges), shape=(count, count))
                    sets = connected_components(graph, directed=False)[1][sets]
    return sets


def without_duplicates_of(samples: Sequence[AnySample], others: Sequence[AnySample]) -> list[AnySample]:
    """The samples that are in no set of near-duplicates with one of ``others``. Raises ImageError."""
    return _without_duplicates(samples, fingerprints_of(samples), fingerprints_of(others))


def without_duplicates_of_train(samples: Sequence[AnySample], splits: Sequence[str]) -> dict[str, list[AnySample]]:
    """For each of ``splits`` its samples that have no near-duplicate in the split train. Every image is read once.

    Raises:
        WrongChoice: a split has no samples.
        ImageError: a file cannot be decoded.
    """
    rows = {split: of_split(samples, split) for split in splits}
    train = fingerprints_of([sample for sample in samples if sample.split == "train"])
    return {split: _without_duplicates(each, fingerprints_of(each), train) for split, each in rows.items()}


def selection_set(val: Sequence[Sample], distinct: Sequence[Sample]) -> Sequence[Sample]:
    """The validation images on which models are selected and calibrated: ``distinct``, those without a near-duplicate
    in train, which the network has not seen; all of ``val`` where they are fewer than 50 or lack a class."""
    labels = {sample.label for sample in distinct}
    enough = len(distinct) >= SMALLEST_SELECTION_SET and labels == {sample.label for sample in val}
    return distinct if enough else val


def _without_duplicates(samples: Sequence[AnySample], fingerprints: np.ndarray, others: np.ndarray) -> list[AnySample]:
    sets = near_duplicates(np.concatenate([fingerprints, others])).tolist()
    known = set(sets[len(samples) :])
    return [sample for sample, number in zip(samples, sets, strict=False) if number not in known]


def _rotated_and_mirrored(fingerprints: np.ndarray) -> Iterator[np.ndarray]:
    """Fingerprints (N, 2304) in the eight rotations and reflections of a square."""
    squares = fingerprints.reshape(-1, FINGERPRINT_SIDE, FINGERPRINT_SIDE)
    for mirrored in (squares, squares[:, :, ::-1]):
        for quarters in range(4):
            yield np.rot90(mirrored, quarters, (1, 2)).reshape(fingerprints.shape)
