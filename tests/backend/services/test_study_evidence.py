"""What an evidence file holds of a study: its documents always, images within limits."""

from __future__ import annotations

import pytest

from backend.adapters.ipfs.block_store import EmbeddedStore
from backend.cids import hash_of
from backend.domain import ModelFacts
from backend.errors import InvalidInput, NotFound
from backend.services.study_documents import StudyDocuments
from backend.services.study_evidence import MAX_CHOSEN, named_by_study, study_objects
from tests.backend.studies import documents_of

MODEL = ModelFacts("brain-mri", "1.0", "a1" * 32, "brain-mri")


class WithoutImages:
    """A store with the documents of a study; each image is as many zeros as were asked for."""

    def __init__(self, made: StudyDocuments) -> None:
        manifest = made.manifest
        self._documents = {manifest.slices_cid: made.slice_list, manifest.manifests_cid: made.slice_manifests}

    def get(self, cid: str, *, max_bytes: int) -> bytes:
        return self._documents.get(cid) or bytes(max_bytes)


def chosen(made: StudyDocuments, orders) -> set[str]:
    objects = dict(study_objects(WithoutImages(made), made.manifest.content, orders))
    assert {made.manifest.slices_cid, made.manifest.manifests_cid} <= objects.keys()
    return objects.keys() - {made.manifest.slices_cid, made.manifest.manifests_cid}


def test_the_slices_that_decided_are_there_by_default() -> None:
    made = documents_of(6, MODEL, labels=dict.fromkeys((0, 1, 4, 5), ("notumor", 3)))
    assert made.manifest.summary.deciding == (2, 3)
    assert chosen(made, None) == {made.slices[2].cid, made.slices[3].cid}
    assert chosen(made, {0, 5}) == {made.slices[0].cid, made.slices[5].cid}
    assert chosen(made, ()) == set()


def test_images_are_limited() -> None:
    made = documents_of(MAX_CHOSEN + 20, MODEL)
    assert len(chosen(made, None)) == MAX_CHOSEN
    with pytest.raises(
        InvalidInput, match=r"^expected at most 100 slices of 33,554,432 bytes together, found 101 slices"
    ):
        chosen(made, range(101))
    with pytest.raises(InvalidInput, match=r"^expected slices from 1 to 120, found 120 to 121$"):
        chosen(made, {119, 120})


def test_large_images_are_added_as_far_as_they_fit() -> None:
    made = documents_of(3, MODEL, size=20 * 1024 * 1024)
    assert chosen(made, None) == {made.slices[0].cid}
    with pytest.raises(InvalidInput, match=r"found 2 slices of 41,943,041 bytes$"):
        chosen(made, {0, 1})


def test_an_image_has_no_slices_to_choose() -> None:
    made = documents_of(2, MODEL)
    assert dict(study_objects(WithoutImages(made), b"\x89PNG", None)) == {}
    with pytest.raises(InvalidInput, match="since slices were chosen; found that of one image"):
        dict(study_objects(WithoutImages(made), b"\x89PNG", {1}))


def test_a_false_list_gives_no_reason_for_objects() -> None:
    made, other = documents_of(3, MODEL), documents_of(3, MODEL, seed="other")
    manifest = made.manifest
    objects = {manifest.cid: manifest.content, manifest.slices_cid: other.slice_list}
    assert set(named_by_study(objects, manifest.cid)) == {manifest.slices_cid, manifest.manifests_cid}
    objects[manifest.slices_cid] = made.slice_list
    assert {each.cid for each in made.slices} < set(named_by_study(objects, manifest.cid))
    assert set(named_by_study({"x": b"{"}, "x")) == set(named_by_study({}, "x")) == set()


def test_a_list_that_was_never_pinned(tmp_path) -> None:
    made = documents_of(2, MODEL)
    assert made.manifest.hash == hash_of(made.manifest.content)
    with pytest.raises(NotFound):
        dict(study_objects(EmbeddedStore(tmp_path), made.manifest.content, None))
