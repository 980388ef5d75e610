"""The documents of a study: the vectors of docs/vectors/study-1, and the clear sentences of what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import rfc8785

from backend.adapters.ipfs.unixfs import cid_of
from backend.cids import hash_of
from backend.domain import ModelFacts
from backend.errors import InvalidStudy
from backend.services import slice_tree, study_documents, study_rules
from backend.services.study_documents import StudyDocuments, StudyManifest
from backend.settings import ROOT
from tests.backend.studies import documents_of

VECTORS = ROOT / "docs" / "vectors" / "study-1"
MODEL = ModelFacts("brain-mri", "1.0", "a1" * 32, "brain-mri")
CT_LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
"""The leaves of Certificate Transparency's own test vectors, and their roots for 1 to 8 leaves."""
CT_ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


@pytest.fixture(scope="module")
def study() -> StudyDocuments:
    return documents_of(7, MODEL, labels={0: ("notumor", 3), 1: ("notumor", 3), 6: ("abstained", 0)})


@pytest.mark.parametrize(("size", "root"), CT_ROOTS.items())
def test_the_tree_is_that_of_rfc_6962(size: int, root: str) -> None:
    assert slice_tree.root_of([bytes.fromhex(leaf) for leaf in CT_LEAVES[:size]]).hex() == root


def test_each_leaf_has_a_path_that_fits_its_place_alone() -> None:
    for size in range(1, 20):
        leaves = [bytes([number]) for number in range(size)]
        root = slice_tree.root_of(leaves)
        for index in range(size):
            path = slice_tree.path_of(leaves, index)
            places = [at for at in range(size) if slice_tree.root_from_path(leaves[index], at, size, path) == root]
            assert places == [index]
            assert slice_tree.root_from_path(leaves[index], index, size, [*path, root]) != root
            assert slice_tree.root_from_path(leaves[index], index, size, path[:-1]) != root or not path
    assert slice_tree.root_from_path(b"", -1, 1, []) is None


def test_vectors_that_must_be_read() -> None:
    manifest = study_documents.read_manifest(vector("good_manifest.json"))
    slices = study_documents.read_slices(vector("good_slices.json"), manifest)
    study_documents.read_slice_manifests(vector("good_manifests.jsonl"), slices)
    assert cid_of(vector("good_slices.json")) == manifest.slices_cid
    assert cid_of(vector("good_manifests.jsonl")) == manifest.manifests_cid
    assert cid_of(vector("good_manifest.json")) == manifest.cid
    assert study_rules.RULES[manifest.rule](slices) == manifest.summary
    proofs = sorted(VECTORS.glob("good_proof_*.json"))
    assert [study_documents.read_proof(each.read_bytes(), manifest).order for each in proofs] == [0, 4]
    assert [study_documents.prove(slices, order) for order in (0, 4)] == [each.read_bytes() for each in proofs]


READERS: dict[str, Callable[[bytes, StudyManifest], object]] = {
    "manifest": lambda content, _: study_documents.read_manifest(content),
    "slices": study_documents.read_slices,
    "proof": study_documents.read_proof,
    "manifests": lambda content, manifest: study_documents.read_slice_manifests(
        content, study_documents.read_slices(vector("good_slices.json"), manifest)
    ),
}
REASONS = json.loads((VECTORS / "reasons.json").read_bytes())


def test_every_vector_has_its_reason() -> None:
    assert sorted(REASONS) == sorted(path.name for path in VECTORS.glob("fail_*"))


@pytest.mark.parametrize("name", sorted(REASONS))
def test_vectors_that_must_be_refused(name: str) -> None:
    manifest = study_documents.read_manifest(vector("good_manifest.json"))
    with pytest.raises(InvalidStudy) as refused:
        READERS[name.split("_")[1].split(".")[0]](vector(name), manifest)
    assert str(refused.value) == REASONS[name]


def test_a_slice_of_another_study_is_none_of_this_one(study: StudyDocuments) -> None:
    other = documents_of(7, MODEL, seed="another")
    for order in range(7):
        assert study_documents.read_proof(study_documents.prove(study.slices, order), study.manifest).order == order
        with pytest.raises(InvalidStudy, match=f"^slice {order + 1} is no slice of this study: its path gives another"):
            study_documents.read_proof(study_documents.prove(other.slices, order), study.manifest)


@pytest.mark.parametrize("order", range(7))
def test_no_byte_of_a_proof_may_change(study: StudyDocuments, order: int) -> None:
    proof = study_documents.prove(study.slices, order)
    for place in range(0, len(proof), 7):
        changed = bytearray(proof)
        changed[place] ^= 1
        with pytest.raises(InvalidStudy):
            study_documents.read_proof(bytes(changed), study.manifest)


def changed_slice(document: bytes, **values: object) -> bytes:
    """The slice list, in canonical form, with other values in its first slice."""
    content = json.loads(document)
    content["slices"][0].update(values)
    return rfc8785.dumps(content)


@pytest.mark.parametrize(
    "values",
    [
        {"size": -1},
        {"size": True},
        {"size": "1"},
        {"sha256": "ab"},
        {"sha256": "no digits"},
        {"sha256": None},
        {"manifestHash": "0X" + "ab" * 32},
        {"cid": "bafk"},
        {"cid": 7},
        {"label": "\x1b[2J"},
        {"label": ["glioma"]},
        {"confidence": True},
        {"confidence": "0.5"},
        {"confidence": -0.5},
        {"abstained": 0},
        {"more": 1},
    ],
    ids=str,
)
def test_a_slice_with_another_kind_of_value_is_refused(study: StudyDocuments, values: dict[str, object]) -> None:
    with pytest.raises(InvalidStudy, match=r"^expected .* with the fields and values of scanproof\.study/1$"):
        study_documents.read_slices(changed_slice(study.slice_list, **values), study.manifest)


def test_a_cid_in_another_spelling_is_refused(study: StudyDocuments) -> None:
    cid = json.loads(study.slice_list)["slices"][0]["cid"]
    with pytest.raises(InvalidStudy, match=r"^expected .* with the fields and values of "):
        study_documents.read_slices(changed_slice(study.slice_list, cid=f"{cid} "), study.manifest)


def test_a_document_that_is_too_long_is_not_parsed() -> None:
    with pytest.raises(InvalidStudy, match=r"^expected .* of at most [0-9,]+ bytes, found 20,000,000$"):
        study_documents.read_manifest(b"[" * 20_000_000)


def test_a_line_must_be_the_inference_manifest_of_its_slice(study: StudyDocuments) -> None:
    first, second = study.slice_manifests.splitlines()[:2]
    with pytest.raises(InvalidStudy, match=r"^expected an inference manifest$"):
        study_documents.slice_of(0, 7, b"{}")
    none = replace(study.slices[0], manifest_hash=hash_of(b"{}"))
    with pytest.raises(InvalidStudy, match=rf"^slice 1: {hash_of(b'{}')} is no inference manifest$"):
        study_documents.read_slice_manifests(b"{}\n", [none])
    others = replace(study.slices[0], manifest_hash=hash_of(second))
    with pytest.raises(InvalidStudy, match=r"^slice 1: its inference manifest has another image or result than the "):
        study_documents.read_slice_manifests(second + b"\n", [others])
    (read,) = study_documents.read_slice_manifests(first + b"\n", study.slices[:1])
    assert read.image_cid == study.slices[0].cid


def rule(*labels: str) -> tuple[str, float, tuple[int, int] | None, str | None]:
    codes = {"abstained": 0, "glioma": 1, "meningioma": 2, "notumor": 3}
    made = documents_of(len(labels), MODEL, labels={n: (each, codes[each]) for n, each in enumerate(labels)})
    summary = study_rules.two_neighbours(made.slices)
    assert sum(summary.counts.values()) == len(labels)
    return summary.label, summary.confidence, summary.deciding, summary.reason


def test_two_neighbours_make_a_finding() -> None:
    n, g, m, a = "notumor", "glioma", "meningioma", "abstained"
    single = "no two neighbouring slices agree on a finding; single slices show: glioma"
    assert rule(*[n] * 9, g, g, *[n] * 9) == (g, 0.9, (9, 10), None)
    assert rule(n, m, m, g, g, g, n) == (g, 0.9, (3, 5), None)
    assert rule(m, m, n, g, g) == (m, 0.9, (0, 1), None)
    assert rule(g) == (g, 0.9, (0, 0), None)
    assert rule(n, g, n, g, n) == (a, 0.0, None, single)
    assert rule(g, a, g) == (a, 0.0, None, single)
    assert rule(n, a, n, a) == (n, 0.9, None, None)
    assert rule(n, a, a) == (a, 0.0, None, "only 1 of 3 slices were answered")
    assert rule(a) == (a, 0.0, None, "only 0 of 1 slices were answered")


def vector(name: str) -> bytes:
    return (VECTORS / name).read_bytes()


def write_vectors(folder: Path = VECTORS) -> None:
    """Makes the vectors again, after the format changed: ``python -m tests.backend.services.test_study_documents``."""
    made = documents_of(5, MODEL, labels={0: ("notumor", 3), 4: ("abstained", 0)})
    content, slices, lines = made.manifest.content, made.slice_list, made.slice_manifests
    other = documents_of(5, MODEL, seed="another study")
    proof = study_documents.prove(made.slices, 4)

    def changed(document: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
        values = json.loads(document)
        change(values)
        return rfc8785.dumps(values)

    def swap(values: dict[str, Any]) -> None:
        values["slices"][1], values["slices"][2] = values["slices"][2], values["slices"][1]

    first, second, *rest = lines.splitlines(keepends=True)
    files = {
        "good_manifest.json": content,
        "good_slices.json": slices,
        "good_manifests.jsonl": lines,
        "good_proof_first.json": study_documents.prove(made.slices, 0),
        "good_proof_last.json": proof,
        "fail_manifest_not_canonical.json": content + b" ",
        "fail_manifest_no_json.json": content[:-1],
        "fail_manifest_another_schema.json": changed(content, lambda v: v.update(schema="scanproof.study/2")),
        "fail_manifest_without_rule.json": changed(content, lambda v: v.pop("rule")),
        "fail_manifest_confidence_above_one.json": changed(content, lambda v: v["summary"].update(confidence=1.5)),
        "fail_manifest_abstention_with_label.json": changed(content, lambda v: v["summary"].update(abstained=True)),
        "fail_manifest_no_slices.json": changed(content, lambda v: v["slices"].update(count=0)),
        "fail_slices_left_out.json": changed(slices, lambda v: v["slices"].pop(2)),
        "fail_slices_reordered.json": changed(slices, swap),
        "fail_slices_changed_label.json": changed(slices, lambda v: v["slices"][1].update(label="pituitary")),
        "fail_slices_changed_size.json": changed(slices, lambda v: v["slices"][3].update(size=7)),
        "fail_slices_another_model.json": changed(slices, lambda v: v["slices"][1].update(model="b2" * 32)),
        "fail_slices_twice.json": changed(slices, lambda v: v["slices"][2].update(cid=v["slices"][1]["cid"])),
        "fail_slices_another_study.json": other.slice_list,
        "fail_slices_upper_case_hash.json": changed(
            slices, lambda v: v["slices"][0].update(sha256=v["slices"][0]["sha256"].upper())
        ),
        "fail_proof_another_study.json": study_documents.prove(other.slices, 4),
        "fail_proof_wrong_place.json": changed(proof, lambda v: v["slice"].update(order=3)),
        "fail_proof_wrong_count.json": changed(proof, lambda v: v.update(count=6)),
        "fail_proof_short_path.json": changed(proof, lambda v: v["path"].pop()),
        "fail_proof_long_path.json": changed(proof, lambda v: v["path"].append("00" * 32)),
        "fail_manifests_reordered.jsonl": b"".join([second, first, *rest]),
        "fail_manifests_left_out.jsonl": b"".join([first, *rest]),
        "fail_manifests_cut.jsonl": lines[:-1],
    }
    for name, each in files.items():
        (folder / name).write_bytes(each)
    reasons = {}
    for name in sorted(files):
        if name.startswith("fail_"):
            try:
                READERS[name.split("_")[1].split(".")[0]](files[name], made.manifest)
            except InvalidStudy as error:
                reasons[name] = str(error)
    (folder / "reasons.json").write_text(json.dumps(reasons, indent=2) + "\n")


if __name__ == "__main__":
    write_vectors()
