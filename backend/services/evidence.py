"""Collects everything that is needed to verify a record without a node."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from backend.cids import raw_cid
from backend.domain import (
    NO_PARENT,
    SEALED_LABEL,
    ClassifierCompromisedEvent,
    DiagnosisRecordedEvent,
    Event,
    ModelEvent,
    Record,
    RecordEvent,
    TrainingAnchoredEvent,
    position,
)
from backend.errors import ChainUnavailable, ImageTooLarge, InvalidCid, InvalidInput, NotFound, StorageError
from backend.evidence import Evidence, Proofs, ProvenHistory
from backend.ports import Chain, ObjectReader
from backend.services.evidence_events import Need, described, named_objects, role_holders
from backend.services.manifests import by_hash
from backend.services.model_verification import MAX_GENERATIONS


class EvidenceService:
    """Checks every bundle before it returns it: ``read`` gives the history that a bundle contains. ``documents`` is as
    in VerificationService.
    """

    def __init__(
        self,
        chain: Chain,
        store: ObjectReader,
        proofs: Proofs,
        *,
        read: Callable[[Evidence], ProvenHistory],
        documents: ObjectReader | None = None,
    ) -> None:
        self._chain = chain
        self._store = store
        self._documents = documents or store
        self._proofs = proofs
        self._read = read

    def collect(self, image_id: str, *, openings: Sequence[bytes] = ()) -> Evidence:
        """The evidence of the record of ``image_id``; ``openings`` are manifests of its sealed diagnoses.

        The image and the public manifests are required; statements, model cards and training records are added if they
        are available. Raises NotFound, InvalidInput for an opening of another record, StorageError, ChainError.
        """
        history = self._chain.events_of_image(image_id)
        if Record.of(history) is None:
            raise NotFound(f"no image {image_id} is registered in {self._chain.contract}")
        events = sorted([*history, *self._models(history), *self._reports(history)], key=position)
        positions = {position(event) for event in events} | set(self._roles(history))
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
            objects=dict(self._objects(events, openings)),
        )
        self._check(evidence, events)
        return evidence

    def _models(self, history: Sequence[RecordEvent]) -> Iterator[ModelEvent]:
        """All events of the models of the diagnoses, and of the models that these were trained from."""
        models = {event.model_id for event in history if isinstance(event, DiagnosisRecordedEvent)}
        seen = {NO_PARENT}
        for _ in range(MAX_GENERATIONS):
            parents: set[str] = set()
            for model_id in sorted(models - seen):
                for event in self._chain.events_of_model(model_id):
                    yield event
                    if isinstance(event, TrainingAnchoredEvent):
                        parents.add(event.parent_model_id)
            seen |= models
            models = parents

    def _reports(self, history: Sequence[RecordEvent]) -> Iterator[ClassifierCompromisedEvent]:
        """The reports of compromised classifiers."""
        for address in sorted({event.classifier for event in history if isinstance(event, DiagnosisRecordedEvent)}):
            yield from self._chain.events_of_classifier(address)

    def _roles(self, history: Sequence[RecordEvent]) -> Iterator[tuple[int, int]]:
        """The positions at which the roles of the classifiers and reviewers changed."""
        for role, address in role_holders(history):
            for number, log_index, _ in self._chain.roles(role, address):
                yield number, log_index

    def _objects(self, events: Sequence[Event], openings: Sequence[bytes]) -> Iterator[tuple[str, bytes]]:
        opened = by_hash(openings)
        sealed = {e.manifest_hash for e in events if isinstance(e, DiagnosisRecordedEvent) and e.label == SEALED_LABEL}
        if foreign := opened.keys() - sealed:
            raise InvalidInput(
                f"expected the manifest of a sealed diagnosis of this record, found a file with SHA-256 {min(foreign)}"
            )
        yield from ((raw_cid(hash_), opening) for hash_, opening in opened.items())
        for named in named_objects(events):
            if named.need is Need.REQUIRED:
                yield named.cid, self._store.get(named.cid, max_bytes=named.max_bytes)
            elif named.need is Need.DOCUMENT:
                yield from self._if_there(named.cid, named.max_bytes)

    def _if_there(self, cid: str, max_bytes: int) -> Iterator[tuple[str, bytes]]:
        """The object, unless it is not available. The sender of the event chose its CID, so that no fault of the object
        may prevent the evidence."""
        try:
            yield cid, self._documents.get(cid, max_bytes=max_bytes)
        except (NotFound, StorageError, ImageTooLarge, InvalidCid):
            return

    def _check(self, evidence: Evidence, events: Sequence[Event]) -> None:
        chain = self._read(evidence)
        failed = next((check for check in chain.proofs if not check.passed), None)
        if failed:
            raise ChainUnavailable(f"{failed.name}: expected {failed.expected}, found {failed.found}")
        if tuple(described(event) for event in chain.events(0, chain.blocks[-1].number)) != evidence.events:
            raise ChainUnavailable("the chain was reorganised while it was read: try again")
