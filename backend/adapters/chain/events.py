"""Decodes the registry's events, from JSON-RPC logs to domain objects.

Without a general ABI decoder (https://docs.soliditylang.org/en/latest/abi-spec.html): it is many times slower, and it
fails for strings that are not UTF-8, which the contract accepts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NotRequired, TypedDict

from eth_utils import keccak, to_checksum_address
from eth_utils.abi import event_abi_to_log_topic

from backend.adapters.chain import artifact, eip712
from backend.adapters.chain.rpc import translated
from backend.domain import (
    BlockRef,
    ClassifierCompromisedEvent,
    DiagnosisRecordedEvent,
    DiagnosisReviewedEvent,
    Event,
    ImageRegisteredEvent,
    ModelRegisteredEvent,
    ModelRetiredEvent,
    RoleChange,
    TrainingAnchoredEvent,
    Verdict,
)

TOPICS = {
    entry["name"]: "0x" + event_abi_to_log_topic(entry).hex()
    for entry in artifact.current().abi
    if entry["type"] == "event"
}
"""Topic 0 of every event of the contract, by the event's name."""

_MODEL_REGISTERED = artifact.event_topics("ModelRegistered")
"""The forms of this event: in the first contract it had no number of labels."""
RECORD_TOPICS = [TOPICS[name] for name in ("ImageRegistered", "DiagnosisRecorded", "DiagnosisReviewed")]
MODEL_TOPICS = [*_MODEL_REGISTERED, TOPICS["ModelRetired"]]
TRAINING_TOPIC = TOPICS["TrainingAnchored"]
COMPROMISE_TOPIC = TOPICS["ClassifierCompromised"]
REGISTRY_TOPICS = [*RECORD_TOPICS, *MODEL_TOPICS, TRAINING_TOPIC, COMPROMISE_TOPIC]
ROLES = {name: "0x" + keccak(text=name).hex() for name in ("CLASSIFIER_ROLE", "CLINICIAN_ROLE", "MODEL_ADMIN_ROLE")}
_VERDICTS = tuple(Verdict)
_WORD = 32
_LARGEST = 2**63 - 1


class Log(TypedDict):
    """A log of JSON-RPC's ``eth_getLogs``: data and quantities in 0x-hex. A node's may lack any of it."""

    address: NotRequired[str]
    topics: list[str]
    data: str
    blockNumber: str
    blockHash: str
    blockTimestamp: NotRequired[str]
    transactionHash: str
    logIndex: str


class _Place(TypedDict):
    """The fields that every event has."""

    transaction_hash: str
    log_index: int
    block: BlockRef


BlocksByHash = Callable[[Iterable[str]], Mapping[str, BlockRef]]
_Decode = Callable[[Sequence[bytes], bytes, _Place], Event]


def position(log: Log) -> tuple[int, int]:
    """Block number and index within the block."""
    return int(log["blockNumber"], 16), int(log["logIndex"], 16)


def role_change(log: Log) -> RoleChange:
    """Of a log RoleGranted or RoleRevoked (OpenZeppelin's IAccessControl)."""
    granted = log["topics"][0] == TOPICS["RoleGranted"]
    return RoleChange(*position(log), granted, _address(_bytes(log["topics"][3])), log["transactionHash"])


class EventDecoder:
    """Decodes the events of the registry at ``contract`` and skips other logs.

    ``blocks_by_hash`` finds the blocks of logs without ``blockTimestamp``.
    """

    def __init__(self, blocks_by_hash: BlocksByHash, *, chain_id: int, contract: str) -> None:
        self._blocks_by_hash = blocks_by_hash
        self._domain = eip712.domain_separator(chain_id=chain_id, contract=contract)
        self._decoders: dict[str, _Decode] = {
            TOPICS["ImageRegistered"]: _registered,
            TOPICS["DiagnosisRecorded"]: self._recorded,
            TOPICS["DiagnosisReviewed"]: _reviewed,
            **{topic: _MODEL_REGISTERED_FORMS[fields] for topic, fields in _MODEL_REGISTERED.items()},
            TOPICS["ModelRetired"]: _model_retired,
            TRAINING_TOPIC: _anchored,
            COMPROMISE_TOPIC: _compromised,
        }

    def decode(self, logs: Iterable[Log]) -> list[Event]:
        """The events with their blocks, in the order of ``logs``. Raises ChainUnavailable."""
        with translated():
            known = [log for log in logs if log["topics"] and log["topics"][0] in self._decoders]
            # Newer nodes put the block's time into each log, which saves a request for the header.
            blocks = self._blocks_by_hash(log["blockHash"] for log in known if not log.get("blockTimestamp"))
            return [self._event(log, blocks.get(log["blockHash"]) or _block(log)) for log in known]

    def _event(self, log: Log, block: BlockRef) -> Event:
        topics = [_bytes(topic) for topic in log["topics"]]
        place = _Place(transaction_hash=log["transactionHash"], log_index=int(log["logIndex"], 16), block=block)
        return self._decoders[log["topics"][0]](topics, _bytes(log["data"]), place)

    def _recorded(self, topics: Sequence[bytes], data: bytes, place: _Place) -> DiagnosisRecordedEvent:
        label, confidence, manifest_hash, issued_at, signature_at = _words(data, 5)
        _, image_id, model_id, classifier = topics
        signed = image_id + model_id + data[: 4 * _WORD]
        return DiagnosisRecordedEvent(
            image_id=_hex(image_id),
            diagnosis_id=_hex(eip712.digest(self._domain, signed)),
            model_id=_hex(model_id),
            classifier=_address(classifier),
            label=_number(label),
            confidence=_number(confidence),
            manifest_hash=_hex(manifest_hash),
            issued_at=_number(issued_at),
            signature=_hex(_dynamic(data, signature_at)),
            **place,
        )


def _registered(topics: Sequence[bytes], data: bytes, place: _Place) -> ImageRegisteredEvent:
    cid_at, commitment = _words(data, 2)
    _, image_id, uploader = topics
    return ImageRegisteredEvent(
        image_id=_hex(image_id),
        uploader=_address(uploader),
        cid=_printable(_dynamic(data, cid_at)),
        commitment=_hex(commitment),
        **place,
    )


def _reviewed(topics: Sequence[bytes], data: bytes, place: _Place) -> DiagnosisReviewedEvent:
    review_id, supersedes, reason_hash, verdict, label = _words(data, 5)
    _, image_id, diagnosis_id, reviewer = topics
    return DiagnosisReviewedEvent(
        image_id=_hex(image_id),
        diagnosis_id=_hex(diagnosis_id),
        reviewer=_address(reviewer),
        review_id=_hex(review_id),
        supersedes=_hex(supersedes),
        reason_hash=_hex(reason_hash),
        verdict=_VERDICTS[_number(verdict)],
        label=_number(label),
        **place,
    )


def _model_registered(topics: Sequence[bytes], data: bytes, place: _Place) -> ModelRegisteredEvent:
    labels, card_at = _words(data, 2)
    return _registration(topics, data, place, labels=_number(labels), card_at=card_at)


def _model_registered_without_labels(topics: Sequence[bytes], data: bytes, place: _Place) -> ModelRegisteredEvent:
    (card_at,) = _words(data, 1)
    return _registration(topics, data, place, labels=None, card_at=card_at)


def _registration(
    topics: Sequence[bytes], data: bytes, place: _Place, *, labels: int | None, card_at: bytes
) -> ModelRegisteredEvent:
    _, model_id, admin = topics
    card = _printable(_dynamic(data, card_at))
    return ModelRegisteredEvent(model_id=_hex(model_id), admin=_address(admin), labels=labels, card_cid=card, **place)


_MODEL_REGISTERED_FORMS: dict[tuple[str, ...], _Decode] = {
    ("modelId", "admin", "labels", "cardCid"): _model_registered,
    ("modelId", "admin", "cardCid"): _model_registered_without_labels,
}


def _model_retired(topics: Sequence[bytes], _data: bytes, place: _Place) -> ModelRetiredEvent:
    _, model_id, admin = topics
    return ModelRetiredEvent(model_id=_hex(model_id), admin=_address(admin), **place)


def _anchored(topics: Sequence[bytes], data: bytes, place: _Place) -> TrainingAnchoredEvent:
    metrics_hash, participants, admin = _words(data, 3)
    _, training_id, model_id, parent = topics
    return TrainingAnchoredEvent(
        training_id=_hex(training_id),
        model_id=_hex(model_id),
        parent_model_id=_hex(parent),
        metrics_hash=_hex(metrics_hash),
        participants=_number(participants),
        admin=_address(admin),
        **place,
    )


def _compromised(topics: Sequence[bytes], data: bytes, place: _Place) -> ClassifierCompromisedEvent:
    (since,) = _words(data, 1)
    _, classifier, admin = topics
    return ClassifierCompromisedEvent(
        classifier=_address(classifier), since=_number(since), admin=_address(admin), **place
    )


def _block(log: Log) -> BlockRef:
    return BlockRef(int(log["blockNumber"], 16), log["blockHash"], int(log["blockTimestamp"], 16))


def _words(data: bytes, count: int) -> Sequence[bytes]:
    if len(data) < count * _WORD:
        raise ValueError
    return [data[start : start + _WORD] for start in range(0, count * _WORD, _WORD)]


def _dynamic(data: bytes, offset: bytes) -> bytes:
    """The content of a ``bytes`` or ``string``: its length, then its bytes, are at ``offset``."""
    start = _number(offset)
    (length,) = _words(data[start:], 1)
    content = data[start + _WORD : start + _WORD + _number(length)]
    if len(content) != _number(length):
        raise ValueError
    return content


def _number(word: bytes) -> int:
    """Raises ValueError for a number that no field of the contract's events can have, nor a database."""
    number = int.from_bytes(word, "big")
    if number > _LARGEST:
        raise ValueError
    return number


@lru_cache(4096)
def _address(word: bytes) -> str:
    return to_checksum_address(word[-20:])


def _printable(text: bytes) -> str:
    """``text`` as UTF-8, unprintable characters replaced: databases and terminals refuse some. It is no CID then."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text.decode("utf-8", "replace"))


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def _hex(value: bytes) -> str:
    return "0x" + value.hex()
