"""The vectors of the sender's map are what the code writes, opens and refuses."""

from __future__ import annotations

import json

import pytest

from backend.adapters.dicom.deidentification import deidentify
from backend.adapters.dicom.identity_map import IdentityMap
from backend.adapters.dicom.map_locks import Passphrase, SenderKey
from tests.backend.adapters.dicom.map_vectors import FOLDER, KEY, WORDS, files, reason, vectors


def test_the_vectors_are_those_that_the_code_writes() -> None:
    assert {file.name: file.read_bytes() for file in FOLDER.iterdir()} == vectors()


def test_both_locks_open_the_same_map() -> None:
    by_key = IdentityMap(FOLDER / "good_key.map", SenderKey(KEY))
    by_words = IdentityMap(FOLDER / "good_passphrase.map", Passphrase(WORDS))
    study = deidentify(files()[0], KEY).uids["1.2.840.1"]
    found = by_key.of(study)
    assert found is not None
    assert found == by_words.of(study)
    assert (found.attributes["PatientName"], len(found.files)) == ("Müller^Jörg", 8)
    assert found.uids[study] == "1.2.840.1"


@pytest.mark.parametrize("name", sorted(json.loads((FOLDER / "reasons.json").read_text())))
def test_a_map_that_must_be_refused(name: str) -> None:
    lock = Passphrase(WORDS) if "iterations" in name else SenderKey(KEY)
    assert reason((FOLDER / name).read_bytes(), lock) == json.loads((FOLDER / "reasons.json").read_text())[name]
