"""The sender's own map from the UIDs of de-identified files to the original ones, with patient and study: an encrypted
file.

``scanproof-map/1`` and a line feed, a salt of 32 bytes, a nonce of 12, then AES-256-GCM of canonical JSON (RFC 8785)
with all before it as additional data. The key is HKDF-SHA256 (RFC 5869) of the sender's key with that salt. A new salt
and nonce are drawn each time that it is written.
"""

from __future__ import annotations

import io
import json
import secrets
import warnings
from collections.abc import Mapping
from pathlib import Path

import rfc8785
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from backend.adapters import private_files
from backend.errors import ConfigurationError, Conflict, UnsupportedImage
from backend.exports import Originals, RecordFacts

PATIENT_ATTRIBUTES = ("PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex")
STUDY_ATTRIBUTES = (
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "StudyID",
    "ReferringPhysicianName",
    "StudyDescription",
)
_STUDY = "StudyInstanceUID"
MAX_BYTES = 64 * 1024 * 1024
_SCHEMA = "scanproof.map/1"
_MAGIC = b"scanproof-map/1\n"
_SALT_BYTES, _NONCE_BYTES, _KEY_BYTES = 32, 12, 32
_INFO = b"scanproof/map/1"


class IdentityMap:
    """The map in ``file``, empty where there is none. ``key`` is the sender's.

    Every method raises ConfigurationError for a file that cannot be used, is of another key, or was changed.
    """

    def __init__(self, file: Path, key: bytes) -> None:
        self._file, self._key = file, key
        self._studies: dict[str, Originals] = self._read() if file.exists() else {}

    def add(self, uids: Mapping[str, str], attributes: Mapping[str, str]) -> None:
        """``uids`` are the new UIDs of a file by the original ones, ``attributes`` those of ``attributes_of``. What the
        study has already stays. A file without a study is left out: there is nothing to put back.

        Raises Conflict for a file of another patient than the study has: its results would be filed under that one.
        """
        study = uids.get(attributes.get(_STUDY, ""))
        if study is None:
            return
        known = self._studies.get(study, Originals({}, {}))
        if any(known.attributes.get(keyword, value) != value for keyword, value in _patient(attributes).items()):
            raise Conflict("expected a file of the patient whom the map has for its study, found another one's")
        named = {keyword: value for keyword, value in attributes.items() if keyword != _STUDY}
        self._studies[study] = Originals(
            uids={**{new: old for old, new in uids.items()}, **known.uids},
            attributes={**named, **known.attributes},
        )

    def of(self, study: str) -> Originals | None:
        """The originals of a study by its new UID."""
        return self._studies.get(study)

    def of_record(self, facts: RecordFacts) -> Originals:
        """The originals of the study of a record. Raises Conflict where the map has none."""
        study = facts.shown.dicom.study if facts.shown.dicom else None
        found = study and self.of(study)
        if not found:
            raise Conflict(
                f"expected a map with the study of this record, {study or 'which is no DICOM file'}: it has none"
            )
        return found

    def save(self) -> None:
        """Write the file whole, with mode 600."""
        content = rfc8785.dumps(
            {
                "schema": _SCHEMA,
                "studies": {
                    study: {"uids": dict(each.uids), "attributes": dict(each.attributes)}
                    for study, each in self._studies.items()
                },
            }
        )
        head = _MAGIC + secrets.token_bytes(_SALT_BYTES)
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = head + nonce + self._cipher(head).encrypt(nonce, content, head + nonce)
        if len(sealed) > MAX_BYTES:
            raise ConfigurationError(f"the map {self._file} would take over {MAX_BYTES:,} bytes: begin another one")
        try:
            private_files.replace(self._file, sealed)
        except OSError as error:
            raise ConfigurationError(f"the map {self._file} cannot be written: {error.strerror}") from error

    def _read(self) -> dict[str, Originals]:
        try:
            with self._file.open("rb") as stream:
                content = stream.read(MAX_BYTES + 1)
        except OSError as error:
            raise ConfigurationError(f"the map {self._file} cannot be read: {error.strerror}") from error
        start = len(_MAGIC) + _SALT_BYTES
        head, nonce, sealed = content[:start], content[start : start + _NONCE_BYTES], content[start + _NONCE_BYTES :]
        if len(content) > MAX_BYTES or not content.startswith(_MAGIC) or not sealed:
            raise ConfigurationError(f"expected a map of `scanproof deidentify` in {self._file}, found something else")
        try:
            plain = self._cipher(head).decrypt(nonce, sealed, head + nonce)
        except InvalidTag:
            raise ConfigurationError(
                f"the map {self._file} was made with another key, or was changed since: name its key with --key"
            ) from None
        return {study: Originals(**each) for study, each in json.loads(plain)["studies"].items()}

    def _cipher(self, head: bytes) -> AESGCM:
        salt = head.removeprefix(_MAGIC)
        return AESGCM(HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=salt, info=_INFO).derive(self._key))


def _patient(attributes: Mapping[str, str]) -> Mapping[str, str]:
    """What tells the patient from others: the id with its issuer, else name and date of birth."""
    keywords = ("PatientID", "IssuerOfPatientID") if "PatientID" in attributes else ("PatientName", "PatientBirthDate")
    return {keyword: attributes[keyword] for keyword in keywords if keyword in attributes}


def attributes_of(content: bytes) -> dict[str, str]:
    """What a DICOM file says of its patient and study, and the UID of the study, by keyword; what it lacks is left out.

    For a process with limits, after the file's structure was read. Raises UnsupportedImage.
    """
    import pydicom

    keywords = (_STUDY, *PATIENT_ATTRIBUTES, *STUDY_ATTRIBUTES)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what is odd, but can be read
            data_set = pydicom.dcmread(
                io.BytesIO(content), stop_before_pixels=True, force=True, specific_tags=list(keywords)
            )
            found = {keyword: str(data_set.get(keyword) or "") for keyword in keywords}
    except Exception as exc:  # pydicom raises many types on damaged data
        raise UnsupportedImage(f"expected a DICOM file whose patient and study can be read: {exc}") from exc
    return {keyword: value for keyword, value in found.items() if value}
