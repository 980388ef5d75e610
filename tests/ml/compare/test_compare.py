from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.compare.curves import reliability, roc_curves
from ml.compare.overview import explain, not_trained, overview
from ml.compare.protocols import divisions
from ml.compare.published import PUBLISHED
from ml.compare.results import RESULTS, read_results, result_path, write_result
from ml.datasets import Sample
from ml.errors import MlError, ResultInvalid, WrongChoice
from ml.evaluation.metrics import summarise
from ml.networks.zoo import ZOO, build

PATIENTS = 6
LABELS = ("benign", "malignant")


@pytest.fixture(scope="module")
def slides(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """48 pictures of six patients; the malignant are brighter."""
    folder = tmp_path_factory.mktemp("data") / "slides"
    folder.mkdir()
    generator = np.random.default_rng(0)
    rows = ["path,label,patient_case,magnification,fold"]
    for number in range(48):
        patient, bright = number % PATIENTS, number % 2
        pixels = generator.integers(0, 120, (24, 24, 3)) + 110 * bright
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number}.png")
        rows.append(f"{number}.png,{LABELS[bright]},{patient},100,{patient // 2}")
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="module")
def compared(slides: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    """A network under each of two protocols, then both again with one that cannot be trained, each in an epoch."""
    from ml.compare.comparison import Plan, compare

    results = tmp_path_factory.mktemp("results")
    others = str(tmp_path_factory.mktemp("weights") / "logistic.weights.h5")
    build("logistic", 2, (24, 24, 3)).save_weights(others)
    first = Plan(slides, ["grouped"], ["logistic"], results=results, size=24, epochs=1)
    outcome = compare(first)
    second = replace(first, protocols=["paper"], networks=["cnn_b", "basecnn"], weights={"cnn_b": others})
    return results, {"first": outcome, "second": compare(second), "third": compare(first)}


def test_each_pair_has_a_result_which_is_not_made_twice(compared: tuple[Path, dict]) -> None:
    results, outcome = compared
    grouped = str(results / "slides--grouped--logistic--source.json")
    paper = str(results / "slides--paper--basecnn--source.json")
    assert (outcome["first"]["written"], outcome["second"]["written"]) == ([grouped], [paper])
    assert outcome["third"] == {"written": [], "skipped": [grouped], "failed": []}
    assert sorted(map(str, results.iterdir())) == [grouped, paper]


def test_a_failed_network_is_reported_and_stops_no_other(compared: tuple[Path, dict]) -> None:
    (failed,) = compared[1]["second"]["failed"]
    assert (failed["network"], failed["protocol"]) == ("cnn_b", "paper")
    assert failed["error"].startswith("WrongChoice: ")


@pytest.mark.parametrize(("protocol", "error"), [("guess", WrongChoice), ("manifest", MlError)])
def test_a_protocol_that_the_data_do_not_allow_is_refused_before_training(
    slides: Path, tmp_path: Path, protocol: str, error: type[Exception]
) -> None:
    from ml.compare.comparison import Plan, compare

    with pytest.raises(error):
        compare(Plan(slides, ["paper", protocol], ["basecnn"], results=tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_each_patient_is_tested_once_under_grouped(compared: tuple[Path, dict]) -> None:
    result = json.loads((compared[0] / "slides--grouped--logistic--source.json").read_text())
    divided = result["data"]["divisions"]
    assert sum(part["test"] for part in divided) == result["figures"]["images"] == 48
    assert (result["figures"]["groups"], result["figures"]["resampled_by"]) == (PATIENTS, "group")
    assert len(result["training"]) == len(result["budget"]["epochs_run"]) == len(divided)


def test_a_result_describes_how_it_was_made(compared: tuple[Path, dict]) -> None:
    result = json.loads((compared[0] / "slides--paper--basecnn--source.json").read_text())
    text = " ".join(result["cautions"])
    assert result["network"]["parameters"] == {"total": 89_485, "trainable": 89_479}
    assert result["network"]["input_shape"] == [24, 24, 3]
    assert result["budget"]["epochs_of_the_recipe"] == 35
    assert result["cost"]["bytes"] > 89_485 * 2
    assert "Images of one patient are in train and in test" in text
    assert "Trained at 24 x 24 pixels; the source's size is 224 x 224." in text
    assert "At most 1 epochs, where the recipe has 35." in text
    assert "There are only 6 patients" in text


def test_examples_are_paths_in_the_data_folder(compared: tuple[Path, dict], slides: Path) -> None:
    result = json.loads((compared[0] / "slides--grouped--logistic--source.json").read_text())
    assert result["examples"]
    assert all((slides / example["path"]).is_file() for example in result["examples"])


def test_the_report_is_one_page_that_needs_nothing_else(
    compared: tuple[Path, dict], slides: Path, tmp_path: Path
) -> None:
    from ml.report.writing import write_report

    files = write_report(compared[0], tmp_path, slides.parent)
    html = (tmp_path / "report.html").read_text()
    names = ("comparison", "training", "roc", "reliability", "confusion", "costs", "examples")
    assert {path.name for path in files} == {"report.html", *(f"slides-{name}.png" for name in names)}
    assert all(Image.open(tmp_path / f"slides-{name}.png").width > 300 for name in names)
    assert html.count('<img src="data:image/png;base64,') == len(names)
    assert "<script" not in html and "http" not in html
    assert "Not trained for this comparison: mobilenetv3small" in html


def test_protocols(slides: Path) -> None:
    samples = [Sample(slides / "0.png", "a", group=str(patient)) for patient in range(10)]
    assert {sample.split for sample in divisions(samples, "paper", 0)[0]} == {"train", "val", "test"}
    assert len(divisions(samples, "grouped", 0)) == 5
    with pytest.raises(MlError, match="expected rows of the split"):
        divisions(samples, "manifest", 0)
    with pytest.raises(WrongChoice, match="expected one of the protocols manifest, paper, grouped, found 'x'"):
        divisions(samples, "x", 0)


def test_roc_curves_end_in_both_corners_and_enclose_the_area() -> None:
    generator = np.random.default_rng(0)
    truth = generator.integers(0, 2, 400)
    scores = generator.random(400) * 0.6 + 0.4 * truth
    probabilities = np.stack([1 - scores, scores], axis=1)
    (curve,) = roc_curves(probabilities, truth, LABELS)
    x, y = curve["false_positive_rate"], curve["true_positive_rate"]
    assert (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(y, x) == pytest.approx(summarise(probabilities, truth, LABELS, rounds=2)["macro_auc"], abs=0.01)


def test_reliability_bins_hold_every_image() -> None:
    probabilities = np.array([[0.55, 0.45], [0.05, 0.95], [0.05, 0.95], [1.0, 0.0]])
    bins = reliability(probabilities, np.array([0, 1, 0, 0]))
    assert [each["images"] for each in bins] == [1, 3]
    assert bins[1]["accuracy"] == pytest.approx(2 / 3, abs=1e-4)


def made_up(protocol: str, auc: float, network: str = "basecnn") -> dict:
    return {
        "data": {"name": "slides", "unit": "patient"},
        "protocol": protocol,
        "network": {"name": network},
        "recipe": {"name": "source"},
        "figures": {"macro_auc": auc},
        "examples": ["left out"],
    }


def test_the_difference_between_protocols_is_explained_from_the_figures() -> None:
    text = explain([made_up("paper", 0.95), made_up("grouped", 0.6), made_up("paper", 0.9, "vgg16")])
    assert "reaches a ROC-AUC of 0.95" in text and "of 0.60 where no patient" in text
    assert "The difference of 0.35 is" in text


def test_where_there_is_no_difference_none_is_explained() -> None:
    assert "does not help" in explain([made_up("paper", 0.7), made_up("grouped", 0.7)])
    assert explain([made_up("paper", 0.7)]) is None


def test_the_overview_lists_what_was_not_trained_and_leaves_images_out() -> None:
    found = overview([made_up("paper", 0.7)])
    assert "examples" not in found["results"][0]
    assert found["not_trained"] == [{"data": "slides", "networks": [n for n in ZOO if n != "basecnn"]}]


def test_the_published_networks_are_in_the_zoo() -> None:
    assert {(each.network, each.source) for each in PUBLISHED} <= {(each.name, each.source) for each in ZOO.values()}


def test_nothing_half_written_is_left(tmp_path: Path) -> None:
    path = result_path(tmp_path, "a b/../c", "paper", "x", "source")
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_result(path, {"figure": float("nan")})
    with pytest.raises(OSError):
        write_result(tmp_path / ("n" * 250 + ".json"), {"figure": 1})
    assert path.parent == tmp_path
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "cannot be read as JSON"),
        ("[]", "expected the schema scanproof.result/1, found 'list'"),
        ('{"schema": "scanproof.result/9"}', "expected the schema scanproof.result/1, found 'scanproof.result/9'"),
        ('{"schema": "scanproof.result/1"}', "expected data to be a dict, found None"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, content: str, reason: str) -> None:
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(ResultInvalid, match=reason):
        read_results(tmp_path)


def test_the_committed_results_are_valid_and_hold_no_image() -> None:
    results = read_results()
    names = [path.name for path in sorted(RESULTS.glob("*.json"))]
    expected = [
        result_path(RESULTS, r["data"]["name"], r["protocol"], r["network"]["name"], r["recipe"]["name"]).name
        for r in results
    ]
    assert sorted(expected) == names
    assert not_trained(results) != list(ZOO)
