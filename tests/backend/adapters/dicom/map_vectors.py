"""Writes the vectors of the sender's map in docs/vectors/map: ``python -m tests.backend.adapters.dicom.map_vectors``.

``opened.json`` says what opens the files that begin with ``good_`` and what they hold, ``reasons.json`` why those that
begin with ``fail_`` are refused. The page writes ``good_passphrase.map`` to the byte, from ``dicom`` and the same
random bytes, and reads the text of ``dicom`` as Python does.
"""

from __future__ import annotations

import base64
import json
import tempfile
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from backend.adapters.dicom.deidentification import deidentify
from backend.adapters.dicom.identity_map import IdentityMap, attributes_of
from backend.adapters.dicom.map_locks import Lock, Passphrase, SenderKey
from backend.errors import ConfigurationError
from tests.dicoms import dicom

FOLDER = Path(__file__).resolve().parents[4] / "docs" / "vectors" / "map"
KEY = bytes(range(32))
WORDS = "Ångström ½ correct horse"
SALT, NONCE = bytes(range(32)), bytes(range(100, 112))
_FEW = 1000
_NAMES: list[dict[str, Any]] = [
    {"PatientName": "Müller^Jörg", "SpecificCharacterSet": "ISO_IR 100"},
    {"PatientName": "Юков^Иван", "SpecificCharacterSet": "ISO_IR 144"},
    {"PatientName": "Διονυσιος", "SpecificCharacterSet": "ISO_IR 126"},
    {"PatientName": "شريف", "SpecificCharacterSet": "ISO_IR 127"},
    {"PatientName": "Wang^XiaoDong=王^小东", "SpecificCharacterSet": "GB18030"},
    {"PatientName": "Yamada^Tarou=山田^太郎=やまだ^たろう", "SpecificCharacterSet": ["", "ISO 2022 IR 87"]},
    {"PatientName": "Hong^Gildong=洪^吉洞=홍^길동", "SpecificCharacterSet": ["", "ISO 2022 IR 149"]},
    {"PatientName": "Buc^Jérôme", "SpecificCharacterSet": "ISO_IR 192", "StudyDescription": "Schädel, nativ "},
]


def files() -> list[bytes]:
    """One study, whose first file has what counts; each further one another patient's name, in another alphabet."""
    shared = {
        "StudyInstanceUID": "1.2.840.1",
        "SeriesInstanceUID": "1.2.840.1.1",
        "PatientID": "MRN-17",
        "PatientBirthDate": "19700102",
        "StudyDate": "20260203",
        "AccessionNumber": "ACC-9",
    }
    pixels = np.zeros((2, 2), np.uint8)
    return [
        dicom(pixels, **shared, SOPInstanceUID=f"1.2.840.1.1.{number}", **each) for number, each in enumerate(_NAMES, 1)
    ]


def written(lock: Lock) -> bytes:
    with tempfile.TemporaryDirectory() as folder, patch("secrets.token_bytes", {32: SALT, 12: NONCE}.__getitem__):
        opened = IdentityMap(Path(folder) / "map", lock)
        for number, content in enumerate(files()):
            opened.add(deidentify(content, KEY).uids, attributes_of(content), [f"{number:064x}"])
        opened.save()
        return (Path(folder) / "map").read_bytes()


def reason(content: bytes, lock: Lock) -> str:
    """Why a map is refused, without its place."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "map"
        file.write_bytes(content)
        try:
            IdentityMap(file, lock)
        except ConfigurationError as error:
            return str(error).replace(str(file), "FILE")
    raise AssertionError("expected a map that is refused")


def vectors() -> dict[str, bytes]:
    """By file name."""
    key, words = written(SenderKey(KEY)), written(Passphrase(WORDS))
    with patch("backend.adapters.dicom.identity_map._SCHEMA", "scanproof.map/2"):
        schema = written(SenderKey(KEY))
    refused = {
        "fail_another_schema.map": schema,
        "fail_changed_byte.map": key[:60] + bytes([key[60] ^ 1]) + key[61:],
        "fail_cut.map": key[:60],
        "fail_few_iterations.map": words[:16] + _FEW.to_bytes(4) + words[20:],
        "fail_passphrase_for_key.map": words,
    }
    refused = {
        name: (content, Passphrase(WORDS) if "iterations" in name else SenderKey(KEY))
        for name, content in refused.items()
    }
    opened = {
        "key": KEY.hex(),
        "passphrase": WORDS,
        "random": [SALT.hex(), NONCE.hex()],
        "dicom": [base64.b64encode(content).decode() for content in files()],
        "attributes": [attributes_of(content) for content in files()],
    }
    return {
        "good_key.map": key,
        "good_passphrase.map": words,
        **{name: content for name, (content, _) in refused.items()},
        "opened.json": _json(opened),
        "reasons.json": _json({name: reason(content, lock) for name, (content, lock) in refused.items()}),
    }


def _json(values: dict[str, Any]) -> bytes:
    return json.dumps(values, ensure_ascii=False, indent=2).encode() + b"\n"


if __name__ == "__main__":
    for name, content in vectors().items():
        (FOLDER / name).write_bytes(content)
