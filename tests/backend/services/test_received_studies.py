"""A received series becomes a study, or one image, and leaves the queue when that is on the chain."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.adapters.dicom.cleaner import SenderCleaner
from backend.container import Container
from backend.dicom_tags import FRAME_OFFSET
from backend.domain import ReceivedSeries, Source, SourceKind
from backend.errors import ChainUnavailable, Conflict, NotFound
from backend.services.screening import Answers
from backend.services.studies import StudyProgress
from tests.backend.adapters.dicom.multiframe import classic
from tests.backend.received import series
from tests.backend.studies import CLIENT, send_study

ORTHANC = Source(SourceKind.STORE, "ORTHANC")
KEEP = Answers(text="keep")


@pytest.fixture
def container(container: Container, cleaner: SenderCleaner) -> Container:
    """With processes for de-identification that other tests started."""
    return replace(container, received=replace(container.received, cleaner=cleaner))


def take(container: Container, files: list[bytes]) -> ReceivedSeries:
    for content in files:
        container.received.receive(content, ORTHANC)
    return container.received.list()[0]


def go_on(container: Container, series_id: str) -> StudyProgress:
    """Until every file was taken over; each call does what a request does."""
    for _ in range(20):
        progress = container.received_studies.study(series_id, None, seconds=0)
        if not progress.missing:
            return progress
    raise AssertionError("files are still missing")


def record(container: Container, wallet: DevelopmentWallet, study_id: str) -> str:
    documents = container.studies.classify(study_id, seconds=600).documents
    assert documents is not None
    assert container.studies.pin(study_id, CLIENT, seconds=600, answers=KEEP).signable
    send_study(container, wallet, documents)
    return documents.manifest.cid


def test_a_series_is_recorded_by_one_signature_and_leaves_the_queue(
    container: Container, alice: DevelopmentWallet
) -> None:
    found = take(container, series(3))
    files = container.received.rows.files(found.series_id)
    progress = go_on(container, found.series_id)
    assert (progress.files, progress.slices) == (3, 3)
    assert container.received.find(found.series_id).study_id == progress.study_id
    cid = record(container, alice, progress.study_id)

    assert container.received_studies.list() == []
    assert list((container.settings.var / "received").iterdir()) == []
    slices = container.studies.slices(cid)[1]
    assert {each.cid for each in slices} == {each.cid for each in files}
    # Whoever sends it again gets success, and nothing waits again.
    assert take_again(container) == []
    kept = container.received.rows.instances(files[0].study)
    assert [(each.instance.cid, each.queued) for each in kept] == [(each.cid, False) for each in files]


def take_again(container: Container) -> list[ReceivedSeries]:
    for content in series(3):
        container.received.receive(content, ORTHANC)
    return list(container.received.list())


def test_nothing_is_pinned_before_a_person_goes_on(container: Container) -> None:
    (file,) = container.received.rows.files(take(container, series(1)).series_id)
    assert not container.store.has(file.cid)
    assert container.intake.available([file.cid]) == frozenset()


def test_what_is_not_on_the_chain_stays(container: Container, alice: DevelopmentWallet) -> None:
    found = take(container, series(2))
    progress = go_on(container, found.series_id)
    assert container.received_studies.list()[0].cid is None
    documents = container.studies.classify(progress.study_id, seconds=600).documents
    assert documents is not None
    (waiting,) = container.received_studies.list()
    assert (waiting.study_id, waiting.cid) == (progress.study_id, documents.manifest.cid)
    assert container.studies.pin(progress.study_id, CLIENT, seconds=600, answers=KEEP).signable
    assert len(container.received_studies.list()) == 1


def test_slices_that_arrive_later_stay_for_another_study(container: Container, alice: DevelopmentWallet) -> None:
    found = take(container, series(2))
    progress = go_on(container, found.series_id)
    container.received.receive(series(3)[2], ORTHANC)
    record(container, alice, progress.study_id)
    (left,) = container.received_studies.list()
    assert (left.series_id, left.files, left.study_id, left.cid) == (found.series_id, 1, None, None)


def test_another_study_is_begun_when_more_slices_came(container: Container) -> None:
    found = take(container, series(2))
    first = go_on(container, found.series_id)
    container.received.receive(series(3)[2], ORTHANC)
    second = go_on(container, found.series_id)
    assert first.study_id != second.study_id
    assert container.received.find(found.series_id).study_id == second.study_id
    assert second.slices == 3


def test_a_series_whose_study_was_removed_waits_again(container: Container) -> None:
    found = take(container, series(2))
    progress = go_on(container, found.series_id)
    container.studies.discard(progress.study_id)
    (waiting,) = container.received_studies.list()
    assert waiting.study_id is None
    assert container.received.rows.files(found.series_id, progress.study_id) == []


def test_nothing_leaves_while_the_chain_cannot_be_asked(
    container: Container, alice: DevelopmentWallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = take(container, series(2))
    record(container, alice, go_on(container, found.series_id).study_id)

    def fail(*_: object, **__: object) -> None:
        raise ChainUnavailable("no node")

    with monkeypatch.context() as context:
        context.setattr(type(container.records), "of_image", fail)
        assert len(container.received_studies.list()) == 1
    assert container.received_studies.list() == []


def test_the_frames_of_a_file_become_one_study_in_their_order(container: Container) -> None:
    found = take(container, [classic(4)])
    progress = container.received_studies.study(found.series_id, None, seconds=600)
    assert (progress.slices, progress.left_out) == (4, ())
    files = container.received.rows.files(found.series_id)
    frames = {f"{each.instance}.dcm": each.value(FRAME_OFFSET) for each in files}
    assert [frames[name] for name in progress.names] == ["0", "1", "2", "3"]
    middle = container.received_studies.view(found.series_id)
    assert middle == container.studies.view(progress.study_id, 2)


def test_a_single_image_is_recorded_as_an_image(container: Container, alice: DevelopmentWallet) -> None:
    found = take(container, series(1))
    (file,) = container.received.rows.files(found.series_id)
    intake = container.received_studies.image(found.series_id, CLIENT, KEEP)
    assert (intake.created, intake.facts.cid) == (True, file.cid)
    assert [each.cid for each in container.received_studies.list()] == [file.cid]
    classification, _ = container.classification.classify(file.cid, None)
    signed, _ = container.attestation.attest(file.cid, classification.manifest_hash, alice.address)
    alice.register_with_diagnosis(file.cid, signed)
    assert container.received_studies.list() == []
    known = container.received.rows.find(file.instance)
    assert known is not None
    assert (known.instance, known.queued) == (file, False)


def test_a_series_of_several_is_no_single_image(container: Container) -> None:
    found = take(container, series(2))
    with pytest.raises(Conflict, match="expected a series of one image, found one of 2"):
        container.received_studies.image(found.series_id, CLIENT, KEEP)


def test_the_view_is_the_middle_image(container: Container) -> None:
    found = take(container, series(3))
    media_type, shown = container.received_studies.view(found.series_id)
    middle = next(e for e in container.received.rows.files(found.series_id) if e.value("00200013") == "2")
    assert media_type == "image/png"
    assert shown == container.inspector.view(container.received.content(found.series_id, middle))
    with pytest.raises(NotFound):
        container.received_studies.view("0" * 64)


def test_slices_without_a_number_are_taken_too(container: Container) -> None:
    found = take(container, series(2, InstanceNumber=""))
    assert go_on(container, found.series_id).slices == 2
