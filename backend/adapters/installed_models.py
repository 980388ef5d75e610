"""The shipped model bundles behind the port InstalledModels."""

from __future__ import annotations

from collections.abc import Mapping

import rfc8785

from backend.adapters.classifier import facts_of
from backend.adapters.ml_images import told
from backend.submissions import ModelPapers
from ml.inference.ensemble import Ensemble
from ml.inference.registry import Registry

TRAINING_SCHEMA = "scanproof.training/1"


class InstalledBundles:
    """Threads may share it."""

    def __init__(self, registry: Registry | None = None) -> None:
        self._registry = registry or Registry()

    def identities(self) -> Mapping[str, str]:
        return self._registry.identities()

    def papers(self, name: str) -> ModelPapers:
        """The training record says what was trained how, on which data and when, and an ensemble's of which members it
        is made; all of it stands in the bundle too."""
        with told(name):
            model = self._registry.get(name)
        bundle = model.bundle
        facts, metadata = facts_of(bundle), bundle.metadata
        training = {
            "schema": TRAINING_SCHEMA,
            "model": {"name": facts.name, "version": facts.version, "sha256": facts.sha256},
            "architecture": metadata.architecture,
            "data": metadata.data,
            "training": metadata.training,
            "created": metadata.created,
        }
        if isinstance(model, Ensemble):
            members = [member.bundle for member in model.members]
            training["members"] = [{"name": each.metadata.name, "sha256": each.sha256} for each in members]
        return ModelPapers(facts, bundle.card.encode(), rfc8785.dumps(training), rfc8785.dumps(bundle.metrics))
