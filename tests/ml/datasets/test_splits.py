from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml.datasets import Sample, read_samples
from ml.datasets.splits import grouped_folds, grouped_split, paper_split
from ml.errors import MlError


def patients(count: int = 20, seed: int = 0) -> list[Sample]:
    """Each with a class and 5 to 40 images."""
    random = np.random.default_rng(seed)
    return [
        Sample(Path(f"{patient}-{image}.png"), ("benign", "malignant")[patient % 2], group=str(patient))
        for patient in range(count)
        for image in range(random.integers(5, 40))
    ]


def parts_of_groups(samples: list[Sample], field: str = "split") -> dict[str, set[str]]:
    parts: dict[str, set[str]] = {}
    for sample in samples:
        parts.setdefault(sample.group, set()).add(getattr(sample, field))
    return parts


def test_the_paper_split_has_its_shares_and_leaks_patients() -> None:
    samples = [Sample(Path(f"{n}.png"), "x", group=str(n // 100)) for n in range(1000)]
    split = paper_split(samples, seed=1)
    assert Counter(s.split for s in split) == {"train": 540, "val": 136, "test": 324}
    assert all(parts == {"train", "val", "test"} for parts in parts_of_groups(split).values())


@pytest.mark.parametrize("make", [paper_split, grouped_split])
def test_a_seed_gives_one_split_and_the_samples_keep_their_order(make) -> None:
    samples = patients()
    assert make(samples, 3) == make(samples, 3)
    assert make(samples, 3) != make(samples, 4)
    assert [replace(s, split="") for s in make(samples, 3)] == samples


@pytest.mark.parametrize("seed", range(5))
def test_a_grouped_split_separates_patients_and_balances_classes(seed: int) -> None:
    split = grouped_split(patients(60, seed), seed)
    assert all(len(parts) == 1 for parts in parts_of_groups(split).values())
    for label in ("benign", "malignant"):
        counts = Counter(s.split for s in split if s.label == label)
        shares = [counts[name] / counts.total() for name in ("train", "val", "test")]
        assert shares == pytest.approx((0.54, 0.136, 0.324), abs=0.05)


@pytest.mark.parametrize("seed", range(5))
def test_folds_are_built_patient_by_patient(seed: int) -> None:
    samples = patients(40, seed)
    folds = grouped_folds(samples, 5, seed)
    assert len(folds) == 5
    tested = [s.path for fold in folds for s in fold if s.split == "test"]
    assert sorted(tested) == sorted(s.path for s in samples)
    for fold in folds:
        assert all(len(parts) == 1 for parts in parts_of_groups(fold).values())
        assert {s.split for s in fold} == {"train", "val", "test"}
        shares = Counter(s.label for s in fold if s.split == "test")
        for label in ("benign", "malignant"):
            assert shares[label] / sum(s.label == label for s in samples) == pytest.approx(0.2, abs=0.06)


def test_named_folds_are_kept() -> None:
    samples = [replace(s, fold=str(int(s.group) % 4)) for s in patients()]
    folds = grouped_folds(samples, 5)
    assert len(folds) == 4
    assert {(s.split, s.fold) for s in folds[3]} == {("test", "3"), ("val", "0"), ("train", "1"), ("train", "2")}


def test_named_folds_that_part_a_patient_are_refused() -> None:
    samples = [replace(s, fold=str(row % 5)) for row, s in enumerate(patients())]
    with pytest.raises(MlError, match="must lie in one split, found it in "):
        grouped_folds(samples)


def test_images_of_nobody_known_are_groups_of_their_own() -> None:
    samples = [Sample(Path(f"{n}.png"), "ab"[n % 2]) for n in range(100)]
    assert Counter(s.split for s in grouped_split(samples, 0)) == {"train": 54, "val": 14, "test": 32}


def test_three_patients_are_one_a_part() -> None:
    samples = [Sample(Path(f"{n}.png"), "x", group=str(n // 10)) for n in range(30)]
    assert Counter(s.split for s in grouped_split(samples, 0)) == {"train": 10, "val": 10, "test": 10}


@pytest.mark.parametrize("samples", [[], patients(2)])
def test_too_few_groups(samples: list[Sample]) -> None:
    with pytest.raises(MlError) as caught:
        grouped_split(samples, 0)
    expected = f"expected at least 3 groups (patients) for 3 parts, found {len({s.group for s in samples})}"
    assert str(caught.value) == expected
    with pytest.raises(MlError, match=r"expected at least 5 groups \(patients\) for 5 parts"):
        grouped_folds(samples, 5)
    with pytest.raises(MlError, match=r"groups \(patients\) for [35] parts"):
        grouped_folds([replace(s, fold=s.group) for s in samples])


def test_the_real_folds(data: Path) -> None:
    folds = grouped_folds(read_samples(data / "breakhis-100x"))
    assert [sum(s.split == "test" for s in fold) for fold in folds] == [104, 53, 51, 49, 55]
    assert all(len(parts) == 1 for fold in folds for parts in parts_of_groups(fold).values())
