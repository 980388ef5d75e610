"""Images that are nearly the same, even turned or mirrored, and what of it, or of one group, crosses a split."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from ml.datasets.samples import AnySample, Sample, of_split, read_image

THUMBNAIL = 48
CORRELATION = 0.98
BLOCK = 1024
ENOUGH = 50

Duplicates = tuple[Sample, ...]
Progress = Callable[[int, int], None]
"""Called with how many are done, and of how many."""


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
        """Nothing is on both sides."""
        return not self.crossing and not self.groups

    def __str__(self) -> str:
        """For people, in two sentences."""
        inside = sum(map(len, self.duplicates))
        return (
            f"{self.images:,} images; near-duplicates: {inside:,} images in {len(self.duplicates):,} sets, "
            f"{len(self.crossing):,} of them across splits, {len(self.mislabelled):,} with more than one label. "
            f"Groups across splits: {len(self.groups):,}"
            + (f" ({', '.join(self.groups[:5])}{', …' if len(self.groups) > 5 else ''})." if self.groups else ".")
        )


def leakage(samples: Sequence[Sample], progress: Progress = lambda done, total: None) -> Leakage:
    """Look at every image for near-duplicates, and at the groups; ten thousand images take half a minute.

    Raises:
        ImageError: a file cannot be decoded; the message names it.
    """
    return leakage_of(samples, thumbnails_of(samples, progress))


def leakage_of(samples: Sequence[Sample], thumbnails: np.ndarray) -> Leakage:
    """`leakage` of samples whose `thumbnail` is known: float32 (N, 2304)."""
    sets: dict[int, list[Sample]] = {}
    for number, sample in zip(near_duplicates(thumbnails), samples, strict=True):
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


def thumbnail(image: Image.Image) -> np.ndarray:
    """48 x 48 grey pixels, bilinear, as float32 (2304,) of mean 0 and length 1: the product of two is the correlation
    of the images. Images of one value throughout are like each other and like nothing else."""
    small = image.convert("L").resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BILINEAR)
    values = np.asarray(small, np.float32).ravel()
    values = values - values.mean()
    length = np.linalg.norm(values)
    return values / length if length > 0 else np.full_like(values, 1 / THUMBNAIL)


def thumbnails_of(samples: Sequence[AnySample], progress: Progress = lambda done, total: None) -> np.ndarray:
    """The `thumbnail` of each sample: float32 (N, 2304). Raises ImageError."""
    thumbnails = np.empty((len(samples), THUMBNAIL**2), np.float32)
    for row, sample in enumerate(samples):
        thumbnails[row] = thumbnail(read_image(sample.path))
        progress(row + 1, len(samples))
    return thumbnails


def near_duplicates(thumbnails: np.ndarray) -> np.ndarray:
    """The number of the set that each image is in, (N,): two are in one set where a chain of pairs, each correlated
    over 0.98 in one of the eight ways in which a square is turned and mirrored, leads from one to the other. Works in
    blocks, so that memory does not grow with N squared."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = len(thumbnails)
    sets = np.arange(count)
    for left in range(0, count, BLOCK):
        for each in _turned_and_mirrored(thumbnails[left : left + BLOCK]):
            for top in range(0, left + 1, BLOCK):
                rows, columns = np.nonzero(thumbnails[top : top + BLOCK] @ each.T > CORRELATION)
                edges = (sets[rows + top], sets[columns + left])
                # Merged block by block: the pairs of many equal images would not fit into memory together.
                if np.any(edges[0] != edges[1]):
                    graph = coo_array((np.ones(len(rows), bool), edges), shape=(count, count))
                    sets = connected_components(graph, directed=False)[1][sets]
    return sets


def apart(held_out: Sequence[AnySample], train: Sequence[AnySample]) -> list[AnySample]:
    """The samples of ``held_out`` that are in no set of near-duplicates with one of ``train``. Raises ImageError."""
    return _apart(held_out, thumbnails_of(held_out), thumbnails_of(train))


def apart_from_train(samples: Sequence[AnySample], splits: Sequence[str]) -> dict[str, list[AnySample]]:
    """`apart` for each of ``splits`` and the split train, of which every image is read once.

    Raises:
        MlError: a split has no samples, or a file cannot be decoded.
    """
    rows = {split: of_split(samples, split) for split in splits}
    train = thumbnails_of([sample for sample in samples if sample.split == "train"])
    return {split: _apart(held_out, thumbnails_of(held_out), train) for split, held_out in rows.items()}


def to_choose_on(val: Sequence[Sample], new: Sequence[Sample]) -> Sequence[Sample]:
    """What of ``val`` may decide: ``new``, its images apart from train, as the network knows the others; all of it
    where those are fewer than 50 or lack a class."""
    enough = len(new) >= ENOUGH and {sample.label for sample in new} == {sample.label for sample in val}
    return new if enough else val


def _apart(held_out: Sequence[AnySample], thumbnails: np.ndarray, train: np.ndarray) -> list[AnySample]:
    sets = near_duplicates(np.concatenate([thumbnails, train])).tolist()
    known = set(sets[len(held_out) :])
    return [sample for sample, number in zip(held_out, sets, strict=False) if number not in known]


def _turned_and_mirrored(thumbnails: np.ndarray) -> Iterator[np.ndarray]:
    """Thumbnails (N, 2304) in the eight ways in which a square is turned and mirrored."""
    squares = thumbnails.reshape(-1, THUMBNAIL, THUMBNAIL)
    for mirrored in (squares, squares[:, :, ::-1]):
        for quarters in range(4):
            yield np.rot90(mirrored, quarters, (1, 2)).reshape(thumbnails.shape)
