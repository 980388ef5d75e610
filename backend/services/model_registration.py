"""Registers the installed models: publishes the card and the training record of each, and anchors its training."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import rfc8785

from backend.cids import hash_of
from backend.domain import ModelDocuments, ModelStatus, RegisteredState, SentTransaction, Training
from backend.errors import ClassificationFailed, InvalidInput, NotFound
from backend.ports import Chain, ModelAdmin, ModelCatalogue, ObjectStore
from backend.services.model_verification import MAX_DOCUMENT_BYTES

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """An installed model and the registry's state of it; ``model_id`` is 0x and its SHA-256."""

    name: str
    model_id: str
    state: RegisteredState

    @property
    def retired(self) -> bool:
        return self.state.status is ModelStatus.RETIRED


class ModelRegistrationService:
    """Every method skips what is done already. Account and store are opened only when they are needed; the account
    needs MODEL_ADMIN_ROLE. ``sent`` are the hashes of the transactions so far, also of a call that failed later."""

    def __init__(
        self,
        models: ModelCatalogue,
        chain: Chain,
        open_admin: Callable[[], ModelAdmin],
        open_store: Callable[[], ObjectStore],
    ) -> None:
        self._models = models
        self._chain = chain
        self._open_admin = open_admin
        self._open_store = open_store
        self.sent: list[str] = []

    def installed(self) -> Sequence[InstalledModel]:
        """Every installed model, by name. Raises ChainError."""
        return self._states(self._models.identities())

    def known(self) -> Sequence[InstalledModel]:
        """The installed models, and those of retired bundles that the registry knows. Raises ChainError."""
        retired = self._states(self._models.retired_identities())
        return [*self.installed(), *(model for model in retired if model.state.status is not ModelStatus.UNKNOWN)]

    def find(self, name_or_id: str) -> InstalledModel:
        """The model of ``known`` with that name or id, with or without 0x. Raises NotFound, ChainError."""
        models = self.known()
        for model in models:
            if name_or_id == model.name or "0x" + name_or_id.lower().removeprefix("0x") == model.model_id:
                return model
        names = ", ".join(model.name for model in models)
        raise NotFound(f"expected an installed model ({names}) or its SHA-256, found {name_or_id[:80]!r}")

    def complete(self) -> list[SentTransaction]:
        """Register every installed model that the registry does not know, and anchor every missing training.

        Skips a model whose bundle is refused; the log says why. A retired model stays retired. Raises Conflict,
        StorageError, ChainError, ConfigurationError.
        """
        sent: list[SentTransaction] = []
        for model in self.installed():
            try:
                if model.state.status is ModelStatus.UNKNOWN:
                    sent += self.register_models([model])
                sent += self.anchor_trainings([model])
            except (ClassificationFailed, NotFound) as error:
                _log.error("the model %s is not registered: %s", model.name, error)
        return sent

    def register_models(self, models: Sequence[InstalledModel]) -> list[SentTransaction]:
        """Register the models that are not in use, and pin their cards.

        Raises Conflict with the contract's reason, for instance for a retired model; ClassificationFailed for a refused
        bundle; StorageError, ChainError; ConfigurationError when no account is configured.
        """
        missing = [model for model in models if model.state.status is not ModelStatus.IN_USE]
        return [self._register(model, self._documents(model)) for model in missing]

    def anchor_trainings(
        self, models: Sequence[InstalledModel], *, parent_model_id: str | None = None, participants: int = 1
    ) -> list[SentTransaction]:
        """Anchor the trainings that are not anchored yet, with the given parent, if any, and number of participants.
        Raises as ``register_models``.
        """
        sent: list[SentTransaction] = []
        for model in models:
            if model.state.training_id is None:
                documents = self._documents(model)
                anchored = self._anchor(
                    model.model_id,
                    parent_model_id=parent_model_id,
                    participants=participants,
                    record=documents.training,
                    metrics=documents.metrics,
                )
                sent.append(anchored)
        return sent

    def anchor_record(
        self, model_id: str, record: bytes, *, parent_model_id: str | None = None, participants: int = 1
    ) -> SentTransaction | None:
        """Anchor a training from its ``record``, a JSON object with the metrics in ``metrics``. The model need not be
        installed here. None when this record is anchored already.

        Raises InvalidInput; Conflict, also for a model whose training is anchored with another record; StorageError,
        ChainError, ConfigurationError.
        """
        training, metrics = canonical_record(record)
        (state,) = self._chain.model_states([model_id])
        if state.training_id == hash_of(training):
            return None
        return self._anchor(
            model_id,
            parent_model_id=parent_model_id,
            participants=participants,
            record=training,
            metrics=metrics,
        )

    def retire(self, model_id: str) -> SentTransaction | None:
        """Retire a model permanently, installed here or not. None when it is retired already.

        Raises Conflict, also for a model that was never registered; ChainError.
        """
        (state,) = self._chain.model_states([model_id])
        return None if state.status is ModelStatus.RETIRED else self._noted(self._open_admin().retire_model(model_id))

    def _states(self, identities: Mapping[str, str]) -> list[InstalledModel]:
        model_ids = ["0x" + sha256 for sha256 in identities.values()]
        states = self._chain.model_states(model_ids)
        return [InstalledModel(*each) for each in zip(identities, model_ids, states, strict=True)]

    def _documents(self, model: InstalledModel) -> ModelDocuments:
        documents = self._models.documents(model.name)
        if (found := "0x" + documents.facts.sha256) != model.model_id:
            raise ClassificationFailed(
                f"expected the model {model.name} to be {model.model_id}, found {found}: it was replaced meanwhile"
            )
        return documents

    def _register(self, model: InstalledModel, documents: ModelDocuments) -> SentTransaction:
        name = f"{model.name} {documents.facts.version}.md"
        card = self._open_store().put(documents.card, name=name, media_type="text/markdown")
        return self._noted(self._open_admin().register_model(model.model_id, documents.labels, card.cid))

    def _anchor(
        self, model_id: str, *, parent_model_id: str | None, participants: int, record: bytes, metrics: bytes
    ) -> SentTransaction:
        """Also pins training record and metrics; their hashes give their CIDs."""
        store = self._open_store()
        for content, what in ((record, "training"), (metrics, "metrics")):
            store.put(content, name=f"{model_id} {what}.json", media_type="application/json")
        training = Training(
            training_id=hash_of(record),
            model_id=model_id,
            parent_model_id=parent_model_id,
            metrics_hash=hash_of(metrics),
            participants=participants,
        )
        return self._noted(self._open_admin().anchor_training(training))

    def _noted(self, sent: SentTransaction) -> SentTransaction:
        self.sent.append(sent.hash)
        return sent


def canonical_record(record: bytes) -> tuple[bytes, bytes]:
    """A training record and its metrics in canonical JSON (RFC 8785). Raises InvalidInput."""
    try:
        values = json.loads(record) if len(record) <= MAX_DOCUMENT_BYTES else None
        if isinstance(values, dict) and isinstance(values.get("metrics"), dict):
            training, metrics = rfc8785.dumps(values), rfc8785.dumps(values["metrics"])
            if len(training) <= MAX_DOCUMENT_BYTES:
                return training, metrics
    except (ValueError, RecursionError, rfc8785.CanonicalizationError):
        pass
    raise InvalidInput(
        f"expected a training record: a JSON object of at most {MAX_DOCUMENT_BYTES:,} bytes with an object 'metrics'"
    )
