"""The sender's own map: encrypted, added to, and of no use with another key."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from backend.adapters.dicom import identity_map
from backend.adapters.dicom.deidentification import deidentify
from backend.adapters.dicom.identity_map import IdentityMap, attributes_of
from backend.adapters.dicom.map_locks import Passphrase, SenderKey, load_passphrase
from backend.adapters.dicom.sender import Sender
from backend.errors import ConfigurationError, Conflict, UnsupportedImage
from backend.exports import Originals
from tests.backend.adapters.exports.facts import PATIENT, SERIES, STUDY, clean, facts, original, picture, png, study

KEY, OTHER = b"k" * 32, b"o" * 32


def added(file: Path, *numbers: int, key: bytes = KEY) -> str:
    """The new UID of the study whose slices were added to the map."""
    opened = IdentityMap(file, SenderKey(key))
    for number in numbers:
        content = original(number)
        made = deidentify(content, key)
        opened.add(made.uids, attributes_of(content), [hashlib.sha256(made.content).hexdigest()])
    opened.save()
    return made.uids[STUDY]


def test_further_files_of_a_study_are_added(tmp_path: Path) -> None:
    file = tmp_path / "map"
    study = added(file, 1)
    assert added(file, 2) == study

    found = IdentityMap(file, SenderKey(KEY)).of(study)

    assert found is not None
    assert found.attributes == PATIENT
    assert {STUDY, SERIES, f"{SERIES}.1", f"{SERIES}.2", f"{STUDY}.9"} <= set(found.uids.values())
    assert found.uids[deidentify(original(2), KEY).instance] == f"{SERIES}.2"
    assert IdentityMap(file, SenderKey(KEY)).of("2.25.1") is None


def test_nothing_of_it_is_plain_on_the_disk(tmp_path: Path) -> None:
    file = tmp_path / "map"
    study = added(file, 1)
    content = file.read_bytes()

    assert (file.stat().st_mode & 0o777, [each.name for each in tmp_path.iterdir()]) == (0o600, ["map"])
    long = [value for value in PATIENT.values() if len(value) > 5]  # a shorter one may be there by chance
    assert not any(value.encode() in content for value in (*long, STUDY, study))
    added(file, 1)
    assert file.read_bytes()[:100] != content[:100]


def test_what_a_study_has_already_stays(tmp_path: Path) -> None:
    opened = IdentityMap(tmp_path / "map", SenderKey(KEY))
    first = {"StudyInstanceUID": "1.2", "PatientID": "P"}
    opened.add({"1.2": "2.25.2"}, first | {"StudyTime": "first"}, ["aa"])
    opened.add({"1.2": "2.25.2", "1.3": "2.25.3"}, first | {"StudyTime": "second", "StudyID": "S"}, ["bb"])
    opened.add({"1.4": "2.25.4"}, {"PatientID": "of no study"}, ["cc"])

    attributes = {"PatientID": "P", "StudyTime": "first", "StudyID": "S"}
    assert opened.of("2.25.2") == Originals({"2.25.2": "1.2", "2.25.3": "1.3"}, attributes, frozenset({"aa", "bb"}))
    assert opened.of("2.25.4") is None


@pytest.mark.parametrize(
    ("first", "other"),
    [
        ({"PatientID": "P", "PatientName": "Doe"}, {"PatientID": "Q", "PatientName": "Doe"}),
        ({"PatientID": "P", "IssuerOfPatientID": "A"}, {"PatientID": "P", "IssuerOfPatientID": "B"}),
        ({"PatientName": "Doe"}, {"PatientName": "Roe"}),
        ({"PatientName": "Doe", "PatientBirthDate": "1970"}, {"PatientName": "Doe", "PatientBirthDate": "1971"}),
    ],
)
def test_a_study_is_never_of_two_patients(tmp_path: Path, first: dict[str, str], other: dict[str, str]) -> None:
    opened = IdentityMap(tmp_path / "map", SenderKey(KEY))
    study = {"StudyInstanceUID": "1.2"}
    opened.add({"1.2": "2.25.2"}, study | first, ["aa"])
    with pytest.raises(Conflict, match="found another one's"):
        opened.add({"1.2": "2.25.2", "1.3": "2.25.3"}, study | other, ["bb"])
    assert opened.of("2.25.2") == Originals({"2.25.2": "1.2"}, first, frozenset({"aa"}))
    opened.add({"1.2": "2.25.2", "1.4": "2.25.4"}, study | first | {"PatientSex": "F"}, ["cc"])
    attributes = first | {"PatientSex": "F"}
    assert opened.of("2.25.2") == Originals({"2.25.2": "1.2", "2.25.4": "1.4"}, attributes, frozenset({"aa", "cc"}))


def test_another_key_or_a_changed_byte_opens_nothing(tmp_path: Path) -> None:
    file = tmp_path / "map"
    added(file, 1)
    message = "was made with another key or passphrase, or was changed since"
    with pytest.raises(ConfigurationError, match=message):
        IdentityMap(file, SenderKey(OTHER))
    content = file.read_bytes()
    for place in (len(b"scanproof-map/1\n"), 50, len(content) - 1):
        file.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(ConfigurationError, match=message):
            IdentityMap(file, SenderKey(KEY))


@pytest.mark.parametrize("content", [b"", b"scanproof-map/1\n", b"{}", b"scanproof-map/3\n" + b"x" * 99])
def test_a_file_that_is_no_map(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "map"
    file.write_bytes(content)
    with pytest.raises(ConfigurationError, match="expected a map of `scanproof deidentify` or of the page"):
        IdentityMap(file, SenderKey(KEY))


def test_a_map_that_cannot_be_read_or_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read: Is a directory"):
        IdentityMap(tmp_path, SenderKey(KEY))
    opened = IdentityMap(tmp_path / "missing" / "map", SenderKey(KEY))
    with pytest.raises(ConfigurationError, match="cannot be written: No such file"):
        opened.save()


def test_a_map_over_the_limit_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity_map, "MAX_BYTES", 100)
    opened = IdentityMap(tmp_path / "map", SenderKey(KEY))
    with pytest.raises(ConfigurationError, match="would take over 100 bytes"):
        opened.save()
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fails_leaves_the_former_map(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "map"
    study = added(file, 1)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(ConfigurationError, match="cannot be written: No space left"):
        added(file, 2)
    assert [each.name for each in tmp_path.iterdir()] == ["map"]
    assert IdentityMap(file, SenderKey(KEY)).of(study)


WORDS = "correct horse battery staple"


def test_a_map_that_a_passphrase_opens(tmp_path: Path) -> None:
    file = tmp_path / "map"
    opened = IdentityMap(file, Passphrase(WORDS))
    opened.add({"1.2": "2.25.2"}, {"StudyInstanceUID": "1.2"}, ["aa"])
    opened.save()

    assert IdentityMap(file, Passphrase(WORDS)).of("2.25.2") == Originals({"2.25.2": "1.2"}, {}, frozenset({"aa"}))
    assert b"2.25.2" not in file.read_bytes()
    with pytest.raises(ConfigurationError, match="was made with another key or passphrase"):
        IdentityMap(file, Passphrase(WORDS + "s"))
    with pytest.raises(ConfigurationError, match="map is opened by a passphrase: name the file"):
        IdentityMap(file, SenderKey(KEY))
    added(file.with_name("other"), 1)
    with pytest.raises(ConfigurationError, match="other is opened by the sender's key: leave --passphrase out"):
        IdentityMap(file.with_name("other"), Passphrase(WORDS))


@pytest.mark.parametrize("iterations", [599_999, 10_000_001])
def test_a_map_that_asks_for_too_few_or_too_many_iterations(tmp_path: Path, iterations: int) -> None:
    (tmp_path / "map").write_bytes(b"scanproof-map/2\n" + iterations.to_bytes(4) + bytes(99))
    with pytest.raises(ConfigurationError, match=rf"expected 600,000 to 10,000,000 iterations, found {iterations:,}"):
        IdentityMap(tmp_path / "map", Passphrase(WORDS))


@pytest.mark.parametrize(
    ("content", "mode", "message"),
    [
        (b"short\n", 0o600, "expected a passphrase of 12 to 1,024 characters in the first line of .*, found 5"),
        (b"x" * 2000, 0o600, "found 1,027"),
        (b"\xff" * 20, 0o600, "cannot be used: 'utf-8' codec"),
        (WORDS.encode(), 0o640, "can be read by other users: run chmod 600 on it"),
    ],
)
def test_a_passphrase_that_cannot_be_used(tmp_path: Path, content: bytes, mode: int, message: str) -> None:
    file = tmp_path / "passphrase"
    file.write_bytes(content)
    file.chmod(mode)
    with pytest.raises(ConfigurationError, match=message):
        load_passphrase(file)
    with pytest.raises(ConfigurationError, match=r"cannot be used: .*No such file"):
        load_passphrase(tmp_path / "none")


def test_the_first_line_is_the_passphrase(tmp_path: Path) -> None:
    file = tmp_path / "passphrase"
    file.write_bytes(f"{WORDS}\r\nsecond".encode())
    file.chmod(0o600)
    assert load_passphrase(file) == WORDS


def test_names_in_any_alphabet_are_read_in_a_process_with_limits() -> None:
    sender = Sender(KEY)
    try:
        found = sender.attributes(original(SpecificCharacterSet="ISO_IR 192", PatientName="Müller^Jörg=山田^太郎"))
    finally:
        sender.close()
    assert found["PatientName"] == "Müller^Jörg=山田^太郎"


def test_an_attribute_with_more_values_than_it_may_have() -> None:
    assert attributes_of(original(StudyID=["A", "B"]))["StudyID"] == "A\\B"


def test_a_file_whose_patient_cannot_be_read_is_refused() -> None:
    syntax = b"1.2.840.10008.1.2.1.99"
    deflated = bytes(128) + b"DICM\2\0\x10\0UI" + len(syntax).to_bytes(2, "little") + syntax + b"no deflated data"
    with pytest.raises(UnsupportedImage, match="expected a DICOM file whose patient and study can be read"):
        attributes_of(deflated)


def test_the_originals_of_a_record(tmp_path: Path) -> None:
    file = tmp_path / "map"
    added(file, 1, key=bytes(32))
    opened = IdentityMap(file, SenderKey(bytes(32)))

    assert opened.of_record(facts()).attributes == PATIENT
    with pytest.raises(Conflict, match=r"the study of this record, 2\.25\.[0-9]+: it has none"):
        IdentityMap(tmp_path / "none", SenderKey(KEY)).of_record(facts())
    with pytest.raises(Conflict, match="the study of this record, which is no DICOM file: it has none"):
        opened.of_record(facts(picture(png())))


def test_identifiers_are_put_on_no_other_pixels_than_those_that_were_sent(tmp_path: Path) -> None:
    file = tmp_path / "map"
    added(file, 1, 2, key=bytes(32))
    opened = IdentityMap(file, SenderKey(bytes(32)))
    copied = replace(picture(clean()), sha256="ab" * 32)

    with pytest.raises(Conflict, match=rf"the image of this record, SHA-256 {'ab' * 32}, is none of the files of this"):
        opened.of_record(facts(copied))

    assert opened.of_record(facts(picture(clean()), study=study(2))).attributes == PATIENT
    with pytest.raises(Conflict, match="slice 3 of this record, SHA-256"):
        opened.of_record(facts(picture(clean()), study=study(3)))
