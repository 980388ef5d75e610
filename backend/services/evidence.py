"""Collects everything that is needed to verify a record without a node."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from backend.cids import raw_cid
from backend.domain import (
    SEALED_LABEL,
    DiagnosisRecordedEvent,
    DiagnosisReviewedEvent,
    Event,
    Record,
    position,
)
from backend.errors import (
    ChainError,
    ChainUnavailable,
    ImageTooLarge,
    InvalidCid,
    InvalidInput,
    NotFound,
    StorageError,
)
from backend.evidence import Evidence, Proofs, ProvenBlock, ProvenHistory, merged
from backend.ports import ObjectReader, RegistryHistory
from backend.services.completeness import (
    Completeness,
    check_completeness,
    keys_of,
    read_completely,
)
from backend.services.evidence_events import Need, described, events_of_record, named_objects
from backend.services.manifests import by_hash
from backend.services.role_check import role_holders
from backend.services.study_evidence import study_objects

MAX_NOISE = 10
"""The most reviews of diagnoses that were never recorded in a file: any reviewer can add any number to the chain."""
_MAX_NOISE_BYTES = 1024 * 1024
"""Of their blocks' proofs: whoever writes them can write as much beside them as a block takes."""
MAX_STATEMENTS = 100
"""The most published statements in an evidence file, the newest: each may take long to look for."""
MAX_REVIEWS = 100
"""The most reviews in an evidence file beside the newest of each diagnosis."""
_MAX_REVIEW_BYTES = 8 * 1024 * 1024
_MAX_PROOF_BYTES = 14 * 1024 * 1024
"""Of all proofs together: they take twice as much in the file's index, which has a limit of 32 MiB."""
_REVIEWS_AT_ONCE = 8
Position = tuple[int, int]


class EvidenceService:
    """Checks all evidence before it returns it: ``read`` gives the history that an evidence file contains.
    ``documents`` is as in VerificationService.
    """

    def __init__(
        self,
        chain: RegistryHistory,
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

    def collect(
        self, image_id: str, *, openings: Sequence[bytes] = (), slices: Collection[int] | None = None
    ) -> Evidence:
        """The evidence of the record of ``image_id``; ``openings`` are manifests of its sealed diagnoses, ``slices``
        the orders of the slices of a study whose images are added, by default those that decided.

        The image, unless it is a slide that is larger than an image, and the public manifests are required; statements,
        model cards and training records are added if they are available. Raises NotFound; InvalidInput for an opening
        of another record or slices that it lacks; LogsIncomplete, StorageError, ChainError.
        """
        chain, completeness = read_completely(self._chain, image_id)
        history = chain.events_of_image(image_id)
        record = Record.of(history)
        if record is None:
            raise NotFound(f"no image {image_id} is registered in {chain.contract}")
        _require(completeness)
        older = _older_reviews(record)
        candidates = older[-MAX_REVIEWS:]
        optional, never = frozenset[object](older), frozenset[object](older[:-MAX_REVIEWS])
        events = [event for event in record.without_noise(events_of_record(chain, image_id)) if event not in optional]
        holders = role_holders([event for event in history if event not in never])
        changes = [change for role, address in holders for change in chain.roles(role, address)]
        blocks = dict(self._proofs.blocks({*map(position, events), *(change[:2] for change in changes)}))
        kept = self._fitting(candidates, min(_MAX_REVIEW_BYTES, _MAX_PROOF_BYTES - _size(blocks)))
        events = sorted([*events, *(review for review in candidates if position(review) in kept)], key=position)
        blocks |= kept
        with suppress(ChainError):
            blocks |= self._fitting(record.noise[-MAX_NOISE:], _MAX_NOISE_BYTES)
        newest = max(number for number, _ in blocks)
        state, code, storage_proof = self._proofs.state(newest, keys_of(chain, image_id, history))
        whole = merged(blocks)
        evidence = Evidence(
            chain_id=chain.chain_id,
            contract=chain.contract,
            image_id=image_id,
            code=code,
            blocks=whole if state.hash in {block.hash for block in whole} else (*whole, state),
            events=(),
            objects=self._with_slices(record, dict(self._objects(events, openings)), slices),
            storage_proof=storage_proof,
        )
        return self._checked(evidence, events, record)

    def _fitting(self, reviews: Sequence[DiagnosisReviewedEvent], most_bytes: int) -> dict[Position, ProvenBlock]:
        """The proven blocks of the newest of these reviews, as many as take ``most_bytes`` together."""
        newest_first = [position(review) for review in reversed(reviews)]
        found: dict[Position, ProvenBlock] = {}
        for start in range(0, len(newest_first), _REVIEWS_AT_ONCE):
            part = newest_first[start : start + _REVIEWS_AT_ONCE]
            blocks = self._proofs.blocks(part)
            for place in part:
                if _size({**found, place: blocks[place]}) > most_bytes:
                    return found
                found[place] = blocks[place]
        return found

    def _objects(self, events: Sequence[Event], openings: Sequence[bytes]) -> Iterator[tuple[str, bytes]]:
        opened = by_hash(openings)
        sealed = {e.manifest_hash for e in events if isinstance(e, DiagnosisRecordedEvent) and e.label == SEALED_LABEL}
        if foreign := opened.keys() - sealed:
            raise InvalidInput(
                f"expected the manifest of a sealed diagnosis of this record, found a file with SHA-256 {min(foreign)}"
            )
        yield from ((raw_cid(hash_), opening) for hash_, opening in opened.items())
        older = frozenset([event for event in events if isinstance(event, DiagnosisReviewedEvent)][:-MAX_STATEMENTS])
        for named in named_objects([event for event in events if event not in older]):
            if named.need is Need.IMAGE:
                # A slide stays outside: the events name it.
                with suppress(ImageTooLarge):
                    yield named.cid, self._store.get(named.cid, max_bytes=named.max_bytes)
            elif named.need is Need.REQUIRED:
                yield named.cid, self._store.get(named.cid, max_bytes=named.max_bytes)
            elif named.need is Need.DOCUMENT:
                yield from self._if_there(named.cid, named.max_bytes)

    def _with_slices(
        self, record: Record, objects: dict[str, bytes], slices: Collection[int] | None
    ) -> dict[str, bytes]:
        image = objects.get(record.image.cid)
        return objects if image is None else objects | dict(study_objects(self._store, image, slices))

    def _if_there(self, cid: str, max_bytes: int) -> Iterator[tuple[str, bytes]]:
        """The object, unless it is not available. The sender of the event chose its CID, so that no fault of the object
        may prevent the evidence."""
        try:
            yield cid, self._documents.get(cid, max_bytes=max_bytes)
        except (NotFound, StorageError, ImageTooLarge, InvalidCid):
            return

    def _checked(self, evidence: Evidence, events: Sequence[Event], record: Record) -> Evidence:
        """``evidence`` with the events that it proves, which must be ``events`` and what the registry stores, and with
        the number of reviews that it lacks."""
        chain = self._read(evidence)
        failed = next((check for check in chain.proofs if not check.passed), None)
        if failed:
            raise ChainUnavailable(f"{failed.name}: expected {failed.expected}, found {failed.found}")
        proven = events_of_record(chain, evidence.image_id)
        # Without the log index, which differs: the evidence file counts its own logs.
        if not {replace(event, log_index=0) for event in events} <= {replace(event, log_index=0) for event in proven}:
            raise ChainUnavailable("the chain was reorganised while it was read: try again")
        _require(check_completeness(chain, evidence.image_id))
        in_file = Counter(event.diagnosis_id for event in proven if isinstance(event, DiagnosisReviewedEvent))
        missing = {each: len(record.reviews_of(each)) - in_file[each.diagnosis_id] for each in record.diagnoses}
        return replace(
            evidence,
            events=tuple(described(event) for event in proven),
            left_out_reviews={each.diagnosis_id: count for each, count in missing.items() if count > 0},
        )


def _older_reviews(record: Record) -> list[DiagnosisReviewedEvent]:
    """All reviews but the newest of each diagnosis, which alone decides, oldest first. Whoever has the role can write
    any number, and megabytes beside each."""
    deciding = {reviews[-1] for each in record.diagnoses if (reviews := record.reviews_of(each))}
    noise = frozenset(record.noise)
    return [review for review in record.reviews if review not in deciding and review not in noise]


def _require(completeness: Completeness) -> None:
    for check in completeness.checks:
        if not check.passed:
            raise ChainUnavailable(
                f"the node's logs are not complete ({check.name}: expected {check.expected}, found {check.found}): "
                "try again, or name another node"
            )


def _size(blocks: Mapping[Position, ProvenBlock]) -> int:
    """The bytes of all proven transactions and receipts."""
    return sum(
        len(part)
        for block in merged(blocks)
        for each in block.transactions
        for part in (each.transaction, *each.transaction_proof, each.receipt, *each.receipt_proof)
    )
