"""What ``classify``, ``demo`` and ``verify`` do with a folder, a ZIP or a DICOM file of several frames: one study of
all images in it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from backend.commands.arguments import WrongUse
from backend.commands.console import WAIT_S, Console, columns
from backend.domain import MAX_STUDY_FILE_BYTES, ImageFacts, StudySeries
from backend.errors import IdentifiersLeft, ImageTooLarge, InvalidStudy, UnsupportedImage

if TYPE_CHECKING:
    from backend.adapters.images.inspector import PillowInspector
    from backend.adapters.study_files import StudySource
    from backend.services.study_documents import StudyDocuments
    from backend.services.study_verification import GivenFile
    from backend.services.unfinished_studies import LeftOut

_SHOWN = 20
_HEAD_BYTES = 132
"""Of a file: enough to see whether it is DICOM."""
_FRAME = " frame "
"""Between the name of a file and the number of its frame, from 1."""
_SPLIT_FILES = 2
"""Whose frames are in memory at a time: slices are read one after the other."""


class Slice(NamedTuple):
    """An image of the folder or ZIP, as it would be pinned."""

    name: str
    facts: ImageFacts
    read: Callable[[], bytes]


class Counter:
    """Shows how far a long step is, every WAIT_S seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shown = time.monotonic()

    def show(self, text: str) -> None:
        if time.monotonic() - self._shown >= WAIT_S:
            self._console.progress(text)
            self._shown = time.monotonic()


def is_study(path: Path) -> bool:
    """Whether the path stands for a study: a folder, a ZIP, or a DICOM file of several frames."""
    if path.is_dir():
        return True
    from backend.adapters.dicom.frames import count
    from backend.adapters.study_files import is_zip
    from ml.preprocessing.dicom_structure import is_dicom

    if is_zip(path):
        return True
    with path.open("rb") as file:
        if not is_dicom(file.read(_HEAD_BYTES)):
            return False
        file.seek(0)
        return count(file.read(MAX_STUDY_FILE_BYTES)) > 1


def sources(path: Path) -> list[StudySource]:
    """Raises WrongUse."""
    from backend.adapters.study_files import study_sources
    from backend.services.study_documents import MAX_SLICES

    try:
        found = study_sources(path)
    except InvalidStudy as error:
        raise WrongUse(str(error)) from error
    if len(found) > MAX_SLICES:
        raise WrongUse(f"expected a study of at most {MAX_SLICES:,} slices, found {len(found):,} files in {path}")
    return found


def slices_of(path: Path, console: Console, *, kept: bool = False) -> tuple[list[Slice], list[LeftOut]]:
    """The images of one series below ``path`` in their order, each once, and what is left out, also an original beside
    its copy without identifiers. Where they are ``kept``, nothing in a DICOM file may identify anybody. Raises
    IdentifiersLeft; WrongUse without an image, and for images of several patients."""
    from backend.services.slice_order import NamedPlace, arrange
    from backend.services.unfinished_studies import LeftOut

    images, left_out = _images(path, console, kept=kept)
    arrangement = arrange([NamedPlace(each.name, each.facts.place) for each in images])
    if arrangement.patients > 1 and not kept:
        images, copied = _without_copied(images)
        left_out += copied
        arrangement = arrange([NamedPlace(each.name, each.facts.place) for each in images])
    if arrangement.patients > 1:
        raise WrongUse(f"expected images of one patient, found those of {arrangement.patients} in {path}")
    left_out += [LeftOut(images[number].name, why) for number, why in arrangement.foreign]
    return [images[number] for number in arrangement.order], left_out


def _without_copied(images: Sequence[Slice]) -> tuple[list[Slice], list[LeftOut]]:
    """A patient and the pseudonym are one: the images without the originals of copies, and those."""
    from backend.adapters.images.inspector import PillowInspector
    from backend.services.clean_copies import PlacedImage, pair
    from backend.services.unfinished_studies import LeftOut

    inspector = PillowInspector()
    pairing = pair([PlacedImage(each.name, each.facts.place, inspector.fingerprint(each.read())) for each in images])
    left = [
        image._replace(facts=replace(image.facts, place=place))
        for number, (image, place) in enumerate(zip(images, pairing.places, strict=True))
        if number not in pairing.copies
    ]
    return left, [
        LeftOut(images[number].name, f"the same image as {copy}, its copy without identifiers")
        for number, copy in sorted(pairing.copies.items())
    ]


def _images(path: Path, console: Console, *, kept: bool) -> tuple[list[Slice], list[LeftOut]]:
    from backend.adapters.dicom.directory import is_directory
    from backend.adapters.images.inspector import PillowInspector
    from backend.services.study_documents import MAX_SLICES
    from backend.services.unfinished_studies import LeftOut

    inspector = PillowInspector()
    images: list[Slice] = []
    left_out: list[LeftOut] = []
    first: dict[str, str] = {}
    files, counter = sources(path), Counter(console)
    frames_of = lru_cache(_SPLIT_FILES)(partial(_frames, inspector, kept=kept))
    for number, file in enumerate(files, start=1):
        counter.show(f"reading {number} of {len(files)}: {file.name}")
        if is_directory(file.name):
            left_out += _listed(file, files)
            continue
        try:
            count = len(frames_of(file))
        except (UnsupportedImage, ImageTooLarge, InvalidStudy) as error:
            left_out.append(LeftOut(file.name, str(error)))
            continue
        frames: list[tuple[str, Callable[[], bytes]]] = [
            (f"{file.name}{_FRAME}{n + 1}", partial(_frame, frames_of, file, n)) for n in range(count)
        ]
        for name, read in frames or [(file.name, file.read)]:
            try:
                _, facts = (inspector.accept if kept else inspector.examine)(read())
            except (UnsupportedImage, ImageTooLarge, InvalidStudy) as error:
                left_out.append(LeftOut(name, str(error)))
                continue
            if (known := first.setdefault(facts.cid, name)) != name:
                left_out.append(LeftOut(name, f"the same image as {known}"))
            else:
                images.append(Slice(name, facts, partial(_pinned, inspector, read)))
        if len(images) > MAX_SLICES:
            raise WrongUse(f"expected a study of at most {MAX_SLICES:,} slices, found more in {path}")
    console.clear()
    if not images:
        raise WrongUse(f"expected at least one image in {path}, found none: {left_out[0].name}: {left_out[0].reason}")
    return images, left_out


def _listed(directory: StudySource, files: Sequence[StudySource]) -> list[LeftOut]:
    """A DICOMDIR, which is no image, and those of its files that are not among ``files``."""
    from backend.adapters.dicom.directory import referenced_files
    from backend.services.unfinished_studies import LeftOut

    try:
        referenced = referenced_files(directory.read())
    except (UnsupportedImage, ImageTooLarge, InvalidStudy) as error:
        return [LeftOut(directory.name, str(error))]
    # A disc has capital letters, and what is copied from it may have others.
    present = {each.name.casefold() for each in files}
    folder = directory.name[: directory.name.rfind("/") + 1]
    missing = [folder + path for path in referenced if (folder + path).casefold() not in present]
    return [
        LeftOut(directory.name, f"a directory of {len(referenced)} files, of which {len(missing)} are missing"),
        *(LeftOut(path, f"named by {directory.name}, but missing") for path in missing),
    ]


def _frames(inspector: PillowInspector, file: StudySource, *, kept: bool) -> list[bytes]:
    """A file for each frame of a DICOM file of several; none for any other file. Raises as ``PillowInspector.split``
    and ``StudySource.read``."""
    from ml.preprocessing.dicom_structure import is_dicom

    content = file.read()
    return inspector.split(content, kept=kept) if is_dicom(content) else []


def _frame(frames_of: Callable[[StudySource], list[bytes]], file: StudySource, number: int) -> bytes:
    return frames_of(file)[number]


def _pinned(inspector: PillowInspector, read: Callable[[], bytes]) -> bytes:
    """The bytes that would be pinned of a file."""
    return inspector.examine(read())[0]


def classified(path: Path, model: str | None, console: Console) -> tuple[StudyDocuments, list[Slice], list[LeftOut]]:
    """The study of the images below ``path``; nothing is stored."""
    from backend.adapters.ipfs.unixfs import cid_of
    from backend.adapters.models.bundled import BundledModels
    from backend.services.study_classification import AT_ONCE, StudyClassification

    slices, left_out = slices_of(path, console)
    service = StudyClassification(BundledModels(), cid_of)
    inferences: list[bytes] = []
    counter = Counter(console)
    for start in range(0, len(slices), AT_ONCE):
        counter.show(f"classifying {start + 1} of {len(slices)}")
        part = slices[start : start + AT_ONCE]
        inferences += service.infer_several([(each.facts, each.read) for each in part], model)
    console.clear()
    facts = [each.facts for each in slices]
    place = facts[0].place
    series = StudySeries(place.study, place.series) if place else None
    return service.complete(facts, inferences, model, lambda order: slices[order].read(), series), slices, left_out


def given_files(path: Path, console: Console) -> list[GivenFile]:
    """The files below ``path`` for a verification: what is no image too."""
    from backend.services.study_verification import GivenFile

    slices, left_out = slices_of(path, console)
    checks = {file.name: partial(_check_identifiers, file) for file in sources(path)}

    def check_of(name: str) -> Callable[[], None]:
        return checks.get(name) or checks[name.rpartition(_FRAME)[0]]

    images = [GivenFile(each.name, each.facts.cid, each.read, check_of(each.name)) for each in slices]
    others = [GivenFile(each.name, None, bytes, check_of(each.name)) for each in left_out]
    return [*images, *others]


def still_identified(name: str) -> WrongUse:
    """For a file to compare whose UIDs the sender's key has yet to replace: it says nothing about what is pinned."""
    return WrongUse(
        f"{name} still has identifiers, so it cannot be compared with what was recorded: give its de-identified copy. "
        "If `scanproof deidentify` made that, the same command with the sender's --key makes it again"
    )


def _check_identifiers(file: StudySource) -> None:
    """Raises WrongUse."""
    from backend.adapters.images.inspector import PillowInspector
    from ml.preprocessing.dicom_structure import is_dicom

    with suppress(UnsupportedImage, ImageTooLarge, InvalidStudy):
        content = file.read()
        try:
            if is_dicom(content) and not PillowInspector().split(content):
                PillowInspector().accept(content)
        except IdentifiersLeft as error:
            raise still_identified(file.name) from error


def values_of(documents: StudyDocuments, names: Sequence[str], left_out: Sequence[LeftOut]) -> dict[str, Any]:
    """The JSON of a study."""
    manifest = documents.manifest
    summary = manifest.summary
    return {
        "cid": manifest.cid,
        "manifestHash": manifest.hash,
        "label": summary.label,
        "confidence": summary.confidence,
        "abstained": summary.abstained,
        "reason": summary.reason,
        "rule": manifest.rule,
        "deciding": summary.deciding,
        "counts": dict(summary.counts),
        "root": manifest.root,
        "model": {"name": manifest.model.name, "version": manifest.model.version, "sha256": manifest.model.sha256},
        "slices": [
            {
                "order": each.order,
                "file": names[each.order],
                "cid": each.cid,
                "sha256": each.sha256,
                "size": each.size,
                "manifestHash": each.manifest_hash,
                "modelSha256": each.model_sha256,
                "label": each.label,
                "confidence": each.confidence,
                "abstained": each.abstained,
            }
            for each in documents.slices
        ],
        "leftOut": [asdict(each) for each in left_out],
    }


def in_words(documents: StudyDocuments, names: Sequence[str], left_out: Sequence[LeftOut]) -> str:
    manifest = documents.manifest
    summary = manifest.summary
    counts = ", ".join(f"{count} {label}" for label, count in summary.counts.items())
    rows = [("Label", summary.label)]
    rows += [("Reason", summary.reason)] if summary.reason else [("Confidence", f"{summary.confidence:.1%}")]
    if summary.deciding:
        first, last = summary.deciding
        rows.append(("Decided by", f"slices {first + 1} to {last + 1}: {names[first]} to {names[last]}"))
    rows += [("Slices", f"{manifest.count}: {counts}"), ("Rule", manifest.rule)]
    rows += [("Model", f"{manifest.model.name} {manifest.model.version}"), ("Merkle root", manifest.root)]
    lines = [columns(rows), ""]
    for each in documents.slices[:_SHOWN]:
        answer = "no answer" if each.abstained else f"{each.label} ({each.confidence:.1%})"
        lines.append(f"  {each.order + 1:>4}  {names[each.order]}: {answer}")
    if manifest.count > _SHOWN:
        lines.append(f"        and {manifest.count - _SHOWN} more: --json lists all")
    lines += [f"Left out  {each.name}: {each.reason}" for each in left_out[:_SHOWN]]
    if len(left_out) > _SHOWN:
        lines.append(f"Left out  and {len(left_out) - _SHOWN} more")
    return "\n".join(lines)
