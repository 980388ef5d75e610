"""Studies, from files to one signed record."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.adapters.ipfs.block_store import EmbeddedStore
from backend.adapters.study_folders import StudyFolders
from backend.container import Container
from backend.domain import MAX_IMAGE_BYTES, StudyFile
from backend.errors import (
    CidMismatch,
    Conflict,
    InvalidStudy,
    LimitExceeded,
    NotFound,
    TextInSlices,
    UnrecognisedSlices,
)
from backend.services.screening import Answers
from backend.services.studies import StudyService
from backend.services.study_documents import MAX_SLICES
from tests.backend.services.conftest import CLIENT
from tests.backend.studies import declared, documents_of, make_study, record_study, send_study


@pytest.fixture
def files(picture: Callable[..., bytes]) -> dict[str, bytes]:
    return {f"slice-{number}.png": picture() for number in range(1, 4)}


def test_a_study_is_signed_once_and_its_slices_are_pinned(
    container: Container, alice: DevelopmentWallet, files: dict[str, bytes]
) -> None:
    made = record_study(container, alice, files)

    manifest, slices = container.studies.slices(made.manifest.cid)
    assert (manifest, slices) == (made.manifest, made.slices)
    assert [each.cid for each in slices] == [container.intake.identify(content).cid for content in files.values()]
    for each in slices:
        facts, pinned = container.intake.content(each.cid)
        assert (facts.sha256, facts.size) == (each.sha256, each.size)
        assert hashlib.sha256(pinned).hexdigest() == each.sha256
    record = container.records.find(container.chain.image_id(alice.address, manifest.cid))
    (diagnosis,) = record.diagnoses
    assert diagnosis.manifest_hash == manifest.hash
    assert diagnosis.model_id == "0x" + manifest.model.sha256
    assert (diagnosis.label, diagnosis.confidence) == (manifest.summary.label_code, 0)


def test_nothing_is_pinned_before_all_is_classified(container: Container, files: dict[str, bytes]) -> None:
    study = begun(container, files)
    *first, last = files.values()
    for content in first:
        container.studies.add(study, content)
    with pytest.raises(Conflict, match=r"^1 of the study's 3 files were not received yet$"):
        container.studies.classify(study, seconds=60)
    container.studies.add(study, last)
    with pytest.raises(Conflict, match=r"^the study is not classified yet$"):
        container.studies.pin(study, CLIENT, seconds=60)
    progress = container.studies.classify(study, seconds=60)
    assert (progress.classified, progress.pinned, progress.signable) == (3, 0, False)
    assert not list((container.settings.var / "ipfs" / "pins").iterdir())


def test_a_cut_transfer_goes_on_after_a_restart(
    container: Container, files: dict[str, bytes], alice: DevelopmentWallet
) -> None:
    study = begun(container, files)
    first, *rest = files.values()
    container.studies.add(study, first)
    again = restarted(container)
    progress, created = again.begin(declared(files), None)
    assert (progress.study_id, created, progress.files) == (study, False, 3)
    assert set(progress.missing) == {hashlib.sha256(content).hexdigest() for content in rest}
    for content in rest:
        again.add(study, content)
    part = again.classify(study, seconds=0)
    assert (part.classified, part.documents) == (2, None)
    whole = restarted(container).classify(study, seconds=0)
    assert whole.documents is not None
    assert restarted(container).progress(study).documents == whole.documents
    some = restarted(container).pin(study, CLIENT, seconds=-1)
    assert (some.pinned, some.signable) == (0, False)
    assert restarted(container).pin(study, CLIENT, seconds=60).signable


def test_a_journal_that_a_crash_has_cut_goes_on(container: Container, files: dict[str, bytes]) -> None:
    study = begun(container, files)
    first, second, third = files.values()
    container.studies.add(study, first)
    container.studies.add(study, second)
    (journal,) = (container.settings.var / "studies").rglob("journal.jsonl")
    journal.write_bytes(journal.read_bytes()[:-9])
    again = restarted(container)
    assert again.progress(study).slices == 1
    again.add(study, second)
    again.add(study, third)
    assert restarted(container).progress(study).missing == ()


class CountingFolders(StudyFolders):
    """Counts how often a journal is read."""

    readings = 0

    def journal(self, study_id: str) -> Sequence[Mapping[str, Any]] | None:
        self.readings += 1
        return super().journal(study_id)


def test_the_journal_of_a_study_in_memory_is_not_read_again(container: Container, files: dict[str, bytes]) -> None:
    study = begun(container, files)
    stage = CountingFolders(container.settings.var / "studies")
    service = restarted(container, stage=stage)
    for content in files.values():
        service.add(study, content)
    assert service.progress(study).missing == ()
    assert stage.readings == 1


def test_files_that_are_no_slices_are_left_out_by_name(container: Container, picture: Callable[..., bytes]) -> None:
    plain = picture("JPEG", (60, 40))
    tagged = tag(plain)
    files = {"a.jpg": plain, "copy.jpg": plain, "tagged.jpg": tagged, "notes.txt": b"no image", "b.png": picture()}
    listed = [*declared(files), StudyFile("huge.png", "ab" * 32, MAX_IMAGE_BYTES + 1)]
    progress, _ = container.studies.begin(listed, None)
    for content in files.values():
        progress = container.studies.add(progress.study_id, content)
    assert {each.name: each.reason for each in progress.left_out} == {
        "copy.jpg": "the same file as a.jpg",
        "tagged.jpg": "the same image as a.jpg",
        "notes.txt": progress.left_out[3].reason,
        "huge.png": "26,214,401 bytes, where a slice has at most 26,214,400",
    }
    assert progress.left_out[3].reason.startswith("expected a PNG")
    assert progress.names == ("a.jpg", "b.png")
    assert container.studies.classify(progress.study_id, seconds=60).documents.manifest.count == 2


def test_a_study_without_an_image_is_refused(container: Container) -> None:
    with pytest.raises(InvalidStudy, match=r"^expected a study with at least one image, found no file$"):
        container.studies.begin([], None)
    study = begun(container, {"notes.txt": b"no image"})
    container.studies.add(study, b"no image")
    with pytest.raises(InvalidStudy, match=r"^expected at least one image, found none: expected a PNG"):
        container.studies.classify(study, seconds=60)
    assert not list((container.settings.var / "studies").iterdir())
    with pytest.raises(NotFound, match=f"^no study {study} is being made here"):
        container.studies.progress(study)


def test_ten_thousand_files_are_refused(container: Container) -> None:
    files = [StudyFile(f"{number}.png", f"{number:064x}", 1) for number in range(10_000)]
    expected = rf"^expected a study of at most {MAX_SLICES:,} slices, found 10,000 files$"
    with pytest.raises(InvalidStudy, match=expected):
        container.studies.begin(files, None)


def test_bytes_on_the_disk_are_limited(container: Container, files: dict[str, bytes]) -> None:
    service = restarted(container, stage_bytes=400)
    first, second, _ = files.values()
    small = [StudyFile(each.name, each.sha256, 1) for each in declared(files)]
    study = service.begin(small, None)[0].study_id
    service.add(study, first)
    with pytest.raises(LimitExceeded, match=r"^unfinished studies may take 400 bytes on this server"):
        for content in (second, *files.values()):
            service.add(study, content)
    with pytest.raises(InvalidStudy, match=r"^expected a study of at most 400 bytes, found 3,000$"):
        service.begin([StudyFile("big.png", "cd" * 32, 3000)], None)


def test_a_file_of_another_study_is_refused(container: Container, files: dict[str, bytes], picture) -> None:
    other = picture()
    with pytest.raises(Conflict, match=r"is none of the files that this study was begun with$"):
        container.studies.add(begun(container, files), other)


def test_a_file_that_changed_on_the_disk_ends_the_study(container: Container, files: dict[str, bytes]) -> None:
    study = begun(container, files)
    for content in files.values():
        container.studies.add(study, content)
    stored = next(path for path in (container.settings.var / "studies" / study).iterdir() if len(path.name) == 64)
    stored.write_bytes(b"changed")
    with pytest.raises(CidMismatch, match="begin the study again"):
        container.studies.classify(study, seconds=60)
    with pytest.raises(NotFound):
        container.studies.progress(study)


def test_an_old_study_is_removed(container: Container, files: dict[str, bytes], picture) -> None:
    study = begun(container, files)
    StudyFolders(container.settings.var / "studies").expire(older_than_s=-60)
    with pytest.raises(NotFound):
        container.studies.progress(study)


def test_the_model_of_a_series_is_that_of_most_slices(container: Container) -> None:
    """A slice of another modality is an abstention by the gate; it is not classified by a model that does not fit."""
    heads, tissue = [head(seed) for seed in range(3)], [stained(7)]
    made = make_study(container, {f"{n}.png": content for n, content in enumerate([*tissue, *heads])})
    modalities = {each.facts.sha256: each.facts.modality for each in container.classifier.models()}
    first, *others = made.slices
    assert first.abstained
    assert {modalities[each.model_sha256] for each in others} <= {made.manifest.model.modality, "any"}


def test_300_slices_cost_what_an_image_costs(container: Container, alice: DevelopmentWallet) -> None:
    model = container.classifier.resolve(None)
    made = documents_of(300, model)
    container.studies._pin_documents(made)
    sent = send_study(container, alice, made)
    assert sent.gas_used <= 90_000
    assert container.studies.slices(made.manifest.cid) == (made.manifest, made.slices)
    record = container.records.find(container.chain.image_id(alice.address, made.manifest.cid))
    assert (record.diagnoses[0].label, record.diagnoses[0].confidence) == (1, 9000)


def test_text_in_slices_is_asked_about_before_anything_is_pinned(container: Container, picture) -> None:
    files = {"plain.png": picture(), "named.png": written("Doe, Jane 1970-01-01")}
    study = begun(container, files)
    for content in files.values():
        container.studies.add(study, content)
    container.studies.classify(study, seconds=60)
    assert container.studies.pin(study, CLIENT, seconds=-1).screened == 0
    with pytest.raises(TextInSlices, match=r"found some in slice 2: send text=keep") as asked:
        container.studies.pin(study, CLIENT, seconds=60)
    assert asked.value.extension == {"slices": [1]}
    assert not list((container.settings.var / "ipfs" / "pins").iterdir())
    assert restarted(container).progress(study).screened == 2
    assert container.studies.pin(study, CLIENT, seconds=60, answers=Answers(text="keep")).signable


def test_slices_with_text_are_left_out_on_request(container: Container, alice: DevelopmentWallet, picture) -> None:
    files = {
        "plain.png": picture(),
        "named.png": written("Doe, Jane 1970-01-01"),
        "other.png": picture("PNG", (50, 40)),
    }
    study = begun(container, files)
    for content in files.values():
        container.studies.add(study, content)
    before = container.studies.classify(study, seconds=60).documents
    answers = Answers(text="leave-out")
    made = container.studies.pin(study, CLIENT, seconds=60, answers=answers)
    assert made.signable
    assert made.names == ("plain.png", "other.png")
    assert made.documents.manifest.count == 2
    assert made.documents.manifest.root != before.manifest.root
    assert [(each.name, each.reason) for each in made.left_out] == [
        ("named.png", "it seems to show text, and was left out")
    ]
    pins = {path.name for path in (container.settings.var / "ipfs" / "pins").iterdir()}
    assert not {each.cid for each in before.slices if each.order == 1} & pins
    again = restarted(container).progress(study)
    assert (again.documents.manifest, again.signable) == (made.documents.manifest, True)


def test_a_study_of_nothing_but_text_cannot_leave_it_out(container: Container) -> None:
    files = {"named.png": written("Doe, Jane 1970-01-01")}
    study = begun(container, files)
    container.studies.add(study, files["named.png"])
    container.studies.classify(study, seconds=60)
    with pytest.raises(Conflict, match="every slice seems to show text, so no study would be left without them"):
        container.studies.pin(study, CLIENT, seconds=60, answers=Answers(text="leave-out"))
    assert container.studies.progress(study).slices == 1


class PublicStore(EmbeddedStore):
    public = True


def test_what_no_gate_recognises_is_asked_about_on_a_public_store(container: Container, files, tmp_path) -> None:
    service = restarted(container, store=PublicStore(tmp_path / "public"))
    study = begun(container, files)
    for content in files.values():
        service.add(study, content)
    service.classify(study, seconds=60)
    with pytest.raises(UnrecognisedSlices, match=r"found others in slices 1, 2, 3\. The store is public"):
        service.pin(study, CLIENT, seconds=60, answers=Answers(text="keep"))
    assert service.pin(study, CLIENT, seconds=60, answers=Answers(text="keep", pin_anyway=True)).signable


def begun(container: Container, files: dict[str, bytes]) -> str:
    return container.studies.begin(declared(files), None)[0].study_id


def restarted(container: Container, **changes: object) -> StudyService:
    """The service as another process would have it."""
    service = container.studies
    parts = {
        name: getattr(service, f"_{name}")
        for name in (
            "studies",
            "intake",
            "store",
            "inspector",
            "classifier",
            "classification",
            "screening",
            "kinds",
            "stage_bytes",
        )
    }
    return StudyService(**{"stage": StudyFolders(container.settings.var / "studies"), **parts, **changes})


def tag(jpeg: bytes) -> bytes:
    """The same JPEG with a comment, which is removed before it is pinned."""
    return jpeg[:2] + b"\xff\xfe\x00\x06name" + jpeg[2:]


def head(seed: int) -> bytes:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[-1:1:128j, -1:1:128j]
    inside = (x / 0.7) ** 2 + (y / 0.85) ** 2 < 1
    values = np.where(inside, 120 + 30 * np.sin(9 * x) * np.cos(7 * y) + rng.normal(0, 6, x.shape), 3)
    return png(np.clip(values, 0, 255).astype(np.uint8))


def stained(seed: int) -> bytes:
    rng = np.random.default_rng(seed)
    return png(np.clip(rng.normal((200, 120, 180), 30, (128, 128, 3)), 0, 255).astype(np.uint8))


def written(text: str) -> bytes:
    """A picture with that text burnt in."""
    image = Image.new("L", (512, 256), 8)
    ImageDraw.Draw(image).text((30, 90), text, fill=255, font=ImageFont.load_default(36))
    output = io.BytesIO()
    image.save(output, "PNG")
    return output.getvalue()


def png(values: np.ndarray) -> bytes:
    output = io.BytesIO()
    Image.fromarray(values).save(output, "PNG")
    return output.getvalue()
