"""Counts and checks the images of a folder before they are used for training."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from ml import progress
from ml.datasets.duplicates import FINGERPRINT_SIDE, Leakage, fingerprint, leakage_of
from ml.datasets.samples import Sample, read_image
from ml.errors import ImageError

EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Check:
    """One check with its result; ``detail`` describes what was found."""

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Survey:
    """``samples`` are those whose file decodes, ``sizes`` their (width, height), ``unreadable`` the others with a
    reason; ``leakage`` is that of ``samples``."""

    samples: tuple[Sample, ...]
    sizes: tuple[tuple[int, int], ...]
    unreadable: tuple[tuple[Sample, str], ...]
    leakage: Leakage

    @property
    def checks(self) -> tuple[Check, ...]:
        found = self.leakage
        bad = [f"{sample.path.name} ({reason})" for sample, reason in self.unreadable]
        return (
            Check("every file is an image", not bad, _examples(len(bad), "damaged", bad)),
            Check("no group lies in two splits", not found.groups, self._groups()),
            Check("no near-duplicates lie in two splits", not found.crossing, self._parts() or _sets(found.crossing)),
            Check("near-duplicates have one label", not found.mislabelled, _sets(found.mislabelled)),
        )

    def counts(self, by: str) -> dict[str, int]:
        """The number of images by the value of a field of `Sample`, such as "label"; without the empty value."""
        counts = Counter(getattr(sample, by) for sample in self.samples)
        return {value: counts[value] for value in sorted(counts, key=natural_order) if value}

    def labels_by_part(self) -> dict[str, dict[str, int]]:
        """The number of images by label, then by split, or by fold where there are no splits; zeros included."""
        counts = Counter((sample.label, sample.part) for sample in self.samples)
        parts = sorted({sample.part for sample in self.samples}, key=_part_order)
        return {label: {part: counts[label, part] for part in parts} for label in self.counts("label")}

    def _parts(self) -> str:
        return "" if any(sample.part for sample in self.samples) else "there are no splits"

    def _groups(self) -> str:
        known = any(sample.group for sample in self.samples)
        found = self.leakage.groups
        return self._parts() or (_examples(len(found), "groups", found) if known else "no groups are known")


def survey(samples: Sequence[Sample]) -> Survey:
    """Decode every file once; files that do not decode raise nothing."""
    fingerprints = np.empty((len(samples), FINGERPRINT_SIDE**2), np.float32)
    good: list[Sample] = []
    sizes: list[tuple[int, int]] = []
    unreadable: list[tuple[Sample, str]] = []
    for sample in progress.counted(samples, "read images"):
        try:
            image = read_image(sample.path)
        except ImageError as exc:
            unreadable.append((sample, str(exc.__cause__ or exc)))
        else:
            fingerprints[len(good)] = fingerprint(image)
            good.append(sample)
            sizes.append(image.size)
    return Survey(tuple(good), tuple(sizes), tuple(unreadable), leakage_of(good, fingerprints[: len(good)]))


def natural_order(value: str) -> tuple[int, str]:
    """A sort key: whole numbers by value, then other texts alphabetically."""
    return (len(value), value) if value.isascii() and value.isdecimal() else (sys.maxsize, value)


def _part_order(part: str) -> tuple[int, str]:
    known = ("train", "val", "test")
    return (known.index(part), "") if part in known else (len(known), part)


def _sets(sets: Sequence[Sequence[Sample]]) -> str:
    names = [" = ".join(f"{s.path.name} ({', '.join(filter(None, (s.label, s.part)))})" for s in each) for each in sets]
    return _examples(len(sets), "sets", names)


def _examples(count: int, what: str, examples: Sequence[str]) -> str:
    if not count:
        return f"0 {what}"
    more = "; …" if count > EXAMPLES else ""
    return f"{count:,} {what}: {'; '.join(islice(examples, EXAMPLES))}{more}"
