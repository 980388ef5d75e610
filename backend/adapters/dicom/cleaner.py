"""The port DicomCleaner: files are de-identified, decoded and described in processes with limits."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backend.adapters.dicom.replacement import is_made_uid
from backend.adapters.dicom.sender import Sender, load_key
from backend.adapters.images.decoder_pool import DecoderPool, decoder_pool
from backend.dicom_tags import INSTANCE_UID, SERIES_UID, STUDY_UID
from backend.domain import CleanDicom, DicomInstance
from backend.errors import UnsupportedImage
from backend.ports import ImageInspector

_UIDS = (INSTANCE_UID, STUDY_UID, SERIES_UID)


class SenderCleaner:
    """``key_file`` holds the key of this installation; it is made when the first file arrives. Thread-safe."""

    def __init__(self, key_file: Path, inspector: ImageInspector, pool: DecoderPool | None = None) -> None:
        self._key_file = key_file
        self._inspector = inspector
        self._pool = pool or decoder_pool()
        self._sender: Sender | None = None
        self._lock = threading.Lock()

    def clean(self, content: bytes) -> CleanDicom:
        made = self._opened().deidentify(content)
        instance = self.describe(made.content)
        if instance.instance != made.instance:
            raise UnsupportedImage("expected a DICOM image, found one that misleads its reader")
        return CleanDicom(made.content, instance, made.uids)

    def describe(self, content: bytes) -> DicomInstance:
        accepted, facts = self._inspector.accept(content)
        attributes = self._pool.describe(accepted)
        instance, study, series = (_uid(attributes, tag) for tag in _UIDS)
        sha256 = hashlib.sha256(accepted).hexdigest()
        return DicomInstance(instance, study, series, sha256, len(accepted), facts.cid, attributes)

    def _opened(self) -> Sender:
        with self._lock:
            if self._sender is None:
                self._sender = Sender(load_key(self._key_file))
            return self._sender


def _uid(attributes: Mapping[str, Any], tag: str) -> str:
    """Raises UnsupportedImage where the file does not say which study, series or object it is."""
    value = attributes.get(tag, {}).get("Value") or [""]
    if not is_made_uid(str(value[0])):
        raise UnsupportedImage("expected a DICOM image with UIDs of its study, series and instance, found one without")
    return str(value[0])
