"""Putting together all that is needed to check a record without its chain."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence

from backend.cids import raw_cid
from backend.domain import (
    MAX_IMAGE_BYTES,
    SEALED_LABEL,
    DiagnosisRecordedEvent,
    DiagnosisReviewedEvent,
    Event,
    ImageRegisteredEvent,
    ModelEvent,
    ModelRegisteredEvent,
    RecordEvent,
    TrainingAnchoredEvent,
)
from backend.errors import ChainUnavailable, ImageTooLarge, InvalidCid, InvalidInput, NotFound, StorageError
from backend.evidence import Evidence, Proofs, ProvenChain
from backend.ports import Chain, ObjectReader
from backend.services.evidence_events import described
from backend.services.manifests import MAX_MANIFEST_BYTES
from backend.services.model_verification import MAX_GENERATIONS, MAX_PAPER_BYTES, NO_PARENT
from backend.services.statements import MAX_STATEMENT_BYTES


class EvidenceService:
    """``read`` gives the chain as a bundle shows it: each one made here is checked before it is given away. ``papers``
    is as in VerificationService.
    """

    def __init__(
        self,
        chain: Chain,
        store: ObjectReader,
        proofs: Proofs,
        *,
        read: Callable[[Evidence], ProvenChain],
        papers: ObjectReader | None = None,
    ) -> None:
        self._chain = chain
        self._store = store
        self._papers = papers or store
        self._proofs = proofs
        self._read = read

    def collect(self, image_id: str, *, openings: Sequence[bytes] = ()) -> Evidence:
        """Everything about the record of ``image_id``; ``openings`` are manifests of its sealed diagnoses.

        The image and the manifests that are not sealed must be had; statements, model cards and training records
        are added where they can be. Raises NotFound, InvalidInput for a foreign opening, StorageError, ChainError.
        """
        history = self._chain.events_of_image(image_id)
        image = next((event for event in history if isinstance(event, ImageRegisteredEvent)), None)
        if image is None:
            raise NotFound(f"no image {image_id} is registered in {self._chain.contract}")
        models = list(self._models(history))
        events = sorted([*history, *models], key=lambda event: (event.block.number, event.log_index))
        positions = {(event.block.number, event.log_index) for event in events} | set(self._roles(history))
        blocks = self._proofs.blocks(positions)
        state, code = self._proofs.code(newest=max(number for number, _ in positions))
        if state.hash not in {block.hash for block in blocks}:
            blocks = (*blocks, state)
        evidence = Evidence(
            chain_id=self._chain.chain_id,
            contract=self._chain.contract,
            image_id=image_id,
            code=code,
            blocks=blocks,
            events=tuple(described(event) for event in events),
            objects=dict(self._objects(image, events, openings)),
        )
        self._check(evidence, events)
        return evidence

    def _models(self, history: Sequence[RecordEvent]) -> Iterator[ModelEvent]:
        """All events of the models of the diagnoses, and of those that these began from."""
        models = {event.model_id for event in history if isinstance(event, DiagnosisRecordedEvent)}
        seen = {NO_PARENT}
        for _ in range(MAX_GENERATIONS):
            parents = set()
            for model_id in sorted(models - seen):
                for event in self._chain.events_of_model(model_id):
                    yield event
                    if isinstance(event, TrainingAnchoredEvent):
                        parents.add(event.parent_model_id)
            seen |= models
            models = parents

    def _roles(self, history: Sequence[RecordEvent]) -> Iterator[tuple[int, int]]:
        """Where the roles of the classifiers and reviewers changed."""
        diagnoses = [event for event in history if isinstance(event, DiagnosisRecordedEvent)]
        reviews = [event for event in history if isinstance(event, DiagnosisReviewedEvent)]
        holders = {("CLASSIFIER_ROLE", diagnosis.classifier) for diagnosis in diagnoses}
        for role, address in sorted(holders | {("CLINICIAN_ROLE", review.reviewer) for review in reviews}):
            for number, log_index, _ in self._chain.roles(role, address):
                yield number, log_index

    def _objects(
        self, image: ImageRegisteredEvent, events: Sequence[Event], openings: Sequence[bytes]
    ) -> Iterator[tuple[str, bytes]]:
        yield image.cid, self._store.get(image.cid, max_bytes=MAX_IMAGE_BYTES)
        models = {event.model_id for event in events if isinstance(event, DiagnosisRecordedEvent)}
        opened = {"0x" + hashlib.sha256(opening).hexdigest(): opening for opening in openings}
        sealed = [e for e in events if isinstance(e, DiagnosisRecordedEvent) and e.label == SEALED_LABEL]
        kept_back = {diagnosis.diagnosis_id for diagnosis in sealed}
        for event in events:
            if isinstance(event, DiagnosisRecordedEvent):
                cid = raw_cid(event.manifest_hash)
                if event.label != SEALED_LABEL:
                    yield cid, self._store.get(cid, max_bytes=MAX_MANIFEST_BYTES)
                elif event.manifest_hash in opened:
                    yield cid, opened[event.manifest_hash]
            elif isinstance(event, DiagnosisReviewedEvent) and event.diagnosis_id not in kept_back:
                yield from self._if_there(raw_cid(event.reason_hash), MAX_STATEMENT_BYTES)
            elif isinstance(event, ModelRegisteredEvent) and event.model_id in models:
                yield from self._if_there(event.card_cid, MAX_PAPER_BYTES)
            elif isinstance(event, TrainingAnchoredEvent) and event.model_id in models:
                yield from self._if_there(raw_cid(event.training_id), MAX_PAPER_BYTES)
                yield from self._if_there(raw_cid(event.metrics_hash), MAX_PAPER_BYTES)
        if foreign := opened.keys() - {diagnosis.manifest_hash for diagnosis in sealed}:
            raise InvalidInput(
                f"expected the manifest of a sealed diagnosis of this record, found a file with SHA-256 {min(foreign)}"
            )

    def _if_there(self, cid: str, max_bytes: int) -> Iterator[tuple[str, bytes]]:
        """Whoever wrote the event chose the CID: nothing that it names may keep a record from being proven."""
        try:
            yield cid, self._papers.get(cid, max_bytes=max_bytes)
        except (NotFound, StorageError, ImageTooLarge, InvalidCid):
            return

    def _check(self, evidence: Evidence, events: Sequence[Event]) -> None:
        chain = self._read(evidence)
        failed = next((check for check in chain.proofs if not check.passed), None)
        if failed:
            raise ChainUnavailable(f"{failed.name}: expected {failed.expected}, found {failed.found}")
        if tuple(described(event) for event in chain.events(0, chain.blocks[-1].number)) != evidence.events:
            raise ChainUnavailable("the chain was reorganised while it was read: try again")
