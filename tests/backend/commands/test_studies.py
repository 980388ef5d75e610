"""Folders and ZIPs: one study by command, from files to a verified record and its evidence."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from backend.adapters.dicom.frames import split
from backend.adapters.study_files import natural, study_sources
from backend.services import study_documents
from ml.preprocessing.dicom import DicomFile
from tests.backend.adapters.dicom.multiframe import classic, enhanced
from tests.backend.adapters.dicom.test_directory import directory
from tests.backend.received import series
from tests.dicoms import deidentified, dicom, sample


@pytest.fixture
def folder(tmp_path: Path, picture: Callable[..., bytes]) -> Path:
    """Ten JPEGs, whose names are numbered without zeros, and what systems and people put beside them."""
    folder = tmp_path / "series"
    (folder / "part").mkdir(parents=True)
    for number in range(1, 11):
        (folder / f"slice-{number}.jpg").write_bytes(picture("JPEG", (48 + number, 40)))
    shutil.copy(folder / "slice-3.jpg", folder / "part" / "again.jpg")
    (folder / "notes.txt").write_text("no image")
    (folder / ".DS_Store").write_bytes(b"\0\0")
    return folder


def test_a_folder_is_one_study_from_files_to_evidence(scanproof, folder: Path, tmp_path: Path) -> None:
    made = scanproof("demo", folder, "--json")
    assert made.status == 0, made.stderr
    study = made.json
    assert study["verified"] and study["label"] == "abstained"
    assert [each["file"] for each in study["slices"]] == ["part/again.jpg", *(f"slice-{n}.jpg" for n in NOT_3)]
    assert {each["name"]: each["reason"] for each in study["leftOut"]} == {
        "notes.txt": study["leftOut"][0]["reason"],
        "slice-3.jpg": "the same image as part/again.jpg",
    }
    (transaction,) = study["transactions"]
    assert transaction["name"] == "registerWithDiagnosis"
    assert transaction["gasUsed"] <= 90_000
    again = scanproof("demo", folder, "--json")
    assert again.json == study
    assert "found: it was recorded before" in again.stderr

    (folder / "notes.txt").unlink()
    (folder / "slice-3.jpg").unlink()
    verified = scanproof("verify", "--image-id", study["imageId"], "--file", folder, "--json")
    assert (verified.status, verified.json["verdict"]) == (0, "valid")
    (folder / "slice-7.jpg").unlink()
    lacking = scanproof("verify", "--tx", transaction["hash"], "--file", folder, "--json")
    assert lacking.status == 1
    (failed,) = [each for each in lacking.json["checks"] if not each["passed"]]
    assert (failed["name"], failed["found"]) == ("files", "slice 7 is not among the files")

    bundle = tmp_path / "evidence.zip"
    arguments = ("evidence", study["imageId"], "--slices", "2,9-10", "--output", bundle)
    assert scanproof(*arguments).status == 0
    checked = scanproof("verify", "--evidence", bundle, "--json")
    assert checked.status == 3, checked.stdout
    found = {each["name"]: each["found"] for each in checked.json["checks"]}
    assert found["slices"].startswith("3 of 10 slices have their CID, SHA-256 and size; 7 are not in this file")
    assert found["results reproduced"].startswith("3 of 10 inferences were repeated")
    assert found["slice list"] == "the same"
    past = scanproof("evidence", study["imageId"], "--slices", "11", "--output", tmp_path / "x.zip", "--json")
    assert past.json["error"]["message"] == "expected slices from 1 to 10, found 11 to 11"

    tampered = tmp_path / "tampered.zip"
    cid = study["slices"][8]["cid"]
    rewrite(bundle, tampered, f"objects/{cid}", lambda content: content[:-3] + b"xyz")
    broken = scanproof("verify", "--evidence", tampered, "--json")
    assert broken.status == 1
    (failed, _) = [each for each in broken.json["checks"] if not each["passed"]]
    assert (failed["name"], failed["found"].startswith(f"slice 9: expected the bytes of {cid}")) == ("slices", True)

    reordered = tmp_path / "reordered.zip"
    (listed,) = [name for name in zipfile.ZipFile(bundle).namelist() if is_list(zipfile.ZipFile(bundle).read(name))]
    rewrite(bundle, reordered, listed, lambda content: content.replace(b'"order":1,', b'"order":2,', 1))
    broken = scanproof("verify", "--evidence", reordered, "--json")
    assert broken.status == 1
    assert "slice list" in [each["name"] for each in broken.json["checks"] if not each["passed"]]


NOT_3 = (1, 2, 4, 5, 6, 7, 8, 9, 10)


def test_a_folder_and_its_zip_are_classified_alike(command, folder: Path, tmp_path: Path) -> None:
    packed = tmp_path / "series.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*"), reverse=True):
            archive.write(file, file.relative_to(folder))
        archive.writestr("__MACOSX/._slice-1.jpg", b"fork")
    results = [command("classify", path, "--json") for path in (folder, packed)]
    assert [result.status for result in results] == [0, 0]
    first, second = ([{**each, "manifestHash": None} for each in result.json["slices"]] for result in results)
    assert first == second
    assert results[0].json["leftOut"] == results[1].json["leftOut"]
    assert results[0].json["rule"] == "two-neighbours/1"
    in_words = command("classify", packed).stdout
    assert "Slices       10: 10 abstained" in in_words
    assert "Left out  slice-3.jpg: the same image as part/again.jpg" in in_words


def test_a_file_of_several_frames_is_a_study_from_file_to_evidence(scanproof, tmp_path: Path) -> None:
    (tmp_path / "mr.dcm").write_bytes(deidentified(enhanced([4.0, -2.0, 1.0], sizes=(48, 40))))
    made = scanproof("demo", tmp_path / "mr.dcm", "--json")
    assert made.status == 0, made.stderr
    study = made.json
    assert [each["file"] for each in study["slices"]] == ["mr.dcm frame 2", "mr.dcm frame 3", "mr.dcm frame 1"]
    assert study["verified"] and study["leftOut"] == []

    single = scanproof("verify", "--image-id", study["imageId"], "--file", tmp_path / "mr.dcm", "--json")
    assert (single.status, single.json["verdict"]) == (0, "valid")
    bundle = tmp_path / "evidence.zip"
    assert scanproof("evidence", study["imageId"], "--slices", "2", "--output", bundle).status == 0
    with zipfile.ZipFile(bundle) as archive:
        pinned = archive.read(f"objects/{study['slices'][1]['cid']}")
    assert DicomFile(pinned).description.frames == 1
    checked = scanproof("verify", "--evidence", bundle, "--json").json
    assert {each["name"]: each["passed"] for each in checked["checks"]}["slices"]

    (tmp_path / "other.dcm").write_bytes(deidentified(enhanced([4.0, -2.0], sizes=(48, 40))))
    lacking = scanproof("verify", "--image-id", study["imageId"], "--file", tmp_path / "other.dcm", "--json")
    assert lacking.status == 1


def test_frames_are_classified_like_single_files(command, tmp_path: Path) -> None:
    folder = tmp_path / "series"
    folder.mkdir()
    clean = deidentified(enhanced([4.0, -2.0], sizes=(48, 40)))
    (folder / "mr.dcm").write_bytes(clean)
    whole = command("classify", folder, "--json").json
    assert command("classify", folder / "mr.dcm", "--json").json["root"] != ""
    (folder / "mr.dcm").unlink()
    for number, part in enumerate(split(clean)):
        (folder / f"{number}.dcm").write_bytes(part)
    single = command("classify", folder, "--json").json
    assert [each["cid"] for each in whole["slices"]] == [each["cid"] for each in single["slices"]]


def test_frames_with_identifiers_are_classified_but_not_kept(command, tmp_path: Path) -> None:
    (tmp_path / "loop.dcm").write_bytes(classic())
    (tmp_path / "a.dcm").write_bytes(b"no DICOM")
    result = command("classify", tmp_path / "loop.dcm", "--json")
    assert [each["file"] for each in result.json["slices"]] == [f"loop.dcm frame {n}" for n in (1, 2, 3)]
    refused = command("demo", tmp_path / "loop.dcm", "--json")
    assert refused.json["error"]["type"] == "IdentifiersLeft"
    verified = command("verify", "--image-id", "0x" + "ab" * 32, "--file", tmp_path / "loop.dcm", "--json")
    assert verified.status != 0


def test_a_directory_names_what_is_missing(command, tmp_path: Path, picture: Callable[..., bytes]) -> None:
    disc = tmp_path / "disc"
    (disc / "a").mkdir(parents=True)
    (disc / "DICOMDIR").write_bytes(directory((2, 0, "A\\1.PNG"), (0, 0, "A\\2")))
    (disc / "a" / "1.png").write_bytes(picture())
    (disc / "more.png").write_bytes(picture("PNG", (50, 40)))
    (disc / "a" / "DICOMDIR").write_bytes(directory((1, 0, "A")))
    result = command("classify", disc, "--json").json
    assert [each["file"] for each in result["slices"]] == ["a/1.png", "more.png"]
    assert {each["name"]: each["reason"] for each in result["leftOut"]} == {
        "DICOMDIR": "a directory of 2 files, of which 1 are missing",
        "A/2": "named by DICOMDIR, but missing",
        "a/DICOMDIR": "expected a DICOM directory without circles, found a record that leads back to itself",
    }


def test_too_many_frames_and_frames_that_are_no_pictures(command, tmp_path: Path) -> None:
    folder = tmp_path / "loops"
    folder.mkdir()
    (folder / "dose.dcm").write_bytes(sample("rtdose.dcm"))
    alone = command("classify", folder, "--json")
    assert "found none: dose.dcm frame 1: expected a DICOM file whose Bits Allocated" in alone.json["error"]["message"]
    (folder / "many.dcm").write_bytes(classic().replace(b"\x28\0\x08\0IS\x02\x003 ", b"\x28\0\x08\0IS\x04\x002001"))
    (folder / "good.dcm").write_bytes(classic())
    result = command("classify", folder, "--json").json
    assert {each["name"]: each["reason"] for each in result["leftOut"]}["many.dcm"].startswith(
        "expected a DICOM file of at most 2,000 frames"
    )
    assert len(result["slices"]) == 3


def zipped(entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return output.getvalue()


def bomb() -> bytes:
    """One that says it holds nine gibibytes."""
    content = bytearray(zipped({"a.png": b"0" * 1000}))
    central = content.rindex(b"PK\x01\x02")
    content[central + 24 : central + 28] = (0xFFFFFFF0).to_bytes(4, "little")
    return bytes(content)


def encrypted() -> bytes:
    content = bytearray(zipped({"a.png": b"0" * 9}))
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (zipped({"../a.png": b"x"}), "found the path '../a.png', which leads out of it"),
        (zipped({"a/../../b.png": b"x"}), "which leads out of it"),
        (zipped({"/etc/a.png": b"x"}), "which leads out of it"),
        (zipped({"C:\\a.png": b"x"}), "which leads out of it"),
        (zipped({}), "found no file"),
        (zipped({"a.png": b"x"})[:-9], "found a damaged one"),
        (encrypted(), "found 'a.png' encrypted"),
        (zipped({"a.png": b"x"}, zipfile.ZIP_BZIP2), "stored or deflated, found another method"),
        (bomb(), "expected at least one image in"),
        (zipped({"a.png": bytes(30_000_000)}), "expected at least one image in"),
        (zipped({f"{n}.png": b"" for n in range(2001)}), "expected a study of at most 2,000 slices, found 2,001 files"),
    ],
    ids=["climbs", "climbs within", "absolute", "drive", "empty", "cut", "encrypted", "method", "bomb", "long", "many"],
)
@pytest.mark.parametrize("name", ["classify", "demo"])
def test_a_zip_that_is_no_study(command, tmp_path: Path, content: bytes, message: str, name: str) -> None:
    file = tmp_path / "study.zip"
    file.write_bytes(content)
    result = command(name, file, "--json")
    assert (result.status, result.json["error"]["type"]) == (2, "WrongUse")
    assert message in result.json["error"]["message"]
    assert not (tmp_path / "var").exists()


def test_ten_thousand_files_and_more(command, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(10_001):
        (folder / f"{number}.png").touch()
    result = command("classify", folder, "--json")
    assert result.status == 2
    assert result.json["error"]["message"].startswith("expected a folder with at most 10,000 files, found more in")


def test_a_folder_without_an_image_says_what_is_in_it(command, tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "notes.txt").write_text("no image")
    result = command("demo", folder, "--json")
    assert result.status == 2
    assert result.json["error"]["message"].startswith(f"expected at least one image in {folder}, found none: notes.txt")


def test_force_is_for_a_single_image(command, folder: Path) -> None:
    result = command("classify", folder, "--force", "--json")
    assert (result.status, result.json["error"]["message"]) == (2, "--force is for one image: leave it out for a study")


@pytest.mark.parametrize("text", ["0", "x", "3-1", "1,,2", "1-", ""])
def test_slices_are_named_well(command, tmp_path: Path, text: str) -> None:
    result = command("evidence", "0x" + "ab" * 32, "--output", tmp_path / "e.zip", "--slices", text, "--json")
    assert result.status == 2
    assert f"expected slices such as 1,40-60, found {text!r}" in result.json["error"]["message"]


def test_a_folder_is_read_in_the_order_of_its_numbers(folder: Path) -> None:
    assert [each.name for each in study_sources(folder)][2:5] == ["slice-1.jpg", "slice-2.jpg", "slice-3.jpg"]
    assert sorted(["b10", "B9", "a", "10", "9"], key=natural) == ["9", "10", "a", "B9", "b10"]


def is_list(content: bytes) -> bool:
    return f'"schema":"{study_documents.LIST_SCHEMA}"'.encode() in content


def rewrite(source: Path, target: Path, name: str, change: Callable[[bytes], bytes]) -> None:
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for entry in old.infolist():
            content = old.read(entry)
            new.writestr(entry, change(content) if entry.filename == name else content)


def test_a_series_of_dicom_with_identifiers_is_classified_in_its_order(command, tmp_path: Path) -> None:
    folder = tmp_path / "series"
    folder.mkdir()
    made = {"StudyInstanceUID": "1.2", "SeriesInstanceUID": "1.2.1", "PatientID": "one", "PatientName": "Doe^Jane"}
    for number in (1, 2, 3):
        content = dicom(np.full((24, 20), number, np.uint16), InstanceNumber=4 - number, **made)
        (folder / f"IM{number}").write_bytes(content)
    found = command("classify", folder, "--json").json
    assert [each["file"] for each in found["slices"]] == ["IM3", "IM2", "IM1"]
    (folder / "IM4").write_bytes(dicom(np.zeros((24, 20), np.uint16), **{**made, "PatientID": "two"}))
    refused = command("classify", folder, "--json")
    expected = f"expected images of one patient, found those of 2 in {folder}"
    assert (refused.status, refused.json["error"]["message"]) == (2, expected)


def test_an_original_beside_its_clean_copy_is_one_patient(command, tmp_path: Path) -> None:
    folder = tmp_path / "series"
    folder.mkdir()
    originals = series(3)
    for number, content in enumerate(originals, start=1):
        (folder / f"IM{number}").write_bytes(content)
    for number in (1, 2):
        (folder / f"clean{number}.dcm").write_bytes(deidentified(originals[number - 1]))
    found = command("classify", folder, "--json").json
    # The third slice is the same patient's, and of the same series.
    assert [each["file"] for each in found["slices"]] == ["clean1.dcm", "clean2.dcm", "IM3"]
    assert found["leftOut"] == [
        {"name": f"IM{n}", "reason": f"the same image as clean{n}.dcm, its copy without identifiers"} for n in (1, 2)
    ]
    (folder / "IM4").write_bytes(series(4, PatientID="another")[3])
    refused = command("classify", folder, "--json")
    assert "found those of 2" in refused.json["error"]["message"]


def test_identifiers_are_refused_before_anything_is_kept(command, tmp_path: Path) -> None:
    folder = tmp_path / "series"
    folder.mkdir()
    (folder / "IM1").write_bytes(dicom(np.zeros((24, 20), np.uint16), PatientName="Doe^Jane"))
    refused = command("demo", folder, "--json")
    assert (refused.status, refused.json["error"]["type"]) == (1, "IdentifiersLeft")
    assert "Doe" not in refused.stdout
    assert not (tmp_path / "var").exists()


def test_files_with_identifiers_are_not_compared(scanproof, tmp_path: Path) -> None:
    originals, clean = tmp_path / "originals", tmp_path / "clean"
    originals.mkdir()
    for number in (1, 2):
        content = dicom(
            np.full((24, 20), number, np.uint16),
            StudyInstanceUID="1.2",
            SeriesInstanceUID="1.2.1",
            SOPInstanceUID=f"1.2.1.{number}",
            InstanceNumber=number,
            PatientName="Doe^Jane",
        )
        (originals / f"IM{number}").write_bytes(content)
    key = tmp_path / "sender.key"
    assert scanproof("deidentify", originals, "--out", clean, "--key", key).status == 0
    study = scanproof("demo", clean, "--json").json
    single = clean / study["slices"][0]["file"]
    image = scanproof("demo", single, "--json").json
    packed = tmp_path / "originals.zip"
    packed.write_bytes(zipped({file.name: file.read_bytes() for file in originals.iterdir()}))
    verify = partial(scanproof, "verify", "--json", "--image-id")

    assert verify(study["imageId"], "--file", clean).json["verdict"] == "valid"
    for record, given, named in (
        (study, originals, "IM1"),
        (study, packed, "IM1"),
        (study, originals / "IM2", originals / "IM2"),
        (image, originals / "IM1", originals / "IM1"),
    ):
        refused = verify(record["imageId"], "--file", given)
        assert (refused.status, refused.json["error"]["type"]) == (2, "WrongUse")
        expected = f"{named} still has identifiers, so it cannot be compared with what was recorded"
        assert refused.json["error"]["message"].startswith(expected)
    content = single.read_bytes()
    single.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    changed = verify(study["imageId"], "--file", clean)
    assert (changed.status, changed.json["verdict"]) == (1, "invalid")
