"""The documents of a study, ``scanproof.study/1``: written and read as docs/STUDIES.md specifies them.

The *study manifest* goes on the chain: its SHA-256 is the diagnosis' ``manifestHash``, and its CID, which holds the
same hash, the study's CID. It names the *slice list* and the *slice manifests*. A *slice proof* shows one slice alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import rfc8785

from backend.cids import find_cid, hash_of, raw_cid
from backend.domain import ABSTAINED_LABEL, ImageFacts, ModelFacts, SliceResult, StudySeries, StudySummary
from backend.errors import InvalidStudy
from backend.services import manifests, slice_tree, study_rules
from backend.services.json_values import printable_text, probability, read_canonical, typed

SCHEMA = "scanproof.study/1"
LIST_SCHEMA = "scanproof.study-slices/1"
PROOF_SCHEMA = "scanproof.study-proof/1"
MAX_SLICES = 2000
MAX_LIST_BYTES = 2 * 1024 * 1024
MAX_SLICE_MANIFESTS_BYTES = 8 * 1024 * 1024
MAX_PROOF_BYTES = 16 * 1024
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StudyManifest:
    """``content`` are its canonical bytes; ``root`` is 64 hex digits."""

    content: bytes
    model: ModelFacts
    series: StudySeries | None
    slices_cid: str
    manifests_cid: str
    count: int
    root: str
    rule: str
    summary: StudySummary
    time: str

    @property
    def hash(self) -> str:
        """The ``manifestHash`` of the diagnosis, with 0x."""
        return hash_of(self.content)

    @property
    def cid(self) -> str:
        return raw_cid(self.hash)


@dataclass(frozen=True, slots=True)
class StudyDocuments:
    """All that is pinned of a study beside its images, and the slices in their order."""

    manifest: StudyManifest
    slices: tuple[SliceResult, ...]
    slice_list: bytes
    slice_manifests: bytes


def build(
    slices: Sequence[SliceResult],
    slice_manifests: Sequence[bytes],
    *,
    model: ModelFacts,
    series: StudySeries | None,
    cid_of: Callable[[bytes], str],
    time: datetime,
) -> StudyDocuments:
    """The documents of a study of at least one slice. ``slice_manifests`` are the inference manifests, in the same
    order; ``time`` is written in whole seconds of UTC."""
    slice_list, lines = list_of(slices), _lines(slice_manifests)
    summary = study_rules.RULES[study_rules.NEWEST](slices)
    content = rfc8785.dumps(
        {
            "schema": SCHEMA,
            "model": {"name": model.name, "version": model.version, "sha256": model.sha256},
            "modality": model.modality,
            "series": None if series is None else {"study": series.study, "series": series.series},
            "slices": {
                "cid": cid_of(slice_list),
                "manifests": cid_of(lines),
                "count": len(slices),
                "root": slice_tree.root_of([leaf_of(each) for each in slices]).hex(),
            },
            "rule": study_rules.NEWEST,
            "summary": _summary_values(summary),
            "code": manifests.CODE_VERSION,
            "time": time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
    )
    return StudyDocuments(read_manifest(content), tuple(slices), slice_list, lines)


def restore(manifest: bytes, facts: Sequence[ImageFacts], slice_manifests: Sequence[bytes]) -> StudyDocuments:
    """The documents of a study that was built before, from its manifest and the slices as then. Raises InvalidStudy."""
    slices = slices_of(facts, slice_manifests)
    return StudyDocuments(read_manifest(manifest), slices, list_of(slices), _lines(slice_manifests))


def slices_of(facts: Sequence[ImageFacts], slice_manifests: Sequence[bytes]) -> tuple[SliceResult, ...]:
    """The entries of slices from their inference manifests, which this server made, in the same order."""
    pairs = zip(facts, slice_manifests, strict=True)
    return tuple(slice_of(order, each.size, manifest) for order, (each, manifest) in enumerate(pairs))


def _lines(slice_manifests: Sequence[bytes]) -> bytes:
    return b"".join(manifest + b"\n" for manifest in slice_manifests)


def list_of(slices: Sequence[SliceResult]) -> bytes:
    """The slice list."""
    return rfc8785.dumps({"schema": LIST_SCHEMA, "slices": [_slice_values(each) for each in slices]})


def leaf_of(each: SliceResult) -> bytes:
    """The canonical JSON of a slice's entry in the list: what the Merkle tree hashes."""
    return rfc8785.dumps(_slice_values(each))


def prove(slices: Sequence[SliceResult], order: int) -> bytes:
    """The proof that a slice of the study is at ``order``."""
    path = slice_tree.path_of([leaf_of(each) for each in slices], order)
    return rfc8785.dumps(
        {
            "schema": PROOF_SCHEMA,
            "slice": _slice_values(slices[order]),
            "count": len(slices),
            "path": [node.hex() for node in path],
        }
    )


def read_proof(content: bytes, manifest: StudyManifest) -> SliceResult:
    """The slice that ``content`` proves to belong to the study. Raises InvalidStudy for anything else."""
    values = _canonical(content, "the slice proof", "schema slice count path", MAX_PROOF_BYTES)
    _schema(values, PROOF_SCHEMA)
    found = _read("the slice proof", lambda: _slice(values["slice"]))
    if values["count"] != manifest.count:
        raise InvalidStudy(f"expected a proof for {manifest.count} slices, found one for {str(values['count'])[:20]}")
    path = _read("the slice proof", lambda: [_digest(node) for node in typed(values["path"], list)])
    root = slice_tree.root_from_path(leaf_of(found), found.order, manifest.count, path)
    if root is None or root.hex() != manifest.root:
        raise InvalidStudy(f"slice {found.order + 1} is no slice of this study: its path gives another Merkle root")
    return found


def is_study(content: bytes) -> bool:
    """Whether ``content`` says that it is a study manifest of this schema; ``read_manifest`` tells whether it is."""
    if len(content) > manifests.MAX_MANIFEST_BYTES or not content.startswith(b"{"):
        return False
    try:
        values = json.loads(content)
    except (ValueError, RecursionError):
        return False
    return isinstance(values, dict) and values.get("schema") == SCHEMA


def read_manifest(content: bytes) -> StudyManifest:
    """A study manifest from an untrusted source. Raises InvalidStudy."""
    what = "the study manifest"
    names = "schema model modality series slices rule summary code time"
    values = _canonical(content, what, names, manifests.MAX_MANIFEST_BYTES)
    _schema(values, SCHEMA)
    return _read(what, lambda: _manifest(content, values))


def read_slices(content: bytes, manifest: StudyManifest) -> tuple[SliceResult, ...]:
    """The slice list of ``manifest``, from an untrusted source: complete, in order, each slice once, and with the
    Merkle root that the manifest names. Raises InvalidStudy."""
    what = "the slice list"
    values = _canonical(content, what, "schema slices", MAX_LIST_BYTES)
    _schema(values, LIST_SCHEMA)
    slices = _read(what, lambda: tuple(_slice(each) for each in typed(values["slices"], list)))
    if len(slices) != manifest.count:
        raise InvalidStudy(f"expected {manifest.count} slices, found {len(slices)}: slices were left out or added")
    own = manifest.model.sha256
    if foreign := next((each for each in slices if not each.abstained and each.model_sha256 != own), None):
        raise InvalidStudy(f"slice {foreign.order + 1} was answered by the model {foreign.model_sha256}, not by {own}")
    first_of: dict[str, int] = {}
    for place, each in enumerate(slices):
        if each.order != place:
            raise InvalidStudy(
                f"expected slice {place + 1} in its place, found slice {each.order + 1}: the order differs"
            )
        if (earlier := first_of.setdefault(each.cid, place)) != place:
            raise InvalidStudy(f"expected each slice once, found the image of slice {earlier + 1} again as {place + 1}")
    root = slice_tree.root_of([leaf_of(each) for each in slices]).hex()
    if root != manifest.root:
        raise InvalidStudy(f"expected slices with the Merkle root {manifest.root}, found {root}: a slice was changed")
    return slices


def read_slice_manifests(content: bytes, slices: Sequence[SliceResult]) -> tuple[manifests.ReadManifest, ...]:
    """The inference manifest of each slice, from an untrusted source: the one whose hash the slice names, about the
    same image, with the same result. Raises InvalidStudy."""
    lines = content.split(b"\n")
    if lines.pop() or len(lines) != len(slices):
        raise InvalidStudy(f"expected {len(slices)} inference manifests, one a line, found {len(lines)}")
    return tuple(_slice_manifest(line, each) for line, each in zip(lines, slices, strict=True))


def slice_of(order: int, size: int, manifest: bytes) -> SliceResult:
    """The entry of a slice of ``size`` bytes, from its inference manifest, which this server made."""
    found = manifests.read(manifest)
    if found is None:
        raise InvalidStudy("expected an inference manifest")
    return _entry(order, size, found, hash_of(manifest))


def _entry(order: int, size: int, found: manifests.ReadManifest, manifest_hash: str) -> SliceResult:
    return SliceResult(
        order=order,
        cid=found.image_cid,
        sha256=found.image_sha256,
        size=size,
        manifest_hash=manifest_hash,
        model_sha256=found.model_sha256,
        label=found.label,
        label_code=found.label_code,
        confidence=found.confidence,
        abstained=found.abstained,
    )


def _slice_manifest(line: bytes, each: SliceResult) -> manifests.ReadManifest:
    number = each.order + 1
    found = hash_of(line)
    if found != each.manifest_hash:
        raise InvalidStudy(f"slice {number}: expected the inference manifest {each.manifest_hash}, found {found}")
    manifest = manifests.read(line)
    if manifest is None:
        raise InvalidStudy(f"slice {number}: {found} is no inference manifest")
    if _entry(each.order, each.size, manifest, found) != each:
        raise InvalidStudy(f"slice {number}: its inference manifest has another image or result than the slice list")
    return manifest


def _slice_values(each: SliceResult) -> dict[str, Any]:
    return {
        "order": each.order,
        "cid": each.cid,
        "sha256": each.sha256,
        "size": each.size,
        "manifestHash": each.manifest_hash,
        "model": each.model_sha256,
        "label": each.label,
        "labelCode": each.label_code,
        "confidence": each.confidence,
        "abstained": each.abstained,
    }


def _summary_values(summary: StudySummary) -> dict[str, Any]:
    return {
        "label": summary.label,
        "labelCode": summary.label_code,
        "confidence": summary.confidence,
        "abstained": summary.abstained,
        "reason": summary.reason,
        "deciding": None if summary.deciding is None else list(summary.deciding),
        "counts": dict(summary.counts),
    }


def _manifest(content: bytes, values: dict[str, Any]) -> StudyManifest:
    model = _fields(values["model"], "name version sha256")
    slices = _fields(values["slices"], "cid manifests count root")
    count = _natural(slices["count"])
    if not 1 <= count <= MAX_SLICES:
        raise ValueError
    printable_text(values["code"])
    return StudyManifest(
        content=content,
        model=ModelFacts(
            printable_text(model["name"]),
            printable_text(model["version"]),
            _digest(model["sha256"]).hex(),
            printable_text(values["modality"]),
        ),
        series=_series(values["series"]),
        slices_cid=_cid(slices["cid"]),
        manifests_cid=_cid(slices["manifests"]),
        count=count,
        root=_digest(slices["root"]).hex(),
        rule=printable_text(values["rule"]),
        summary=_summary(values["summary"]),
        time=printable_text(values["time"]),
    )


def _series(value: object) -> StudySeries | None:
    if value is None:
        return None
    fields = _fields(value, "study series")
    return StudySeries(printable_text(fields["study"]), printable_text(fields["series"]))


def _summary(value: object) -> StudySummary:
    fields = _fields(value, "label labelCode confidence abstained reason deciding counts")
    deciding = fields["deciding"]
    counts = typed(fields["counts"], dict)
    return StudySummary(
        label=printable_text(fields["label"]),
        label_code=_natural(fields["labelCode"]),
        confidence=probability(fields["confidence"]),
        abstained=_abstained(fields),
        reason=None if fields["reason"] is None else printable_text(fields["reason"]),
        deciding=None if deciding is None else _range(deciding),
        counts={printable_text(label): _natural(count) for label, count in counts.items()},
    )


def _slice(value: object) -> SliceResult:
    fields = _fields(value, "order cid sha256 size manifestHash model label labelCode confidence abstained")
    manifest_hash = typed(fields["manifestHash"], str)
    if manifest_hash != "0x" + _digest(manifest_hash[2:]).hex():
        raise ValueError
    return SliceResult(
        order=_natural(fields["order"]),
        cid=_cid(fields["cid"]),
        sha256=_digest(fields["sha256"]).hex(),
        size=_natural(fields["size"]),
        manifest_hash=manifest_hash,
        model_sha256=_digest(fields["model"]).hex(),
        label=printable_text(fields["label"]),
        label_code=_natural(fields["labelCode"]),
        confidence=probability(fields["confidence"]),
        abstained=_abstained(fields),
    )


def _canonical(content: bytes, what: str, names: str, most: int) -> dict[str, Any]:
    """The object with exactly these fields, if ``content`` is its canonical JSON. Raises InvalidStudy."""
    if len(content) > most:
        raise InvalidStudy(f"expected {what} of at most {most:,} bytes, found {len(content):,}")
    values = read_canonical(content, what, InvalidStudy)
    return _read(what, lambda: _fields(values, names))


def _schema(values: dict[str, Any], expected: str) -> None:
    if values["schema"] != expected:
        raise InvalidStudy(f"expected the schema {expected}, found {str(values['schema'])[:80]!r}")


def _read(what: str, read: Callable[[], T]) -> T:
    try:
        return read()
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InvalidStudy(f"expected {what} with the fields and values of {SCHEMA}") from None


def _fields(value: object, names: str) -> dict[str, Any]:
    fields: dict[str, Any] = typed(value, dict)
    if sorted(fields) != sorted(names.split()):
        raise ValueError
    return fields


def _natural(value: object) -> int:
    natural = typed(value, int)
    if natural < 0:
        raise ValueError
    return natural


def _digest(value: object) -> bytes:
    digest = bytes.fromhex(typed(value, str))
    if len(digest) != 32 or digest.hex() != value:
        raise ValueError
    return digest


def _cid(value: object) -> str:
    text = typed(value, str)
    if str(find_cid(text)) != text:
        raise ValueError
    return text


def _abstained(fields: dict[str, Any]) -> bool:
    abstained = typed(fields["abstained"], bool)
    if abstained != (fields["labelCode"] == ABSTAINED_LABEL):
        raise ValueError
    return abstained


def _range(value: object) -> tuple[int, int]:
    first, last = (_natural(each) for each in typed(value, list))
    return first, last
