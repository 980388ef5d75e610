"""Which records a search asks for."""

from __future__ import annotations

from dataclasses import dataclass

from backend.domain import DiagnosisStatus

LabelCode = tuple[str, int]
"""A model id and a label code within that model."""


@dataclass(frozen=True, slots=True)
class RecordFilter:
    """Everything that is given must hold; ``models``, ``labels`` and ``status`` for one and the same diagnosis.

    ``text``, in lower case, is an image id, CID, uploader, model id or the hash of any transaction of the record; or a
    name, which stands for ``text_models`` or ``text_labels``. A label is found as the classifier gave it and as it
    holds now. The times are those of the registration's block in Unix seconds, both included.
    """

    text: str | None = None
    text_models: tuple[str, ...] = ()
    text_labels: tuple[LabelCode, ...] = ()
    models: tuple[str, ...] | None = None
    labels: tuple[LabelCode, ...] | None = None
    status: DiagnosisStatus | None = None
    first_time: int | None = None
    last_time: int | None = None
