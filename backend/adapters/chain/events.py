"""The registry's events, from logs as JSON-RPC gives them to domain objects.

Decoded by hand (https://docs.soliditylang.org/en/latest/abi-spec.html): a general decoder takes many times as long, and
fails for text that is no UTF-8, which the contract does not check.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from eth_utils import keccak, to_checksum_address
from eth_utils.abi import event_abi_to_log_topic

from backend.adapters.chain import artifact, eip712
from backend.adapters.chain.blocks import BlockReader
from backend.adapters.chain.rpc import translated
from backend.domain import (
    BlockRef,
    DiagnosisRecordedEvent,
    DiagnosisReviewedEvent,
    Event,
    ImageRegisteredEvent,
    ModelRegisteredEvent,
    ModelRetiredEvent,
    TrainingAnchoredEvent,
    Verdict,
)

TOPICS = {
    entry["name"]: "0x" + event_abi_to_log_topic(entry).hex()
    for entry in artifact.load()["abi"]
    if entry["type"] == "event"
}
"""Topic 0 of every event of the contract, by the event's name."""

RECORD_TOPICS = [TOPICS[name] for name in ("ImageRegistered", "DiagnosisRecorded", "DiagnosisReviewed")]
MODEL_TOPICS = [TOPICS["ModelRegistered"], TOPICS["ModelRetired"]]
TRAINING_TOPIC = TOPICS["TrainingAnchored"]
REGISTRY_TOPICS = [*RECORD_TOPICS, *MODEL_TOPICS, TRAINING_TOPIC]
ROLES = {name: "0x" + keccak(text=name).hex() for name in ("CLASSIFIER_ROLE", "CLINICIAN_ROLE", "MODEL_ADMIN_ROLE")}
_VERDICTS = tuple(Verdict)
_WORD = 32


class EventDecoder:
    """Decodes the events of the registry at ``contract``; logs of other events are passed over."""

    def __init__(self, blocks: BlockReader, *, chain_id: int, contract: str) -> None:
        self._blocks = blocks
        self._domain = eip712.domain_separator(chain_id=chain_id, contract=contract)
        self._decoders: dict[str, Callable[[list[bytes], bytes], tuple[type, dict]]] = {
            TOPICS["ImageRegistered"]: _registered,
            TOPICS["DiagnosisRecorded"]: self._recorded,
            TOPICS["DiagnosisReviewed"]: _reviewed,
            TOPICS["ModelRegistered"]: _model_registered,
            TOPICS["ModelRetired"]: _model_retired,
            TRAINING_TOPIC: _anchored,
        }

    def decode(self, logs: Iterable[dict]) -> list[Event]:
        """Domain events with the block of each, in the order of ``logs``. Raises ChainUnavailable."""
        with translated():
            known = [log for log in logs if log["topics"] and log["topics"][0] in self._decoders]
            # Newer nodes give the time of the block in each log, which spares asking for its header.
            headers = self._blocks.by_hashes(log["blockHash"] for log in known if not log.get("blockTimestamp"))
            return [self._event(log, headers.get(log["blockHash"]) or _block(log)) for log in known]

    def _event(self, log: dict, block: BlockRef) -> Event:
        topics = [_bytes(topic) for topic in log["topics"]]
        kind, fields = self._decoders[log["topics"][0]](topics, _bytes(log["data"]))
        return kind(**fields, transaction_hash=log["transactionHash"], log_index=int(log["logIndex"], 16), block=block)

    def _recorded(self, topics: list[bytes], data: bytes) -> tuple[type, dict]:
        label, confidence, manifest_hash, issued_at, signature_at = _words(data, 5)
        _, image_id, model_id, classifier = topics
        signed = image_id + model_id + data[: 4 * _WORD]
        return DiagnosisRecordedEvent, {
            "image_id": _hex(image_id),
            "diagnosis_id": _hex(eip712.digest(self._domain, signed)),
            "model_id": _hex(model_id),
            "classifier": _address(classifier),
            "label": _number(label),
            "confidence": _number(confidence),
            "manifest_hash": _hex(manifest_hash),
            "issued_at": _number(issued_at),
            "signature": _hex(_dynamic(data, signature_at)),
        }


def _registered(topics: list[bytes], data: bytes) -> tuple[type, dict]:
    cid_at, commitment = _words(data, 2)
    _, image_id, uploader = topics
    return ImageRegisteredEvent, {
        "image_id": _hex(image_id),
        "uploader": _address(uploader),
        "cid": _printable(_dynamic(data, cid_at)),
        "commitment": _hex(commitment),
    }


def _reviewed(topics: list[bytes], data: bytes) -> tuple[type, dict]:
    review_id, supersedes, reason_hash, verdict, label = _words(data, 5)
    _, image_id, diagnosis_id, reviewer = topics
    return DiagnosisReviewedEvent, {
        "image_id": _hex(image_id),
        "diagnosis_id": _hex(diagnosis_id),
        "reviewer": _address(reviewer),
        "review_id": _hex(review_id),
        "supersedes": _hex(supersedes),
        "reason_hash": _hex(reason_hash),
        "verdict": _VERDICTS[_number(verdict)],
        "label": _number(label),
    }


def _model_registered(topics: list[bytes], data: bytes) -> tuple[type, dict]:
    _, model_id, admin = topics
    (card_at,) = _words(data, 1)
    card = _printable(_dynamic(data, card_at))
    return ModelRegisteredEvent, {"model_id": _hex(model_id), "admin": _address(admin), "card_cid": card}


def _model_retired(topics: list[bytes], _data: bytes) -> tuple[type, dict]:
    _, model_id, admin = topics
    return ModelRetiredEvent, {"model_id": _hex(model_id), "admin": _address(admin)}


def _anchored(topics: list[bytes], data: bytes) -> tuple[type, dict]:
    metrics_hash, participants, admin = _words(data, 3)
    _, training_id, model_id, parent = topics
    return TrainingAnchoredEvent, {
        "training_id": _hex(training_id),
        "model_id": _hex(model_id),
        "parent_model_id": _hex(parent),
        "metrics_hash": _hex(metrics_hash),
        "participants": _number(participants),
        "admin": _address(admin),
    }


def _block(log: dict) -> BlockRef:
    return BlockRef(int(log["blockNumber"], 16), log["blockHash"], int(log["blockTimestamp"], 16))


def _words(data: bytes, count: int) -> Sequence[bytes]:
    if len(data) < count * _WORD:
        raise ValueError
    return [data[start : start + _WORD] for start in range(0, count * _WORD, _WORD)]


def _dynamic(data: bytes, offset: bytes) -> bytes:
    """``bytes`` or ``string``: its length and content, at ``offset``."""
    start = _number(offset)
    (length,) = _words(data[start:], 1)
    content = data[start + _WORD : start + _WORD + _number(length)]
    if len(content) != _number(length):
        raise ValueError
    return content


def _number(word: bytes) -> int:
    return int.from_bytes(word, "big")


@lru_cache(4096)
def _address(word: bytes) -> str:
    return to_checksum_address(word[-20:])


def _printable(text: bytes) -> str:
    """UTF-8 with everything that cannot be shown or stored as text replaced: then it is no CID, and will not verify."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text.decode("utf-8", "replace"))


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def _hex(value: bytes) -> str:
    return "0x" + value.hex()
