"""Where the registry keeps what it stores, and what a word of its storage says.

Source: https://docs.soliditylang.org/en/v0.8.30/internals/layout_in_storage.html, with the layout that solc puts out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from eth_utils import keccak, to_checksum_address

from backend.adapters.chain.events import ROLES
from backend.adapters.chain.proofs.encodings import octets
from backend.domain import ModelStatus, RegisteredState, RegistryState, StateKeys, StoredImage

_WORD = 32
_STATUSES = tuple(ModelStatus)
ReadWord = Callable[[int], int]
"""Gives the word at a slot, both as numbers below 2**256; 0 where nothing was stored."""


class _Place(NamedTuple):
    slot: int
    offset: int
    size: int

    def read(self, word_at: ReadWord) -> int:
        return word_at(self.slot) >> 8 * self.offset & (1 << 8 * self.size) - 1


class RegistryStorage:
    """Reads the storage of a build of the registry with that layout, solc's output ``storageLayout``."""

    def __init__(self, layout: Mapping[str, Any]) -> None:
        self._types: Mapping[str, Any] = layout["types"]
        self._variables: Mapping[str, Any] = {variable["label"]: variable for variable in layout["storage"]}

    def slots(self, keys: StateKeys) -> Sequence[int]:
        """The slots that ``read`` reads, each once."""
        slots: dict[int, None] = {}

        def note(slot: int) -> int:
            slots[slot] = None
            return 0

        self.read(keys, note)
        return list(slots)

    def read(self, keys: StateKeys, word_at: ReadWord) -> RegistryState:
        image = {
            field: self._place("_images", octets(keys.image_id), field).read(word_at)
            for field in ("uploader", "registeredAt", "lastIssuedAt", "diagnosisCount")
        }
        stored = StoredImage(
            uploader=to_checksum_address(image["uploader"].to_bytes(20)),
            registered_at=image["registeredAt"],
            last_issued_at=image["lastIssuedAt"],
            diagnosis_count=image["diagnosisCount"],
        )
        return RegistryState(
            image=stored if image["uploader"] else None,
            newest_reviews={
                id_: _hash(self._place("_newestReviews", octets(id_)).read(word_at)) for id_ in keys.diagnosis_ids
            },
            models={id_: self._model(octets(id_), word_at) for id_ in keys.model_ids},
            compromises={account: self._compromise(octets(account), word_at) for account in keys.classifiers},
            roles={
                (role, account): bool(
                    self._place("_roles", octets(ROLES[role]), "hasRole", octets(account)).read(word_at)
                )
                for role, account in keys.roles
            },
        )

    def _model(self, model_id: bytes, word_at: ReadWord) -> RegisteredState:
        # The first builds kept the status alone.
        path = ("_statuses", model_id) if "_statuses" in self._variables else ("_models", model_id, "status")
        status = self._place(*path).read(word_at)
        return RegisteredState(_STATUSES[status], _hash(self._place("_trainings", model_id).read(word_at)))

    def _compromise(self, classifier: bytes, word_at: ReadWord) -> int | None:
        # The first builds have no reports.
        if "_compromises" not in self._variables:
            return None
        return self._place("_compromises", classifier).read(word_at) or None

    def _place(self, variable: str, *path: bytes | str) -> _Place:
        """Where a variable is, down the keys of its mappings (bytes) and the members of its structs (names)."""
        found = self._variables[variable]
        slot, offset, type_ = int(found["slot"]), found["offset"], self._types[found["type"]]
        for step in path:
            if isinstance(step, bytes):
                slot, offset = int.from_bytes(keccak(step.rjust(_WORD, b"\0") + slot.to_bytes(_WORD))), 0
                type_ = self._types[type_["value"]]
            else:
                member = next(member for member in type_["members"] if member["label"] == step)
                slot, offset, type_ = slot + int(member["slot"]), member["offset"], self._types[member["type"]]
        return _Place(slot, offset, int(type_["numberOfBytes"]))


def _hash(value: int) -> str | None:
    return f"0x{value:064x}" if value else None
