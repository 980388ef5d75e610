"""The port DicomCleaner: files are de-identified, decoded and described in processes with limits."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from backend.adapters.dicom.deidentification import Deidentified
from backend.adapters.dicom.replacement import is_made_uid
from backend.adapters.dicom.sender import Sender, load_key
from backend.adapters.images.decoder_pool import DecoderPool, decoder_pool
from backend.dicom_tags import INSTANCE_UID, SERIES_UID, SOP_CLASS, SOURCE_UID, STUDY_UID
from backend.domain import CleanDicom, CleanFile, DicomInstance
from backend.errors import ImageTooLarge, ServerBusy, UnsupportedImage
from backend.ports import ImageInspector

MOST_S = 60.0
"""For all frames of a file: whoever sent it waits for the answer."""
_WAIT_S = 20.0
_AT_ONCE = 2
"""Frames that are read at the same time, each in a process of its own."""
_UIDS = (INSTANCE_UID, STUDY_UID, SERIES_UID)
_COMMON = (STUDY_UID, SERIES_UID, SOP_CLASS, SOURCE_UID)
"""What all frames of a file have the same of."""


class SenderCleaner:
    """``key_file`` holds the key of this installation; it is made when the first file arrives. Thread-safe."""

    def __init__(self, key_file: Path, inspector: ImageInspector, pool: DecoderPool | None = None) -> None:
        self._key_file = key_file
        self._inspector = inspector
        self._pool = pool or decoder_pool()
        self._sender: Sender | None = None
        self._lock = threading.Lock()
        self._splitting = threading.Lock()

    def clean(self, content: bytes) -> CleanDicom:
        made = self._opened().deidentify(content)
        if made.frames != 1:
            with self._alone():
                return CleanDicom(made.instance, self._frames(made), made.uids)
        instance = self.describe(made.content)
        if instance.instance != made.instance:
            raise _misled()
        return CleanDicom(made.instance, (CleanFile(made.content, instance),), made.uids)

    def _frames(self, made: Deidentified) -> tuple[CleanFile, ...]:
        end = time.monotonic() + MOST_S
        files: list[CleanFile] = []
        contents = self._inspector.split(made.content)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for content, instance in zip(contents, pool.map(self.describe, contents), strict=True):
                if time.monotonic() > end:
                    raise ImageTooLarge(f"expected frames that take at most {MOST_S:.0f} s to read, found more")
                files.append(CleanFile(content, instance))
        common = {tuple(each.instance.value(tag) for tag in _COMMON) for each in files}
        if len(common) != 1 or files[0].instance.value(SOURCE_UID) != made.instance:
            raise _misled()
        return tuple(files)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One file of several frames at a time, as it is in memory several times over."""
        if not self._splitting.acquire(timeout=_WAIT_S):
            raise ServerBusy("another file of several frames is being read: try again in a moment")
        try:
            yield
        finally:
            self._splitting.release()

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


def _misled() -> UnsupportedImage:
    return UnsupportedImage("expected a DICOM image, found one that misleads its reader")


def _uid(attributes: Mapping[str, Any], tag: str) -> str:
    """Raises UnsupportedImage where the file does not say which study, series or object it is."""
    value = attributes.get(tag, {}).get("Value") or [""]
    if not is_made_uid(str(value[0])):
        raise UnsupportedImage("expected a DICOM image with UIDs of its study, series and instance, found one without")
    return str(value[0])
