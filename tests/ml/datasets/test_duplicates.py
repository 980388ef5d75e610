from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.datasets import Sample, duplicates, read_samples
from ml.datasets.duplicates import FINGERPRINT_SIDE, fingerprint, leakage, near_duplicates, without_duplicates_of
from ml.errors import ImageError


def noise(seed: int) -> Image.Image:
    values = np.random.default_rng(seed).integers(0, 256, (12, 12), np.uint8)
    return Image.fromarray(values).resize((120, 120), Image.Resampling.BICUBIC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for seed in range(4):
        noise(seed).save(tmp_path / f"{seed}.png")
    return tmp_path


def test_brighter_smaller_and_compressed_copies_are_found(folder: Path) -> None:
    noise(0).point(lambda value: 40 + value // 2).resize((90, 90)).save(folder / "copy.jpg", quality=60)
    samples = [
        Sample(folder / "0.png", "a", "train"),
        Sample(folder / "1.png", "a", "test"),
        Sample(folder / "copy.jpg", "b", "test"),
    ]

    found = leakage(samples)

    assert found.duplicates == found.crossing == found.mislabelled == ((samples[0], samples[2]),)
    assert not found.clean
    assert str(found) == (
        "3 images; near-duplicates: 2 images in 1 sets, 1 of them across splits, 1 with more than one label. "
        "Groups across splits: 0."
    )


@pytest.mark.parametrize("way", [None, *Image.Transpose])
def test_turned_and_mirrored_copies_are_found(folder: Path, way: Image.Transpose | None) -> None:
    (noise(0) if way is None else noise(0).transpose(way)).save(folder / "copy.png")
    samples = [Sample(folder / "0.png", "a", "train"), Sample(folder / "copy.png", "a", "test")]
    assert leakage(samples).crossing == (tuple(samples),)


def test_images_without_duplicates_have_no_copy_in_train(folder: Path) -> None:
    noise(0).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(folder / "mirrored.png")
    train = [Sample(folder / name, "a", "train") for name in ("0.png", "1.png")]
    test = [Sample(folder / name, "a", "test") for name in ("2.png", "mirrored.png", "3.png")]
    assert without_duplicates_of(test, train) == [test[0], test[2]]
    assert without_duplicates_of(test[1:2], train) == []


def test_copies_within_a_split_leak_nothing(folder: Path) -> None:
    noise(0).save(folder / "copy.png")
    found = leakage([Sample(folder / name, "a", "train") for name in ("0.png", "copy.png")])
    assert len(found.duplicates) == 1
    assert found.clean


def test_groups_in_two_splits_or_folds_are_named(folder: Path) -> None:
    files = [folder / f"{n}.png" for n in range(4)]
    splits = ("train", "test", "train", "test")
    by_split = [Sample(f, "a", split, group) for f, split, group in zip(files, splits, "7788", strict=True)]
    by_fold = [Sample(f, "a", fold=fold, group="7") for f, fold in zip(files, "0011", strict=True)]
    assert leakage(by_split).groups == ("7", "8")
    assert leakage(by_fold).groups == ("7",)
    assert str(leakage(by_split)).endswith("Groups across splits: 2 (7, 8).")


@pytest.mark.parametrize("split", ["", "train"])
def test_what_is_in_no_split_crosses_nothing(folder: Path, split: str) -> None:
    noise(0).save(folder / "copy.png")
    found = leakage([Sample(folder / "0.png", "a", split, "1"), Sample(folder / "copy.png", "a", group="1")])
    assert len(found.duplicates) == 1
    assert found.clean


def test_a_damaged_file_is_named(folder: Path) -> None:
    (folder / "0.png").write_bytes(b"")
    with pytest.raises(ImageError, match=r"0\.png"):
        leakage([Sample(folder / "0.png", "a")])


def test_fingerprints_give_the_correlation() -> None:
    first, second = noise(0), noise(1)
    pixels = [np.asarray(each.resize((48, 48), Image.Resampling.BILINEAR)).ravel() for each in (first, second)]
    assert fingerprint(first) @ fingerprint(second) == pytest.approx(np.corrcoef(*pixels)[0, 1], abs=1e-5)


def test_blank_images_are_like_each_other_and_like_nothing_else() -> None:
    images = [Image.new("L", (9, 9), 0), noise(0), Image.new("RGB", (50, 20), "white")]
    sets = near_duplicates(np.stack([fingerprint(each) for each in images]))
    assert sets[0] == sets[2] != sets[1]


def test_chains_are_followed_across_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    # Ten degrees between neighbours correlate at 0.985; twenty at 0.94.
    angles = np.deg2rad(np.array([0, 90, 10, 180, 20, 270, 30]))
    fingerprints = np.zeros((len(angles), FINGERPRINT_SIDE**2), np.float32)
    # Two places of which no turn and no mirror puts one on the other.
    fingerprints[:, 1], fingerprints[:, 100] = np.cos(angles), np.sin(angles)
    for block in (1, 2, 3, 100):
        monkeypatch.setattr(duplicates, "BLOCK", block)
        sets = near_duplicates(fingerprints)
        assert len(set(sets[[0, 2, 4, 6]])) == 1, block
        assert len(set(sets)) == 4, block


def test_no_images_at_all() -> None:
    assert leakage([]).clean


def test_the_real_groups_are_found_again(data: Path) -> None:
    samples = [s for s in read_samples(data / "brain-mri") if s.split == "test"]
    found = leakage(samples)
    groups: dict[str, set[Path]] = {}
    for sample in samples:
        groups.setdefault(sample.group, set()).add(sample.path)
    declared = [frozenset(paths) for paths in groups.values() if len(paths) > 1]
    sets = [frozenset(s.path for s in each) for each in found.duplicates]
    # A declared group holds copies that are laid out alike; turned and mirrored ones bring groups together.
    whole = sum(len(paths) for paths in declared if any(paths <= each for each in sets))
    assert whole >= 0.9 * sum(map(len, declared))
    assert len(sets) > len(declared)
