"""The studies that are being made: in memory, and in journals from which a restarted server goes on.

Every step is one entry of the journal before it is in memory, so that both say the same after a crash.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from backend.domain import DicomAttributes, ImageFacts, SlicePlace, StudyFile
from backend.errors import CidMismatch, NotFound
from backend.ports import StudyStage
from backend.services import study_documents
from backend.services.slice_order import Arrangement, NamedPlace, arrange
from backend.services.study_documents import StudyDocuments

_OPEN_STUDIES = 16
"""How many studies are kept in memory; the others are read from their journals again."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file of a study that is no slice of it: ``reason`` is a sentence for people."""

    name: str
    reason: str


@dataclass(slots=True)
class UnfinishedStudy:
    """A study in memory; its journal says the same. Guarded by ``lock``."""

    study_id: str
    files: tuple[StudyFile, ...]
    model: str | None
    left_out: list[LeftOut] = field(default_factory=list)
    facts: dict[str, ImageFacts] = field(default_factory=dict)
    """By the SHA-256 of the file as it was chosen, as the next two."""
    refused: set[str] = field(default_factory=set)
    results: dict[str, bytes] = field(default_factory=dict)
    documents: StudyDocuments | None = None
    text: dict[str, bool] = field(default_factory=dict)
    """Whether a slice shows text, of those that were looked at."""
    pinned: set[str] = field(default_factory=set)
    recorded: bool = False
    users: int = 0
    """How many threads use it or wait for it; guarded by UnfinishedStudies."""
    removed: bool = False
    arranged: tuple[list[StudyFile], Arrangement] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def missing(self) -> tuple[str, ...]:
        return tuple(f.sha256 for f in self.files if f.sha256 not in self.facts and f.sha256 not in self.refused)

    @property
    def arrangement(self) -> tuple[list[StudyFile], Arrangement]:
        """The files that are images, and which of them are slices. Kept until another file is received."""
        if self.arranged is None or len(self.arranged[0]) != len(self.facts):
            images = [each for each in self.files if each.sha256 in self.facts]
            places = [NamedPlace(each.name, self.facts[each.sha256].place) for each in images]
            self.arranged = images, arrange(places)
        return self.arranged

    @property
    def slices(self) -> list[StudyFile]:
        """The files that are slices, in their order."""
        images, arrangement = self.arrangement
        return [images[number] for number in arrangement.order]

    @property
    def all_left_out(self) -> tuple[LeftOut, ...]:
        images, arrangement = self.arrangement
        return (*self.left_out, *(LeftOut(images[number].name, why) for number, why in arrangement.foreign))


class UnfinishedStudies:
    """Thread-safe. A study is changed only by who has it ``locked``. Every method raises StorageError."""

    def __init__(self, stage: StudyStage) -> None:
        self._stage = stage
        self._open: OrderedDict[str, UnfinishedStudy] = OrderedDict()
        self._opening = threading.Lock()

    def begin(
        self, study_id: str, files: tuple[StudyFile, ...], model: str | None, left_out: Sequence[LeftOut]
    ) -> tuple[UnfinishedStudy, bool]:
        """The study of that id, and whether it is new."""
        with self._opening:
            if study := self._load(study_id):
                return study, False
            entry = {
                "files": [asdict(each) for each in files],
                "model": model,
                "leftOut": [asdict(each) for each in left_out],
            }
            self._stage.append(study_id, entry)
            return self._remember(UnfinishedStudy(study_id, files, model, list(left_out))), True

    @contextmanager
    def locked(self, study_id: str) -> Iterator[UnfinishedStudy]:
        """Raises NotFound."""
        with self._opening:
            study = self._load(study_id)
            if study is None:
                raise _no_study(study_id)
            study.users += 1
        try:
            with study.lock:
                if study.removed:
                    raise _no_study(study_id)
                yield study
        finally:
            with self._opening:
                study.users -= 1

    def remove(self, study: UnfinishedStudy) -> None:
        study.removed = True
        with self._opening:
            self._open.pop(study.study_id, None)
            self._stage.remove(study.study_id)

    def keep_image(self, study: UnfinishedStudy, sha256: str, facts: ImageFacts, pinned: bytes) -> None:
        """``pinned`` are the bytes of the file ``sha256`` that will be pinned, ``facts`` theirs."""
        self._stage.write(study.study_id, sha256, pinned)
        self._note(study, {"sha256": sha256, "facts": asdict(facts)})

    def image(self, study: UnfinishedStudy, sha256: str) -> bytes:
        """What ``keep_image`` kept. Raises CidMismatch, and removes the study, where the disk changed it."""
        facts, content = study.facts[sha256], self._stage.read(study.study_id, sha256)
        found = hashlib.sha256(content or b"").hexdigest()
        if content is None or found != facts.sha256:
            self.remove(study)
            raise CidMismatch(f"{facts.cid} with SHA-256 {facts.sha256}", f"SHA-256 {found}: begin the study again")
        return content

    def refuse(self, study: UnfinishedStudy, sha256: str, reason: str) -> None:
        """Leave a file out, also one that is a slice already."""
        self._note(study, {"sha256": sha256, "refused": reason})

    def keep_result(self, study: UnfinishedStudy, sha256: str, inference: bytes) -> None:
        self._note(study, {"sha256": sha256, "result": inference.decode()})

    def keep_text(self, study: UnfinishedStudy, sha256: str, *, shown: bool) -> None:
        self._note(study, {"sha256": sha256, "text": shown})

    def complete(self, study: UnfinishedStudy, manifest: bytes) -> None:
        """Make the documents of the study. Every slice has its result."""
        self._note(study, {"manifest": manifest.decode()})

    def keep_pin(self, study: UnfinishedStudy, cid: str) -> None:
        self._note(study, {"pinned": cid})

    def finish(self, study: UnfinishedStudy) -> None:
        """All is pinned: the files are removed, and the journal stays."""
        self._note(study, {"recorded": True})
        self._stage.release(study.study_id)

    def _load(self, study_id: str) -> UnfinishedStudy | None:
        if found := self._open.get(study_id):
            if self._stage.has(study_id):
                self._open.move_to_end(study_id)
                return found
            del self._open[study_id]
        journal = self._stage.journal(study_id)
        if not journal:
            return None
        first, *entries = journal
        study = UnfinishedStudy(
            study_id,
            tuple(StudyFile(**each) for each in first["files"]),
            first["model"],
            [LeftOut(**each) for each in first["leftOut"]],
        )
        for entry in entries:
            _apply(study, entry)
        return self._remember(study)

    def _remember(self, study: UnfinishedStudy) -> UnfinishedStudy:
        self._open[study.study_id] = study
        idle = [key for key, each in self._open.items() if each is not study and not each.users]
        for key in idle[: max(0, len(self._open) - _OPEN_STUDIES)]:
            del self._open[key]
        return study

    def _note(self, study: UnfinishedStudy, entry: dict[str, Any]) -> None:
        """Do one step in the journal, then in memory."""
        self._stage.append(study.study_id, entry)
        _apply(study, entry)


def _apply(study: UnfinishedStudy, entry: Mapping[str, Any]) -> None:
    sha256 = entry.get("sha256", "")
    if "facts" in entry:
        facts, place = entry["facts"], entry["facts"]["place"]
        read = {
            "stripped": tuple(facts["stripped"]),
            "place": place and SlicePlace(**place),
            "attributes": _attributes(facts.get("attributes")),
        }
        study.facts[sha256] = ImageFacts(**{**facts, **read})
    elif "refused" in entry:
        study.refused.add(sha256)
        if facts := study.facts.pop(sha256, None):
            # What was made of all slices is made again.
            study.results.pop(sha256, None)
            study.pinned.discard(facts.cid)
            study.documents = None
        name = next(each.name for each in study.files if each.sha256 == sha256)
        study.left_out.append(LeftOut(name, entry["refused"]))
    elif "text" in entry:
        study.text[sha256] = entry["text"]
    elif "result" in entry:
        study.results[sha256] = entry["result"].encode()
    elif "manifest" in entry:
        files = [each.sha256 for each in study.slices]
        study.documents = study_documents.restore(
            entry["manifest"].encode(), [study.facts[each] for each in files], [study.results[each] for each in files]
        )
    elif "pinned" in entry:
        study.pinned.add(entry["pinned"])
    else:
        study.recorded = True


def _attributes(found: Mapping[str, Any] | None) -> DicomAttributes | None:
    return DicomAttributes(**{**found, "spacing": found["spacing"] and tuple(found["spacing"])}) if found else None


def _no_study(study_id: str) -> NotFound:
    return NotFound(f"no study {study_id} is being made here: an unfinished study is removed after a day")
