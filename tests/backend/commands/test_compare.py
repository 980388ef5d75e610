"""`scanproof compare` and `scanproof report`; what they compute is tested with `ml`."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image

from ml.compare.results import RESULTS


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    Image.linear_gradient("L").save(folder / "a.png")
    (folder / "manifest.csv").write_text("path,label\na.png,benign\n")
    return folder


@pytest.mark.slow
def test_a_report_is_one_page_with_its_pictures(scanproof, tmp_path):
    files = scanproof("report", "--output", tmp_path / "new" / "report", "--json").json["files"]

    assert str(tmp_path / "new" / "report" / "report.html") in files
    assert all(Path(file).stat().st_size > 1000 for file in files)


def test_a_report_of_one_result_is_one_page(scanproof, tmp_path):
    one = sorted(RESULTS.glob("*.json"))[0]
    (tmp_path / "results").mkdir()
    shutil.copy(one, tmp_path / "results")
    result = scanproof("report", "--results", tmp_path / "results", "--output", tmp_path / "report", "--json")

    assert result.status == 0, result.stderr
    assert str(tmp_path / "report" / "report.html") in result.json["files"]
    assert all(Path(file).stat().st_size > 1000 for file in result.json["files"])


def test_without_results_there_is_no_report(scanproof, tmp_path):
    result = scanproof("report", "--results", tmp_path, "--output", tmp_path / "report")

    assert result.status == 2
    assert result.stderr == f"scanproof report: expected results of scanproof compare in {tmp_path}, found none\n"


@pytest.mark.parametrize("failed", [[], [{"network": "cnn_a", "protocol": "paper", "error": "lost"}]])
def test_a_failed_training_is_reported_beside_the_others(scanproof, data, tmp_path, monkeypatch, failed):
    plans = []

    def compare(plan, report):
        plans.append(plan)
        report("paper: no near-duplicates")
        return {"written": ["a.json"], "skipped": ["b.json"], "failed": failed}

    monkeypatch.setattr("ml.compare.comparison.compare", compare)
    given = ("--data", data, "--protocol", "paper", "--models", "basecnn,cnn_a", "--epochs", "2", "--again")
    result = scanproof("compare", *given, "--results", tmp_path)

    (plan,) = plans
    assert (plan.data, plan.networks, plan.protocols, plan.results) == (data, ["basecnn", "cnn_a"], ["paper"], tmp_path)
    assert (plan.epochs, plan.again, plan.weights) == (2, True, {})
    assert result.status == (1 if failed else 0)
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines[:2] == [["written", "a.json"], ["skipped", "b.json"]]
    assert lines[2:] == [["failed", "cnn_a,", "paper:", "lost"]][: len(failed)]
    assert "no near-duplicates" in result.stderr


@pytest.mark.parametrize(
    ("option", "value", "text"),
    [
        ("--models", "basecnn,", "expected names with commas between them, found 'basecnn,'"),
        ("--weights", "mobilenet", "expected NAME=FILE or NAME=imagenet, found 'mobilenet'"),
    ],
)
def test_wrong_use_is_reported(scanproof, data, option, value, text):
    result = scanproof("compare", "--data", data, "--protocol", "paper", "--models", "basecnn", option, value)

    assert result.status == 2
    assert text in result.stderr
