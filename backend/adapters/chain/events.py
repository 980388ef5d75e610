"""The registry's events, from logs to domain objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from eth_abi import decode
from eth_utils.abi import event_abi_to_log_topic
from hexbytes import HexBytes
from web3 import Web3
from web3.contract import Contract
from web3.types import LogReceipt

from backend.adapters.chain import artifact
from backend.adapters.chain.blocks import BlockReader
from backend.adapters.chain.rpc import translated
from backend.domain import BlockRef, DiagnosisRecordedEvent, Event, ImageRegisteredEvent

TOPICS = {
    entry["name"]: HexBytes(event_abi_to_log_topic(entry)).to_0x_hex()
    for entry in artifact.load()["abi"]
    if entry["type"] == "event"
}
"""Topic 0 of every event of the contract, by the event's name."""

REGISTRY_TOPICS = [TOPICS["ImageRegistered"], TOPICS["DiagnosisRecorded"]]
CLASSIFIER_ROLE = Web3.keccak(text="CLASSIFIER_ROLE").to_0x_hex()


class EventDecoder:
    """Decodes ImageRegistered and DiagnosisRecorded; other logs are passed over."""

    def __init__(self, contract: Contract, blocks: BlockReader) -> None:
        self._contract = contract
        self._blocks = blocks

    def decode(self, logs: Iterable[LogReceipt]) -> Iterator[Event]:
        """Domain events with the block of each. Raises ChainUnavailable."""
        for log in logs:
            topic = HexBytes(log["topics"][0]).to_0x_hex() if log["topics"] else None
            if topic not in REGISTRY_TOPICS:
                continue
            block = self._blocks.by_hash(HexBytes(log["blockHash"]).to_0x_hex())
            with translated():
                yield self._registered(log, block) if topic == REGISTRY_TOPICS[0] else self._recorded(log, block)

    def _registered(self, log: LogReceipt, block: BlockRef) -> ImageRegisteredEvent:
        # Decoded by hand: the contract does not check that a CID is text, and web3 fails for one that is not.
        cid, commitment = decode(["bytes", "bytes32"], log["data"])
        return ImageRegisteredEvent(
            image_id=_hex(log["topics"][1]),
            uploader=Web3.to_checksum_address(log["topics"][2][-20:]),
            cid=_printable(cid),
            commitment=_hex(commitment),
            transaction_hash=_hex(log["transactionHash"]),
            log_index=log["logIndex"],
            block=block,
        )

    def _recorded(self, log: LogReceipt, block: BlockRef) -> DiagnosisRecordedEvent:
        fields = self._contract.events.DiagnosisRecorded().process_log(log)["args"]
        return DiagnosisRecordedEvent(
            image_id=_hex(fields["imageId"]),
            model_id=_hex(fields["modelId"]),
            classifier=fields["classifier"],
            label=fields["label"],
            confidence=fields["confidence"],
            manifest_hash=_hex(fields["manifestHash"]),
            issued_at=fields["issuedAt"],
            signature=_hex(fields["signature"]),
            transaction_hash=_hex(log["transactionHash"]),
            log_index=log["logIndex"],
            block=block,
        )


def _printable(text: bytes) -> str:
    """UTF-8 with everything that cannot be shown or stored as text replaced: then it is no CID, and will not verify."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text.decode("utf-8", "replace"))


def _hex(value: bytes) -> str:
    return HexBytes(value).to_0x_hex()
