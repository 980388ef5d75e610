"""Whole slides by command: cleaned, classified, recorded, verified, and in evidence files."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from backend.adapters.ipfs.unixfs import cid_of
from backend.domain import MAX_IMAGE_BYTES
from tests.backend.adapters.slides import makers, vectors
from tests.backend.commands.conftest import Shared, shared


@pytest.fixture(scope="module")
def slide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As it comes from a scanner."""
    return makers.aperio(tmp_path_factory.mktemp("slides") / "DOE JANE.svs", makers.tissue(1000, 800))


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Larger than an image may be, and without a pixel size, so that no field is read."""
    noise = np.random.default_rng(1).integers(0, 256, (2600, 3400, 3), np.uint8)
    path = tmp_path_factory.mktemp("slides") / "large.tif"
    return makers.pyramid(path, noise, levels=1, micrometres=None, compression=None)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Shared:
    return shared(tmp_path_factory.mktemp("own"))


@pytest.fixture(scope="module")
def record(own: Shared, slide: Path) -> dict:
    result = own("demo", slide, "--json")
    assert result.status == 0, result.stdout + result.stderr
    return result.json


@pytest.fixture(scope="module")
def large_record(own: Shared, large: Path) -> dict:
    result = own("demo", large, "--json")
    assert result.status == 0, result.stdout + result.stderr
    return result.json


def passed(checks: list[dict], name: str) -> bool:
    (check,) = (check for check in checks if check["name"] == name)
    return check["passed"]


def test_a_copy_without_identifiers_is_written_under_its_cid(scanproof, slide: Path, tmp_path: Path) -> None:
    key = tmp_path / "key"
    done = scanproof("deidentify", slide, "--out", tmp_path / "clean", "--key", key, "--json")
    again = scanproof("deidentify", slide, "--out", tmp_path / "clean", "--key", key)

    (file,) = done.json["files"]
    copy = Path(file["written"])
    assert (done.status, again.status) == (0, 0)
    assert copy.read_bytes() == vectors.clean(slide.read_bytes())
    assert copy.name == f"{cid_of(copy.read_bytes())}.tif"
    assert "label picture" in file["removed"]
    assert sorted((tmp_path / "clean").iterdir()) == [copy]


def test_a_copy_that_cannot_be_written_is_said(scanproof, slide: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    target = tmp_path / "file" / "clean"
    result = scanproof("deidentify", slide, "--out", target, "--key", tmp_path / "key")

    assert result.status == 2
    assert "directory" in result.stderr or "cannot be written" in result.stderr


def test_text_in_a_slide_is_not_made_black(scanproof, slide: Path, tmp_path: Path) -> None:
    done = scanproof(
        "deidentify", slide, "--out", tmp_path / "clean", "--key", tmp_path / "key", "--mask-text", "--json"
    )

    assert done.status == 1
    assert done.json["refused"][0]["reason"].startswith("text is not looked for in whole slides")


def test_a_slide_is_classified_by_fields(scanproof, slide: Path, tmp_path: Path) -> None:
    answer = scanproof("classify", slide, "--json").json
    shown = scanproof("classify", slide).stdout

    assert answer["model"]["name"] == "breast-histology"
    assert answer["rule"] == "mean-of-fields/1"
    assert [(tile["x"], tile["y"]) for tile in answer["tiles"]] == [(0, 0), (0, 365)]
    assert "2 read, " in shown
    assert list(tmp_path.glob("**/slides/*/*")) == []


@pytest.mark.parametrize(
    ("option", "words"), [("--force", "--force is for one image"), ("--frame=2", "--frame is for")]
)
def test_options_of_other_images_are_refused(scanproof, slide: Path, option: str, words: str) -> None:
    result = scanproof("classify", slide, option)

    assert result.status == 2
    assert words in result.stderr


def test_a_record_of_a_slide_is_reproduced_field_by_field(record: dict, slide: Path) -> None:
    assert record["verified"]
    assert record["cid"] == cid_of(vectors.clean(slide.read_bytes()))
    (check,) = (check for check in record["checks"] if check["name"] == "result reproduced")
    assert check["found"].endswith("from 2 fields")


def test_a_small_slide_is_in_the_evidence_file(own: Shared, scanproof, record: dict, tmp_path: Path) -> None:
    made = own("evidence", record["imageId"], "--output", tmp_path / "evidence.zip", "--json")
    assert not made.json["imageLeftOut"]

    found = scanproof("verify", "--evidence", tmp_path / "evidence.zip", "--json")

    assert found.json["verdict"] == "unanchored", found.stdout
    assert passed(found.json["checks"], "result reproduced")


def test_a_large_one_stays_outside_and_is_given_or_fetched(
    own: Shared, scanproof, large_record: dict, large: Path, slide: Path, tmp_path: Path
) -> None:
    file = tmp_path / "evidence.zip"
    made = own("evidence", large_record["imageId"], "--output", file)
    assert "give it with --file" in made.stdout
    assert f"objects/{large_record['cid']}" not in zipfile.ZipFile(file).namelist()
    assert file.stat().st_size < MAX_IMAGE_BYTES

    alone = scanproof("verify", "--evidence", file, "--json")
    given = scanproof("verify", "--evidence", file, "--file", large, "--json")
    other = scanproof("verify", "--evidence", file, "--file", slide, "--json")
    fetched = own("verify", "--evidence", file, "--json")

    assert [each.json["verdict"] for each in (alone, given, other, fetched)] == [
        "invalid",
        "unanchored",
        "invalid",
        "unanchored",
    ]
    (check,) = (check for check in alone.json["checks"] if check["name"] == "image bytes")
    assert "is not in the evidence file" in check["found"]
    assert passed(given.json["checks"], "result reproduced")


def test_another_size_of_slide_is_refused_by_a_sentence(scanproof, large: Path) -> None:
    result = scanproof("classify", large, SCANPROOF_SLIDE_BYTES="1000000")

    assert result.status != 0
    assert "expected a slide of at most 1,000,000 bytes" in result.stderr


def test_no_export_is_made_of_a_slide(own: Shared, record: dict, tmp_path: Path) -> None:
    result = own("export", record["imageId"], "--as", "pdf", "--output", tmp_path / "record.pdf")

    assert result.status != 0
    assert "found one of a whole slide" in result.stderr
