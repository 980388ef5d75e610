"""De-identifies what this machine sends or receives, with a key of its own, in processes with limits."""

from __future__ import annotations

import re
import secrets
from collections import Counter
from pathlib import Path

from backend.adapters import private_files
from backend.adapters.dicom.deidentification import Deidentified, Report
from backend.adapters.dicom.replacement import KEY_BYTES, is_made_uid
from backend.adapters.images.decoder_pool import DecoderPool
from backend.domain import MAX_STUDY_FILE_BYTES
from backend.errors import ConfigurationError, ImageTooLarge, UnsupportedImage

MAX_FILE_BYTES = MAX_STUDY_FILE_BYTES
KEY_FILE = Path("keys") / "deidentification.key"
"""The key of an installation, in its SCANPROOF_VAR."""
_PROCESSES = 2


class Sender:
    """``key`` decides the new UIDs, pseudonyms and dates: who has it can tell which patient and study a file is of.

    Its processes are none of those that decode pictures, so that the key meets no codec. Thread-safe.
    """

    def __init__(self, key: bytes, *, processes: int = _PROCESSES) -> None:
        self._key = key
        self._pool = DecoderPool(processes=processes)

    def deidentify(self, content: bytes) -> Deidentified:
        """See ``deidentification.deidentify``. Raises UnsupportedImage, ImageTooLarge, ServerBusy."""
        if len(content) > MAX_FILE_BYTES:
            raise ImageTooLarge(f"expected a DICOM file of at most {MAX_FILE_BYTES} bytes, found a larger one")
        made, clean = self._pool.deidentify(content, self._key)
        report = Report(**{name: Counter(counts) for name, counts in made["report"].items()})
        if not is_made_uid(made["instance"]):
            raise UnsupportedImage("expected a DICOM image, found one that misleads its reader")
        return Deidentified(clean, made["instance"], report, made["uids"], int(made["frames"]))

    def attributes(self, content: bytes) -> dict[str, str]:
        """See ``identity_map.attributes_of``; for a file that ``deidentify`` has read. Raises as ``deidentify``."""
        return self._pool.read_patient(content)

    def close(self) -> None:
        self._pool.close()


def load_key(file: Path) -> bytes:
    """The key in ``file``, 64 hex digits; a new one where there is none. Raises ConfigurationError."""
    content = private_files.read_key(file, "the key", new=lambda: secrets.token_hex(KEY_BYTES) + "\n")
    text = content.decode("ascii", "replace").strip()
    if not re.fullmatch(rf"[0-9a-f]{{{2 * KEY_BYTES}}}", text):
        raise ConfigurationError(f"expected {2 * KEY_BYTES} hex digits in the key file {file}, found something else")
    return bytes.fromhex(text)
