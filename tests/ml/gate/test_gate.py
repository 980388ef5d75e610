"""The gate: what kind of image is it, before a model is chosen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.datasets.splits import SPLITS
from ml.errors import WrongChoice
from ml.evaluation.outliers import draw_outliers
from ml.gate.data import BRAIN, HISTOLOGY, gather, listed
from ml.gate.gate import REASON, Gate
from ml.gate.pictures import LEARNED, LEARNED_PHOTOGRAPHS, UNSEEN, UNSEEN_PHOTOGRAPHS, unseen_pictures
from ml.gate.pictures import learned_pictures as learned
from ml.inference.registry import Registry
from ml.preprocessing.thumbnail import thumbnail
from ml.training.specifications import MODALITY_GATE


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry()


@pytest.fixture(scope="module")
def gate(registry: Registry) -> Gate:
    return registry.get("modality-gate")


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_thumbnail_shows_the_whole_image(mode: str) -> None:
    seen = thumbnail(Image.new(mode, (300, 200), "white"), 8)
    assert seen.pixels.shape == (1, 8, 8, 3)
    assert seen.pixels.dtype == np.float32
    assert (seen.pixels == 1.0).all()
    assert (seen.crop.right, seen.crop.bottom) == seen.size == (300, 200)


@pytest.mark.parametrize("kind", ["noise", "coloured noise", "blank", "text", "stripes", "coloured scenery"])
def test_what_is_neither_is_declined_with_the_reason(gate: Gate, kind: str) -> None:
    found = [gate.predict(image) for image in draw_outliers(count=10, seed=99)[kind]]
    declined = [each for each in found if each.abstained]
    assert len(declined) >= 9
    assert {(each.label, each.code, each.reason) for each in declined} == {("abstained", 0, REASON)}
    assert REASON == "not recognised as a brain MRI or a breast-histology image"


def test_other_is_never_an_answer(gate: Gate) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    found = gate.predict(noise)
    assert max(found.probabilities, key=found.probabilities.get) == "other"
    assert found.label == "abstained"


def test_without_a_model_named_the_gate_declines_what_it_does_not_know(registry: Registry, gate: Gate) -> None:
    assert registry.for_image(draw_outliers(count=1, seed=5)["text"][0]) is gate


@pytest.mark.parametrize(("pattern", "modality"), [("mri_*.jpg", "brain-mri"), ("SOB_*.png", "breast-histology")])
def test_uploads_go_to_their_model(registry: Registry, data: Path, pattern: str, modality: str) -> None:
    for path in sorted((data / "samples").glob(pattern)):
        assert registry.for_image(path.read_bytes()).bundle.metadata.modality == modality, path.name


def test_a_section_in_grey_is_declined(gate: Gate, data: Path) -> None:
    for path in sorted((data / "samples").glob("SOB_*.png")):
        assert gate.predict(Image.open(path).convert("L")).abstained, path.name


def test_no_kind_that_is_judged_on_was_learned_from() -> None:
    assert not LEARNED.keys() & UNSEEN.keys()
    assert not set(LEARNED_PHOTOGRAPHS) & set(UNSEEN_PHOTOGRAPHS)


@pytest.mark.parametrize("draw", [learned, unseen_pictures])
def test_the_same_seed_draws_the_same_pictures(draw) -> None:
    brains, histology = [Image.new("L", (90, 80), 90)], [Image.new("RGB", (70, 46), (200, 120, 180))]
    first, again = (draw(1, 3, brains, histology) for _ in range(2))
    assert {kind: len(pictures) for kind, pictures in first.items()} == dict.fromkeys(first, 1)
    for kind, (picture,) in first.items():
        assert picture.mode in ("L", "RGB")
        assert picture.tobytes() == again[kind][0].tobytes(), kind


def test_no_patient_is_learned_from_and_judged_on(data: Path) -> None:
    files = listed(data / "brain-mri", data / "breakhis-100x")
    parts = [set(gather(files[split], split, brain_limit=3, pictures=1).patients) for split in ("val", "test")]
    assert len(parts[0]) == 4
    assert len(parts[1]) == 5
    assert not parts[0] & parts[1]


def test_a_collection_without_the_folds_of_a_split_is_refused(tmp_path: Path) -> None:
    brains = "".join(f"{split}.png,brain,{split},\n" for split in SPLITS)
    sections = "a.png,benign,,0\nb.png,benign,,3\n"
    for name, rows in (("brains", brains), ("sections", sections)):
        (tmp_path / name).mkdir()
        for row in rows.splitlines():
            Image.new("L", (8, 8)).save(tmp_path / name / row.partition(",")[0])
        (tmp_path / name / "manifest.csv").write_text(f"path,label,split,fold\n{rows}")
    with pytest.raises(WrongChoice, match="sections: expected rows of the folds 4, found none"):
        listed(tmp_path / "brains", tmp_path / "sections")


def test_the_rate_of_false_alarms_counts_the_two_kinds_only() -> None:
    from ml.gate.training import false_alarm_rate

    probabilities = np.array([[0.9, 0.05, 0.05], [0.4, 0.3, 0.3], [0.1, 0.8, 0.1], [0.2, 0.7, 0.1]])
    labels = np.array([0, 0, 1, 2])
    assert false_alarm_rate(probabilities, labels) == pytest.approx(1 / 3, abs=1e-4)


def drawn_images(folder: Path, rows: dict[str, tuple[str, str, str]], mode: str, colour: object) -> None:
    """A collection with ``rows``: label, split and fold by name of file."""
    folder.mkdir(parents=True)
    lines = ["path,label,group,split,fold"]
    for number, (name, (label, split, fold)) in enumerate(rows.items()):
        Image.new(mode, (90, 80), colour).save(folder / name)
        lines.append(f"{name},{label},{number},{split},{fold}")
    (folder / "manifest.csv").write_text("\n".join(lines) + "\n")


def test_a_gate_is_trained_and_packaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ml.gate.training import train_gate
    from ml.training.choices import Choices, TrainingJob

    counts = {"train": 3, "val": 2, "test": 1}
    monkeypatch.setattr("ml.gate.data.PICTURES", counts)
    brains = {f"{split}{n}.png": ("glioma", split, "") for split, count in counts.items() for n in range(count)}
    drawn_images(tmp_path / "brain-mri", brains, "L", 40)
    sections = {f"{fold}.png": ("benign", "", str(fold)) for fold in range(5)}
    drawn_images(tmp_path / "breakhis-100x", sections, "RGB", (230, 60, 200))

    job = TrainingJob(MODALITY_GATE, tmp_path, tmp_path / "new", Choices(epochs=1, seed=3), {}, print)
    bundle = train_gate(job)

    assert bundle.metadata.labels[HISTOLOGY] == "breast-histology"
    kinds = len(bundle.metrics["outliers"])
    assert set(UNSEEN) <= set(bundle.metrics["outliers"])
    assert np.sum(bundle.metrics["test"]["decisions"], axis=1).tolist() == [1, 1, kinds]
    assert {each["images"] for each in bundle.metrics["outliers"].values()} == {1}
    training = bundle.metadata.training
    assert (training["seed"], training["epochs"]) == (3, 1)
    assert (training["images"]["brain-mri"], training["images"]["breast-histology"]) == (3, 30)
    assert training["images"]["other"] >= 3 * len(LEARNED)
    assert Gate(bundle).predict(Image.new("L", (90, 80), 40)).probabilities.keys() == set(bundle.metadata.labels)


def test_the_shipped_gate_knows_the_two_kinds(gate: Gate) -> None:
    brain, section, _ = np.array(gate.bundle.metrics["test"]["decisions"])
    assert brain[BRAIN] / brain.sum() >= 0.99
    assert section[HISTOLOGY] / section.sum() >= 0.99
    assert len(gate.bundle.model) < 300_000
