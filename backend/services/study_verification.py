"""Verifies what a study manifest commits to: every slice, the Merkle root, the summary, the results."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from backend.cids import hash_of
from backend.domain import Check, DiagnosisRecordedEvent, SliceResult
from backend.errors import ImageTooLarge, InvalidCid, InvalidStudy, NotFound, StorageError
from backend.ports import Classifier, ObjectReader
from backend.services import study_documents
from backend.services.attestation import BASIS_POINTS, describe_finding
from backend.services.manifests import ReadManifest
from backend.services.models import ModelService
from backend.services.reproduction import TOLERANCE, repeat
from backend.services.study_documents import MAX_LIST_BYTES, MAX_SLICE_MANIFESTS_BYTES, StudyManifest
from backend.services.study_rules import RULES

_SHOWN = 3
"""The most slices that a check names."""
_EVERY_MANIFEST = "an inference manifest for each slice"
_EVERY_RESULT = "the result of every slice"
_UNREADABLE = (StorageError, NotFound, ImageTooLarge, InvalidCid)


@dataclass(frozen=True, slots=True)
class GivenFile:
    """A file of somebody who checks a study: ``cid`` is that of the bytes which are pinned of it, None if it is no
    image; ``read`` gives those bytes. ``check`` raises where the file cannot be compared with slices, since it is not
    yet what would be pinned of it."""

    name: str
    cid: str | None
    read: Callable[[], bytes]
    check: Callable[[], None]


@dataclass(frozen=True, slots=True)
class SliceScope:
    """How much of a study is checked. ``fetched`` and ``repeated`` are the most slices whose bytes are read, and whose
    inference is repeated, evenly spread; None for all. ``partial``: slices may be absent, as in an evidence file."""

    fetched: int | None = None
    repeated: int | None = None
    partial: bool = False


@dataclass(slots=True)
class _Counts:
    absent: int = 0
    good: int = 0
    repeated: int = 0
    wrong: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)


class StudyVerifier:
    """``cid_of`` computes the CID of bytes. Reads documents and slices from ``store``, which hashes what it returns."""

    def __init__(
        self, store: ObjectReader, classifier: Classifier, cid_of: Callable[[bytes], str], scope: SliceScope
    ) -> None:
        self._store = store
        self._classifier = classifier
        self._cid_of = cid_of
        self._scope = scope

    def checks(
        self, diagnosis: DiagnosisRecordedEvent, content: bytes, files: Sequence[GivenFile] | None
    ) -> list[Check]:
        """The checks of a diagnosis whose image is the study manifest ``content``. ``files`` are somebody's own files
        of the study, in their order, to be compared with its slices and read in place of the stored ones."""
        found = hash_of(content)
        same = Check("manifest bytes", found == diagnosis.manifest_hash, f"SHA-256 {diagnosis.manifest_hash}", found)
        try:
            manifest = study_documents.read_manifest(content)
        except InvalidStudy as error:
            return [same, _failed("study manifest", study_documents.SCHEMA, str(error))]
        checks = [same, _result(manifest, diagnosis)]
        expected = f"{manifest.count} slices in order, Merkle root {manifest.root}"
        try:
            slices = self._slices(manifest)
        except (*_UNREADABLE, InvalidStudy) as error:
            return [*checks, _failed("slice list", expected, str(error)), *_unchecked(manifest)]
        checks += [Check("slice list", True, expected, "the same"), _summary(manifest, slices)]
        try:
            manifests = self._manifests(manifest, slices)
        except (*_UNREADABLE, InvalidStudy) as error:
            manifests = ()
            checks.append(_failed("slice manifests", _EVERY_MANIFEST, str(error)))
        else:
            models = ", ".join(sorted({each.model_sha256[:12] for each in slices}))
            text = f"an inference manifest for each of {len(slices)} slices"
            checks.append(Check("slice manifests", True, text, f"the same images and results, by the models {models}"))
        if files is not None:
            checks.append(compare_files(slices, files))
        own = {each.cid: each for each in files or () if each.cid}
        return [*checks, *self._images(slices, manifests, own)]

    def _slices(self, manifest: StudyManifest) -> tuple[SliceResult, ...]:
        content = self._store.get(manifest.slices_cid, max_bytes=MAX_LIST_BYTES)
        return study_documents.read_slices(content, manifest)

    def _manifests(self, manifest: StudyManifest, slices: Sequence[SliceResult]) -> tuple[ReadManifest, ...]:
        content = self._store.get(manifest.manifests_cid, max_bytes=MAX_SLICE_MANIFESTS_BYTES)
        return study_documents.read_slice_manifests(content, slices)

    def _images(
        self, slices: Sequence[SliceResult], manifests: Sequence[ReadManifest], own: Mapping[str, GivenFile]
    ) -> list[Check]:
        """The bytes of the slices, and the inferences repeated."""
        fetched = _spread(len(slices), self._scope.fetched)
        repeated = _spread(len(slices), self._scope.repeated) & fetched
        counts = _Counts()
        for each in slices:
            if each.order not in fetched:
                continue
            content = self._content(each, own, counts)
            if content is not None and manifests and each.order in repeated:
                counts.repeated += 1
                counts.different += self._difference(each, manifests[each.order], content)
        expected = f"the bytes of {len(slices)} slices"
        found = _listed(counts.wrong) or f"{counts.good} of {len(slices)} slices have their CID, SHA-256 and size"
        if counts.absent:
            found += f"; {counts.absent} are not in this file, and the Merkle root proves their results"
        checks = [Check("slices", not counts.wrong, expected, found)]
        if not manifests:
            why = "not checked: no slice manifests to trust"
            return [*checks, _failed("results reproduced", _EVERY_RESULT, why)]
        again = f"{counts.repeated} of {len(slices)} inferences were repeated, with the same results"
        text = f"the results of the slices, probabilities within {TOLERANCE}"
        passed = not counts.different and not counts.wrong
        found = _listed(counts.different) or (again if passed else f"{again}, but not every slice has its bytes")
        return [*checks, Check("results reproduced", passed, text, found)]

    def _content(self, each: SliceResult, own: Mapping[str, GivenFile], counts: _Counts) -> bytes | None:
        """The bytes of a slice, None if they are not what the study says; ``counts`` says why."""
        try:
            given = own.get(each.cid)
            content = given.read() if given else self._store.get(each.cid, max_bytes=max(each.size, 1))
        except _UNREADABLE as error:
            if self._scope.partial and isinstance(error, NotFound):
                counts.absent += 1
            else:
                counts.wrong.append(f"slice {each.order + 1}: {error}")
            return None
        sha256 = hashlib.sha256(content).hexdigest()
        if (self._cid_of(content), sha256, len(content)) != (each.cid, each.sha256, each.size):
            counts.wrong.append(
                f"slice {each.order + 1}: expected {each.size:,} bytes with SHA-256 {each.sha256}, found "
                f"{len(content):,} with {sha256}"
            )
            return None
        counts.good += 1
        return content

    def _difference(self, each: SliceResult, manifest: ReadManifest, content: bytes) -> Iterator[str]:
        model = ModelService(self._classifier).facts("0x" + each.model_sha256)
        if model is None:
            yield f"slice {each.order + 1}: the model with SHA-256 {each.model_sha256} is not installed here"
            return
        passed, found = repeat(self._classifier, manifest, model, content)
        if not passed:
            yield f"slice {each.order + 1}: expected {manifest.label} ({manifest.confidence:.4f}), found {found}"


def compare_files(slices: Sequence[SliceResult], files: Sequence[GivenFile]) -> Check:
    """Whether ``files`` are the slices, all of them and in their order. Raises what their ``check`` raises."""
    places = {each.cid: each.order for each in slices}
    for each in files:
        if each.cid not in places:
            each.check()
    given = {each.cid for each in files}
    problems = [
        f"{each.name} is no slice of this study: it was changed, or belongs to another study"
        for each in files
        if each.cid not in places
    ]
    problems += [f"slice {each.order + 1} is not among the files" for each in slices if each.cid not in given]
    ours = [(each.name, places[each.cid]) for each in files if each.cid in places]
    problems += [
        f"{name} is slice {place + 1}, but comes after slice {before + 1}: the order differs"
        for (_, before), (name, place) in pairwise(ours)
        if place <= before
    ]
    expected = f"the {len(slices)} slices of the study, each once and in order"
    return Check("files", not problems, expected, _listed(problems) or f"{len(files)} files, each a slice in its place")


def _result(manifest: StudyManifest, diagnosis: DiagnosisRecordedEvent) -> Check:
    summary = manifest.summary
    expected = describe_finding(diagnosis.model_id, diagnosis.label, diagnosis.confidence)
    found = describe_finding("0x" + manifest.model.sha256, summary.label_code, round(summary.confidence * BASIS_POINTS))
    return Check("manifest result", found == expected, expected, found)


def _summary(manifest: StudyManifest, slices: Sequence[SliceResult]) -> Check:
    summary = manifest.summary
    expected = f"{summary.label} ({summary.confidence:.4f}) by the rule {manifest.rule}"
    rule = RULES.get(manifest.rule)
    if rule is None:
        return _failed("summary", expected, f"not checked: no rule {manifest.rule!r} is known here")
    made = rule(slices)
    if made == summary:
        return Check("summary", True, expected, "the same, made again from the slices")
    differs = "" if made.label != summary.label else ", with other details"
    return _failed("summary", expected, f"the slices give {made.label} ({made.confidence:.4f}){differs}")


def _unchecked(manifest: StudyManifest) -> list[Check]:
    """What needs the slice list."""
    return [
        _failed(name, text, "not checked: no slice list to trust")
        for name, text in (
            ("summary", f"{manifest.summary.label} by the rule {manifest.rule}"),
            ("slice manifests", _EVERY_MANIFEST),
            ("slices", f"the bytes of {manifest.count} slices"),
            ("results reproduced", _EVERY_RESULT),
        )
    ]


def _failed(name: str, expected: str, found: str) -> Check:
    return Check(name, False, expected, found)


def _listed(problems: Sequence[str]) -> str:
    more = len(problems) - _SHOWN
    return "; ".join(problems[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")


def _spread(count: int, most: int | None) -> frozenset[int]:
    """At most so many numbers below ``count``, evenly spread, the first and the last among them."""
    if most is None or count <= most:
        return frozenset(range(count))
    return frozenset(round(number * (count - 1) / (most - 1)) for number in range(most))
