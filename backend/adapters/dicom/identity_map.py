"""The sender's own map from the UIDs of de-identified files to the original ones, with patient, study and the hashes of
the de-identified files: an encrypted file.

The head of its lock (``map_locks``), a nonce of 12 bytes, then AES-256-GCM of canonical JSON (RFC 8785) with all before
it as additional data. A new salt and nonce are drawn each time that it is written.
"""

from __future__ import annotations

import io
import json
import secrets
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path

import rfc8785
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from backend.adapters import private_files
from backend.adapters.dicom.map_locks import Lock, Passphrase, SenderKey
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
_NONCE_BYTES = 12


class IdentityMap:
    """The map in ``file``, empty where there is none, that ``lock`` opens.

    Every method raises ConfigurationError for a file that cannot be used, has another lock, or was changed.
    """

    def __init__(self, file: Path, lock: Lock) -> None:
        self._file, self._lock = file, lock
        self._studies: dict[str, Originals] = self._read() if file.exists() else {}

    def add(self, uids: Mapping[str, str], attributes: Mapping[str, str], files: Iterable[str]) -> None:
        """``uids`` are the new UIDs of a file by the original ones, ``attributes`` those of ``attributes_of``,
        ``files`` the SHA-256 of the file without identifiers and of those that its frames become. What the study has
        already stays. A file without a study is left out: there is nothing to put back.

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
            files=known.files.union(files),
        )

    def of(self, study: str) -> Originals | None:
        """The originals of a study by its new UID."""
        return self._studies.get(study)

    def of_record(self, facts: RecordFacts) -> Originals:
        """The originals of the study of a record. Raises Conflict where the map has none, and where an image of the
        record is none of the files that the sender sent: anybody can put published UIDs on other pixels."""
        study = facts.shown.dicom.study if facts.shown.dicom else None
        found = study and self.of(study)
        if not found:
            raise Conflict(
                f"expected a map with the study of this record, {study or 'which is no DICOM file'}: it has none"
            )
        images = [f"slice {each.order + 1}" for each in facts.study.slices] if facts.study else ["the image"]
        hashes = [each.sha256 for each in (facts.study.slices if facts.study else facts.pictures)]
        for image, sha256 in zip(images, hashes, strict=True):
            if sha256 not in found.files:
                raise Conflict(
                    f"{image} of this record, SHA-256 {sha256}, is none of the files of this study in the map: no "
                    "identifiers are put on other pixels. If it is the sender's own, add it with `scanproof deidentify "
                    "--map`"
                )
        return found

    def save(self) -> None:
        """Write the file whole, with mode 600."""
        content = rfc8785.dumps(
            {
                "schema": _SCHEMA,
                "studies": {
                    study: {
                        "uids": dict(each.uids),
                        "attributes": dict(each.attributes),
                        "files": sorted(each.files),
                    }
                    for study, each in self._studies.items()
                },
            }
        )
        head, nonce = self._lock.new_head(), secrets.token_bytes(_NONCE_BYTES)
        sealed = head + nonce + AESGCM(self._lock.key(head)).encrypt(nonce, content, head + nonce)
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
        other = next((lock for lock in (SenderKey, Passphrase) if content.startswith(lock.magic)), None)
        if other and other.magic != self._lock.magic:
            raise ConfigurationError(f"the map {self._file} {other.wanted}")
        start = self._lock.head_bytes
        head, nonce, sealed = content[:start], content[start : start + _NONCE_BYTES], content[start + _NONCE_BYTES :]
        if len(content) > MAX_BYTES or not other or not sealed:
            raise ConfigurationError(
                f"expected a map of `scanproof deidentify` or of the page in {self._file}, found something else"
            )
        try:
            return _studies(AESGCM(self._lock.key(head)).decrypt(nonce, sealed, head + nonce))
        except InvalidTag:
            raise ConfigurationError(
                f"the map {self._file} was made with another key or passphrase, or was changed since: name its own "
                "with --key or --passphrase"
            ) from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigurationError(f"the map {self._file} is of no known form: {error}") from error


def _studies(content: bytes) -> dict[str, Originals]:
    """What a map holds. Raises ValueError, KeyError, TypeError, AttributeError for anything else."""
    values = json.loads(content)
    if values["schema"] != _SCHEMA:
        raise ValueError(f"expected the schema {_SCHEMA}, found {str(values['schema'])[:80]!r}")
    return {
        study: Originals(dict(each["uids"]), dict(each["attributes"]), frozenset(each.get("files", ())))
        for study, each in values["studies"].items()
    }


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
            found = {keyword: _text(data_set.get(keyword)) for keyword in keywords}
    except Exception as exc:  # pydicom raises many types on damaged data
        raise UnsupportedImage(f"expected a DICOM file whose patient and study can be read: {exc}") from exc
    return {keyword: value for keyword, value in found.items() if value}


def _text(value: object) -> str:
    """Of an attribute that must not have several values, all that are there."""
    from pydicom.multival import MultiValue

    return "\\".join(map(str, value)) if isinstance(value, MultiValue) else str(value or "")
