"""Verifies an evidence file: its proofs, then its record like any other, then against a node if one is given."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO

from backend.domain import (
    BlockRef,
    Check,
    Event,
    ImageRegisteredEvent,
    LocalSlide,
    Outcome,
    Record,
    RecordEvent,
)
from backend.errors import CidMismatch, ImageTooLarge, LogsIncomplete, NotFound, WrongChain
from backend.evidence import Evidence, ProvenHistory
from backend.ports import Chain, Classifier, ImageInspector, RegistryHistory
from backend.services.completeness import check_completeness
from backend.services.diagnosis_verification import Recover
from backend.services.evidence_events import Need, described, events_of_record, named_objects
from backend.services.hidden_events import list_of
from backend.services.model_verification import models_of
from backend.services.review_verification import ReviewId
from backend.services.role_check import role_holders
from backend.services.slides import SlideFiles
from backend.services.study_evidence import named_by_study
from backend.services.study_verification import SliceScope
from backend.services.verification import Verification, VerificationService

_ABOUT_LOGS = frozenset({"record on the chain", "models on the chain", "roles on the chain"})


@dataclass(frozen=True, slots=True)
class EvidenceVerification:
    """Everything depends on the hashes of ``blocks``. ``anchored`` are those that a trusted hash or a node confirms;
    ``on_chain``: a node was asked.
    """

    record: Verification
    blocks: tuple[BlockRef, ...]
    anchored: frozenset[str]
    on_chain: bool

    @property
    def unanchored(self) -> tuple[BlockRef, ...]:
        return tuple(block for block in self.blocks if block.hash not in self.anchored)

    @property
    def verdict(self) -> Outcome:
        if not self.record.passed:
            return Outcome.INVALID
        return Outcome.UNANCHORED if self.unanchored else Outcome.VALID


class EvidenceVerificationService:
    """``read`` gives the history that an evidence file contains; the other functions are as in VerificationService."""

    def __init__(
        self,
        classifier: Classifier,
        inspector: ImageInspector,
        *,
        read: Callable[[Evidence], ProvenHistory],
        cid_of: Callable[[bytes], str],
        recover: Recover,
        review_id: ReviewId,
        slides: SlideFiles | None = None,
    ) -> None:
        self._slides = slides
        self._classifier = classifier
        self._inspector = inspector
        self._read = read
        self._cid_of = cid_of
        self._recover = recover
        self._review_id = review_id

    def verify(
        self,
        evidence: Evidence,
        *,
        content: LocalSlide | None = None,
        openings: Sequence[bytes] = (),
        registry: str | None = None,
        node: Callable[[int], Chain] | None = None,
        trusted: Collection[str] = (),
        checkpoints: Mapping[int, str] | None = None,
    ) -> EvidenceVerification:
        """Check everything in ``evidence``, and that the chain of ``node`` has the same events and no more.

        ``content`` is the slide of a file that lacks it. ``openings`` are manifests of sealed diagnoses, in addition to
        those in the file; ``registry`` is the address of the trusted registry, because anybody can deploy the same code
        and administer it; ``node`` gives a chain that reads the registry from a block on; ``trusted`` are hashes of
        blocks of the evidence's chain, and ``checkpoints`` the hashes of some by their numbers. Raises InvalidEvidence,
        ChainUnavailable; LogsIncomplete when nothing is wrong but that the node does not show events that are proven to
        be in blocks of its chain.
        """
        chain = self._read(evidence)
        events = events_of_record(chain, evidence.image_id)
        service = VerificationService(
            chain=chain,
            store=_Objects(evidence, _images(events), self._cid_of),
            classifier=self._classifier,
            inspector=self._inspector,
            cid_of=self._cid_of,
            recover=self._recover,
            review_id=self._review_id,
            rereads=0,
            of_node=False,
            scope=SliceScope(partial=True),
            slides=self._slides,
        )
        record = service.verify(
            evidence.image_id,
            content=content,
            openings=[*_openings(evidence, events), *openings],
            left_out=evidence.left_out_reviews,
        )
        known = checkpoints or {}
        on_chain = _Comparison(node(_first_block(chain)), chain, evidence) if node else None
        checks = (
            *([_registry(evidence, registry)] if registry else []),
            *chain.proofs,
            *_against_checkpoints(chain.proven_blocks, known),
            _events_as_stated(evidence, events),
            _nothing_else(evidence, events),
            *record.checks,
            *(on_chain.checks if on_chain else ()),
        )
        if on_chain and on_chain.hidden and {check.name for check in checks if not check.passed} <= _ABOUT_LOGS:
            raise LogsIncomplete(chain.proven_blocks[-1].number, list_of(on_chain.hidden))
        confirmed = on_chain.confirmed if on_chain else frozenset()
        return EvidenceVerification(
            record=replace(record, checks=checks, complete_to=on_chain.complete_to if on_chain else record.complete_to),
            blocks=tuple(chain.proven_blocks),
            anchored=frozenset(chain.anchored({*trusted, *known.values(), *confirmed})),
            on_chain=on_chain is not None,
        )


class _Objects:
    """Port ObjectReader: the objects of the evidence file."""

    def __init__(self, evidence: Evidence, images: Collection[str], cid_of: Callable[[bytes], str]) -> None:
        self._objects = evidence.objects
        self._images = images
        self._cid_of = cid_of

    def get(self, cid: str, *, max_bytes: int) -> bytes:
        content = self._objects.get(cid)
        if content is None and cid in self._images:
            raise ImageTooLarge(f"{cid} is not in the evidence file: a slide is given or fetched beside it")
        if content is None:
            raise NotFound(f"{cid} is not in the evidence file")
        if len(content) > max_bytes:
            raise ImageTooLarge(f"{cid} holds {len(content):,} bytes, at most {max_bytes:,} are read")
        found = self._cid_of(content)
        if found != cid:
            raise CidMismatch(expected=cid, found=found)
        return content

    def copy(self, cid: str, target: BinaryIO, *, max_bytes: int) -> None:
        target.write(self.get(cid, max_bytes=max_bytes))


def _images(events: Sequence[Event]) -> frozenset[str]:
    return frozenset(event.cid for event in events if isinstance(event, ImageRegisteredEvent))


def _openings(evidence: Evidence, events: Sequence[Event]) -> list[bytes]:
    sealed = [named.cid for named in named_objects(events) if named.need is Need.SEALED]
    return [evidence.objects[cid] for cid in sealed if cid in evidence.objects]


def _registry(evidence: Evidence, expected: str) -> Check:
    passed = evidence.contract.lower() == expected.lower()
    return Check("registry", passed, f"a record in {expected}", f"a record in {evidence.contract}")


def _events_as_stated(evidence: Evidence, events: Sequence[Event]) -> Check:
    expected = f"the {len(events)} events of the receipts"
    # Compared as text, because true equals 1 in Python.
    proven = [json.dumps(described(event), sort_keys=True) for event in events]
    stated = [json.dumps(event, sort_keys=True) for event in evidence.events]
    if proven == stated:
        return Check("events", True, expected, "the same in evidence.json")
    if len(proven) != len(stated):
        return Check("events", False, expected, f"{len(stated)} events in evidence.json")
    place, event = next((i, event) for i, event in enumerate(events) if proven[i] != stated[i])
    found = f"event {place + 1} in evidence.json differs from the receipt: {_named(event)}"
    return Check("events", False, expected, found)


def _nothing_else(evidence: Evidence, events: Sequence[Event]) -> Check:
    named = {each.cid for each in named_objects(events)}
    studies = [event.cid for event in events if isinstance(event, ImageRegisteredEvent)]
    named |= {cid for study in studies for cid in named_by_study(evidence.objects, study)}
    strangers = sorted(set(evidence.objects) - named)
    found = f"{', '.join(strangers[:3])}, which no check reads" if strangers else f"{len(evidence.objects)} objects"
    return Check("objects", not strangers, "only objects that the checks read", found)


def _first_block(chain: ProvenHistory) -> int:
    return chain.proven_blocks[0].number if chain.proven_blocks else 0


def _against_checkpoints(blocks: Sequence[BlockRef], checkpoints: Mapping[int, str]) -> Iterator[Check]:
    for block in blocks:
        if block.number in checkpoints:
            expected = checkpoints[block.number]
            yield Check(f"checkpoint of block {block.number}", block.hash == expected, expected, block.hash)


class _Comparison:
    """Whether the chain of ``node`` has the same blocks as ``chain``, and no more events of this record.

    ``confirmed`` are the hashes of the blocks that it has; ``complete_to`` is the block up to which its state shows
    that ``chain`` lacks nothing; ``hidden`` are events in confirmed blocks that the node does not show.
    """

    def __init__(self, node: Chain, chain: ProvenHistory, evidence: Evidence) -> None:
        self.confirmed: frozenset[str] = frozenset()
        self.complete_to: BlockRef | None = None
        self.hidden: list[str] = []
        self.checks = tuple(self._compare(node, chain, evidence.image_id, evidence.left_out_reviews))

    def _compare(
        self, node: Chain, chain: ProvenHistory, image_id: str, left_out: Mapping[str, int]
    ) -> Iterator[Check]:
        here = f"the registry {chain.contract} on chain {chain.chain_id}"
        try:
            matches = node.chain_id == chain.chain_id and node.head() is not None
            found = f"the registry {node.contract} on chain {node.chain_id}"
        except WrongChain as error:
            matches, found = False, str(error)
        yield Check("contract on the chain", matches, here, found)
        if not matches:
            return
        completeness = check_completeness(chain, image_id, state_of=node)
        self.complete_to = completeness.shown
        numbers = [block.number for block in chain.proven_blocks]
        for block, canonical in zip(chain.proven_blocks, node.blocks(numbers), strict=True):
            if canonical == block:
                self.confirmed |= {block.hash}
            found = canonical.hash if canonical else "no such block"
            yield Check(f"block {block.number} on the chain", canonical == block, block.hash, found)
        history = chain.events_of_image(image_id)
        confirmed = {block.number for block in chain.proven_blocks if block.hash in self.confirmed}
        ours, theirs = _heard(chain, image_id), _heard(node, image_id, left_out)
        self.hidden += _hidden_events(ours, theirs, confirmed)
        yield _nothing_newer("record on the chain", ours, theirs)
        models, known = (
            [event for events in models_of(of, history).values() for event in events] for of in (chain, node)
        )
        self.hidden += _hidden_events(models, known, confirmed)
        yield _nothing_newer("models on the chain", models, known)
        self.hidden += _hidden_changes(node, chain, history, confirmed)
        yield _roles(node, chain, history)
        yield from (replace(check, name=f"{check.name} on the chain") for check in completeness.checks)


def _heard(chain: RegistryHistory, image_id: str, left_out: Mapping[str, int] | None = None) -> list[RecordEvent]:
    """The events of the image that count: without reviews of diagnoses that were never recorded, and without as many of
    the oldest reviews of each diagnosis as ``left_out`` says."""
    events = chain.events_of_image(image_id)
    record = Record.of(events)
    if record is None:
        return list(events)
    counts = left_out or {}
    oldest = {
        review
        for diagnosis in record.diagnoses
        for review in record.reviews_of(diagnosis)[: counts.get(diagnosis.diagnosis_id, 0)]
    }
    return [event for event in record.without_noise(events) if event not in oldest]


def _roles(node: RegistryHistory, chain: ProvenHistory, events: Sequence[RecordEvent]) -> Check:
    histories: tuple[RegistryHistory, RegistryHistory] = (chain, node)
    for role, address in role_holders(events):
        # Without the log index: the evidence file's differs from the node's.
        ours, theirs = ([(each.block_number, each.granted) for each in of.roles(role, address)] for of in histories)
        if ours != theirs:
            found = f"{len(theirs)} grants and revocations of {role} for {address}, {len(ours)} in the evidence file"
            return Check("roles on the chain", False, "those of the evidence file and no others", found)
    return Check("roles on the chain", True, "those of the evidence file and no others", "the same")


def _hidden_events(ours: Sequence[Event], theirs: Sequence[Event], confirmed: Collection[int]) -> Iterator[str]:
    """Those of ``ours`` in ``confirmed`` blocks that are not among ``theirs``."""
    shown = {replace(event, log_index=0) for event in theirs}
    for event in ours:
        if event.block.number in confirmed and replace(event, log_index=0) not in shown:
            yield _named(event)


def _hidden_changes(
    node: RegistryHistory, chain: ProvenHistory, events: Sequence[RecordEvent], confirmed: Collection[int]
) -> Iterator[str]:
    """The grants and revocations in ``confirmed`` blocks of ``chain`` that ``node`` does not show."""
    for role, address in role_holders(events):
        shown = {(change.block_number, change.granted) for change in node.roles(role, address)}
        for change in chain.roles(role, address):
            if change.block_number in confirmed and (change.block_number, change.granted) not in shown:
                yield f"the change of {role} of {address} in block {change.block_number}"


def _nothing_newer(name: str, ours: Sequence[Event], theirs: Sequence[Event]) -> Check:
    """Compares without the log index: the evidence file's differs from the node's."""
    contained, canonical = ({replace(event, log_index=0) for event in events} for events in (ours, theirs))
    expected = f"the {len(contained)} events of the evidence file and no others"
    missing = sorted(canonical - contained, key=lambda event: event.block.number)
    if missing:
        lacking = ", ".join(_named(event) for event in missing[:3])
        return Check(name, False, expected, f"the evidence file lacks {lacking}")
    if contained != canonical:
        return Check(name, False, expected, f"{len(canonical)} events, some of the evidence file not among them")
    return Check(name, True, expected, "the same")


def _named(event: Event) -> str:
    return f"{type(event).__name__.removesuffix('Event')} in block {event.block.number}"
