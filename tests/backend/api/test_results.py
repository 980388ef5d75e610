"""The networks' results, as the page gets them."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from backend.adapters.models.bundled import ResultFiles
from backend.container import Container
from backend.errors import ResultsUnreadable
from ml.compare.results import read_results
from tests.backend.api.conftest import API


def test_the_results_are_those_of_the_files(client: FlaskClient) -> None:
    answer = client.get(f"{API}/results").json
    assert [each["network"]["name"] for each in answer["results"]] == [r["network"]["name"] for r in read_results()]
    assert answer["results"][0]["schema"] == "scanproof.result/1"
    assert {each["source"] for each in answer["published"]} == {"S1", "S2", "S3"}
    assert answer["notTrained"][0].keys() == {"data", "networks"}


def test_they_are_sent_again_only_when_they_changed(client: FlaskClient) -> None:
    first = client.get(f"{API}/results")
    again = client.get(f"{API}/results", headers={"If-None-Match": first.headers["ETag"]})
    assert (first.headers["Cache-Control"], again.status_code, again.data) == ("no-cache", 304, b"")


def test_a_damaged_file_is_reported_and_a_mended_one_read(tmp_path: Path) -> None:
    files = ResultFiles(tmp_path)
    assert files.overview()["results"] == []
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(ResultsUnreadable, match=r"x\.json: expected the schema scanproof\.result/1, found None"):
        files.overview()
    (tmp_path / "x.json").unlink()
    assert files.overview()["results"] == []


def test_unchanged_files_are_read_once(container: Container) -> None:
    assert container.results() is container.results()
