"""A network as its difference from its weights, and back to the same bytes."""

from __future__ import annotations

import io
import json
import lzma
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ml.bundle.bundle import WEIGHTS, load_bundle
from ml.bundle.folding import EPSILON, Place, add, find_places, subtract
from ml.bundle.kinds import NETWORK
from ml.bundle.retired import DIFFERENCE, FOLDING, RetiredBundles, main
from ml.errors import BundleError
from ml.inference.registry import BUNDLES

OUTLINE = BUNDLES / "tumour-outline"


def archive_of(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez(file, **{name.replace("__", "/"): values.astype(np.float16) for name, values in arrays.items()})
    return file.getvalue()


@pytest.fixture(scope="module")
def outline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("retired")
    main(OUTLINE, folder)
    (archive,) = folder.iterdir()
    return archive


@pytest.fixture
def kernels() -> dict[str, np.ndarray]:
    """Two convolutions, the second one by channel, each with its normalisation; a layer with neither."""
    chance = np.random.default_rng(5)
    return {
        "a__kernel": chance.normal(size=(3, 3, 4, 8)),
        "a_norm__gamma": chance.uniform(0.5, 2, 8),
        "a_norm__moving_variance": chance.uniform(0.1, 3, 8),
        "b__kernel": chance.normal(size=(3, 3, 16, 1)),
        "b_norm__gamma": chance.uniform(0.5, 2, 16),
        "b_norm__moving_variance": chance.uniform(0.1, 3, 16),
        "logits__kernel": chance.normal(size=(8, 4)),
    }


def network_of(kernels: dict[str, np.ndarray]) -> bytes:
    """As an export to LiteRT has them, from the values before they were rounded to float16."""
    first = kernels["a__kernel"] * kernels["a_norm__gamma"] / np.sqrt(kernels["a_norm__moving_variance"] + EPSILON)
    scale = kernels["b_norm__gamma"] / np.sqrt(kernels["b_norm__moving_variance"] + EPSILON)
    second = kernels["b__kernel"][..., 0] * scale
    parts = (first.transpose(3, 0, 1, 2), second, kernels["logits__kernel"])
    return b"head" + b"between!".join(part.astype(np.float16).tobytes() for part in parts) + b"end"


def test_all_but_the_last_bits_of_a_folded_kernel_follow_from_the_weights(kernels: dict[str, np.ndarray]) -> None:
    network, weights = network_of(kernels), archive_of(**kernels)
    places = find_places(network, weights)
    assert places == [Place(4, "a/kernel", "a_norm"), Place(4 + 2 * 288 + 8, "b/kernel", "b_norm")]
    difference = subtract(network, weights, places)
    assert (difference[:4], difference[-3 - 2 * 32 :]) == (b"head", network[-3 - 2 * 32 :])
    left = np.frombuffer(difference, np.int16, 288, 4)
    assert abs(left).max() <= 4
    assert add(difference, weights, places) == network


def test_a_kernel_of_other_weights_is_left_as_it_is(kernels: dict[str, np.ndarray]) -> None:
    network = network_of(kernels)
    weights = archive_of(**kernels | {"a__kernel": kernels["a__kernel"][::-1], "b__kernel": kernels["b__kernel"] + 1})
    assert find_places(network, weights) == []
    assert subtract(network, weights, []) == network


def test_a_retired_bundle_is_read_as_it_was(tmp_path: Path, outline: Path) -> None:
    whole = sum(len(lzma.compress((OUTLINE / name).read_bytes(), preset=0)) for name in (NETWORK, WEIGHTS))
    assert outline.stat().st_size < 0.65 * whole
    with tarfile.open(outline) as archive:
        assert NETWORK not in archive.getnames()
    retired = RetiredBundles(outline.parent)
    sha256 = load_bundle(OUTLINE).sha256
    main(outline, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        path.name: path.read_bytes() for path in OUTLINE.iterdir()
    }
    assert retired.bundle(sha256).model == (OUTLINE / NETWORK).read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        lambda files: files | {FOLDING: b"{"},
        lambda files: files | {FOLDING: b"[[0]]"},
        lambda files: files | {FOLDING: b"7"},
        lambda files: files | {FOLDING: json.dumps([[10**9, *json.loads(files[FOLDING])[0][1:]]]).encode()},
        lambda files: files | {FOLDING: b'[[0, "none", "none"]]'},
        lambda files: files | {WEIGHTS: b"no archive"},
        lambda files: {name: content for name, content in files.items() if name != DIFFERENCE},
    ],
    ids=["json", "place", "list", "offset", "kernel", "weights", "difference"],
)
def test_a_damaged_difference_is_refused(
    tmp_path: Path, outline: Path, change: Callable[[dict[str, bytes]], dict[str, bytes]]
) -> None:
    with tarfile.open(outline) as archive:
        files = {entry.name: archive.extractfile(entry).read() for entry in archive}
    with tarfile.open(tmp_path / outline.name, "w:xz", preset=0) as written:
        for name, content in change(files).items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            written.addfile(entry, io.BytesIO(content))
    with pytest.raises(BundleError, match=r"expected a network that follows from weights\.npz: "):
        RetiredBundles(tmp_path).bundle(outline.name.partition(".")[0])
