"""The record of a study, true and falsified: each lie is named by the check that finds it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import rfc8785

from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.adapters.ipfs.unixfs import cid_of
from backend.container import Container
from backend.domain import Check
from backend.services import study_documents
from backend.services.study_documents import StudyDocuments
from backend.services.study_verification import GivenFile
from tests.backend.services.verification.conftest import failures
from tests.backend.studies import pin_study, record_study, send_study

CHECKS = [
    "manifest bytes",
    "manifest result",
    "slice list",
    "summary",
    "slice manifests",
    "slices",
    "results reproduced",
]


@pytest.fixture
def files(picture: Callable[..., bytes]) -> dict[str, bytes]:
    return {f"slice-{number}.png": picture() for number in range(1, 5)}


@pytest.fixture
def made(container: Container, alice: DevelopmentWallet, files: dict[str, bytes]) -> StudyDocuments:
    return record_study(container, alice, files)


@pytest.fixture
def image_id(container: Container, alice: DevelopmentWallet, made: StudyDocuments) -> str:
    return container.chain.image_id(alice.address, made.manifest.cid)


def test_a_true_study(container: Container, image_id: str, files: dict[str, bytes]) -> None:
    found = container.verification.verify(image_id, files=given(container, files))
    assert failures(found) == {}
    names = [check.name for check in found.checks]
    assert [name for name in names if name in CHECKS] == CHECKS
    assert "files" in names and "result reproduced" not in names
    by_name = {check.name: check.found for check in found.checks}
    assert by_name["slices"] == "4 of 4 slices have their CID, SHA-256 and size"
    assert by_name["results reproduced"] == "4 of 4 inferences were repeated, with the same results"


def test_a_slice_that_was_changed_in_the_store(container: Container, made: StudyDocuments, image_id: str) -> None:
    block = block_of(container, made.slices[2].cid)
    content = bytearray(block.read_bytes())
    content[40] ^= 1
    block.write_bytes(content)
    found = failures(container.verification.verify(image_id))
    assert found.keys() == {"slices", "results reproduced"}
    assert found["slices"].found.startswith("slice 3: ")


def test_a_slice_that_is_gone(container: Container, made: StudyDocuments, image_id: str) -> None:
    (container.settings.var / "ipfs" / "pins" / made.slices[0].cid).unlink()
    found = failures(container.verification.verify(image_id))
    assert found["slices"].found == f"slice 1: {made.slices[0].cid} is not in the store"


@pytest.mark.parametrize(
    ("arrange", "expected"),
    [
        (lambda names: names[:2] + names[3:], "slice 3 is not among the files"),
        (
            lambda names: [names[1], names[0], *names[2:]],
            "slice-1.png is slice 1, but comes after slice 2: the order differs",
        ),
        (
            lambda names: [*names[:3], "foreign.png"],
            "foreign.png is no slice of this study: it was changed, or belongs to another study; slice 4 is not among "
            "the files",
        ),
        (lambda names: [*names, "slice-4.png"], "slice-4.png is slice 4, but comes after slice 4: the order differs"),
    ],
    ids=["left out", "reordered", "of another study", "twice"],
)
def test_somebodys_own_files(
    container: Container, image_id: str, files: dict[str, bytes], picture, arrange: Callable, expected: str
) -> None:
    contents = {**files, "foreign.png": picture()}
    chosen = [(name, contents[name]) for name in arrange(list(files))]
    found = failures(container.verification.verify(image_id, files=given(container, chosen)))
    assert found.keys() == {"files"}
    assert found["files"].found == expected


def test_a_folder_is_not_compared_with_an_image(
    container: Container, alice: DevelopmentWallet, files: dict[str, bytes], picture
) -> None:
    image = container.intake.accept(picture(), client="alice").facts
    alice.register_image(image.cid)
    image_id = container.chain.image_id(alice.address, image.cid)
    found = failures(container.verification.verify(image_id, files=given(container, files)))
    assert found["files"].found.endswith("which is no study manifest: compare a single file with it")


def lie(
    documents: StudyDocuments, *, slices: Callable[[list], object] | None = None, **changes: object
) -> StudyDocuments:
    """The documents with other slices in the list, and other fields of the manifest, all consistent in their CIDs."""
    listed = json.loads(documents.slice_list)
    if slices:
        slices(listed["slices"])
    slice_list = rfc8785.dumps(listed)
    values = json.loads(documents.manifest.content)
    values["slices"]["cid"] = cid_of(slice_list)
    for path, value in changes.items():
        part, _, name = path.partition("__")
        (values[part] if name else values)[name or part] = value
    manifest = study_documents.read_manifest(rfc8785.dumps(values))
    return replace(documents, manifest=manifest, slice_list=slice_list)


def swap(slices: list) -> None:
    slices[0], slices[1] = slices[1], slices[0]


@pytest.mark.parametrize(
    ("change", "check", "sentence"),
    [
        (partial(lie, slices=swap), "slice list", "expected slice 1 in its place, found slice 2: the order differs"),
        (partial(lie, slices=lambda s: s.pop()), "slice list", "expected 4 slices, found 3: slices were left out"),
        (partial(lie, slices=lambda s: s[1].update(size=5)), "slice list", "expected slices with the Merkle root"),
        (partial(lie, summary__label="glioma", summary__labelCode=1, summary__abstained=False, summary__confidence=0.9),
         "summary", "the slices give abstained (0.0000)"),
        (partial(lie, summary__reason="another"), "summary", "the slices give abstained (0.0000), with other details"),
        (partial(lie, rule="mine/1"), "summary", "not checked: no rule 'mine/1' is known here"),
    ],
    ids=["reordered", "left out", "changed", "label", "reason", "rule"],
)  # fmt: skip
def test_a_study_of_a_server_that_lies(
    container: Container, alice: DevelopmentWallet, files: dict[str, bytes], change: Callable, check: str, sentence: str
) -> None:
    false = change(pin_study(container, files))
    container.studies._pin_documents(false)
    send_study(container, alice, false)
    found = failures(container.verification.verify(container.chain.image_id(alice.address, false.manifest.cid)))
    assert next(iter(found)) == check
    assert found[check].found.startswith(sentence)


def test_inferences_that_were_never_made(
    container: Container, alice: DevelopmentWallet, files: dict[str, bytes]
) -> None:
    """The manifest of another image's inference in place of a slice's own."""
    documents = pin_study(container, files)
    first, second, *rest = documents.slice_manifests.splitlines(keepends=True)
    lines = b"".join([second, first, *rest])
    values = json.loads(documents.manifest.content)
    values["slices"]["manifests"] = cid_of(lines)
    manifest = study_documents.read_manifest(rfc8785.dumps(values))
    false = replace(documents, manifest=manifest, slice_manifests=lines)
    container.studies._pin_documents(false)
    send_study(container, alice, false)
    found = failures(container.verification.verify(container.chain.image_id(alice.address, manifest.cid)))
    assert found.keys() == {"slice manifests", "results reproduced"}
    assert found["slice manifests"].found.startswith("slice 1: expected the inference manifest 0x")


def test_the_server_repeats_some_and_says_how_many(
    container: Container, alice: DevelopmentWallet, picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = record_study(container, alice, {f"{n}.png": picture(size=(24, 24)) for n in range(30)})
    found = container.verification.verify(container.chain.image_id(alice.address, made.manifest.cid))
    by_name: dict[str, Check] = {check.name: check for check in found.checks}
    assert by_name["slices"].found == "30 of 30 slices have their CID, SHA-256 and size"
    assert by_name["results reproduced"].found == "24 of 30 inferences were repeated, with the same results"


def test_a_study_manifest_is_no_image_of_another_diagnosis(
    container: Container, alice: DevelopmentWallet, files: dict[str, bytes]
) -> None:
    """The CID of one study with the diagnosis of another."""
    names = list(files)
    first = pin_study(container, {name: files[name] for name in names[:2]})
    second = pin_study(container, {name: files[name] for name in names[2:]})
    signed, _ = container.attestation.attest(second.manifest.cid, second.manifest.hash[2:], alice.address)
    image_id = container.chain.image_id(alice.address, first.manifest.cid)
    moved = replace(signed.diagnosis, image_id=image_id)
    forged = container.signer.sign(moved, chain_id=signed.chain_id, contract=signed.contract)
    alice.register_with_diagnosis(first.manifest.cid, forged)
    found = failures(container.verification.verify(image_id))
    assert found.keys() == {"manifest bytes"}
    assert found["manifest bytes"].found == first.manifest.hash


def given(container: Container, files: dict[str, bytes] | list[tuple[str, bytes]]) -> list[GivenFile]:
    pairs = list(files.items()) if isinstance(files, dict) else files
    return [
        GivenFile(name, container.intake.identify(content).cid, partial(bytes, content), lambda: None)
        for name, content in pairs
    ]


def block_of(container: Container, cid: str) -> Path:
    return next(path for path in (container.settings.var / "ipfs" / "blocks").rglob(cid))
