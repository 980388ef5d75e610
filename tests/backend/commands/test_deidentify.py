"""``scanproof deidentify``; what it removes is tested in ``adapters/dicom``."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from pydicom.encaps import encapsulate
from pydicom.uid import RLELossless

from backend.adapters.dicom.deidentification import identifiers_left
from backend.adapters.images.text_finder import OcrTextFinder
from ml.datasets.phantom import phantom_png
from tests.backend.adapters.dicom.corpus import PLACES, case_of
from tests.backend.adapters.slides import makers
from tests.backend.file_limit import largest_file
from tests.dicoms import dataset, dicom, written


@pytest.fixture
def study(tmp_path):
    folder = tmp_path / "DOE^JANE"
    (folder / "deep").mkdir(parents=True)
    for number, place in enumerate(PLACES[:3]):
        (folder / "deep" / f"{number}.dcm").write_bytes(case_of(number, (place,))[0])
    return folder


@pytest.fixture
def key(tmp_path):
    return tmp_path / "sender.key"


def test_a_directory_becomes_files_without_identifiers(scanproof, study, key, tmp_path):
    done = scanproof("deidentify", study, "--out", tmp_path / "clean", "--key", key, "--json")

    assert (done.status, done.json["refused"]) == (0, [])
    assert len(done.json["files"]) == 3
    for file in done.json["files"]:
        assert "DOE" not in file["written"].removeprefix(str(tmp_path))
        assert identifiers_left((tmp_path / file["written"]).read_bytes()) == ()
    assert done.json["files"][0]["replaced"]["(0010,0010) Patient's Name"] == 1
    assert done.json["files"][0]["removed"]["(0010,1040) Patient's Address"] == 1


def test_the_map_has_what_was_written_before_a_file_ended_the_command(scanproof, study, key, tmp_path):
    source, map_file = tmp_path / "source", tmp_path / "study.map"
    source.mkdir()
    (study / "deep" / "0.dcm").rename(source / "1.dcm")
    makers.pyramid(source / "2.tif", makers.tissue(1000, 800))

    with largest_file(400_000):
        done = scanproof("deidentify", source, "--out", tmp_path / "clean", "--key", key, "--map", map_file, "--json")

    assert (done.status, done.json["error"]["type"]) == (1, "StorageFull")
    assert [file.suffix for file in (tmp_path / "clean").iterdir()] == [".dcm"]
    assert map_file.exists()


def test_the_same_key_gives_the_same_files_and_another_one_others(scanproof, study, key, tmp_path):
    def written(folder, key):
        scanproof("deidentify", study, "--out", tmp_path / folder, "--key", key)
        return {file.name: file.read_bytes() for file in (tmp_path / folder).iterdir()}

    first, second, third = written("a", key), written("b", key), written("c", tmp_path / "other.key")

    assert first == second
    assert not first.keys() & third.keys()
    assert key.stat().st_mode & 0o777 == 0o600


def test_a_clean_copy_keeps_its_bytes_with_another_key(scanproof, study, key, tmp_path):
    scanproof("deidentify", study, "--out", tmp_path / "clean", "--key", key)
    again = scanproof(
        "deidentify", tmp_path / "clean", "--out", tmp_path / "again", "--key", tmp_path / "other.key", "--json"
    )

    files = {file.name: file.read_bytes() for file in (tmp_path / "clean").iterdir()}
    assert {file.name: file.read_bytes() for file in (tmp_path / "again").iterdir()} == files
    assert all(file["removed"] == file["replaced"] == file["cleaned"] == {} for file in again.json["files"])


def test_what_is_no_dicom_image_is_refused_and_the_others_are_written(scanproof, study, key, tmp_path):
    (study / "README").write_text("Jane Doe's study")

    done = scanproof("deidentify", study, "--out", tmp_path / "clean", "--key", key, "--json")

    assert done.status == 1
    assert len(done.json["files"]) == 3
    assert [file["file"] for file in done.json["refused"]] == [str(study / "README")]


@pytest.mark.parametrize(("text", "mode"), [("abc", 0o600), ("ab" * 32, 0o644)], ids=["no key", "readable by others"])
def test_a_key_that_cannot_be_used_is_refused(scanproof, study, key, tmp_path, text, mode):
    key.write_text(text)
    key.chmod(mode)

    done = scanproof("deidentify", study, "--out", tmp_path / "clean", "--key", key, "--json")

    assert (done.status, done.json["error"]["type"]) == (1, "ConfigurationError")
    assert not (tmp_path / "clean").exists()


def test_an_empty_directory_is_wrong_use(scanproof, tmp_path):
    (tmp_path / "none").mkdir()

    done = scanproof("deidentify", tmp_path / "none", "--out", tmp_path / "clean", "--json")

    assert (done.status, done.json["error"]["type"]) == (2, "WrongUse")


def burnt_in() -> np.ndarray:
    image = Image.open(io.BytesIO(phantom_png(256)))
    ImageDraw.Draw(image).text((8, 6), "DOE^JANE 1961", fill=255, font=ImageFont.load_default(16))
    return np.asarray(image)


def test_text_in_a_picture_is_counted_and_made_black_on_request(scanproof, key, tmp_path):
    (tmp_path / "a.dcm").write_bytes(dicom(burnt_in(), PatientName="Doe^Jane"))
    given = ("deidentify", tmp_path / "a.dcm", "--key", key, "--json", "--out")

    found = scanproof(*given, tmp_path / "found")
    masked = scanproof(*given, tmp_path / "masked", "--mask-text")

    assert [found.json["files"][0]["text"], masked.json["files"][0]["text"]] == [1, 1]
    after = Path(masked.json["files"][0]["written"]).read_bytes()
    assert identifiers_left(after) == ()
    assert OcrTextFinder().find(after) == []


def test_text_is_looked_for_in_every_frame(scanproof, key, tmp_path):
    loop = np.stack([np.zeros((256, 256), np.uint8), burnt_in(), np.zeros((256, 256), np.uint8)])
    (tmp_path / "a.dcm").write_bytes(dicom(loop))

    masked = scanproof("deidentify", tmp_path / "a.dcm", "--key", key, "--json", "--out", tmp_path / "b", "--mask-text")

    (file,) = masked.json["files"]
    assert file["text"] == 1
    assert OcrTextFinder().find(Path(file["written"]).read_bytes(), 1) == []


def test_no_copy_is_written_of_a_picture_whose_text_cannot_be_made_black(scanproof, key, tmp_path):
    folder = tmp_path / "study"
    folder.mkdir()
    compressed = dataset(burnt_in(), SOPInstanceUID="1.2.1")
    compressed.compress(RLELossless, generate_instance_uid=False)
    (folder / "compressed.dcm").write_bytes(written(compressed))
    shades = {
        f"{colour}PaletteColorLookupTable{what}": value
        for colour in ("Red", "Green", "Blue")
        for what, value in (
            ("Descriptor", [256, 0, 16]),
            ("Data", np.linspace(20_000, 65_535, 256).astype("<u2").tobytes()),
        )
    }
    bright = dicom(burnt_in(), SOPInstanceUID="1.2.4", PhotometricInterpretation="PALETTE COLOR", **shades)
    (folder / "bright.dcm").write_bytes(bright)
    compressed.SOPInstanceUID = compressed.file_meta.MediaStorageSOPInstanceUID = "1.2.2"
    compressed.PixelData = encapsulate([struct.pack("<16I", 1, 64, *[0] * 14) + b"\0\1"])
    (folder / "damaged.dcm").write_bytes(written(compressed))
    (folder / "plain.dcm").write_bytes(dicom(burnt_in(), SOPInstanceUID="1.2.3"))
    given = ("deidentify", folder, "--key", key, "--out")

    kept = scanproof(*given, tmp_path / "kept")
    masked = scanproof(*given, tmp_path / "masked", "--mask-text", "--json")

    assert kept.status == 0
    assert f"Written   4 files to {tmp_path / 'kept'}" in kept.stdout
    lines = [line.split("  ", 1)[1].strip() for line in kept.stdout.splitlines() if line.startswith("Text  ")]
    assert [line.split(", written as ")[0] for line in lines] == [
        str(folder / f"{name}.dcm") for name in ("bright", "compressed", "plain", "damaged")
    ]
    assert [line.rsplit(": ", 1)[1] for line in lines] == [
        *["the picture seems to show text"] * 3,
        "text could not be looked for",
    ]
    assert masked.status == 1
    assert [Path(file["file"]).name for file in masked.json["files"]] == ["compressed.dcm", "plain.dcm"]
    assert len(list((tmp_path / "masked").iterdir())) == 2
    reasons = {Path(file["file"]).name: file["reason"] for file in masked.json["refused"]}
    assert reasons.keys() == {"bright.dcm", "damaged.dcm"}
    assert reasons["bright.dcm"].startswith("the picture seems to show text, which could not be made black")
    assert reasons["damaged.dcm"].startswith("text could not be looked for")


def test_no_copy_replaces_another_one(scanproof, key, tmp_path):
    folder, out = tmp_path / "study", tmp_path / "clean"
    folder.mkdir()
    for name, value in (("a", 1), ("b", 2), ("same", 1)):
        (folder / f"{name}.dcm").write_bytes(dicom(np.full((24, 20), value, np.uint16)))

    done = scanproof("deidentify", folder, "--out", out, "--key", key, "--json")

    (copy,) = out.iterdir()
    content = copy.read_bytes()
    assert done.status == 1
    assert [Path(file["file"]).name for file in done.json["files"]] == ["a.dcm", "same.dcm"]
    (refused,) = done.json["refused"]
    assert refused["file"] == str(folder / "b.dcm")
    assert f"would replace {copy}, the copy of {folder / 'a.dcm'}" in refused["reason"]
    again = scanproof("deidentify", folder / "a.dcm", "--out", out, "--key", key)
    assert (again.status, f"Written   1 file to {out}" in again.stdout) == (0, True)
    other = scanproof("deidentify", folder / "b.dcm", "--out", out, "--key", key)
    assert other.status == 1
    assert f"{folder / 'b.dcm'}: its copy would replace {copy}, which was there before" in other.stdout
    assert copy.read_bytes() == content
